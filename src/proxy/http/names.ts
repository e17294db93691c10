import { textIn } from '../transport/text.ts';
import { TOKEN } from './bytes.ts';

/** What the codec does with a field of that name. */
export const NAME = {
  PLAIN: 0,
  CONTENT_LENGTH: 1,
  TRANSFER_ENCODING: 2,
  HOST: 3,
  CONNECTION: 4,
  PROXY_CONNECTION: 5,
  UPGRADE: 6,
  EXPECT: 7,
} as const;

const JOINS_IN_REQUEST = 1;
const JOINS_IN_RESPONSE = 2;

/** A header name, shared by all fields that have it. */
export interface HeaderName {
  /** In lower case. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly kind: number;
  readonly underscore: boolean;
  /** In which messages repeated fields of that name become one: bits of JOINS_IN_REQUEST and JOINS_IN_RESPONSE. */
  readonly joins: number;
  /** Number of the message that had it last. */
  seen: number;
  readonly next: HeaderName | undefined;
}

/**
 * Header names are found from their bytes without allocating. The table learns names that peers send up to a bound; beyond it a name is
 * made afresh each time.
 */
const SLOTS = 4096;
const LEARN_LIMIT = 1024;
const LEARN_LENGTH = 64;
const slots: (HeaderName | undefined)[] = new Array(SLOTS);
let learnt = 0;

const LOWER = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) LOWER[byte] = byte >= 65 && byte <= 90 ? byte | 32 : byte;

/**
 * Scans a header name at `from`. Afterwards `scanned.end` is the first byte that is no token byte and `scanned.hash` belongs to the name.
 */
export const scanned = { end: 0, hash: 0 };

export function scanName(bytes: Uint8Array, from: number, limit: number): void {
  let at = from;
  let hash = 0;
  while (at < limit) {
    const byte = bytes[at] as number;
    if (TOKEN[byte] === 0) break;
    hash = (hash * 31 + (LOWER[byte] as number)) | 0;
    at++;
  }
  scanned.end = at;
  scanned.hash = hash;
}

/** The name of the bytes from `from` to `to`, whose hash `scanName` gave. */
export function internName(bytes: Buffer, from: number, to: number, hash: number): HeaderName {
  const slot = hash & (SLOTS - 1);
  for (let entry = slots[slot]; entry !== undefined; entry = entry.next) {
    if (sameLower(bytes, from, to, entry.bytes)) return entry;
  }
  const entry = makeName(textIn(bytes, from, to).toLowerCase(), slots[slot]);
  if (learnt < LEARN_LIMIT && to - from <= LEARN_LENGTH) {
    learnt++;
    slots[slot] = entry;
  }
  return entry;
}

function sameLower(bytes: Uint8Array, from: number, to: number, name: Uint8Array): boolean {
  if (to - from !== name.length) return false;
  for (let at = 0; at < name.length; at++) if (LOWER[bytes[from + at] as number] !== name[at]) return false;
  return true;
}

function makeName(name: string, next: HeaderName | undefined): HeaderName {
  const joins = (JOINED_REQUEST.has(name) ? JOINS_IN_REQUEST : 0) | (JOINED_RESPONSE.has(name) ? JOINS_IN_RESPONSE : 0);
  return {
    name,
    bytes: Buffer.from(name, 'latin1'),
    kind: KINDS.get(name) ?? NAME.PLAIN,
    underscore: name.includes('_'),
    joins,
    seen: 0,
    next,
  };
}

let message = 0;

/** Begins a message: no name has been seen in it. */
export function beginMessage(): void {
  message++;
}

/** Whether the message has had that name; it has had it from now on. */
export function joinsEarlier(entry: HeaderName): boolean {
  if (entry.seen === message) return true;
  entry.seen = message;
  return false;
}

const KINDS: ReadonlyMap<string, number> = new Map([
  ['content-length', NAME.CONTENT_LENGTH],
  ['transfer-encoding', NAME.TRANSFER_ENCODING],
  ['host', NAME.HOST],
  ['connection', NAME.CONNECTION],
  ['proxy-connection', NAME.PROXY_CONNECTION],
  ['upgrade', NAME.UPGRADE],
  ['expect', NAME.EXPECT],
]);

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Envoy keeps these in places of their own, where a repeated one is appended after a comma; tried on Envoy 1.40, one by one. */
const JOINED_REQUEST: ReadonlySet<string> = new Set(
  words(`
    accept accept-encoding access-control-request-headers access-control-request-method authentication authorization cache-control
    cdn-loop content-encoding content-type expect grpc-accept-encoding grpc-timeout if-match if-modified-since if-none-match keep-alive
    origin pragma proxy-connection proxy-status referer te upgrade user-agent via x-client-trace-id x-envoy-attempt-count
    x-envoy-decorator-operation x-envoy-downstream-service-cluster x-envoy-expected-rq-timeout-ms x-envoy-external-address
    x-envoy-hedge-on-per-try-timeout x-envoy-ip-tags x-envoy-is-timeout-retry x-envoy-max-retries x-envoy-original-path
    x-envoy-original-url x-envoy-retry-on x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-timeout-ms x-forwarded-client-cert
    x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-request-id`),
);
const JOINED_RESPONSE: ReadonlySet<string> = new Set(
  words(`
    access-control-allow-credentials access-control-allow-headers access-control-allow-methods access-control-allow-origin
    access-control-expose-headers access-control-max-age age cache-control content-encoding content-type date etag expires grpc-message
    grpc-status keep-alive last-modified location proxy-connection proxy-status server upgrade vary via x-envoy-attempt-count
    x-envoy-decorator-operation x-envoy-degraded x-envoy-immediate-health-check-fail x-envoy-ratelimited
    x-envoy-upstream-healthchecked-cluster x-envoy-upstream-service-time x-request-id`),
);

/** Names that others compare by identity are put in the table first, so that both sides are the same string. */
for (const name of [...KINDS.keys(), ...JOINED_REQUEST, ...JOINED_RESPONSE]) {
  const bytes = Buffer.from(name);
  scanName(bytes, 0, bytes.length);
  internName(bytes, 0, bytes.length, scanned.hash);
}
