/** ANSI colouring as Hubble does it, or none. Every function takes text and gives text. */
export interface Colourer {
  readonly port: (text: string) => string;
  readonly host: (text: string) => string;
  readonly identity: (text: string) => string;
  readonly verdict: (name: string, text: string) => string;
  readonly auth: (name: string, text: string) => string;
}

const red = 31;
const green = 32;
const yellow = 33;
const magenta = 35;
const cyan = 36;

const verdictColours: Readonly<Record<string, number>> = {
  FORWARDED: green,
  REDIRECTED: green,
  ALLOWED: green,
  DROPPED: red,
  ERROR: red,
  DENIED: red,
  AUDIT: yellow,
  AUDITED: yellow,
  TRACED: yellow,
  TRANSLATED: yellow,
};

const plain = (text: string): string => text;

export const noColours: Colourer = {
  port: plain,
  host: plain,
  identity: plain,
  verdict: (_name, text) => text,
  auth: (_name, text) => text,
};

export const ansiColours: Colourer = {
  port: (text) => paint(yellow, text),
  host: (text) => paint(cyan, text),
  identity: (text) => paint(magenta, text),
  verdict: (name, text) => {
    const colour = verdictColours[name];
    return colour === undefined ? text : paint(colour, text);
  },
  auth: (name, text) => paint(name === 'TEST_ALWAYS_FAIL' ? red : green, text),
};

function paint(colour: number, text: string): string {
  return text === '' ? '' : `\u001b[${colour}m${text}\u001b[0m`;
}

const shown: Readonly<Record<string, string>> = { '\u001b': '^[', '\r': '\\r', '\n': '\\n', '\t': '\t' };

/** Makes text from the network harmless to a terminal: ESC shows as `^[`, carriage return as `\r`, others as `\xNN`. */
export function terminalSafe(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => shown[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
