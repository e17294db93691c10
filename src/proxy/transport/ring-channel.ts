import { addressOf, MORE, setBlocking } from '../../sys/index.ts';
import { END_OF_STREAM, type SocketHandle, type StreamBinding } from './binding.ts';
import type { Channel, ChannelUser } from './channel.ts';
import type { Arena } from './outbox.ts';
import type { RingClient, RingLoop } from './ring-loop.ts';

/** Lowest bits of the key. */
const RECEIVE = 0;
const SEND = 1;

const EAGAIN = -11;
const EINTR = -4;
const ENOBUFS = -105;
const ECANCELED = -125;
/** A receive that ended for one of these begins again. */
const AGAIN: ReadonlySet<number> = new Set([EAGAIN, EINTR, ECANCELED]);

/** A response of 16 KiB and its head are received in one piece. Who sends more than that at a time is received from without a limit. */
const RESPONSE_BYTES = 20_480;

const CHANNEL = Symbol('channel');

interface RingHandle extends SocketHandle {
  [CHANNEL]?: RingChannel;
}

interface Piece {
  readonly arena: Arena;
  readonly start: number;
  readonly stop: number;
}

/** A connected socket whose bytes go through the ring; connecting, ending and closing remain with its handle. */
export class RingChannel implements Channel, RingClient {
  readonly copies = false;
  readonly #loop: RingLoop;
  readonly #state: StreamBinding;
  readonly #handle: RingHandle;
  readonly #onSocketRead: SocketHandle['onread'];
  readonly #user: ChannelUser;
  readonly #descriptor: number;
  readonly #key: number;
  #reading = true;
  /** A receive is under way. */
  #armed = false;
  #cancelled = false;
  /** No limit holds: the last receipt was as large as it allows, or there never is one. */
  #bulk: boolean;
  /** What a client sends at once is received at once, since what a connection that closes has not received ends it with a reset. */
  readonly #limited: boolean;
  #closed = false;
  #settled = false;
  /** What came although nobody is reading: the kernel had received it before it heard of that. */
  readonly #held: Buffer[] = [];
  /** How receiving ended while nobody was reading: 0 or a negative errno. */
  #heldEnd: number | undefined = undefined;
  /** The piece that is being sent, and from where on. */
  #sending: Piece | undefined = undefined;
  #sent = 0;
  #sentIn = 0;
  /** The kernel gets one piece at a time, since it may send two in either order. */
  readonly #waiting: Piece[] = [];

  /** `limited`: what comes are responses, which are alike; see `Ring.receive`. */
  constructor(loop: RingLoop, state: StreamBinding, handle: SocketHandle, user: ChannelUser, limited: boolean) {
    this.#loop = loop;
    this.#limited = limited;
    this.#bulk = !limited;
    this.#state = state;
    this.#handle = handle;
    this.#onSocketRead = handle.onread;
    this.#user = user;
    this.#descriptor = handle.fd;
    this.#key = loop.add(this);
    this.#takeOver();
    this.#arm();
  }

  #takeOver(): void {
    const handle = this.#handle;
    if (handle.reading) handle.readStop();
    handle.reading = true;
    handle[CHANNEL] = this;
    handle.readStart = nothing;
    handle.readStop = nothing;
    handle.close = closeHandle;
    if (handle.reset) handle.reset = resetHandle;
    // The ring refuses to wait for sockets that are set not to block.
    setBlocking(this.#descriptor);
  }

  #arm(): void {
    if (this.#closed) return;
    this.#armed = true;
    this.#cancelled = false;
    this.#loop.ring.receive(this.#descriptor, this.#key | RECEIVE, this.#bulk ? 0 : RESPONSE_BYTES);
    this.#loop.wake();
  }

  /** The socket may have closed before its owner hears of it; then the descriptor's number may be another's already. */
  write(arena: Arena, start: number, stop: number): number {
    if (this.#closed) return ECANCELED;
    const piece = { arena, start, stop };
    if (this.#sending) this.#waiting.push(piece);
    else this.#begin(piece);
    return 1;
  }

  #begin(piece: Piece): void {
    this.#sending = piece;
    this.#sent = piece.start;
    this.#send(piece);
  }

  #send({ arena, stop }: Piece): void {
    if (arena.address === 0) arena.address = addressOf(arena.bytes);
    this.#sentIn = this.#loop.round;
    const from = this.#sent;
    this.#loop.ring.send(this.#descriptor, arena.address + from, stop - from, this.#key | SEND);
  }

  get stuck(): boolean {
    return this.#sending !== undefined && this.#sentIn !== this.#loop.round;
  }

