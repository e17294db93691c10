/** Byte classes of RFC 9110 and Envoy's codec, one byte per byte value. */
function table(accept: (byte: number) => boolean): Uint8Array {
  const out = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) out[byte] = accept(byte) ? 1 : 0;
  return out;
}

const ALPHANUMERIC = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** The characters of a text as a byte class. */
export const among = (text: string): Uint8Array => table((byte) => text.includes(String.fromCharCode(byte)));

/** Bytes of a method or header name. */
export const TOKEN = among(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`);
/** Bytes of a request target: visible ASCII. */
export const TARGET = table((byte) => byte > 0x20 && byte < 0x7f);
/** Bytes of a header value: no control characters but TAB. */
export const VALUE = table((byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 9);
/** Control characters that may stand nowhere in a head. */
export const CONTROL = table((byte) => (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 0x7f);
/** Bytes of an authority in Envoy's eyes. */
const AUTHORITY = among(`${ALPHANUMERIC}-._~!$&'()*+,;=:@[]%`);

export function isToken(text: string): boolean {
  return text !== '' && every(text, TOKEN);
}

/** Whether the text may be part of a request target. */
export function isTarget(text: string): boolean {
  return every(text, TARGET);
}

export function isHeaderValue(text: string): boolean {
  return every(text, VALUE);
}

export function isAuthorityText(text: string): boolean {
  return every(text, AUTHORITY);
}

/** Whether a byte of the range is of the class. */
export function anyOf(bytes: Uint8Array, from: number, to: number, among: Uint8Array): boolean {
  for (let at = from; at < to; at++) if (among[bytes[at] as number] === 1) return true;
  return false;
}

function every(text: string, allowed: Uint8Array): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 255 || allowed[code] === 0) return false;
  }
  return true;
}
