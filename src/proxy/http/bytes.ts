/** Byte classes of RFC 9110 and Envoy's codec, one byte per byte value. */
function table(accept: (byte: number) => boolean): Uint8Array {
  const out = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) out[byte] = accept(byte) ? 1 : 0;
  return out;
}

const TOKEN_TEXT = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Bytes of a method or header name. */
export const TOKEN = table((byte) => TOKEN_TEXT.includes(String.fromCharCode(byte)));
/** Bytes of a request target: visible ASCII. */
export const TARGET = table((byte) => byte > 0x20 && byte < 0x7f);
/** Bytes of a header value: no control characters but TAB. */
export const VALUE = table((byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 9);
/** Bytes of an authority. */
const AUTHORITY = table((byte) => /[A-Za-z0-9\-._~!$&'()*+,;=:@[\]%]/.test(String.fromCharCode(byte)));

export function isToken(text: string): boolean {
  return text !== '' && every(text, TOKEN);
}

export function isHeaderValue(text: string): boolean {
  return every(text, VALUE);
}

/** Whether the text may stand in `Host`. Comma excluded: it is what a joined pair of Host fields has. */
export function isAuthority(text: string): boolean {
  return every(text, AUTHORITY) && !text.includes(',') && !text.includes('@');
}

function every(text: string, allowed: Uint8Array): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 255 || allowed[code] === 0) return false;
  }
  return true;
}
