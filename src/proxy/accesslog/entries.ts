/** Access log entries that wait, one after the other as protobuf fields: a tag of one byte, the length, the entry. */
export class Entries {
  count = 0;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;

  get byteLength(): number {
    return this.#end;
  }

  /** Copies so many entries, the first `length` bytes. */
  add(bytes: Buffer, length: number, count: number): void {
    this.#reserve(length);
    bytes.copy(this.#bytes, this.#end, 0, length);
    this.#end += length;
    this.count += count;
  }

  /** Takes all entries, after room for so many bytes. */
  take(before: number): Buffer {
    const taken = Buffer.allocUnsafeSlow(before + this.#end);
    this.#bytes.copy(taken, before, 0, this.#end);
    this.#end = 0;
    this.count = 0;
    // What a sink that was away left behind is not kept.
    if (this.#bytes.length > MOST_KEPT) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    return taken;
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const bytes = Buffer.allocUnsafeSlow(2 * (this.#end + more));
    this.#bytes.copy(bytes, 0, 0, this.#end);
    this.#bytes = bytes;
  }
}

const FIRST_BYTES = 32_768;
const MOST_KEPT = 1024 * 1024;
