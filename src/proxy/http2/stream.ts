import type { HeaderMap } from '../http/headers.ts';
import type { FieldBlock } from './block.ts';
import { type Fault, growthFault } from './fault.ts';
import type { Http2Session } from './session.ts';

/** A head on its way out. */
export interface OutgoingBlock {
  /** `:status`, or the pseudo headers of a request, in their order. */
  readonly pseudo: readonly (readonly [name: string, value: string])[];
  readonly headers: HeaderMap;
}

/** What a stream tells. Called inside the read of the bytes, which are reused afterwards. */
export interface StreamUser {
  opened(stream: Http2Stream): void;
  /** Tells what of it HTTP does not allow; likewise below. */
  onHead(block: FieldBlock, end: boolean): Fault | undefined;
  onTrailers(block: FieldBlock): Fault | undefined;
  onData(bytes: Buffer, start: number, stop: number, end: boolean): void;
  /** The other side ended the stream, or sent what was not allowed, which `details` then say; nothing follows. */
  onReset(code: number, details: string | undefined): void;
  /** The connection is gone. */
  onGone(): void;
  /** What waited is sent. */
  onWritable(): void;
}

/** A piece of a message that waits for a window. */
interface Waiting {
  readonly bytes: Buffer;
  at: number;
}

/** Of most streams nothing ever does: they share it, and it stays empty. */
const NOTHING_WAITS: Waiting[] = [];

type SendPiece = (
  bytes: Buffer | undefined,
  start: number,
  stop: number,
  end: boolean,
  trailers: HeaderMap | undefined,
) => number;

/** One stream of an HTTP/2 connection: its windows, and what waits for them. */
export class Http2Stream {
  readonly session: Http2Session;
  readonly id: number;
  user: StreamUser;
  sendWindow: number;
  receiveWindow: number;
  /** Bytes that came and were not given back to the other side's window. */
  unconsumed = 0;
  consumed = 0;
  paused = false;
  headCame = false;
  /** Of the body as far as it was announced; -1: it was not. */
  contentLength = -1;
  received = 0;
  /** The other side has sent everything, and this one. */
  remoteDone = false;
  localDone = false;
  closed = false;
  queued = 0;
  #queue = NOTHING_WAITS;
  #endQueued = false;
  #trailersQueued: HeaderMap | undefined = undefined;

  constructor(session: Http2Session, id: number, user: StreamUser, sendWindow: number, receiveWindow: number) {
    this.session = session;
    this.id = id;
    this.user = user;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /** Something is still to be sent before anything new. */
  get waits(): boolean {
    return this.queued > 0 || this.#endQueued;
  }

  /** A WINDOW_UPDATE of the stream. */
  grow(more: number): Fault | undefined {
    this.sendWindow += more;
    return growthFault(more, this.sendWindow);
  }

  /** Keeps a copy until the windows open. */
  wait(bytes: Buffer | undefined, start: number, stop: number, end: boolean, trailers: HeaderMap | undefined): void {
    if (bytes && stop > start) {
      if (this.#queue === NOTHING_WAITS) this.#queue = [];
      this.#queue.push({ bytes: Buffer.from(bytes.subarray(start, stop)), at: 0 });
      this.queued += stop - start;
    }
    if (!end) return;
    this.#endQueued = true;
    this.#trailersQueued = trailers;
  }

  /** Sends what waits; `send` tells how many bytes the windows let go. */
  flush(send: SendPiece): void {
    while (this.#queue.length > 0) {
      const piece = this.#queue[0] as Waiting;
      const end = this.#queue.length === 1 && this.#endQueued;
      const taken = send(piece.bytes, piece.at, piece.bytes.length, end, this.#trailersQueued);
      this.queued -= taken;
      piece.at += taken;
      if (piece.at < piece.bytes.length) return;
      this.#queue.shift();
      if (end) this.#endQueued = false;
    }
    if (!this.#endQueued) return;
    this.#endQueued = false;
    send(undefined, 0, 0, true, this.#trailersQueued);
  }

  /** Whether more or less of the body came than was announced. */
  hasWrongLength(end: boolean): boolean {
    if (this.contentLength < 0) return false;
    return end ? this.received !== this.contentLength : this.received > this.contentLength;
  }

  /** Lets go of what waits. */
  end(): void {
    this.closed = true;
    this.paused = false;
    this.#queue.length = 0;
    this.queued = 0;
    this.#endQueued = false;
    this.#trailersQueued = undefined;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.session.consume(this);
  }
}
