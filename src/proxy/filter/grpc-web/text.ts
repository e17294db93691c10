const NOTHING = Buffer.alloc(0);
const GROUP = 4;
const PREFIX = 5;

/** Reads the body of a `grpc-web-text` request: base64 whose padding may stand at the end of each message. */
export class WebTextReader {
  #rest = '';

  /** The bytes of what is whole so far; an error's name as Envoy has it. */
  decode(piece: Buffer, done: boolean): Buffer | 'size' | 'data' {
    const text = this.#rest + piece.toString('latin1');
    if (done && text.length % GROUP !== 0) return 'size';
    const whole = text.length - (text.length % GROUP);
    this.#rest = text.slice(whole);
    if (whole === 0) return NOTHING;
    const taken = text.slice(0, whole);
    const bytes = Buffer.from(taken, 'base64');
    return bytes.length > 0 && bytes.toString('base64') === taken ? bytes : 'data';
  }
}

/** Writes the body of a `grpc-web-text` response: each message is base64 of its own, however its bytes come. */
export class WebTextWriter {
  /** Of the message that is under way: what is left of it, and of its prefix while that is not whole. */
  #left = 0;
  readonly #prefix: number[] = [];
  #pending: Buffer = NOTHING;

  encode(bytes: Buffer): Buffer {
    let text = '';
    for (let at = 0; at < bytes.length; ) {
      const stop = Math.min(bytes.length, at + (this.#left > 0 ? this.#left : PREFIX - this.#prefix.length));
      const part = bytes.subarray(at, stop);
      if (this.#left > 0) this.#left -= part.length;
      else this.#takePrefix(part);
      text += this.#put(part, this.#left === 0 && this.#prefix.length === 0);
      at = stop;
    }
    return Buffer.from(text, 'latin1');
  }

  #takePrefix(part: Buffer): void {
    this.#prefix.push(...part);
    if (this.#prefix.length < PREFIX) return;
    this.#left = Buffer.from(this.#prefix).readUInt32BE(1);
    this.#prefix.length = 0;
  }

  /** Groups of three bytes; the rest waits unless the message ends. */
  #put(part: Buffer, ends: boolean): string {
    const all = this.#pending.length === 0 ? part : Buffer.concat([this.#pending, part]);
    const whole = ends ? all.length : all.length - (all.length % 3);
    this.#pending = ends ? NOTHING : Buffer.from(all.subarray(whole));
    return all.toString('base64', 0, whole);
  }
}
