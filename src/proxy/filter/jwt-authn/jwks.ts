import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isObject, type JsonObject } from '../../config/fields.ts';
import { decodeLooseBase64Url } from '../../http/base64.ts';
import { fieldOf, parseStruct } from './struct.ts';

/** A key of a JSON web key set (RFC 7517). */
export interface Jwk {
  readonly type: 'RSA' | 'EC' | 'OKP' | 'oct';
  /** Its `kid`; empty: it has none. */
  readonly id: string;
  /** Empty: any of its type. */
  readonly algorithm: string;
  readonly key: KeyObject;
}

/** More keys than anybody has would take long to try. */
const MAX_KEYS = 1000;
/** Bytes of the largest number of an RSA key that BoringSSL works with. */
const MAX_MODULUS = 2048;
/** The exponents that Envoy takes, 3 and 65,537. */
const EXPONENTS: ReadonlySet<number> = new Set([3, 65_537]);
const MAX_EXPONENT = 4;
const ED25519_BYTES = 32;

/** Reads a key set, or certificates by `kid`; `text` is latin1 text of its bytes. Keys that are none are left out; undefined: there are no others. */
export function parseJwks(text: string): readonly Jwk[] | undefined {
  const json = parseStruct(text);
  if (!json) return undefined;
  const listed = fieldOf(json, 'keys');
  const keys = listed === undefined ? readCertificates(json) : Array.isArray(listed) ? listed.map(readKey) : [];
  const found = keys.filter((key) => key !== undefined);
  return found.length === 0 || keys.length > MAX_KEYS ? undefined : found;
}

function readKey(json: unknown): Jwk | undefined {
  if (!isObject(json)) return undefined;
  const type = fieldOf(json, 'kty');
  const algorithm = text(json, 'alg') ?? '';
  const id = text(json, 'kid') ?? '';
  switch (type) {
    case 'RSA':
      return withKey({ type, id, algorithm }, rsaKey(json, algorithm));
    case 'EC':
      return withKey({ type, id, algorithm }, ecKey(json, algorithm));
    case 'OKP':
      return withKey({ type, id, algorithm }, edKey(json, algorithm));
    case 'oct':
      return withKey({ type, id, algorithm }, octets(json, algorithm));
    default:
      return undefined;
  }
}

function withKey(about: Omit<Jwk, 'key'>, key: KeyObject | undefined): Jwk | undefined {
  return key && { ...about, key };
}

function rsaKey(json: JsonObject, algorithm: string): KeyObject | undefined {
  if (algorithm !== '' && !/^[RP]S/.test(algorithm)) return undefined;
  const n = number(json, 'n', MAX_MODULUS);
  const e = number(json, 'e', MAX_EXPONENT);
  const known = e !== undefined && EXPONENTS.has(Number(`0x${Buffer.from(e, 'base64url').toString('hex')}`));
  return n && known ? publicKey({ kty: 'RSA', n, e }) : undefined;
}

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** The curve is that of the algorithm where none is named, P-256 without either. */
function ecKey(json: JsonObject, algorithm: string): KeyObject | undefined {
  if (algorithm !== '' && !algorithm.startsWith('ES')) return undefined;
  const named = fieldOf(json, 'crv');
  if (named !== undefined && typeof named !== 'string') return undefined;
  const asked = algorithm === '' ? undefined : CURVES[algorithm];
  if (named && algorithm !== '' && named !== asked) return undefined;
  const crv = named || (algorithm === '' ? 'P-256' : asked);
  const x = number(json, 'x', MAX_MODULUS);
  const y = number(json, 'y', MAX_MODULUS);
  const known = crv !== undefined && Object.values(CURVES).includes(crv);
  return known && x && y ? publicKey({ kty: 'EC', crv, x, y }) : undefined;
}

function edKey(json: JsonObject, algorithm: string): KeyObject | undefined {
  if ((algorithm !== '' && algorithm !== 'EdDSA') || fieldOf(json, 'crv') !== 'Ed25519') return undefined;
  const x = number(json, 'x', ED25519_BYTES);
  return x && Buffer.from(x, 'base64url').length === ED25519_BYTES
    ? publicKey({ kty: 'OKP', crv: 'Ed25519', x })
    : undefined;
}

function octets(json: JsonObject, algorithm: string): KeyObject | undefined {
  if (algorithm !== '' && !/^HS(?:256|384|512)$/.test(algorithm)) return undefined;
  const bytes = decodeLooseBase64Url(text(json, 'k') ?? '');
  return bytes && bytes.length > 0 ? createSecretKey(bytes) : undefined;
}

function text(json: JsonObject, name: string): string | undefined {
  const value = fieldOf(json, name);
  return typeof value === 'string' ? value : undefined;
}

/** The field in base64url without padding; undefined where it is no number of at most so many bytes. */
function number(json: JsonObject, name: string, maxBytes: number): string | undefined {
  const bytes = decodeLooseBase64Url(text(json, name) ?? '');
  return bytes && bytes.length > 0 && bytes.length <= maxBytes ? bytes.toString('base64url') : undefined;
}

function publicKey(key: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** Certificates in PEM by `kid`, as Google publishes them: one that is none spoils all. */
function readCertificates(json: JsonObject): readonly (Jwk | undefined)[] {
  const entries = Object.entries(json);
  if (entries.some(([id, value]) => id === '' || typeof value !== 'string' || value === '')) return [];
  const keys = entries.map(([id, value]) => certificateKey(id, String(value)));
  return keys.includes(undefined) ? [] : keys;
}

function certificateKey(id: string, pem: string): Jwk | undefined {
  try {
    const key = new X509Certificate(pem).publicKey;
    return key.asymmetricKeyType === 'rsa' ? { type: 'RSA', id, algorithm: '', key } : undefined;
  } catch {
    return undefined;
  }
}
