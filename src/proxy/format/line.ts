import type { StreamInfo } from '../http/stream-info.ts';
import { putText } from '../transport/text.ts';

/** A line of text under construction, as latin1 bytes: joined as text it would be a tree of all its pieces. */
export class Line {
  bytes = Buffer.allocUnsafeSlow(1024);
  length = 0;

  /** Appends bytes. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  text(text: string): void {
    this.#reserve(text.length);
    this.length = putText(this.bytes, this.length, text);
  }

  number(value: number): void {
    if (value >= 0 && value < 10) {
      this.#reserve(1);
      this.bytes[this.length++] = 0x30 + value;
    } else this.text(String(value));
  }

  /**
   * A JSON string literal. Values are bytes, and each one outside of ASCII is escaped, as Envoy does with what is not UTF-8 for certain.
   * Most texts have nothing to escape, which is cheaper to see than to serialise.
   */
  jsonString(text: string): void {
    this.#reserve(text.length + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = 0x22;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code === 0x22 || code === 0x5c || code >= 0x7f) {
        this.text(escaped(text));
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = 0x22;
    this.length = at;
  }

  toString(): string {
    return this.bytes.toString('latin1', 0, this.length);
  }

  #reserve(more: number): void {
    const wanted = this.length + more;
    if (wanted <= this.bytes.length) return;
    const bytes = Buffer.allocUnsafeSlow(2 * wanted);
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
  }
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
