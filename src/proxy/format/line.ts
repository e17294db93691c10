import type { StreamInfo } from '../http/stream-info.ts';

/** Up to this length a loop costs less than a call that leaves compiled code. */
const SHORT = 20;
/** Longer values are not looked at for whether they come again. */
const LONGEST_AGAIN = 128;
/** So many values in a row that were all different: the place's values are hardly ever the same. */
const CHANGEABLE = 8;

/** Bytes of a format that never change, in words of four: they are written past their end, where the next bytes go. */
export interface Literal {
  readonly length: number;
  readonly words: Int32Array;
}

/** `latin1`: characters up to U+00FF. */
export function literal(latin1: string): Literal {
  const bytes = Buffer.alloc((latin1.length + 3) & ~3);
  bytes.write(latin1, 'latin1');
  const words = Int32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readInt32LE(4 * at));
  return { length: latin1.length, words };
}

/** A value's place in a format, and where a line shows what stood there last: hosts, methods and times come again and again. */
export class Place {
  text = '';
  line: Line | undefined = undefined;
  epoch = 0;
  start = 0;
  length = 0;
  /** Values in a row that were not the one before. */
  changes = 0;
}

/** Lines of text under construction, as latin1 bytes: joined as text they would be a tree of all their pieces. */
export class Line {
  bytes: Buffer;
  length = 0;
  #words: DataView;
  /** Goes up when what stands in `bytes` no longer counts. */
  #epoch = 0;

  constructor(size = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.#words = new DataView(this.bytes.buffer);
  }

  clear(): void {
    this.length = 0;
    this.#epoch++;
  }

  literal({ length, words }: Literal): void {
    const at = this.length;
    this.#reserve(length);
    for (let index = 0; index < words.length; index++) {
      this.#words.setInt32(at + 4 * index, words[index] as number, true);
    }
    this.length = at + length;
  }

  /** Appends latin1 text as it is. */
  text(text: string): void {
    const { length } = text;
    this.#reserve(length);
    const { bytes, length: at } = this;
    if (length > SHORT) bytes.write(text, at, length, 'latin1');
    else for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
    this.length = at + length;
  }

  textAt(place: Place, text: string): void {
    if (this.#again(place, text)) return;
    const start = this.length;
    this.text(text);
    this.#note(place, text, start);
  }

  /** A whole number. */
  number(value: number): void {
    // What is negative or no small integer is rare.
    if (value !== value >>> 0 || value > 0x3fff_ffff) {
      this.text(String(value));
      return;
    }
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    this.#reserve(digits);
    this.length += digits;
    let rest = value;
    for (let at = this.length - 1; digits > 0; digits--, at--) {
      const next = (rest / 10) | 0;
      this.bytes[at] = 0x30 + rest - 10 * next;
      rest = next;
    }
  }

  /** A JSON string literal. Values are bytes, and each one outside of ASCII is escaped, as Envoy does with what is not UTF-8 for certain. */
  jsonString(text: string): void {
    const { length } = text;
    this.#reserve(length + 2);
    const start = this.length;
    this.bytes[start] = 0x22;
    if (!(length > SHORT ? this.#plainLong(text, start + 1) : this.#plainShort(text, start + 1))) {
      this.text(escaped(text));
      return;
    }
    this.bytes[start + 1 + length] = 0x22;
    this.length = start + length + 2;
  }

  jsonStringAt(place: Place, text: string): void {
    if (this.#again(place, text)) return;
    const start = this.length;
    this.jsonString(text);
    this.#note(place, text, start);
  }

  toString(): string {
    return this.bytes.toString('latin1', 0, this.length);
  }

  /** Writes text that needs no escape; false where it does. */
  #plainShort(text: string, at: number): boolean {
    const { bytes } = this;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code === 0x22 || code === 0x5c || code >= 0x7f) return false;
      bytes[at + index] = code;
    }
    return true;
  }

  /** The same: written in one call, and then looked at by four bytes. As UTF-8, whatever is not ASCII is longer than its text. */
  #plainLong(text: string, at: number): boolean {
    const end = at + text.length;
    if (this.bytes.write(text, at, text.length + SLACK, 'utf8') !== text.length) return false;
    this.#words.setInt32(end, SPACES, true);
    for (let from = at; from < end; from += 4) if (needsEscape(this.#words.getInt32(from, true))) return false;
    return true;
  }

  /** Appends what stands for the same value as last time; false: there is nothing, or the value is another. */
  #again(place: Place, text: string): boolean {
    if (place.line !== this || place.epoch !== this.#epoch || place.text !== text) return false;
    const { start, length } = place;
    this.#reserve(length);
    const at = this.length;
    const words = this.#words;
    for (let offset = 0; offset < length; offset += 4) {
      words.setInt32(at + offset, words.getInt32(start + offset, true), true);
    }
    this.length = at + length;
    place.changes = 0;
    return true;
  }

  #note(place: Place, text: string, start: number): void {
    if (place.changes < CHANGEABLE) place.changes++;
    // What changes all the time is only looked at now and then: to remember it costs as much as to write it.
    else if ((this.length & 0xf) !== 0) return;
    if (text.length > LONGEST_AGAIN) return;
    place.text = text;
    place.line = this;
    place.epoch = this.#epoch;
    place.start = start;
    place.length = this.length - start;
  }

  /** Room for so many bytes and for what is written past them. */
  #reserve(more: number): void {
    const wanted = this.length + more + SLACK;
    if (wanted <= this.bytes.length) return;
    const bytes = Buffer.allocUnsafeSlow(2 * wanted);
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.#words = new DataView(bytes.buffer);
  }
}

/** Words reach past the end of what they write. */
const SLACK = 4;
const SPACES = 0x2020_2020;
const HIGH_BITS = 0x8080_8080;
const ONES = 0x0101_0101;

/**
 * Whether one of the four bytes of a word, all ASCII, is a control character, DEL, `"` or `\`. A byte's high bit tells: it is set by adding
 * one to DEL, by taking a space from a control character, and by taking one from the zero that a quote or backslash becomes. Only where one
 * of these was found is there a carry into the byte after it.
 */
function needsEscape(word: number): boolean {
  const quotes = word ^ 0x2222_2222;
  const backslashes = word ^ 0x5c5c_5c5c;
  const found = (word + ONES) | (word - SPACES) | ((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes);
  return (found & HIGH_BITS) !== 0;
}

function escaped(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Appends what a format makes of a stream. */
export type Appender = (info: StreamInfo, line: Line) => void;

/** The same as text. */
export function textOf(append: Appender): (info: StreamInfo) => string {
  return (info) => {
    const line = new Line();
    append(info, line);
    return line.toString();
  };
}
