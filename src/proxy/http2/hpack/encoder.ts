import { putText } from '../../transport/text.ts';
import { huffmanLength, putHuffman } from './huffman.ts';
import { STATIC_TABLE } from './static-table.ts';

/** What the encoder knows of a name. */
interface KnownName {
  /** In the static table; 0: it is not there. */
  readonly index: number;
  /** Values of the static table with their index. */
  readonly values: readonly (readonly [string, number])[];
  /** Its values change from message to message: they would only push others out of the table. */
  readonly varies: boolean;
  /** RFC 7541, 7.1.3: nobody on the way may keep the value. */
  readonly secret: boolean;
}

/** RFC 7541, 4.1. */
const OVERHEAD = 32;

const VARYING: ReadonlySet<string> = new Set(
  (
    ':path age content-length content-range cookie date etag expires grpc-timeout if-modified-since if-none-match last-modified ' +
    'location range referer set-cookie traceparent x-b3-spanid x-b3-traceid x-envoy-expected-rq-timeout-ms ' +
    'x-envoy-upstream-service-time x-forwarded-for x-request-id'
  ).split(' '),
);
const SECRET: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie']);

const known = new Map<string, KnownName>();
const UNKNOWN: KnownName = { index: 0, values: [], varies: false, secret: false };

for (const name of new Set([...STATIC_TABLE.map(([one]) => one), ...VARYING, ...SECRET])) {
  const entries = STATIC_TABLE.flatMap(([one, value], at) => (one === name ? [[value, at + 1] as const] : []));
  known.set(name, {
    index: entries[0]?.[1] ?? 0,
    values: entries.filter(([value]) => value !== ''),
    varies: VARYING.has(name),
    secret: SECRET.has(name),
  });
}

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly size: number;
  /** Entries kept before it. */
  readonly ordinal: number;
}

/** Bytes that a field takes at most. */
export const fieldRoom = (name: string, value: string): number => name.length + value.length + 16;

/** Writes header blocks of one connection (RFC 7541). */
export class HpackEncoder {
  /** The newest value of each name; older ones of the same name are forgotten, not evicted. */
  readonly #newest = new Map<string, Entry>();
  /** In the order in which they were kept. */
  #entries: Entry[] = [];
  #first = 0;
  #size = 0;
  #maxSize = DEFAULT_SIZE;
  #kept = 0;
  /** The smallest size of the table since the other side was told one; undefined: it knows. */
  #lowest: number | undefined = undefined;

  /** The other side's `SETTINGS_HEADER_TABLE_SIZE`; more than `most` is not used. */
  limit(size: number, most = DEFAULT_SIZE): void {
    const next = Math.min(size, most);
    if (next === this.#maxSize) return;
    this.#maxSize = next;
    this.#lowest = Math.min(next, this.#lowest ?? next);
    this.#evict();
  }

  /** Before the first field of a block; where it ends. */
  begin(out: Buffer, at: number): number {
    const lowest = this.#lowest;
    if (lowest === undefined) return at;
    this.#lowest = undefined;
    const next = lowest < this.#maxSize ? putInteger(out, at, 0x20, 0x1f, lowest) : at;
    return putInteger(out, next, 0x20, 0x1f, this.#maxSize);
  }

  /** Writes a field; where it ends. */
  put(out: Buffer, at: number, name: string, value: string): number {
    const about = known.get(name) ?? UNKNOWN;
    for (const [one, index] of about.values) if (one === value) return putInteger(out, at, 0x80, 0x7f, index);
    if (about.varies || about.secret)
      return this.#literal(out, at, about.secret ? 0x10 : 0x00, 0x0f, name, value, about);
    const newest = this.#newest.get(name);
    if (newest !== undefined && newest.value === value)
      return putInteger(out, at, 0x80, 0x7f, STATIC_TABLE.length + this.#kept - newest.ordinal);
    const size = name.length + value.length + OVERHEAD;
    // What is large pushes out much and hardly comes again.
    if (size * 4 > this.#maxSize) return this.#literal(out, at, 0x00, 0x0f, name, value, about);
    const end = this.#literal(out, at, 0x40, 0x3f, name, value, about);
    this.#keep({ name, value, size, ordinal: this.#kept++ });
    return end;
  }

  #literal(
    out: Buffer,
    from: number,
    first: number,
    mask: number,
    name: string,
    value: string,
    about: KnownName,
  ): number {
    const newest = about.index === 0 ? this.#newest.get(name) : undefined;
    const index = newest ? STATIC_TABLE.length + this.#kept - newest.ordinal : about.index;
    let at = putInteger(out, from, first, mask, index);
    if (index === 0) at = putString(out, at, name);
    return putString(out, at, value);
  }

  #keep(entry: Entry): void {
    this.#newest.set(entry.name, entry);
    this.#entries.push(entry);
    this.#size += entry.size;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#maxSize) {
      const oldest = this.#entries[this.#first++] as Entry;
      this.#size -= oldest.size;
      if (this.#newest.get(oldest.name) === oldest) this.#newest.delete(oldest.name);
    }
    if (this.#first < 64 || this.#first * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}

/** That of the protocol before anything was agreed. */
const DEFAULT_SIZE = 4096;

function putInteger(out: Buffer, from: number, first: number, mask: number, value: number): number {
  if (value < mask) {
    out[from] = first | value;
    return from + 1;
  }
  let at = from;
  out[at++] = first | mask;
  let left = value - mask;
  for (; left >= 128; left = Math.floor(left / 128)) out[at++] = (left % 128) | 128;
  out[at++] = left;
  return at;
}

/** Texts up to this length are written as they are: coding them saves little and costs time. */
const PLAIN = 8;

function putString(out: Buffer, from: number, text: string): number {
  const { length } = text;
  const coded = length > PLAIN ? huffmanLength(text) : length;
  if (coded >= length) return putText(out, putInteger(out, from, 0, 0x7f, length), text);
  return putHuffman(out, putInteger(out, from, 0x80, 0x7f, coded), text);
}
