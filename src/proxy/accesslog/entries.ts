/** Access log entries that wait, one after the other as protobuf fields: a tag of one byte, the length, the entry. */
export class Entries {
  count = 0;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #start = 0;
  #end = 0;

  get byteLength(): number {
    return this.#end - this.#start;
  }

  /** Copies so many entries, the first `length` bytes. */
  add(bytes: Buffer, length: number, count: number): void {
    this.#reserve(length);
    bytes.copy(this.#bytes, this.#end, 0, length);
    this.#end += length;
    this.count += count;
  }

  dropOldest(): void {
    let at = this.#start + 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[at++] as number;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    this.#start = at + length;
    this.count--;
  }

  /** Takes all entries, after room for so many bytes. */
  take(before: number): Buffer {
    const length = this.#end - this.#start;
    const taken = Buffer.allocUnsafeSlow(before + length);
    this.#bytes.copy(taken, before, this.#start, this.#end);
    this.#start = 0;
    this.#end = 0;
    this.count = 0;
    // What a sink that was away left behind is not kept.
    if (this.#bytes.length > MOST_KEPT) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    return taken;
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const length = this.byteLength;
    const bytes = 2 * (length + more) <= this.#bytes.length ? this.#bytes : Buffer.allocUnsafeSlow(2 * (length + more));
    this.#bytes.copy(bytes, 0, this.#start, this.#end);
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = length;
  }
}

const FIRST_BYTES = 32_768;
const MOST_KEPT = 1024 * 1024;
