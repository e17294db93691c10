import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { getSystemErrorName } from 'node:util';
import { beginTurn, endTurn } from '../time/clock.ts';
import type { TlsInfo } from '../tls/info.ts';
import type { Channel, ChannelUser } from './channel.ts';
import { openChannel, passesStreams, readBuffer, ringReads, takeHandle } from './channels.ts';
import type { Cipher } from './cipher.ts';
import { CipherStream, type CipherUser } from './cipher-stream.ts';
import { type Arena, flush, post, releaseArena, type Sender, sealingArena, takeArena } from './outbox.ts';

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

/** Answers to what a client may ask of TLS itself are a few bytes each. */
const BARE_LIMIT = 16_384;

/** The byte stream of one connection: past the streams of Node where that is safe, else through the socket's public interface. */
export class Transport implements ChannelUser, CipherUser, Sender {
  socket: net.Socket;
  /** What an encrypted connection goes over, where that is another socket. */
  #carrier: net.Socket | undefined = undefined;
  #user: TransportUser;
  #counts: ByteCounts;
  #channel: Channel | undefined = undefined;
  /** Bytes of writes that are not complete. */
  #waiting = 0;
  #blocked = false;
  #limit = BLOCKED_BYTES;
  /** What encrypts it, where no other socket does. */
  #cipher: CipherStream | undefined = undefined;
  #secured = false;
  /** The other side's end was told of. */
  #ended = false;
  /** Bytes of it in the outbox. */
  #posted = 0;
  /** Nothing follows what is in the outbox. */
  #last = false;
  /** What a cipher had written while it was blocked. */
  #bare = 0;
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
    return this.#secured || this.#carrier !== undefined;
  }

  #listen(socket: net.Socket): void {
    const own = (listener: () => void) => (): void => {
      if (this.socket === socket) listener();
    };
    socket.on('error', (error) => own(() => this.#user.onError(error))());
    socket.on(
      'end',
      own(() => {
        if (this.#cipher?.end() !== false) this.onPlainEnd();
      }),
    );
    socket.on(
      'close',
      own(() => {
        this.#channel = undefined;
        this.#closeCipher();
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
  handTo(user: TransportUser, counts = this.#counts): void {
    this.#user = user;
    this.#counts = counts;
  }

  /** Goes on encrypted and counts its bytes anew. `deliver` is to be called when there is who takes them. */
  secure(cipher: Cipher): void {
    this.#cipher = new CipherStream(cipher, this);
    this.#secured = true;
    this.received = 0;
    this.sent = 0;
  }

  /** Hands over what a cipher has of what came before there was who takes it. */
  deliver(): void {
    this.#cipher?.deliver();
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
    if (this.#cipher) this.#cipher.feed(bytes, length);
    else this.onPlain(bytes, length);
    if (began) endTurn();
  }

  onPlain(bytes: Buffer, length: number): void {
    this.received += length;
    this.#counts.cxReceived += length;
    this.#user.onBytes(bytes, length);
  }

  onPlainEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#user.onRemoteEnd();
  }

  onBroken(): void {
    this.#closeCipher();
    this.#channel = undefined;
    this.socket.destroy(Object.assign(new Error('what came cannot be decrypted'), { code: 'EPROTO' }));
  }

  #closeCipher(): void {
    this.#cipher?.close();
    this.#cipher = undefined;
  }

  /** Whether so much waits in memory that the sender should stop until `onWritable`. */
  get blocked(): boolean {
    return this.#blocked || this.socket.writableNeedDrain;
  }

  /** Sends what was composed in the arena from its `at` to `stop`. */
  send(arena: Arena, stop: number): void {
    this.#posted += stop - arena.at;
    post(this, arena, stop);
  }

  writeOut(arena: Arena, start: number, stop: number): void {
    const length = stop - start;
    this.#posted -= length;
    this.sent += length;
    this.#counts.cxSent += length;
    const last = this.#last && this.#posted === 0;
    if (this.#cipher) this.#cipher.seal(arena, start, stop, last);
    else this.writeSealed(arena, start, stop);
    if (last) this.#finish();
  }

  /** Writes as they are bytes that no counter sees. Who has them made without end and takes none is let go of. */
  writeBare(bytes: Buffer): void {
    if (this.blocked) this.#bare += bytes.length;
    if (this.#bare > BARE_LIMIT) {
      this.onBroken();
      return;
    }
    const arena = sealingArena(bytes.length);
    const start = arena.at;
    arena.at += bytes.copy(arena.bytes, start);
    this.writeSealed(arena, start, arena.at);
  }

  writeSealed(arena: Arena, start: number, stop: number): void {
    const { socket } = this;
    const channel = this.#channel;
    const length = stop - start;
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
    this.#cipher?.pause();
    if (this.#channel && this.#shared) this.#channel.pause();
    else this.socket.pause();
  }

  resume(): void {
    this.#cipher?.resume();
    if (this.#channel && this.#shared) this.#channel.resume();
    else this.socket.resume();
  }

  /** Sends what waits, then tells the other side that nothing more comes. */
  end(): void {
    this.#afterWriting(() => this.socket.end());
  }

  /** Sends what waits, then ends both directions. */
  endAndClose(): void {
    this.#afterWriting(() => {
      // The kernel sends the rest of what it has taken, and that nothing follows, when nobody holds the socket.
      if (this.#channel && !this.#carrier && this.socket.writableLength === 0) this.destroy();
      else this.socket.end(() => this.destroy());
    });
  }

  #afterWriting(finish: () => void): void {
    this.#whenWritten = finish;
    this.#last = true;
    if (this.#posted > 0) return;
    this.#cipher?.seal(takeArena(0), 0, 0, true);
    this.#finish();
  }

  #finish(): void {
    if (this.#waiting === 0) this.#whenWritten?.();
  }

  /** Bytes that the kernel has not taken yet. */
  get unsent(): number {
    return this.#posted + this.#late;
  }

  /** Of all bytes that were sent those that the kernel has taken; fewer while some wait encrypted, which are more than they were. */
  get taken(): number {
    return this.sent - this.#late;
  }

  /** Bytes that were written and that the kernel has not taken yet. */
  get #late(): number {
    return this.#waiting - (this.#channel?.taken ?? 0) + this.socket.writableLength;
  }

  /** Ends both directions at once; what the kernel did not take by then is lost. */
  destroy(): void {
    if (this.#posted > 0) flush();
    this.#channel = undefined;
    this.#closeCipher();
    this.socket.destroy();
  }

  /** Closes with a reset. */
  reset(): void {
    if (this.#posted > 0) flush();
    this.#channel = undefined;
    this.#closeCipher();
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
    if (this.#posted === 0) this.#finish();
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

/** A connection whose handshake is done: the transport that made it, or a socket of Node's over the accepted one. */
export type Secured = Transport | TLSSocket;

/**
 * The transport of an accepted socket that was paused from the start. A socket that was read from keeps its handle, since bytes
 * may wait in it. `secure`: what it was encrypted with.
 */
export function acceptedTransport(
  user: TransportUser,
  counts: ByteCounts,
  accepted: net.Socket,
  { wasRead = false, secure }: { readonly wasRead?: boolean; readonly secure?: Secured | undefined } = {},
): Transport {
  if (secure instanceof Transport) {
    secure.handTo(user, counts);
    return secure;
  }
  if (secure) return Transport.over(user, counts, accepted, secure);
  if (!wasRead && ringReads()) return new Transport(user, counts, () => accepted);
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
