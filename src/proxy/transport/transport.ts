import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { getSystemErrorName } from 'node:util';
import { beginTurn, endTurn } from '../time/clock.ts';
import type { TlsInfo } from '../tls/info.ts';
import type { Channel, ChannelUser } from './channel.ts';
import { openChannel, passesStreams, readBuffer, takeHandle } from './channels.ts';
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
  socket: net.Socket;
  /** What an encrypted connection goes over, where that is another socket. */
  #carrier: net.Socket | undefined = undefined;
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
  #shared: boolean;
  /** What is known of its encryption, where it is that of a connection to a host. */
  tls: TlsInfo | undefined = undefined;
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
    this.#listen(socket);
    if (!socket.connecting) this.#open(false);
  }

  /** Over an encrypted socket whose handshake is done. `carrier`: what it goes over. */
  static over(user: TransportUser, counts: ByteCounts, carrier: net.Socket, secure: TLSSocket): Transport {
    const transport = new Transport(user, counts, () => secure, passesStreams());
    transport.#carrier = carrier;
    if (!transport.#shared) transport.readStream();
    return transport;
  }

  get encrypted(): boolean {
    return this.#carrier !== undefined;
  }

  #listen(socket: net.Socket): void {
    const own = (listener: () => void) => (): void => {
      if (this.socket === socket) listener();
    };
    socket.on('error', (error) => own(() => this.#user.onError(error))());
    socket.on(
      'end',
      own(() => this.#user.onRemoteEnd()),
    );
    socket.on(
      'close',
      own(() => {
        this.#channel = undefined;
        this.#user.onClosed();
      }),
    );
    socket.on(
      'drain',
      own(() => this.#user.onWritable()),
    );
  }

  /** Sends bytes before all others, over the bare connection. */
  begin(bytes: Buffer): void {
    this.sent += bytes.length;
    this.#counts.cxSent += bytes.length;
    this.socket.write(bytes);
  }

  /** Goes on over an encrypted socket that was put over its own; `connected` says when its handshake is done. */
  encrypt(socket: TLSSocket): void {
    this.#carrier = this.socket;
    this.socket = socket;
    this.#shared = passesStreams();
    this.#listen(socket);
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
    if (this.#carrier && !this.#shared) this.readStream();
  }

  /** Has the socket's own stream deliver what comes. */
  readStream(): void {
    this.socket.on('data', (bytes: Buffer) => this.onRead(bytes, bytes.length));
    this.socket.resume();
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
    if (!channel.copies) arena.pins++;
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
    if (this.#carrier) this.#carrier.resetAndDestroy();
    else this.socket.resetAndDestroy();
  }

  onWritten(arena: Arena | undefined, length: number, status: number): void {
    if (arena) releaseArena(arena);
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
 * may wait in it. Over `secure`, if given, whose handshake is done.
 */
export function acceptedTransport(
  user: TransportUser,
  counts: ByteCounts,
  accepted: net.Socket,
  { wasRead = false, secure }: { readonly wasRead?: boolean; readonly secure?: TLSSocket | undefined } = {},
): Transport {
  if (secure) return Transport.over(user, counts, accepted, secure);
  const handle = wasRead ? undefined : takeHandle(accepted);
  const transport = new Transport(
    user,
    counts,
    (onread) =>
      handle ? new net.Socket({ handle, onread, allowHalfOpen: true } as net.SocketConstructorOpts) : accepted,
    handle !== undefined,
  );
  if (!handle) transport.readStream();
  return transport;
}
