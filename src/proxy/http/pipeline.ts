/** Bytes of requests that came while another one is under way. */
export class Pipeline {
  #pieces: Buffer[] = [];
  size = 0;

  push(bytes: Buffer, start: number, stop: number): void {
    this.#pieces.push(Buffer.from(bytes.subarray(start, stop)));
    this.size += stop - start;
  }

  /** All of them as one buffer. */
  take(): Buffer {
    const [first] = this.#pieces;
    const bytes = this.#pieces.length === 1 && first ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.size = 0;
    return bytes;
  }
}
