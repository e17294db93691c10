import { among } from './bytes.ts';

const WORD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LETTER = among(WORD);
/** Characters of a relative reference, `/` and `:` apart. */
const RELATIVE = among(`${WORD}0123456789-._~!$&'()*+,;=@?%`);
const HOST = among(`${WORD}0123456789.-`);
const ADDRESS = among('0123456789abcdefABCDEF:.');
const MAX_PORT = 65_535;

const [SLASH, COLON, QUESTION, HASH, AT, OPEN, CLOSE] = [0x2f, 0x3a, 0x3f, 0x23, 0x40, 0x5b, 0x5d];

/**
 * Whether Envoy keeps a `referer`: an absolute URL with a host and without user information or fragment,
 * or a relative reference without fragment whose first segment has no colon.
 */
export function isReferer(value: string): boolean {
  let at = 0;
  while (LETTER[value.charCodeAt(at)] === 1) at++;
  if (at > 0 && value.startsWith('://', at)) return isAbsolute(value, at + 3);
  return isRelative(value);
}

function isAbsolute(value: string, from: number): boolean {
  let end = from;
  let host = from;
  for (; end < value.length; end++) {
    const code = value.charCodeAt(end);
    if (code === SLASH || code === QUESTION || code === HASH) break;
    if (code === AT) host = end + 1;
  }
  if (host > from + 1) return false;
  for (let at = end; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code <= 0x20 || code === 0x7f || (code === HASH && at < value.length - 1)) return false;
  }
  return isHostAndPort(value, host, end);
}

function isHostAndPort(value: string, from: number, end: number): boolean {
  const bracketed = value.charCodeAt(from) === OPEN;
  const allowed = bracketed ? ADDRESS : HOST;
  let at = bracketed ? from + 1 : from;
  const start = at;
  while (at < end && allowed[value.charCodeAt(at)] === 1) at++;
  if (at === start) return false;
  if (bracketed && value.charCodeAt(at++) !== CLOSE) return false;
  if (at === end) return true;
  if (value.charCodeAt(at) !== COLON || at + 1 === end) return false;
  let port = 0;
  while (++at < end) {
    const digit = value.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > MAX_PORT) return false;
  }
  return true;
}

function isRelative(value: string): boolean {
  let slash = false;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === SLASH) slash = true;
    else if (code === COLON ? !slash : RELATIVE[code] !== 1) return false;
  }
  return true;
}
