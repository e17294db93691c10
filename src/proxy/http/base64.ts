/**
 * Decodes standard base64 as Envoy does, as latin1 text of the bytes: padding may be there or not. Undefined where a character is none of the
 * alphabet, a length is impossible, or bits are set that stand for nothing.
 */
export function decodeBase64(text: string): string | undefined {
  return decode(text.replace(/={1,2}$/, ''), /^[A-Za-z0-9+/]*$/, 'base64');
}

/** The same for base64url without padding. */
export function decodeBase64Url(text: string): string | undefined {
  return decode(text, /^[\w-]*$/, 'base64url');
}

function decode(text: string, alphabet: RegExp, encoding: 'base64' | 'base64url'): string | undefined {
  if (text.length % 4 === 1 || !alphabet.test(text)) return undefined;
  const bytes = Buffer.from(text, encoding);
  // Only the canonical form comes out as it went in.
  return bytes.toString(encoding).replace(/=+$/, '') === text ? bytes.toString('latin1') : undefined;
}

/** Base64url as the tokens of JWTs are read: with white space and padding passed over and whatever bits at the end. */
export function decodeLooseBase64Url(text: string): Buffer | undefined {
  const packed = text.replace(/[ \t\n\v\f\r]/g, '');
  const bare = packed.replace(/={1,2}$/, '');
  const padded = packed.length > bare.length;
  if (bare.length % 4 === 1 || (padded && packed.length % 4 !== 0) || !/^[\w-]*$/.test(bare)) return undefined;
  return Buffer.from(bare, 'base64url');
}
