/**
 * How long what should answer may take on a busy machine, and how long what should not is waited for. TCP sends its first packet again
 * after a second: one that was lost must show.
 */
export const answerMs = 900;
export const silenceMs = 400;
