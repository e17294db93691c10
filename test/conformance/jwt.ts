import { constants, createHmac, createPrivateKey, createPublicKey, type JsonWebKey, sign } from 'node:crypto';
import { KEYS } from './jwt-keys.ts';
import type { Json } from './types.ts';

export type KeyName = keyof typeof KEYS;

/** A far future, and a past, in seconds. */
export const LATER = 4_000_000_000;
export const BEFORE = 1_000_000_000;

const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value), 'utf8').toString('base64url');

const ALGORITHM: Readonly<Record<KeyName, string>> = {
  rsa: 'RS256',
  otherRsa: 'RS256',
  ec256: 'ES256',
  ec384: 'ES384',
  ec521: 'ES512',
  ed: 'EdDSA',
};

export interface TokenOptions {
  readonly key?: KeyName;
  readonly alg?: string;
  /** Added to the header; text takes its place. */
  readonly header?: Json | string;
  /** Of a HMAC, instead of a key. */
  readonly secret?: string;
}

/** A signed token; `payload` may be text that is no JSON. */
export function token(payload: unknown = { iss: 'issuer', sub: 'me', exp: LATER }, options: TokenOptions = {}): string {
  const { key = 'rsa', header = {}, secret } = options;
  const alg = options.alg ?? ALGORITHM[key];
  const head = typeof header === 'string' ? header : { alg, ...header };
  const signed = `${base64(head)}.${base64(payload)}`;
  return `${signed}.${signature(signed, alg, key, secret).toString('base64url')}`;
}

function signature(signed: string, alg: string, name: KeyName, secret: string | undefined): Buffer {
  const hash = `sha${/\d+$/.exec(alg)?.[0] ?? '256'}`;
  if (secret !== undefined) return createHmac(hash, secret).update(signed).digest();
  const key = createPrivateKey({ key: KEYS[name] as JsonWebKey, format: 'jwk' });
  const bytes = Buffer.from(signed);
  if (name === 'ed') return sign(undefined, bytes, key);
  if (alg.startsWith('PS')) {
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    return sign(hash, bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
  }
  return sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' });
}

/** The public part of a key as a JWK, with more or other fields. */
export function jwk(name: KeyName, more: Json = {}): Json {
  const key = createPublicKey(createPrivateKey({ key: KEYS[name] as JsonWebKey, format: 'jwk' }));
  return { ...key.export({ format: 'jwk' }), ...more };
}

export const jwks = (...keys: readonly Json[]): string => JSON.stringify({ keys });
