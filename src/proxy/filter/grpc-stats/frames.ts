const PREFIX = 5;

/** Counts the gRPC messages of a body as it comes in pieces: each is a byte of flags, a length of four bytes, and so many bytes. */
export class FrameCounter {
  #skip = 0;
  #prefix = 0;
  #length = 0;

  /** How many messages begin in the piece. */
  count(bytes: Uint8Array): number {
    let found = 0;
    for (let at = 0; at < bytes.length; ) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const byte = bytes[at++] as number;
      if (this.#prefix === 0) found++;
      else this.#length = this.#length * 256 + byte;
      if (++this.#prefix < PREFIX) continue;
      this.#skip = this.#length;
      this.#prefix = this.#length = 0;
    }
    return found;
  }
}
