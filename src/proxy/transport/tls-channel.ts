import type { TLSSocket } from 'node:tls';
import type { SocketHandle, StreamBinding, WriteRequest } from './binding.ts';
import type { Channel, ChannelUser } from './channel.ts';
import { type Arena, gatherOutbox } from './outbox.ts';

interface TlsHandle extends SocketHandle {
  /** `buffers`: all chunks are bytes. */
  writev(request: object, chunks: readonly Uint8Array[], buffers: true): number;
  useUserBuffer(bytes: Uint8Array): void;
}

/**
 * The plain bytes of an encrypted connection, past the streams of Node. Its handle ends the process when a write begins before the one
 * before is over, so what comes meanwhile is copied and goes out together.
 */
export class TlsChannel implements Channel {
  readonly stuck = true;
  readonly taken = 0;
  readonly copies = true;
  readonly #user: ChannelUser;
  readonly #binding: StreamBinding;
  readonly #handle: TlsHandle;
  readonly #buffer: Buffer;
  /** Bytes of the write under way, 0 for none. */
  #writing = 0;
  #queue: Buffer[] = [];
  #queued = 0;

  /** What is read stands in `buffer`. */
  constructor(binding: StreamBinding, socket: TLSSocket, user: ChannelUser, buffer: Buffer) {
    this.#binding = binding;
    this.#user = user;
    this.#buffer = buffer;
    this.#handle = (socket as unknown as { readonly _handle: TlsHandle })._handle;
    this.#takeReading(socket);
  }

  #takeReading(socket: TLSSocket): void {
    const handle = this.#handle;
    const onSocketRead = handle.onread;
    const { streamBaseState, kReadBytesOrError } = this.#binding;
    const early = socket.read() as Buffer | null;
    handle.useUserBuffer(this.#buffer);
    handle.onread = (bytes) => {
      const length = streamBaseState[kReadBytesOrError] as number;
      // The end and errors go the way of the socket.
      if (length <= 0) return onSocketRead.call(handle, bytes);
      gatherOutbox();
      this.#user.onRead(this.#buffer, length);
      return undefined;
    };
    if (early) setImmediate(() => this.#user.onRead(early, early.length));
    this.resume();
  }

  write(arena: Arena, start: number, stop: number): number {
    const bytes = arena.bytes.subarray(start, stop);
    if (this.#writing === 0) return this.#begin([bytes], stop - start);
    this.#queue.push(Buffer.from(bytes));
    this.#queued += stop - start;
    return 1;
  }

  /** The bytes are encrypted, or copied, before this returns. */
  #begin(chunks: readonly Buffer[], length: number): number {
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = this.#binding;
    const request: WriteRequest = new WriteWrap();
    const [only] = chunks;
    const status =
      chunks.length === 1 && only
        ? this.#handle.writeBuffer(request, only)
        : this.#handle.writev(request, chunks, true);
    if (status !== 0 || streamBaseState[kLastWriteWasAsync] === 0) return status;
    this.#writing = length;
    request.oncomplete = (result) => this.#written(result);
    return 1;
  }

  #written(status: number): void {
    const length = this.#writing;
    this.#writing = 0;
    if (status === 0 && this.#queue.length > 0) {
      const chunks = this.#queue;
      const queued = this.#queued;
      this.#queue = [];
      this.#queued = 0;
      const next = this.#begin(chunks, queued);
      if (next <= 0) this.#user.onWritten(undefined, queued, next);
    }
    this.#user.onWritten(undefined, length, status);
  }

  pause(): void {
    const handle = this.#handle;
    if (!handle.reading) return;
    handle.reading = false;
    handle.readStop();
  }

  resume(): void {
    const handle = this.#handle;
    if (handle.reading) return;
    handle.reading = true;
    handle.readStart();
  }
}
