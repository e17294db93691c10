/** Access log entries that wait, one after the other as protobuf fields: a tag of one byte, the length, the entry. In pieces that a message may hold. */
export class Entries {
  count = 0;
  byteLength = 0;
  readonly #pieces: Piece[] = [];
  #spare: Buffer | undefined = undefined;

  /** Copies so many entries, the first `length` bytes, which stay together. */
  add(bytes: Buffer, length: number, count: number): void {
    const last = this.#pieces.at(-1);
    const piece = last && last.length + length <= last.bytes.length ? last : this.#open(length);
    bytes.copy(piece.bytes, piece.length, 0, length);
    piece.length += length;
    piece.count += count;
    this.byteLength += length;
    this.count += count;
  }

  /** How much `take` gives: the oldest entries, as many as `PIECE_BYTES` hold. */
  get oldest(): { readonly length: number; readonly count: number } | undefined {
    return this.#pieces[0];
  }

  /** Takes the oldest entries, after room for so many bytes. */
  take(before: number): Buffer {
    const piece = this.#pieces.shift();
    if (!piece) return Buffer.alloc(before);
    const taken = Buffer.allocUnsafeSlow(before + piece.length);
    piece.bytes.copy(taken, before, 0, piece.length);
    this.byteLength -= piece.length;
    this.count -= piece.count;
    if (piece.bytes.length === PIECE_BYTES) this.#spare = piece.bytes;
    return taken;
  }

  #open(length: number): Piece {
    const bytes = (length <= PIECE_BYTES && this.#spare) || Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, length));
    if (bytes === this.#spare) this.#spare = undefined;
    const piece = { bytes, length: 0, count: 0 };
    this.#pieces.push(piece);
    return piece;
  }
}

interface Piece {
  readonly bytes: Buffer;
  length: number;
  count: number;
}

const PIECE_BYTES = 65_536;
