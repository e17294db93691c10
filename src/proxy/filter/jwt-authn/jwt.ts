import type { JsonObject } from '../../config/fields.ts';
import { decodeLooseBase64Url } from '../../http/base64.ts';
import type { JwtStatus } from './status.ts';
import { fieldOf, parseStruct } from './struct.ts';

/** A token as it was sent, its signature not checked. Texts are latin1 text of their bytes. */
export interface Jwt {
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly algorithm: string;
  /** Empty: the header names no key. */
  readonly key: string;
  /** Empty: nobody is named. */
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Seconds since the epoch; 0: from ever. */
  readonly notBefore: number;
  /** Seconds since the epoch; 0: for ever. */
  readonly expires: number;
  /** The payload in base64url, as it was sent. */
  readonly payloadText: string;
  /** What the signature is about. */
  readonly signed: string;
  readonly signature: Buffer;
}

const ALGORITHMS = new Set([
  'EdDSA',
  ...['RS', 'PS', 'ES', 'HS'].flatMap((kind) => [256, 384, 512].map((size) => `${kind}${size}`)),
]);

/** Reads a token in the compact form of RFC 7515, or says what is wrong with it. As in Envoy dots without anything between them count once. */
export function parseJwt(text: string): Jwt | JwtStatus {
  const parts = text.split('.').filter((part) => part !== '');
  const [head, body, last] = parts;
  if (parts.length !== 3 || !head || !body || !last) return 'badForm';
  const headerBytes = decodeLooseBase64Url(head);
  if (!headerBytes) return 'headerBase64';
  const header = parseStruct(headerBytes.toString('latin1'));
  if (!header) return 'headerJson';
  const algorithm = fieldOf(header, 'alg');
  if (typeof algorithm !== 'string') return 'headerAlg';
  if (!ALGORITHMS.has(algorithm)) return 'unknownAlg';
  const key = fieldOf(header, 'kid') ?? '';
  if (typeof key !== 'string' || fieldOf(header, 'kid') === null) return 'headerKid';
  const payloadBytes = decodeLooseBase64Url(body);
  if (!payloadBytes) return 'payloadBase64';
  const payload = parseStruct(payloadBytes.toString('latin1'));
  if (!payload) return 'payloadJson';
  const claims = readClaims(payload);
  if (typeof claims === 'string') return claims;
  const signature = decodeLooseBase64Url(last);
  if (!signature) return 'signatureBase64';
  return { header, payload, algorithm, key, ...claims, payloadText: body, signed: `${head}.${body}`, signature };
}

type Claims = Pick<Jwt, 'issuer' | 'subject' | 'audiences' | 'notBefore' | 'expires'>;

/** The registered claims in the order in which Envoy looks at them. */
function readClaims(payload: JsonObject): Claims | JwtStatus {
  const issuer = textOf(payload, 'iss');
  if (issuer === undefined) return 'payloadIss';
  const subject = textOf(payload, 'sub');
  if (subject === undefined) return 'payloadSub';
  const issuedAt = timeOf(payload, 'iat');
  if (issuedAt === undefined) return 'payloadIat';
  if (issuedAt < 0) return 'payloadIatSign';
  const notBefore = timeOf(payload, 'nbf');
  if (notBefore === undefined) return 'payloadNbf';
  if (notBefore < 0) return 'payloadNbfSign';
  const expires = timeOf(payload, 'exp');
  if (expires === undefined) return 'payloadExp';
  if (expires < 0) return 'payloadExpSign';
  if (textOf(payload, 'jti') === undefined) return 'payloadJti';
  const audiences = audiencesOf(payload);
  return audiences ? { issuer, subject, audiences, notBefore, expires } : 'payloadAud';
}

/** Empty where there is none; undefined where it is no text. */
function textOf(object: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : '';
  return typeof value === 'string' ? value : undefined;
}

/** Whole seconds; 0 where there are none, -1 where they are none that 64 bits hold, undefined where it is no number. */
function timeOf(object: JsonObject, name: string): number | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : 0;
  if (typeof value !== 'number') return undefined;
  return value < 0 || value >= 2 ** 64 ? -1 : Math.trunc(value);
}

function audiencesOf(payload: JsonObject): readonly string[] | undefined {
  const value = Object.hasOwn(payload, 'aud') ? payload['aud'] : [];
  if (typeof value === 'string') return [value];
  const all = Array.isArray(value) ? value : undefined;
  return all?.every((one) => typeof one === 'string') ? all : undefined;
}
