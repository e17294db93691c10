import assert from 'node:assert/strict';
import { HpackDecoder } from '../../src/proxy/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../src/proxy/http2/hpack/encoder.ts';
import { huffmanLength, putHuffman } from '../../src/proxy/http2/hpack/huffman.ts';
import { STATIC_TABLE } from '../../src/proxy/http2/hpack/static-table.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

/** `SETTINGS_HEADER_TABLE_SIZE` of the connection: a few entries. */
const TABLE_SIZE = 200;
const OVERHEAD = 32;
/** What the decoder takes for a length or index. */
const LARGEST = 0xfff_ffffn;
const MOST_BYTES = 5;

type Field = readonly [name: string, value: string];
type Block = readonly Field[] | undefined;

/** Code words as text of zeros and ones. */
const codeWords = new Map<string, string>();
for (let byte = 0; byte < 256; byte++) {
  const text = String.fromCharCode(byte);
  const out = Buffer.alloc(8);
  putHuffman(out, 0, text);
  codeWords.set(bitsOf(out).slice(0, huffmanLength(text.repeat(8))), text);
}

function bitsOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function huffman(bytes: Uint8Array): string | undefined {
  let text = '';
  let word = '';
  for (const bit of bitsOf(bytes)) {
    word += bit;
    const byte = codeWords.get(word);
    if (byte === undefined) continue;
    text += byte;
    word = '';
  }
  return word.length < 8 && !word.includes('0') ? text : undefined;
}

/** RFC 7541 word by word, slowly. */
class PlainDecoder {
  #table: Field[] = [];
  #maxSize = TABLE_SIZE;
  #bytes: Uint8Array = Buffer.alloc(0);
  #at = 0;

  decode(bytes: Uint8Array): Block {
    this.#bytes = bytes;
    this.#at = 0;
    const fields: Field[] = [];
    while (this.#at < bytes.length) {
      const first = bytes[this.#at] as number;
      if (first >= 0x20 && first < 0x40) {
        const size = this.#integer(5);
        if (fields.length > 0 || size === undefined || size > TABLE_SIZE) return undefined;
        this.#maxSize = size;
        this.#evict();
        continue;
      }
      const field = first >= 0x80 ? this.#entry(this.#integer(7)) : this.#literal(first);
      if (!field) return undefined;
      fields.push(field);
    }
    return fields;
  }

  #literal(first: number): Field | undefined {
    const index = this.#integer(first >= 0x40 ? 6 : 4);
    const name = index === 0 ? this.#string() : this.#entry(index)?.[0];
    const value = name === undefined ? undefined : this.#string();
    if (name === undefined || value === undefined) return undefined;
    if (first >= 0x40) this.#table.unshift([name, value]);
    this.#evict();
    return [name, value];
  }

  #entry(index: number | undefined): Field | undefined {
    return index === undefined ? undefined : [...STATIC_TABLE, ...this.#table][index - 1];
  }

  #evict(): void {
    const size = (): number => this.#table.reduce((sum, field) => sum + field.join('').length + OVERHEAD, 0);
    while (size() > this.#maxSize) this.#table.pop();
  }

  #integer(prefix: number): number | undefined {
    const mask = 2 ** prefix - 1;
    const first = (this.#bytes[this.#at++] as number) & mask;
    let value = BigInt(first);
    for (let more = 0; first === mask; more++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || more === MOST_BYTES) return undefined;
      value += BigInt(byte % 128) << BigInt(7 * more);
      if (byte < 128) break;
    }
    return value > LARGEST ? undefined : Number(value);
  }

  #string(): string | undefined {
    const first = this.#bytes[this.#at];
    const length = first === undefined ? undefined : this.#integer(7);
    if (first === undefined || length === undefined || this.#at + length > this.#bytes.length) return undefined;
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return first < 128 ? Buffer.from(bytes).toString('latin1') : huffman(bytes);
  }
}

/** Blocks of one connection, each behind a byte with its length. */
function blocksOf(input: string): readonly Buffer[] {
  const blocks: Buffer[] = [];
  const bytes = Buffer.from(input, 'latin1');
  for (let at = 0; at < bytes.length; ) {
    const start = at + 1;
    at = start + (bytes[at] as number);
    blocks.push(bytes.subarray(start, at));
  }
  return blocks;
}

/** Decodes a block that stands between bytes that are none of its own. */
function decoded(decoder: HpackDecoder, block: Buffer, before: number): Block {
  const bytes = Buffer.alloc(before + block.length + 16, 0xee);
  block.copy(bytes, before);
  const fields: Field[] = [];
  const sink = { field: ({ text }: { text: string }, value: string) => void fields.push([text, value]) };
  return decoder.decode(bytes, before, before + block.length, sink) ? fields : undefined;
}

const names = [':method', ':path', 'content-type', 'cookie', 'x-a', 'X-B', 'x\0', ''];
const values = ['GET', '/', 'application/grpc', 'b'.repeat(30), '\xff\x00', ''];

function encoded(random: Random, encoder: HpackEncoder): Buffer {
  const out = Buffer.alloc(1024);
  let at = encoder.begin(out, 0);
  for (let more = 1 + random.below(5); more > 0; more--)
    at = encoder.put(out, at, random.pick(names), random.pick(values));
  return out.subarray(0, Math.min(at, 255));
}

/** Representations with indices and strings that are there or not. */
function written(random: Random): Buffer {
  const bytes: number[] = random.chance(0.3) ? [0x20 + random.below(31)] : [];
  for (let more = 1 + random.below(5); more > 0; more--) {
    bytes.push(random.pick([0x80 + 1 + random.below(70), 0x40 + random.below(64), random.below(32)]));
    for (let strings = random.below(3); strings > 0; strings--) {
      const value = Buffer.from(random.pick(values), 'latin1');
      const code = Buffer.alloc(200);
      const coded = code.subarray(0, putHuffman(code, 0, value.toString('latin1')));
      bytes.push(...(random.chance(0.5) ? [value.length, ...value] : [0x80 + coded.length, ...coded]));
    }
  }
  return Buffer.from(bytes.slice(0, 255));
}

/** Header blocks as they come: what is made of them is what the RFC has, however odd they are. */
export const hpackBlocks: Target = {
  name: 'hpack-blocks',
  words: [
    '\x20',
    '\x3f\x00',
    '\x3f\xa9\x01',
    '\xbe',
    '\xbf',
    '\xff\x00',
    '\x7f\xff\xff\xff\xff\x00',
    '\x40\x01a\x01b',
    '\x83\xff\xff\xff',
  ],
  make(random: Random): string {
    const encoder = new HpackEncoder();
    encoder.limit(TABLE_SIZE);
    const blocks: Buffer[] = [];
    for (let more = 1 + random.below(6); more > 0; more--) {
      if (random.chance(0.2)) encoder.limit(random.below(TABLE_SIZE + 1));
      const block = random.chance(0.6) ? encoded(random, encoder) : written(random);
      blocks.push(Buffer.from([block.length]), block);
    }
    return Buffer.concat(blocks).toString('latin1');
  },
  run(input, random) {
    const decoder = new HpackDecoder(TABLE_SIZE);
    const plain = new PlainDecoder();
    for (const block of blocksOf(input)) {
      const expected = plain.decode(block);
      assert.deepEqual(decoded(decoder, block, random.below(5)), expected);
      // Nothing can be read behind a block that was none.
      if (!expected) return;
    }
  },
};
