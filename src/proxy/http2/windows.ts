import type { HeaderMap } from '../http/headers.ts';
import { type Fault, growthFault } from './fault.ts';
import { FRAME, INITIAL_WINDOW, LARGEST_WINDOW } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { Http2Options } from './options.ts';
import type { Http2Stream, OutgoingBlock } from './stream.ts';

const NO_PSEUDO: OutgoingBlock['pseudo'] = [];

/** What the other side may still send over a connection and its streams. */
export class ReceiveWindows {
  readonly #options: Http2Options;
  readonly #writer: FrameWriter;
  #window: number;
  #consumed = 0;

  constructor(options: Http2Options, writer: FrameWriter) {
    this.#options = options;
    this.#writer = writer;
    this.#window = Math.max(INITIAL_WINDOW, options.connectionWindow);
  }

  /** False: that was more than the connection's window. */
  take(bytes: number): boolean {
    this.#window -= bytes;
    return this.#window >= 0;
  }

  /** Gives back what was used up of a stream, unless it is paused. */
  consume(stream: Http2Stream): void {
    const bytes = stream.unconsumed;
    if (stream.paused || bytes === 0) return;
    stream.unconsumed = 0;
    this.giveBack(bytes);
    if (stream.closed || stream.remoteDone) return;
    stream.consumed += bytes;
    if (stream.consumed * 2 < this.#options.streamWindow) return;
    stream.receiveWindow += stream.consumed;
    this.#writer.numbers(FRAME.WINDOW_UPDATE, stream.id, stream.consumed);
    stream.consumed = 0;
  }

  /** The same for the connection alone. */
  giveBack(bytes: number): void {
    this.#consumed += bytes;
    if (this.#consumed * 2 < this.#options.connectionWindow) return;
    this.#window += this.#consumed;
    this.#writer.numbers(FRAME.WINDOW_UPDATE, 0, this.#consumed);
    this.#consumed = 0;
  }
}

/** What this side may still send, and what waits for that. */
export class SendWindows {
  /** That of the connection. */
  window = INITIAL_WINDOW;
  /** Of a stream that begins. */
  initial = INITIAL_WINDOW;
  readonly #writer: FrameWriter;
  readonly #onSent: (frames: number) => void;

  constructor(writer: FrameWriter, onSent: (frames: number) => void) {
    this.#writer = writer;
    this.#onSent = onSent;
  }

  /** The other side's `SETTINGS_INITIAL_WINDOW_SIZE`, which changes open streams too; false: one becomes too large. */
  resize(initial: number, streams: Iterable<Http2Stream>): boolean {
    const more = initial - this.initial;
    this.initial = initial;
    for (const stream of streams) {
      stream.sendWindow += more;
      if (stream.sendWindow > LARGEST_WINDOW) return false;
    }
    return true;
  }

  /** A WINDOW_UPDATE of the connection. */
  grow(more: number): Fault | undefined {
    this.window += more;
    return growthFault(more, this.window);
  }

  /** Sends a head with what follows it as far as the windows go; the rest waits. */
  message(
    stream: Http2Stream,
    head: OutgoingBlock | undefined,
    bytes: Buffer | undefined,
    start: number,
    stop: number,
    end: boolean,
    trailers: HeaderMap | undefined,
  ): void {
    if (head) {
      const alone = end && stop === start && !trailers;
      this.#writer.head(stream.id, head, alone);
      stream.localDone = alone;
    }
    if (stream.localDone || (stop === start && !end)) return;
    const taken = stream.waits ? 0 : this.#body(stream, bytes, start, stop, end, trailers);
    if (stream.localDone) return;
    if (stream.waits || start + taken < stop) stream.wait(bytes, start + taken, stop, end, trailers);
  }

  /** Sends what waits as far as the windows go. */
  flush(stream: Http2Stream): void {
    stream.flush((bytes, start, stop, end, trailers) => this.#body(stream, bytes, start, stop, end, trailers));
  }

  /** How many bytes went. The end, with trailers, goes once everything has gone. */
  #body(
    stream: Http2Stream,
    bytes: Buffer | undefined,
    start: number,
    stop: number,
    end: boolean,
    trailers: HeaderMap | undefined,
  ): number {
    const length = Math.max(0, Math.min(stop - start, this.window, stream.sendWindow));
    const ends = end && length === stop - start;
    if (length > 0 || (ends && !trailers)) {
      const frames = this.#writer.data(stream.id, bytes, start, length, ends && !trailers);
      this.window -= length;
      stream.sendWindow -= length;
      this.#onSent(frames);
    }
    if (ends && trailers) this.#writer.head(stream.id, { pseudo: NO_PSEUDO, headers: trailers }, true);
    stream.localDone = ends;
    return length;
  }
}
