/**
 * The Huffman code of RFC 7541, appendix B: the length of each byte's code. Codes follow from the lengths, shorter ones first and of one length
 * by byte.
 */
const LENGTHS = new Uint8Array([
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26,
]);

const CODES = new Uint32Array(256);

/** What eight bits that come next mean: a byte (its code may be shorter), or where to go on looking. */
interface Node {
  readonly bytes: Int16Array;
  readonly lengths: Uint8Array;
  readonly next: (Node | undefined)[];
}

const newNode = (): Node => ({
  bytes: new Int16Array(256).fill(-1),
  lengths: new Uint8Array(256),
  next: new Array<Node | undefined>(256),
});

const root = newNode();

function build(): void {
  const order = Array.from(LENGTHS.keys()).sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  let code = 0;
  let length = lengthOf(order[0] ?? 0);
  for (const byte of order) {
    code = code * 2 ** (lengthOf(byte) - length);
    length = lengthOf(byte);
    CODES[byte] = code;
    enter(byte, code++, length);
  }
}

function enter(byte: number, code: number, length: number): void {
  let node = root;
  let left = length;
  for (; left > 8; left -= 8) {
    const at = (code >>> (left - 8)) & 0xff;
    node.next[at] ??= newNode();
    node = node.next[at];
  }
  const first = (code << (8 - left)) & 0xff;
  for (let at = first; at < first + (1 << (8 - left)); at++) {
    node.bytes[at] = byte;
    node.lengths[at] = left;
  }
}

const lengthOf = (byte: number): number => LENGTHS[byte] as number;

build();

/** Decodes into `out` from 0 on; how long it is, or -1 where the bytes are no code or do not fit. Padding is at most seven ones. */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number, out: Uint8Array): number {
  let length = 0;
  let bits = 0;
  let count = 0;
  let node = root;
  /** Bits since a byte was complete, which is what padding may be. */
  let since = 0;
  for (let at = from; at < to; at++) {
    bits = ((bits << 8) | (bytes[at] as number)) & 0xffff;
    count += 8;
    since += 8;
    while (count >= 8) {
      const index = (bits >>> (count - 8)) & 0xff;
      const byte = node.bytes[index] as number;
      if (byte < 0) {
        const next = node.next[index];
        if (!next) return -1;
        node = next;
        count -= 8;
        continue;
      }
      if (length === out.length) return -1;
      out[length++] = byte;
      count -= node.lengths[index] as number;
      since = count;
      node = root;
    }
  }
  while (count > 0) {
    const index = (bits << (8 - count)) & 0xff;
    const byte = node.bytes[index] as number;
    const used = node.lengths[index] as number;
    if (byte < 0 || used > count) break;
    if (length === out.length) return -1;
    out[length++] = byte;
    count -= used;
    since = count;
    node = root;
  }
  if (since > 7) return -1;
  const mask = (1 << count) - 1;
  return (bits & mask) === mask ? length : -1;
}

/** Bytes that latin1 text takes, encoded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at++) bits += LENGTHS[text.charCodeAt(at) & 0xff] as number;
  return (bits + 7) >>> 3;
}

/** Bits of a code word that go into a number of 32 bits beside seven that wait. */
const AT_ONCE = 24;

/** Encodes latin1 text into `out`; where it ends. */
export function putHuffman(out: Uint8Array, from: number, text: string): number {
  let at = from;
  /** The last `count` bits of it wait for a byte to be whole. */
  let bits = 0;
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const byte = text.charCodeAt(index) & 0xff;
    const code = CODES[byte] as number;
    let length = LENGTHS[byte] as number;
    if (length > AT_ONCE) {
      length -= AT_ONCE;
      bits = (bits << length) | (code >>> AT_ONCE);
      count += length;
      for (; count >= 8; count -= 8) out[at++] = bits >>> (count - 8);
      length = AT_ONCE;
    }
    bits = (bits << length) | (length === AT_ONCE ? code & 0xff_ffff : code);
    count += length;
    for (; count >= 8; count -= 8) out[at++] = bits >>> (count - 8);
  }
  if (count > 0) out[at++] = (bits << (8 - count)) | ((1 << (8 - count)) - 1);
  return at;
}
