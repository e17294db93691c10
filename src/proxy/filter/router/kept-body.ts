/** Bytes read ahead of a connection that is not there yet. */
const HOLD_LIMIT = 65_536;

/** The part of a request's body that was read and may be needed: no connection has it yet, or another attempt may have to send it. */
export class KeptBody {
  /** It is kept for other attempts. */
  keep = false;
  /** It was too long to be kept. */
  overflowed = false;
  size = 0;
  readonly #limit: number;
  #pieces: Buffer[] | undefined = undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Enough was read ahead. */
  get waitsFull(): boolean {
    return this.size > HOLD_LIMIT;
  }

  hasRoom(bytes: number): boolean {
    return this.size + bytes <= this.#limit;
  }

  add(bytes: Buffer, start: number, stop: number): void {
    this.#pieces ??= [];
    this.#pieces.push(Buffer.from(bytes.subarray(start, stop)));
    this.size += stop - start;
  }

  /** There is too much of it for another attempt. `sent`: a connection has all of it. */
  giveUp(sent: boolean): void {
    this.keep = false;
    this.overflowed = true;
    if (sent) this.clear();
  }

  /** All of it in one piece; undefined when there is none. */
  get bytes(): Buffer | undefined {
    const pieces = this.#pieces;
    if (pieces && pieces.length > 1) this.#pieces = [Buffer.concat(pieces)];
    return this.#pieces?.[0];
  }

  /** The same, for a connection that takes it over. */
  take(): Buffer | undefined {
    const { bytes } = this;
    if (!this.keep) this.clear();
    return bytes;
  }

  clear(): void {
    this.#pieces = undefined;
    this.size = 0;
  }
}
