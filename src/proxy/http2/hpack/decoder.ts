import { VALUE } from '../../http/bytes.ts';
import { type HeaderName, internName, scanName, scanned } from '../../http/names.ts';
import { textIn } from '../../transport/text.ts';
import { decodeHuffman } from './huffman.ts';
import { STATIC_TABLE } from './static-table.ts';

/** A field name as it came: pseudo headers have no entry in the table of names. */
export interface FieldName {
  readonly text: string;
  /** Undefined for a pseudo header, and for a name that no header may have. */
  readonly header: HeaderName | undefined;
}

/** Takes the fields of a block in their order. `valid`: the value holds nothing that a value must not. */
export interface FieldSink {
  field(name: FieldName, value: string, valid: boolean): void;
}

interface Field {
  readonly name: FieldName;
  readonly value: string;
  readonly valid: boolean;
  readonly size: number;
}

/** RFC 7541, 4.1: what an entry takes beside its name and value. */
const OVERHEAD = 32;

const pseudo = (text: string): FieldName => ({ text, header: undefined });
const PSEUDO: ReadonlyMap<string, FieldName> = new Map(
  [':authority', ':method', ':path', ':scheme', ':status', ':protocol'].map((name) => [name, pseudo(name)]),
);
/** The same object for each field of a name of the table. */
const names = new WeakMap<HeaderName, FieldName>();

function nameOf(bytes: Buffer, from: number, to: number): FieldName {
  if (bytes[from] === COLON) {
    const text = textIn(bytes, from, to);
    return PSEUDO.get(text) ?? pseudo(text);
  }
  scanName(bytes, from, to);
  if (scanned.end !== to || from === to || hasUpperCase(bytes, from, to)) return pseudo(textIn(bytes, from, to));
  const header = internName(bytes, from, to, scanned.hash);
  const known = names.get(header);
  if (known) return known;
  const made = { text: header.name, header };
  names.set(header, made);
  return made;
}

const COLON = 0x3a;

function hasUpperCase(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte >= 65 && byte <= 90) return true;
  }
  return false;
}

const STATIC: readonly Field[] = STATIC_TABLE.map(([name, value]) => {
  const bytes = Buffer.from(name, 'latin1');
  return { name: nameOf(bytes, 0, bytes.length), value, valid: true, size: name.length + value.length + OVERHEAD };
});

/** What a Huffman string is decoded into; longer ones than a head may hold are refused anyhow. */
const scratch = Buffer.allocUnsafeSlow(262_144);

/** Reads header blocks of one connection (RFC 7541). */
export class HpackDecoder {
  /** The newest entry last. */
  readonly #table: Field[] = [];
  #first = 0;
  #size = 0;
  #maxSize: number;
  readonly #limit: number;
  #at = 0;

  /** `limit`: `SETTINGS_HEADER_TABLE_SIZE` as it was told to the other side. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#maxSize = limit;
  }

  /** Reads a whole block; false where it is not encoded as it should be, after which nothing of the connection can be read. */
  decode(bytes: Buffer, from: number, to: number, sink: FieldSink): boolean {
    this.#at = from;
    let begun = false;
    while (this.#at < to) {
      const first = bytes[this.#at] as number;
      if ((first & 0xe0) === 0x20) {
        const size = this.#integer(bytes, to, 0x1f);
        if (begun || size < 0 || size > this.#limit) return false;
        this.#maxSize = size;
        this.#evict();
        continue;
      }
      begun = true;
      const field = (first & 0x80) !== 0 ? this.#indexed(bytes, to) : this.#literal(bytes, to, first);
      if (!field) return false;
      sink.field(field.name, field.value, field.valid);
    }
    return true;
  }

  #indexed(bytes: Buffer, to: number): Field | undefined {
    return this.#entry(this.#integer(bytes, to, 0x7f));
  }

  #literal(bytes: Buffer, to: number, first: number): Field | undefined {
    const keeps = (first & 0x40) !== 0;
    const index = this.#integer(bytes, to, keeps ? 0x3f : 0x0f);
    if (index < 0) return undefined;
    const name = index === 0 ? this.#name(bytes, to) : this.#entry(index)?.name;
    if (!name) return undefined;
    if (!this.#string(bytes, to)) return undefined;
    const { from, stop, source } = found;
    const value = textIn(source, from, stop);
    const size = name.text.length + value.length + OVERHEAD;
    const field = { name, value, valid: isValue(source, from, stop), size };
    if (keeps) this.#keep(field);
    return field;
  }

  #name(bytes: Buffer, to: number): FieldName | undefined {
    return this.#string(bytes, to) ? nameOf(found.source, found.from, found.stop) : undefined;
  }

  #entry(index: number): Field | undefined {
    if (index <= 0) return undefined;
    if (index <= STATIC.length) return STATIC[index - 1];
    const at = this.#table.length - (index - STATIC.length);
    return at < this.#first ? undefined : this.#table[at];
  }

  #keep(field: Field): void {
    this.#table.push(field);
    this.#size += field.size;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#maxSize) this.#size -= (this.#table[this.#first++] as Field).size;
    if (this.#first < 64 || this.#first * 2 < this.#table.length) return;
    this.#table.splice(0, this.#first);
    this.#first = 0;
  }

  /** An integer with a prefix of the bits of `mask`; -1 where it does not end or is too large to mean anything. */
  #integer(bytes: Buffer, to: number, mask: number): number {
    let value = (bytes[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 1; this.#at < to; shift *= 128) {
      const byte = bytes[this.#at++] as number;
      value += (byte & 0x7f) * shift;
      if (value > LARGEST) return -1;
      if ((byte & 0x80) === 0) return value;
      if (shift > LARGEST) return -1;
    }
    return -1;
  }

  /** A string, which then stands in `found`. */
  #string(bytes: Buffer, to: number): boolean {
    if (this.#at >= to) return false;
    const huffman = ((bytes[this.#at] as number) & 0x80) !== 0;
    const length = this.#integer(bytes, to, 0x7f);
    if (length < 0 || this.#at + length > to) return false;
    const from = this.#at;
    this.#at += length;
    if (!huffman) {
      found.source = bytes;
      found.from = from;
      found.stop = from + length;
      return true;
    }
    const decoded = decodeHuffman(bytes, from, from + length, scratch);
    if (decoded < 0) return false;
    found.source = scratch;
    found.from = 0;
    found.stop = decoded;
    return true;
  }
}

const LARGEST = 0xfff_ffff;

/** The string read last. */
const found: { source: Buffer; from: number; stop: number } = { source: scratch, from: 0, stop: 0 };

function isValue(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (VALUE[bytes[at] as number] === 0) return false;
  return true;
}
