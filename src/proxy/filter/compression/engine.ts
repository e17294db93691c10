import type zlib from 'node:zlib';

export type ZlibStream = zlib.Gzip | zlib.InflateRaw | zlib.BrotliCompress | zlib.BrotliDecompress | ZstdStream;
type ZstdStream = ReturnType<typeof zlib.createZstdCompress> | ReturnType<typeof zlib.createZstdDecompress>;

/** What `node:zlib` works with itself, also where it does so at once. */
interface Handle {
  onerror: (message: string, number: number, code: string) => void;
  writeSync(
    flush: number,
    input: Buffer,
    at: number,
    length: number,
    output: Buffer,
    outAt: number,
    outLength: number,
  ): void;
}

interface Internals {
  readonly _handle: Handle;
  /** What is left of the output and of the input. */
  readonly _writeState: Uint32Array;
}

/**
 * Turns a message into another piece by piece, each at once: the streams of `node:zlib` would give every piece a wait of its own, and its
 * functions that do not wait take whole messages only.
 */
export class Engine {
  readonly #stream: ZlibStream;
  readonly #handle: Handle;
  readonly #state: Uint32Array;
  readonly #chunk: Buffer;
  /** Code of what went wrong with the last piece; empty: nothing did. */
  error = '';
  /** Bytes of the last piece that were not read. */
  unread = 0;
  /** The message was over before the piece was. */
  ended = false;

  /** `chunkSize`: bytes of output that are made at a time. */
  constructor(stream: ZlibStream, chunkSize: number) {
    const { _handle, _writeState } = stream as unknown as Internals;
    this.#stream = stream;
    this.#handle = _handle;
    this.#state = _writeState;
    this.#chunk = Buffer.allocUnsafe(chunkSize);
    _handle.onerror = (_, __, code) => {
      this.error = code;
    };
  }

  /** What a piece comes to, up to the chunk of which `enough` says that it is the last; it is told how much there was before and is now. */
  feed(bytes: Buffer, flush: number, enough?: (before: number, size: number) => boolean): Buffer {
    const chunk = this.#chunk;
    const state = this.#state;
    const pieces: Buffer[] = [];
    let size = 0;
    this.error = '';
    this.unread = bytes.length;
    for (;;) {
      this.#handle.writeSync(flush, bytes, bytes.length - this.unread, this.unread, chunk, 0, chunk.length);
      if (this.error !== '') break;
      const room = state[0] as number;
      const made = chunk.length - room;
      this.unread = state[1] as number;
      if (made > 0) pieces.push(Buffer.from(chunk.subarray(0, made)));
      size += made;
      this.ended = room > 0 && this.unread > 0;
      if (room > 0 || enough?.(size - made, size)) break;
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  close(): void {
    this.#stream.destroy();
  }
}
