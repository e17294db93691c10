/** The longest that a timer of Node waits, in milliseconds; it takes more for 1. Whoever waits longer looks again. */
export const longestTimerMs = 2 ** 31 - 1;
