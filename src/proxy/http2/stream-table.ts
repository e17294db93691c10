import type { Fault } from './fault.ts';
import { ERROR, FRAME, LARGEST_WINDOW } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { Http2Stats } from './stats.ts';
import type { Http2Stream } from './stream.ts';
import type { ReceiveWindows, SendWindows } from './windows.ts';

/** Ids of streams that this side has reset: what was under way to them is passed over. */
const REMEMBERED = 128;

export interface StreamTableUser {
  readonly closed: boolean;
  /** No stream is left. */
  onEmpty(): void;
}

/** The streams of a connection that are open, and how they end. */
export class StreamTable {
  readonly #user: StreamTableUser;
  readonly #writer: FrameWriter;
  readonly #received: ReceiveWindows;
  readonly #stats: Http2Stats;
  readonly #open = new Map<number, Http2Stream>();
  readonly #resets = new Set<number>();
  readonly #server: boolean;
  /** The last stream that the other side opened. */
  lastRemote = 0;
  #nextLocal: number;
  #reading = false;
  readonly #unwanted: Http2Stream[] = [];

  constructor(
    user: StreamTableUser,
    server: boolean,
    writer: FrameWriter,
    received: ReceiveWindows,
    stats: Http2Stats,
  ) {
    this.#user = user;
    this.#server = server;
    this.#nextLocal = server ? 2 : 1;
    this.#writer = writer;
    this.#received = received;
    this.#stats = stats;
  }

  get size(): number {
    return this.#open.size;
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id);
  }

  all(): Iterable<Http2Stream> {
    return this.#open.values();
  }

  /** The id of the next stream of this side; undefined where they are used up. */
  nextLocal(): number | undefined {
    if (this.#nextLocal > LARGEST_WINDOW) return undefined;
    this.#nextLocal += 2;
    return this.#nextLocal - 2;
  }

  /** Whether the other side may not have sent anything of a stream with this id. */
  isIdle(id: number): boolean {
    const remote = this.#server === (id % 2 === 1);
    return remote ? id > this.lastRemote : id >= this.#nextLocal;
  }

  add(stream: Http2Stream): void {
    this.#open.set(stream.id, stream);
    this.#stats.active++;
  }

  /** Whether this side has reset a stream of that id, as far as it remembers. */
  wasReset(id: number): boolean {
    return this.#resets.has(id);
  }

  /** Sends what waits as far as the windows go. */
  flushAll(sent: SendWindows): void {
    for (const stream of this.#open.values()) {
      if (sent.window <= 0) return;
      this.flush(stream, sent);
    }
  }

  flush(stream: Http2Stream, sent: SendWindows): void {
    if (!stream.waits) return;
    sent.flush(stream);
    if (!stream.waits && !stream.closed) stream.user.onWritable();
    this.settle(stream);
  }

  /** Ends a stream that is done on both sides. */
  settle(stream: Http2Stream): void {
    if (stream.localDone && stream.remoteDone) this.end(stream);
  }

  end(stream: Http2Stream): void {
    if (stream.closed) return;
    stream.end();
    this.#open.delete(stream.id);
    this.#stats.active--;
    this.#received.consume(stream);
    if (this.#open.size === 0) this.#user.onEmpty();
  }

  /** Ends a stream before its time, for its user. */
  reset(stream: Http2Stream, code: number): void {
    if (stream.closed) return;
    this.#stats.sent++;
    this.sendReset(stream.id, code);
    this.end(stream);
  }

  /** What is read may end streams of which no more is wanted. */
  beginRead(): void {
    this.#reading = true;
  }

  endRead(): void {
    this.#reading = false;
    for (const stream of this.#unwanted.splice(0)) this.reset(stream, ERROR.NO_ERROR);
  }

  /** Lets the other side send no more of a stream that this one has answered, unless what is being read ends it. */
  leaveRest(stream: Http2Stream): void {
    if (this.#reading) this.#unwanted.push(stream);
    else this.reset(stream, ERROR.NO_ERROR);
  }

  /** Ends a stream for what came over it, which its user then hears. */
  refuse(stream: Http2Stream, { code = ERROR.PROTOCOL_ERROR, details }: Fault): void {
    if (stream.closed) return;
    this.reset(stream, code);
    stream.user.onReset(code, details);
  }

  /** A fault of the connection that came over that stream. */
  blame(id: number, fault: Fault): Fault {
    const stream = this.#open.get(id);
    if (!stream) return fault;
    this.end(stream);
    stream.user.onReset(ERROR.NO_ERROR, 'http2.inbound_empty_frames_flood');
    return fault;
  }

  /** What came is not what HTTP allows: ends the stream where `alone`, else the connection has the fault. */
  malformed(stream: Http2Stream, fault: Fault, alone: boolean): Fault | undefined {
    if (stream.closed) return undefined;
    this.#stats.messagingError++;
    if (!alone) return fault;
    this.refuse(stream, fault);
    return undefined;
  }

  /** The other side has not worked on those that this one opened after `last`, and will not (RFC 9113, 6.8). */
  forsake(last: number): void {
    for (const stream of [...this.#open.values()]) {
      if (stream.id <= last || stream.closed) continue;
      this.end(stream);
      stream.user.onReset(ERROR.REFUSED_STREAM, undefined);
    }
  }

  sendReset(id: number, code: number): void {
    this.#resets.add(id);
    const [oldest] = this.#resets;
    if (this.#resets.size > REMEMBERED && oldest !== undefined) this.#resets.delete(oldest);
    if (this.#user.closed) return;
    this.#writer.numbers(FRAME.RST_STREAM, id, code);
  }

  /** The connection is gone. */
  abandon(): void {
    // The latest is told first, as in Envoy.
    for (const stream of [...this.#open.values()].reverse()) {
      stream.end();
      this.#stats.active--;
      stream.user.onGone();
    }
    this.#open.clear();
  }
}
