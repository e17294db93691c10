import { TOKEN } from './bytes.ts';

/**
 * Header names as interned lower-case strings, found from their bytes without allocating.
 * The table learns names that clients send up to a bound; beyond it a name is a fresh string each time.
 */
const SLOTS = 4096;
const LEARN_LIMIT = 1024;
const slots: (Interned | undefined)[] = new Array(SLOTS);
let learnt = 0;

interface Interned {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly next: Interned | undefined;
}

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

/** The lower-case name of the bytes from `from` to `to`, whose hash `scanName` gave. */
export function internName(bytes: Buffer, from: number, to: number, hash: number): string {
  const slot = hash & (SLOTS - 1);
  for (let entry = slots[slot]; entry !== undefined; entry = entry.next) {
    if (sameLower(bytes, from, to, entry.bytes)) return entry.name;
  }
  const name = bytes.toString('latin1', from, to).toLowerCase();
  if (learnt < LEARN_LIMIT && name.length <= 64) {
    learnt++;
    slots[slot] = { name, bytes: Buffer.from(name, 'latin1'), next: slots[slot] };
  }
  return name;
}

function sameLower(bytes: Uint8Array, from: number, to: number, name: Uint8Array): boolean {
  if (to - from !== name.length) return false;
  for (let at = 0; at < name.length; at++) if (LOWER[bytes[from + at] as number] !== name[at]) return false;
  return true;
}

/** Names the codec compares by identity are put in the table first, so that both sides are the same string. */
const KNOWN = [
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'date',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'server',
  'te',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-envoy-upstream-service-time',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-request-id',
];
for (const name of KNOWN) {
  const bytes = Buffer.from(name);
  scanName(bytes, 0, bytes.length);
  internName(bytes, 0, bytes.length, scanned.hash);
}
