import type { SocketHandle, StreamBinding, WriteRequest } from './binding.ts';
import type { Channel, ChannelUser } from './channel.ts';
import type { Arena } from './outbox.ts';

const CHANNEL = Symbol('channel');

interface ReadHandle extends SocketHandle {
  [CHANNEL]?: HandleChannel;
}

interface PendingWrite extends WriteRequest {
  channel?: HandleChannel;
  arena?: Arena;
  length?: number;
}

/** A write that completes at once leaves its request unused. */
let spare: PendingWrite | undefined;

/** A connected socket whose bytes go through its handle, past the streams of Node. */
export class HandleChannel implements Channel {
  readonly stuck = true;
  readonly taken = 0;
  readonly copies = false;
  readonly user: ChannelUser;
  readonly #state: StreamBinding;
  readonly #handle: ReadHandle;
  /** What the socket was made to read into. */
  readonly #buffer: Buffer;
  readonly #onSocketRead: SocketHandle['onread'];

  /** `reads`: what the handle reads, it reads into `buffer`; otherwise the socket goes on reading and only writes come here. */
  constructor(state: StreamBinding, handle: SocketHandle, user: ChannelUser, buffer: Buffer, reads: boolean) {
    this.#state = state;
    this.#handle = handle;
    this.user = user;
    this.#buffer = buffer;
    this.#onSocketRead = handle.onread;
    if (!reads) return;
    this.#handle[CHANNEL] = this;
    handle.onread = onHandleRead;
  }

  write(arena: Arena, start: number, stop: number): number {
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = this.#state;
    const request: PendingWrite = spare ?? new WriteWrap();
    const status = this.#handle.writeBuffer(request, arena.bytes.subarray(start, stop));
    if (status !== 0 || streamBaseState[kLastWriteWasAsync] === 0) {
      spare = request;
      return status;
    }
    spare = undefined;
    request.oncomplete = onHandleWritten;
    request.channel = this;
    request.arena = arena;
    request.length = stop - start;
    return 1;
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

  /** The end and errors go the way of the socket. */
  onRead(bytes: unknown): unknown {
    const { streamBaseState, kReadBytesOrError } = this.#state;
    const length = streamBaseState[kReadBytesOrError] as number;
    if (length <= 0) return this.#onSocketRead.call(this.#handle, bytes);
    this.user.onRead(this.#buffer, length);
    return undefined;
  }
}

function onHandleRead(this: ReadHandle, bytes: unknown): unknown {
  return this[CHANNEL]?.onRead(bytes);
}

function onHandleWritten(this: PendingWrite, status: number): void {
  const { channel, arena, length } = this;
  if (channel && arena && length !== undefined) channel.user.onWritten(arena, length, status);
}
