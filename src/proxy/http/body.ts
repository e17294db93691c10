import { CODEC_ERROR, type HeadFault } from './fault.ts';
import { parseFields, TRAILERS } from './fields.ts';
import { HeadBuffer } from './head-buffer.ts';
import { HeaderMap } from './headers.ts';
import type { FieldOptions } from './options.ts';

/** Bytes of one chunk's extensions. */
const MAX_EXTENSION = 16_384;
const MAX_UINT64 = 2 ** 64;

const SIZE = 0;
const BEFORE_EXTENSION = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER_START = 7;
const TRAILER = 8;
const END_LF = 9;

export type BodyKind = 'none' | 'length' | 'chunked' | 'close';

/** How trailers of a chunked body are read; without `keep` they are checked and dropped. */
export interface TrailerOptions extends FieldOptions {
  readonly keep: boolean;
}

/**
 * Takes the payload out of a message body. `decode` moves the payload of several chunks together inside the given buffer, so what it
 * found is one range, `start` to `end`. Chunk syntax is that of RFC 9112 7.1 to the letter, stricter than Envoy's.
 */
export class BodyDecoder {
  kind: BodyKind = 'none';
  start = 0;
  end = 0;
  done = true;
  /** Set when the body is broken: nothing more can be read. */
  fault: HeadFault | undefined = undefined;
  /** Kept trailers of a body that is done. */
  trailers: HeaderMap | undefined = undefined;
  #options: TrailerOptions | undefined = undefined;
  #left = 0;
  #state = SIZE;
  #digits = 0;
  #skipped = 0;
  /** What has come of a trailer section that is not complete. */
  #partial: HeadBuffer | undefined = undefined;

  reset(kind: BodyKind, length = 0, options?: TrailerOptions): void {
    this.kind = kind;
    this.done = kind === 'none' || (kind === 'length' && length === 0);
    this.fault = undefined;
    this.trailers = undefined;
    this.#options = options;
    this.#left = kind === 'length' ? length : 0;
    this.#state = SIZE;
    this.#digits = 0;
    this.#skipped = 0;
    this.#partial = undefined;
  }

  /** Position of the first byte that is not of this body. */
  decode(bytes: Buffer, from: number, limit: number): number {
    this.start = from;
    this.end = from;
    if (this.done) return from;
    if (this.kind === 'chunked') return this.#chunks(bytes, from, limit);
    const take = this.kind === 'close' ? limit - from : Math.min(this.#left, limit - from);
    this.end = from + take;
    if (this.kind === 'length') {
      this.#left -= take;
      this.done = this.#left === 0;
    }
    return this.end;
  }

  #chunks(bytes: Buffer, from: number, limit: number): number {
    let at = from;
    while (at < limit && !this.done) {
      if (this.#state === DATA) {
        at = this.#data(bytes, at, limit);
      } else if (this.#state === TRAILER) {
        at = this.#trailer(bytes, at, limit);
        if (this.fault) break;
      } else if (!this.#step(bytes[at] as number)) {
        this.fault = CODEC_ERROR;
        // As in Envoy, what was read together with a broken chunk is not handed on.
        if (this.#state < TRAILER_START) this.end = this.start;
        break;
      } else if (this.#state !== TRAILER) at++;
    }
    return at;
  }

  #data(bytes: Buffer, at: number, limit: number): number {
    const take = Math.min(this.#left, limit - at);
    if (this.end === this.start) this.start = this.end = at;
    if (this.end !== at) bytes.copyWithin(this.end, at, at + take);
    this.end += take;
    this.#left -= take;
    if (this.#left === 0) this.#state = DATA_CR;
    return at + take;
  }

  /** One byte of chunk syntax; false when it may not stand there. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#size(byte);
      case BEFORE_EXTENSION:
        if (byte === 0x3b) this.#state = EXTENSION;
        return byte === 0x3b || ((byte === 0x20 || byte === 9) && ++this.#skipped < MAX_EXTENSION);
      case EXTENSION:
        if (byte === 13) this.#state = SIZE_LF;
        return (byte >= 0x20 ? byte !== 0x7f : byte === 9 || byte === 13) && ++this.#skipped < MAX_EXTENSION;
      case SIZE_LF:
        this.#state = this.#left === 0 ? TRAILER_START : DATA;
        this.#digits = 0;
        this.#skipped = 0;
        return byte === 10;
      case DATA_CR:
        this.#state = DATA_LF;
        return byte === 13;
      case DATA_LF:
        this.#state = SIZE;
        return byte === 10;
      case TRAILER_START:
        this.#state = byte === 13 ? END_LF : TRAILER;
        return true;
      default:
        this.done = true;
        return byte === 10;
    }
  }

  #size(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      this.#digits = 1;
      return this.#left < MAX_UINT64;
    }
    if (this.#digits === 0) return false;
    if (byte === 13) this.#state = SIZE_LF;
    else if (byte === 0x3b) this.#state = EXTENSION;
    else if (byte === 0x20 || byte === 9) this.#state = BEFORE_EXTENSION;
    else return false;
    return true;
  }

  /** Reads trailers as the fields of a head are read, once their section is complete. */
  #trailer(bytes: Buffer, at: number, limit: number): number {
    const options = this.#options as TrailerOptions;
    const partial = this.#partial;
    if (partial && !partial.append(bytes, at, limit, options.maxBytes)) return limit;
    const source = partial?.bytes ?? bytes;
    const from = partial ? 0 : at;
    const map = new HeaderMap();
    const outcome = parseFields(source, from, from, partial ? source.length : limit, options, map, TRAILERS);
    if (outcome === undefined) {
      this.#partial ??= new HeadBuffer();
      if (!partial) this.#partial.append(bytes, at, limit, options.maxBytes);
      return limit;
    }
    this.#partial = undefined;
    if (typeof outcome !== 'number') {
      this.fault = outcome;
      return at;
    }
    this.done = true;
    if (options.keep) this.trailers = map;
    return partial ? limit - (source.length - outcome) : outcome;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
