import type { Arena } from './outbox.ts';

/** What takes the bytes of a channel and learns of its writes. */
export interface ChannelUser {
  /** `bytes` up to `length` are another's after this returns. */
  onRead(bytes: Buffer, length: number): void;
  /** A write that did not complete at once is over; `status` is 0 or a negative errno. No arena: the bytes were copied. */
  onWritten(arena: Arena | undefined, length: number, status: number): void;
}

/** How bytes get into and out of a connected socket. It begins reading at once. */
export interface Channel {
  /** 0: all of it went out. 1: the rest follows by itself, then the user is told. Else a negative errno. */
  write(arena: Arena, start: number, stop: number): number;
  /** What waits does so because the other side does not take it. */
  readonly stuck: boolean;
  /** Bytes of a write under way that the kernel has taken already. */
  readonly taken: number;
  /** Bytes of writes are not needed after the call. */
  readonly copies: boolean;
  pause(): void;
  resume(): void;
}