  get taken(): number {
    return this.#sending ? this.#sent - this.#sending.start : 0;
  }

  pause(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#stopReceiving();
  }

  #stopReceiving(): void {
    if (!this.#armed || this.#cancelled) return;
    this.#cancelled = true;
    this.#loop.ring.cancel(this.#key | RECEIVE);
    this.#loop.wake();
  }

  resume(): void {
    if (this.#reading) return;
    this.#reading = true;
    if (this.#held.length > 0 || this.#heldEnd !== undefined) this.#loop.later(() => this.#release());
    else if (!this.#armed) this.#arm();
  }

  /** Hands over what was held, as long as somebody reads. */
  #release(): void {
    for (let bytes = this.#held[0]; bytes && this.#reading && !this.#closed; bytes = this.#held[0]) {
      this.#held.shift();
      this.#user.onRead(bytes, bytes.length);
    }
    if (!this.#reading || this.#closed) return;
    if (this.#heldEnd !== undefined) this.#end(this.#heldEnd);
    else if (!this.#armed) this.#arm();
  }

  onCompletion(key: number, result: number, flags: number): void {
    if ((key & SEND) === 0) this.#onReceipt(result, flags);
    else this.#onSent(result);
    this.#settle();
  }

  #onReceipt(result: number, flags: number): void {
    if ((flags & MORE) === 0) this.#armed = false;
    if (result > 0 && this.#limited) this.#expect(result);
    if (result > 0) this.#loop.deliver(flags >>> 16, result, this);
    if (this.#armed || this.#closed) return;
    if (result === ENOBUFS) this.#loop.waitForBuffers(this);
    else if (result <= 0 && !AGAIN.has(result)) this.#end(result);
    else this.onBuffers();
  }

  /** The limit of a receive under way is changed by beginning anew. */
  #expect(length: number): void {
    const bulk = length >= RESPONSE_BYTES;
    if (bulk && !this.#bulk) this.#stopReceiving();
    this.#bulk = bulk;
  }

  onBuffers(): void {
    if (this.#reading && !this.#armed && this.#held.length === 0) this.#arm();
  }

  onReceived(bytes: Buffer, length: number): void {
    if (this.#closed) return;
    if (this.#reading && this.#held.length === 0) this.#user.onRead(bytes, length);
    else this.#held.push(Buffer.from(bytes.subarray(0, length)));
  }

  /** The other side ended the connection or it broke: the socket finds out as if it had read so itself. */
  #end(status: number): void {
    if (!this.#reading || this.#held.length > 0) {
      this.#heldEnd = status;
      return;
    }
    this.#heldEnd = undefined;
    const { streamBaseState, kReadBytesOrError } = this.#state;
    streamBaseState[kReadBytesOrError] = status === 0 ? END_OF_STREAM : status;
    this.#onSocketRead.call(this.#handle, undefined);
  }

  #onSent(result: number): void {
    const piece = this.#sending;
    if (!piece) return;
    if (result > 0) this.#sent += result;
    const again = result >= 0 || result === EAGAIN || result === EINTR;
    if (again && this.#sent < piece.stop && !this.#closed) {
      this.#send(piece);
      return;
    }
    this.#sending = undefined;
    const status = again ? 0 : result;
    this.#over(piece, status);
    if (status < 0) this.#drop(status);
    const next = this.#waiting.shift();
    if (next && !this.#sending) this.#begin(next);
  }

  /** Gives the key up after the last completion, once. */
  #settle(): void {
    if (!this.#closed || this.#armed || this.#sending || this.#settled) return;
    this.#settled = true;
    this.#loop.remove(this.#key);
  }

  #over({ arena, start, stop }: Piece, status: number): void {
    this.#user.onWritten(arena, stop - start, status);
  }

  #drop(status: number): void {
    for (const piece of this.#waiting.splice(0)) this.#over(piece, status);
  }

  /** Before the descriptor closes: nothing may be queued for it then, since its number will be another's. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { ring } = this.#loop;
    if (this.#armed) ring.cancel(this.#key | RECEIVE);
    if (this.#sending) ring.cancel(this.#key | SEND);
    this.#loop.submit();
    this.#drop(ECANCELED);
    this.#settle();
  }
}

const nothing = (): number => 0;

function closeHandle(this: RingHandle, done?: () => void): void {
  this[CHANNEL]?.close();
  (Object.getPrototypeOf(this) as SocketHandle).close.call(this, done);
}

function resetHandle(this: RingHandle, done?: () => void): number {
  this[CHANNEL]?.close();
  return (Object.getPrototypeOf(this) as Required<SocketHandle>).reset.call(this, done);
}
