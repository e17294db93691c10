/** Up to this length a loop costs less than a call that leaves compiled code. */
const SHORT = 20;
/** Bytes of the length of a message that is as long as what it holds. Readers take such a varint with leading zeros. */
const LENGTH_BYTES = 4;
const MAX_LENGTH = 2 ** (7 * LENGTH_BYTES) - 1;

const NOT_ASCII = /[\u0080-\uffff]/;

/** A protobuf message under construction, as bytes of the wire. */
export class WireWriter {
  bytes: Buffer;
  length = 0;

  constructor(size = 2048) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** An unsigned integer, at most 2^53. */
  integer(field: number, value: number): void {
    this.#reserve(0);
    this.#tag(field, 0);
    this.#varint(value);
  }

  /** An `int64`. */
  signed(field: number, value: number): void {
    if (value >= 0) {
      this.integer(field, value);
      return;
    }
    this.#reserve(0);
    this.#tag(field, 0);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
    this.bytes[this.length++] = Number(rest);
  }

  /** An unsigned integer whose default is not written. */
  nonZero(field: number, value: number): void {
    if (value !== 0) this.integer(field, value);
  }

  string(field: number, text: string): void {
    const { length } = text;
    this.#reserve(3 * length);
    this.#tag(field, 2);
    const before = this.length;
    this.#varint(length);
    if (length > SHORT ? this.#asciiLong(text) : this.#asciiShort(text)) return;
    this.length = before;
    this.#varint(Buffer.byteLength(text));
    this.length += this.bytes.write(text, this.length, 'utf8');
  }

  nonEmpty(field: number, text: string): void {
    if (text !== '') this.string(field, text);
  }

  double(field: number, value: number): void {
    this.#reserve(0);
    this.#tag(field, 1);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  /** Text whose characters are bytes, as headers have it; where these are no UTF-8 they are replaced. */
  bytesText(field: number, text: string): void {
    this.string(field, NOT_ASCII.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text);
  }

  /** Bytes that are written in hexadecimal. */
  hex(field: number, digits: string): void {
    const length = digits.length >> 1;
    this.head(field, length);
    this.#reserve(length);
    this.length += this.bytes.write(digits, this.length, 'hex');
  }

  fixed32(field: number, value: number): void {
    this.#reserve(0);
    this.#tag(field, 5);
    this.length = this.bytes.writeUInt32LE(value, this.length);
  }

  /** An unsigned integer, at most 2^53, of type `fixed64`. */
  fixed64(field: number, value: number): void {
    this.#reserve(0);
    this.#tag(field, 1);
    this.length = this.bytes.writeBigUInt64LE(BigInt(value), this.length);
  }

  /** Milliseconds, with their fraction, as nanoseconds of type `fixed64`. */
  fixedTime(field: number, milliseconds: number): void {
    this.#reserve(0);
    this.#tag(field, 1);
    const whole = Math.floor(milliseconds);
    const nanoseconds = BigInt(whole) * 1_000_000n + BigInt(Math.round((milliseconds - whole) * 1e6));
    this.length = this.bytes.writeBigUInt64LE(nanoseconds, this.length);
  }

  /** A message of seconds and nanoseconds: `Duration` or `Timestamp`. */
  time(field: number, seconds: number, nanos: number): void {
    this.#reserve(0);
    this.#tag(field, 2);
    const at = this.length++;
    this.nonZero(1, seconds);
    this.nonZero(2, nanos);
    this.bytes[at] = this.length - at - 1;
  }

  /** Tag and length of a message that follows. */
  head(field: number, length: number): void {
    this.#reserve(0);
    this.#tag(field, 2);
    this.#varint(length);
  }

  /** A message that is encoded already. */
  message(field: number, encoded: Uint8Array): void {
    this.head(field, encoded.length);
    this.#reserve(encoded.length);
    if (encoded.length > SHORT) this.bytes.set(encoded, this.length);
    else for (let at = 0; at < encoded.length; at++) this.bytes[this.length + at] = encoded[at] as number;
    this.length += encoded.length;
  }

  /** Fields that are encoded already. */
  append(encoded: Uint8Array): void {
    this.#reserve(encoded.length);
    this.bytes.set(encoded, this.length);
    this.length += encoded.length;
  }

  /** Begins a message; gives what `end` wants. */
  begin(field: number): number {
    this.#reserve(0);
    this.#tag(field, 2);
    this.length += LENGTH_BYTES;
    return this.length;
  }

  end(start: number): void {
    let rest = this.length - start;
    if (rest > MAX_LENGTH) throw new RangeError(`a message of ${rest} bytes`);
    for (let at = start - LENGTH_BYTES; at < start - 1; at++) {
      this.bytes[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[start - 1] = rest;
  }

  #asciiShort(text: string): boolean {
    const { bytes, length: start } = this;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code >= 0x80) return false;
      bytes[start + at] = code;
    }
    this.length = start + text.length;
    return true;
  }

  /** Only ASCII is as long in UTF-8 as its text; there is room for it where it is not. */
  #asciiLong(text: string): boolean {
    const written = this.bytes.write(text, this.length, 'utf8');
    if (written !== text.length) return false;
    this.length += written;
    return true;
  }

  #tag(field: number, type: number): void {
    const tag = (field << 3) | type;
    if (tag < 0x80) this.bytes[this.length++] = tag;
    else this.#varint(tag);
  }

  #varint(value: number): void {
    let rest = value;
    // Beyond 31 bits operators on bits no longer hold.
    while (rest > 0x7fff_ffff) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** Room for so many bytes, and for tags and numbers around them. */
  #reserve(more: number): void {
    const wanted = this.length + more + 32;
    if (wanted <= this.bytes.length) return;
    const bytes = Buffer.allocUnsafeSlow(2 * wanted);
    this.bytes.copy(bytes, 0, 0, this.length);
    this.bytes = bytes;
  }
}
