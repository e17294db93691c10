import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { beginTurn, endTurn } from '../time/clock.ts';
import { type Arena, flush, post, releaseArena, type Sender } from './outbox.ts';
import { type RawHandle, type RawReader, type RawWriter, rawHandleOf, readRaw, takeHandle, writeRaw } from './raw.ts';

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

const READ_SIZE = 262_144;
/** All sockets read into this one buffer. */
const readBuffer = Buffer.allocUnsafeSlow(READ_SIZE);
/** Bytes that may wait in memory before the sender has to stop. */
const BLOCKED_BYTES = 524_288;

/** The byte stream of one connection, on the socket's own handle where that is safe, else through its public interface. */
export class Transport implements RawReader, RawWriter, Sender {
  readonly socket: net.Socket;
  readonly #user: TransportUser;
  readonly #counts: ByteCounts;
  #handle: RawHandle | undefined = undefined;
  /** Bytes handed to the handle that the kernel has not taken. */
  #waiting = 0;
  #blocked = false;
  #limit = BLOCKED_BYTES;
  /** Something of it is in the outbox. */
  #posted = false;
  /** What is read stands in the shared buffer. */
  readonly #shared: boolean;

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
        beginTurn();
        counts.cxReceived += length;
        user.onBytes(readBuffer, length);
        endTurn();
        return true;
      },
    };
    const socket = make(onread);
    this.socket = socket;
    socket.on('error', (error) => user.onError(error));
    socket.on('end', () => user.onRemoteEnd());
    socket.on('close', () => {
      this.#handle = undefined;
      user.onClosed();
    });
    socket.on('drain', () => user.onWritable());
    if (!socket.connecting) this.connected();
  }

  /** Takes a configured `per_connection_buffer_limit_bytes`, where that is less than what may wait anyhow. */
  limitBuffer(bytes: number): void {
    if (bytes > 0) this.#limit = Math.min(bytes, BLOCKED_BYTES);
  }

  /** For a socket that has connected by now. */
  connected(): void {
    const handle = rawHandleOf(this.socket);
    this.#handle = handle;
    if (handle && this.#shared) readRaw(handle, this);
  }

  onRead(length: number): void {
    beginTurn();
    this.#counts.cxReceived += length;
    this.#user.onBytes(readBuffer, length);
    endTurn();
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
    const handle = this.#handle;
    this.#posted = false;
    this.#counts.cxSent += stop - start;
    const bytes = arena.bytes.subarray(start, stop);
    if (handle === undefined || socket.writableLength > 0) {
      arena.pins++;
      socket.write(bytes, () => releaseArena(arena));
      return;
    }
    const status = writeRaw(handle, bytes, arena, this);
    if (status === 0) return;
    if (status < 0) {
      this.#fail(status);
      return;
    }
    arena.pins++;
    this.#waiting += bytes.length;
    if (this.#waiting >= this.#limit) this.#blocked = true;
  }

  pause(): void {
    const handle = this.#handle;
    if (handle === undefined) {
      this.socket.pause();
      return;
    }
    if (!handle.reading) return;
    handle.reading = false;
    handle.readStop();
  }

  resume(): void {
    const handle = this.#handle;
    if (handle === undefined) {
      this.socket.resume();
      return;
    }
    if (handle.reading) return;
    handle.reading = true;
    handle.readStart();
  }

  /** Sends what waits, then tells the other side that nothing more comes. */
  end(): void {
    if (this.#posted) flush();
    this.socket.end();
  }

  /** Sends what waits, then ends both directions. */
  endAndClose(): void {
    if (this.#posted) flush();
    this.socket.end(() => this.destroy());
  }

  /** Bytes that the kernel has not taken yet. */
  get unsent(): number {
    return this.#waiting + this.socket.writableLength;
  }

  /** Ends both directions at once; what the kernel did not take by then is lost. */
  destroy(): void {
    if (this.#posted) flush();
    this.#handle = undefined;
    this.socket.destroy();
  }

  /** Closes with a reset. */
  reset(): void {
    if (this.#posted) flush();
    this.#handle = undefined;
    this.socket.resetAndDestroy();
  }

  onWritten(arena: Arena, length: number, status: number): void {
    releaseArena(arena);
    this.#waiting -= length;
    if (status < 0) {
      this.#fail(status);
      return;
    }
    if (!this.#blocked || this.#waiting >= this.#limit / 2) return;
    this.#blocked = false;
    this.#user.onWritable();
  }

  #fail(status: number): void {
    if (this.#handle === undefined) return;
    this.#handle = undefined;
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
    accepted.on('data', (bytes: Buffer) => {
      counts.cxReceived += bytes.length;
      user.onBytes(bytes, bytes.length);
    });
    accepted.resume();
  }
  return transport;
}
