import type { Fault } from './fault.ts';
import type { StreamUser } from './stream.ts';

/** What uses a session: the side that takes requests, or the one that sends them. */
export interface SessionUser {
  /** A stream that the other side opens. */
  accept(): StreamUser;
  /** A header block begins that does not come whole, or has come. */
  onPartialHead(partial: boolean): void;
  /** The other side takes no more streams. */
  onGoaway(): void;
  onSettings(): void;
  /** No stream is left. */
  onIdle(): void;
  /** The other side broke the protocol; the session ends next. */
  onFault(fault: Fault): void;
  /** Everything is said that there was to say: the connection may close. */
  onFinished(): void;
  onError(error: unknown): void;
  onRemoteEnd(): void;
  onClosed(): void;
}
