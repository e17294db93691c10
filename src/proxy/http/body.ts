const MAX_CHUNK = 2 ** 40;
const MAX_EXTENSION = 16_384;
const MAX_TRAILERS = 61_440;

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER_START = 6;
const TRAILER = 7;
const TRAILER_LF = 8;
const END_LF = 9;

export type BodyKind = 'none' | 'length' | 'chunked' | 'close';

/**
 * Takes the payload out of a message body. `decode` moves the payload of several chunks together inside the given buffer, so what it
 * found is one range, `start` to `end`; chunk extensions and trailers are dropped.
 */
export class BodyDecoder {
  kind: BodyKind = 'none';
  start = 0;
  end = 0;
  done = true;
  #left = 0;
  #state = SIZE;
  #digits = 0;
  #skipped = 0;

  reset(kind: BodyKind, length = 0): void {
    this.kind = kind;
    this.done = kind === 'none' || (kind === 'length' && length === 0);
    this.#left = kind === 'length' ? length : 0;
    this.#state = SIZE;
    this.#digits = 0;
    this.#skipped = 0;
  }

  /** Position of the first byte that is not of this body, or -1 when the chunking is broken. */
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
    while (at < limit) {
      if (this.#state === DATA) {
        at = this.#data(bytes, at, limit);
        continue;
      }
      if (!this.#step(bytes[at] as number)) return -1;
      at++;
      if (this.done) break;
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
      case EXTENSION:
        if (byte === 13) this.#state = SIZE_LF;
        return byte !== 10 && ++this.#skipped < MAX_EXTENSION;
      case SIZE_LF:
        this.#state = this.#left === 0 ? TRAILER_START : DATA;
        this.#digits = 0;
        return byte === 10;
      case DATA_CR:
        this.#state = DATA_LF;
        return byte === 13;
      case DATA_LF:
        this.#state = SIZE;
        return byte === 10;
      case TRAILER_START:
        this.#state = byte === 13 ? END_LF : TRAILER;
        return byte !== 10 && byte !== 32 && byte !== 9 && ++this.#skipped < MAX_TRAILERS;
      case TRAILER:
        if (byte === 13) this.#state = TRAILER_LF;
        return byte !== 10 && byte !== 0 && ++this.#skipped < MAX_TRAILERS;
      case TRAILER_LF:
        this.#state = TRAILER_START;
        return byte === 10;
      default:
        this.done = true;
        return byte === 10;
    }
  }

  #size(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      return ++this.#digits <= 16 && this.#left <= MAX_CHUNK;
    }
    if (this.#digits === 0) return false;
    if (byte === 13) this.#state = SIZE_LF;
    else if (byte === 0x3b) this.#state = EXTENSION;
    else return false;
    return true;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
