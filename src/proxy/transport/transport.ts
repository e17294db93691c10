import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { beginTurn, endTurn } from '../time/clock.ts';
import type { Channel, ChannelUser } from './channel.ts';
import { openChannel, readBuffer, takeHandle } from './channels.ts';
import { type Arena, flush, post, releaseArena, type Sender } from './outbox.ts';

/** What takes the bytes and events of a transport. */
export interface TransportUser {
  /** `bytes` up to `length` belong to the transport: they are used up or copied before this returns. */
  onBytes(bytes: Buffer, length: number): void;
  /** What was blocked is gone. */
  onWritable(): void;
  /** The other side will send nothing more. */
  onRemoteEnd(): void;
  onError(error: unknown): void;
  onClosed(): void;
}

/** Where the bytes of a connection are counted. */
export interface ByteCounts {
  cxReceived: number;
  cxSent: number;
}

/** For connections whose bytes nobody wants to know. */
export const uncounted = (): ByteCounts => ({ cxReceived: 0, cxSent: 0 });

/** Bytes that may wait in memory before the sender has to stop. */
const BLOCKED_BYTES = 524_288;

/** The byte stream of one connection: past the streams of Node where that is safe, else through the socket's public interface. */
export class Transport implements ChannelUser, Sender {
  readonly socket: net.Socket;
  #user: TransportUser;
  readonly #counts: ByteCounts;
  #channel: Channel | undefined = undefined;
  /** Bytes of writes that are not complete. */
  #waiting = 0;
  #blocked = false;
  #limit = BLOCKED_BYTES;
  /** Something of it is in the outbox. */
  #posted = false;
  /** Has the socket ended once nothing is left to write. */
  #whenWritten: (() => void) | undefined = undefined;
  /** What is read stands in the shared buffer. */
  readonly #shared: boolean;
  /** Bytes read and written so far. */
  received = 0;
  sent = 0;

  /**
   * `make` gets the socket option that delivers what is read into the shared buffer. Not `shared`: its socket ignores that and delivers
   * `data` events; reading it raw would show bytes of another connection.
   */
  constructor(user: TransportUser, counts: ByteCounts, make: (onread: net.OnReadOpts) => net.Socket, shared = true) {
    this.#user = user;
    this.#counts = counts;
    this.#shared = shared;
    const onread = {
      buffer: readBuffer,
      callback: (length: number): boolean => {
        this.onRead(readBuffer, length);
        return true;
      },
    };
    const socket = make(onread);
    this.socket = socket;
    socket.on('error', (error) => this.#user.onError(error));
    socket.on('end', () => this.#user.onRemoteEnd());
    socket.on('close', () => {
      this.#channel = undefined;
      this.#user.onClosed();
    });
    socket.on('drain', () => this.#user.onWritable());
    if (!socket.connecting) this.#open(false);
  }

  /** Has another user from now on. */
  handTo(user: TransportUser): void {
    this.#user = user;
  }

  /** Takes a configured `per_connection_buffer_limit_bytes`, where that is less than what may wait anyhow. */
  limitBuffer(bytes: number): void {
    if (bytes > 0) this.#limit = Math.min(bytes, BLOCKED_BYTES);
  }

  /** For a socket that has connected by now; what was known before changes nothing. */
  connected(): void {
    this.#open(true);
  }

  #open(responses: boolean): void {
    this.#channel ??= openChannel(this.socket, this, this.#shared, responses);
  }

  onRead(bytes: Buffer, length: number): void {
    const began = beginTurn();
    this.received += length;
    this.#counts.cxReceived += length;
    this.#user.onBytes(bytes, length);
    if (began) endTurn();
  }

  /** Whether so much waits in memory that the sender should stop until `onWritable`. */
  get blocked(): boolean {
    return this.#blocked || this.socket.writableNeedDrain;
  }

  /** Sends what was composed in the arena from its `at` to `stop`. */
  send(arena: Arena, stop: number): void {
    this.#posted = true;
    post(this, arena, stop);
  }

  writeOut(arena: Arena, start: number, stop: number): void {
    const { socket } = this;
    const channel = this.#channel;
    const length = stop - start;
    this.#posted = false;
    this.sent += length;
    this.#counts.cxSent += length;
    if (channel === undefined || socket.writableLength > 0) {
      arena.pins++;
      socket.write(arena.bytes.subarray(start, stop), () => releaseArena(arena));
      return;
    }
    const { stuck } = channel;
    const status = channel.write(arena, start, stop);
    if (status === 0) return;
    if (status < 0) {
      this.#fail(status);
      return;
    }
    arena.pins++;
    this.#waiting += length;
    if (stuck && this.#waiting >= this.#limit) this.#blocked = true;
  }

  pause(): void {
    if (this.#channel && this.#shared) this.#channel.pause();
    else this.socket.pause();
  }

  resume(): void {
    if (this.#channel && this.#shared) this.#channel.resume();
    else this.socket.resume();
  }

  /** Sends what waits, then tells the other side that nothing more comes. */
  end(): void {
    this.#afterWriting(() => this.socket.end());
  }

  /** Sends what waits, then ends both directions. */
  endAndClose(): void {
    this.#afterWriting(() => this.socket.end(() => this.destroy()));
  }

  #afterWriting(finish: () => void): void {
    if (this.#posted) flush();
    if (this.#waiting > 0) this.#whenWritten = finish;
    else finish();
  }

  /** Bytes that the kernel has not taken yet. */
  get unsent(): number {
    return this.#waiting - (this.#channel?.taken ?? 0) + this.socket.writableLength;
  }

  /** Ends both directions at once; what the kernel did not take by then is lost. */
  destroy(): void {
    if (this.#posted) flush();
    this.#channel = undefined;
    this.socket.destroy();
  }

  /** Closes with a reset. */
  reset(): void {
    if (this.#posted) flush();
    this.#channel = undefined;
    this.socket.resetAndDestroy();
  }

  onWritten(arena: Arena, length: number, status: number): void {
    releaseArena(arena);
    this.#waiting -= length;
    if (status < 0) {
      this.#fail(status);
      return;
    }
    if (this.#waiting === 0) this.#whenWritten?.();
    if (!this.#blocked || this.#waiting >= this.#limit / 2) return;
    this.#blocked = false;
    this.#user.onWritable();
  }

  #fail(status: number): void {
    if (this.#channel === undefined) return;
    this.#channel = undefined;
    this.socket.destroy(Object.assign(new Error('write failed'), { code: getSystemErrorName(status) }));
  }
}

/**
 * The transport of an accepted socket that was paused from the start. A socket that was read from keeps its handle, since bytes
 * may wait in it.
 */
export function acceptedTransport(
  user: TransportUser,
  counts: ByteCounts,
  accepted: net.Socket,
  wasRead = false,
): Transport {
  const handle = wasRead ? undefined : takeHandle(accepted);
  const transport = new Transport(
    user,
    counts,
    (onread) =>
      handle ? new net.Socket({ handle, onread, allowHalfOpen: true } as net.SocketConstructorOpts) : accepted,
    handle !== undefined,
  );
  if (!handle) {
    accepted.on('data', (bytes: Buffer) => transport.onRead(bytes, bytes.length));
    accepted.resume();
  }
  return transport;
}
