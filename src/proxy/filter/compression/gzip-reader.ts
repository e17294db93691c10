import zlib from 'node:zlib';
import { Engine } from './engine.ts';

/** What was wrong with a message. */
const DATA_ERROR = 'Z_DATA_ERROR';

const MAGIC = 0x8b1f;
const DEFLATE = 8;
const FLAG = { HEADER_CHECKSUM: 2, EXTRA: 4, NAME: 8, COMMENT: 16, RESERVED: 0xe0 } as const;
const FIXED_HEADER = 10;
const TRAILER = 8;
/** Names and comments have no bound of their own. */
const MAX_HEADER = 65_536 + 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Reads one member of gzip (RFC 1952), as Envoy does: `node:zlib` would take what follows it for another one. What it holds comes out
 * before its checksum is known to be wrong.
 */
export class GzipReader {
  readonly #engine: Engine;
  #phase: 'header' | 'body' | 'trailer' | 'over' = 'header';
  /** What has come of the header or the trailer. */
  #kept: Buffer = NOTHING;
  #checksum = 0;
  #size = 0;
  error = '';

  constructor(windowBits: number, chunkSize: number) {
    this.#engine = new Engine(zlib.createInflateRaw({ windowBits }), chunkSize);
  }

  feed(bytes: Buffer, enough: (before: number, size: number) => boolean): Buffer {
    let rest = bytes;
    let body: Buffer = NOTHING;
    this.error = '';
    if (this.#phase === 'header') rest = this.#readHeader(rest);
    if (this.#phase === 'body' && rest.length > 0) {
      body = this.#engine.feed(rest, zlib.constants.Z_NO_FLUSH, enough);
      this.error = this.#engine.error;
      this.#checksum = zlib.crc32(body, this.#checksum);
      this.#size = (this.#size + body.length) >>> 0;
      rest = rest.subarray(rest.length - this.#engine.unread);
      if (this.#engine.ended) this.#phase = 'trailer';
    }
    if (this.#phase === 'trailer') this.#readTrailer(rest);
    return body;
  }

  close(): void {
    this.#engine.close();
  }

  #readHeader(bytes: Buffer): Buffer {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const end = headerEnd(all);
    if (end < 0 || (end === 0 && all.length > MAX_HEADER)) {
      this.error = DATA_ERROR;
      this.#kept = all.subarray(0, Math.min(all.length, FIXED_HEADER));
      return NOTHING;
    }
    if (end === 0) {
      this.#kept = Buffer.from(all);
      return NOTHING;
    }
    this.#kept = NOTHING;
    this.#phase = 'body';
    return all.subarray(end);
  }

  #readTrailer(bytes: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, bytes.subarray(0, TRAILER - this.#kept.length)]);
    if (this.#kept.length < TRAILER) return;
    if (this.#kept.readUInt32LE(0) !== this.#checksum || this.#kept.readUInt32LE(4) !== this.#size) {
      this.error = DATA_ERROR;
      return;
    }
    this.#phase = 'over';
  }
}

/** Where the header ends; 0: it is not there yet, -1: it is none. */
function headerEnd(bytes: Buffer): number {
  if (bytes.length >= 2 && bytes.readUInt16LE(0) !== MAGIC) return -1;
  if (bytes.length < FIXED_HEADER) return 0;
  const flags = bytes[3] as number;
  if (bytes[2] !== DEFLATE || (flags & FLAG.RESERVED) !== 0) return -1;
  let at = FIXED_HEADER;
  if ((flags & FLAG.EXTRA) !== 0) {
    if (bytes.length < at + 2) return 0;
    at += 2 + bytes.readUInt16LE(at);
  }
  for (const flag of [FLAG.NAME, FLAG.COMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return 0;
    at = end + 1;
  }
  if ((flags & FLAG.HEADER_CHECKSUM) !== 0) {
    if (bytes.length < at + 2) return 0;
    if (bytes.readUInt16LE(at) !== (zlib.crc32(bytes.subarray(0, at)) & 0xffff)) return -1;
    at += 2;
  }
  return bytes.length < at ? 0 : at;
}
