const FIRST_SIZE = 512;

/** Gathers a head or a trailer section that comes in pieces: no byte is copied or looked at more than a few times, however small they are. */
export class HeadBuffer {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_SIZE);
  /** Bytes that came. */
  length = 0;
  #lineSeen = false;
  #searched = 0;

  /** Adds a piece; true when that gives the parser something to say: the first line, an empty line, or too much. */
  append(source: Buffer, from: number, to: number, maxBytes: number): boolean {
    const length = this.length + to - from;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    source.copy(this.#bytes, this.length, from, to);
    this.length = length;
    return this.#hasNews() || length >= maxBytes;
  }

  #hasNews(): boolean {
    const bytes = this.#bytes;
    const length = this.length;
    let news = false;
    for (let at = this.#searched; at < length; at++) {
      if (bytes[at] !== 10) continue;
      if (!this.#lineSeen) {
        news = true;
        // Empty lines before a request are none of it.
        this.#lineSeen = at > 1 && (bytes[at - 1] !== 13 || bytes[at - 2] !== 10);
      }
      if (at + 1 < length && bytes[at + 1] === 10) return true;
      if (at + 2 < length && bytes[at + 1] === 13 && bytes[at + 2] === 10) return true;
    }
    this.#searched = Math.max(this.#searched, length - 2);
    return news;
  }

  /** All that came. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}
