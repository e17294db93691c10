import { isHeaderValue, isToken } from '../../http/bytes.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { Headers } from './api.ts';

/** Bytes of one value, and fields of a message: what a filter may make of it. */
const MAX_VALUE = 65_535;
const MAX_FIELDS = 1_000;
const MAX_KNOWN = 1_000;

/** Fields that say where a message ends or belong to one connection: the proxy's own business. */
const FIXED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Names that were found good, with their lower case: filters name the same ones for every request. */
const known = new Map<string, string>();

function changeable(name: string): string {
  const found = known.get(name);
  if (found !== undefined) return found;
  if (typeof name !== 'string' || !isToken(name)) throw new TypeError(`${shown(name)} is not a header name`);
  const lower = name.toLowerCase();
  if (FIXED.has(lower)) throw new TypeError(`header ${lower} is set by the proxy and cannot be changed`);
  if (known.size < MAX_KNOWN) known.set(name, lower);
  return lower;
}

/** The same of names that are read. */
const read = new Map<string, string>();

function lowerCase(name: string): string {
  const found = read.get(name);
  if (found !== undefined) return found;
  const lower = name.toLowerCase();
  if (read.size < MAX_KNOWN) read.set(name, lower);
  return lower;
}

/** The value that was read or found good last: filters mostly copy one, or set the same for every request. */
let good = '';

function valueFor(name: string, value: string): string {
  if (value === good && value.length <= MAX_VALUE) return value;
  if (typeof value !== 'string' || !isHeaderValue(value)) {
    throw new TypeError(`${shown(value)} cannot be the value of header ${name}`);
  }
  if (value.length > MAX_VALUE) throw new TypeError(`the value of header ${name} is longer than ${MAX_VALUE} bytes`);
  good = isPadded(value) ? value.replace(/^[ \t]+|[ \t]+$/g, '') : value;
  return good;
}

function isPadded(value: string): boolean {
  return isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1));
}

const isBlank = (code: number): boolean => code === 0x20 || code === 9;

function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

/** The fields of a map as a filter may see and change them. */
export class FilterHeaders implements Headers {
  readonly #map: HeaderMap;

  constructor(map: HeaderMap) {
    this.#map = map;
  }

  get size(): number {
    return this.#map.size;
  }

  get(name: string): string | undefined {
    const value = this.#map.get(lowerCase(name));
    if (value !== undefined) good = value;
    return value;
  }

  getAll(name: string): readonly string[] {
    return this.#map.all(lowerCase(name));
  }

  has(name: string): boolean {
    return this.#map.has(lowerCase(name));
  }

  set(name: string, value: string): void {
    const lower = changeable(name);
    const checked = valueFor(lower, value);
    this.#makeRoom();
    this.#map.set(lower, checked);
  }

  add(name: string, value: string): void {
    const lower = changeable(name);
    const checked = valueFor(lower, value);
    this.#makeRoom();
    this.#map.add(lower, checked);
  }

  remove(name: string): void {
    this.#map.remove(changeable(name));
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    yield* this.#map.list();
  }

  #makeRoom(): void {
    if (this.#map.size >= MAX_FIELDS) throw new TypeError(`a message has at most ${MAX_FIELDS} header fields`);
  }
}
