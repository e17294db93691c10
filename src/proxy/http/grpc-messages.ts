/** A message of gRPC's on the wire: a byte of flags, a length of four bytes, and so many bytes. */
const PREFIX = 5;

export function frameMessage(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  message.copy(framed, PREFIX);
  return framed;
}

/** Why what came is not read on: a message that is longer than allowed, one that is compressed, which nobody asked for, or one of flags that there are not. */
export type MessageFault = 'too long' | 'compressed' | 'unknown flags';

const COMPRESSED = 1;

/** Takes messages out of a body that comes in pieces. */
export class MessageReader {
  readonly #limit: number;
  readonly #prefix = Buffer.alloc(PREFIX);
  #prefixBytes = 0;
  #message: Buffer[] = [];
  #missing = 0;

  /** `limit`: bytes that a message may have. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A message has begun and not ended. */
  get unfinished(): boolean {
    return this.#prefixBytes > 0;
  }

  /** Tells each message that ends in the piece; `take` answers whether to go on. What is kept is copied. */
  read(bytes: Buffer, start: number, stop: number, take: (message: Buffer) => boolean): MessageFault | undefined {
    let at = start;
    while (at < stop) {
      if (this.#prefixBytes < PREFIX) {
        this.#prefix[this.#prefixBytes++] = bytes[at++] as number;
        if (this.#prefixBytes < PREFIX) continue;
        const fault = this.#begin();
        if (fault) return fault;
      }
      const end = Math.min(stop, at + this.#missing);
      if (end > at) this.#message.push(Buffer.from(bytes.subarray(at, end)));
      this.#missing -= end - at;
      at = end;
      if (this.#missing === 0 && !take(this.#finish())) return undefined;
    }
    return undefined;
  }

  #begin(): MessageFault | undefined {
    this.#missing = this.#prefix.readUInt32BE(1);
    const flags = this.#prefix[0] as number;
    if (flags > COMPRESSED) return 'unknown flags';
    if (this.#missing > 0 && flags === COMPRESSED) return 'compressed';
    return this.#missing > this.#limit ? 'too long' : undefined;
  }

  #finish(): Buffer {
    const pieces = this.#message;
    this.#message = [];
    this.#prefixBytes = 0;
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }
}
