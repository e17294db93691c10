import type { ResetReason } from '../cluster/reset.ts';
import type { UpstreamConnection } from '../cluster/upstream-connection.ts';
import { Http2ClientStream } from './client-stream.ts';
import { FAULT, type Fault } from './fault.ts';
import type { Http2Options } from './options.ts';
import { Http2Session } from './session.ts';
import type { SessionUser } from './session-user.ts';
import type { Http2Stats } from './stats.ts';
import type { StreamUser } from './stream.ts';

/** What owns an HTTP/2 connection to a host. */
export interface ClientConnectionOwner {
  /** The host has said how many requests it takes. */
  onSettings(connection: Http2ClientConnection): void;
  /** A request is over. */
  onRoom(connection: Http2ClientConnection): void;
  /** It takes no more requests. */
  onDraining(connection: Http2ClientConnection): void;
  /** A request ended before its time. */
  onStreamReset(connection: Http2ClientConnection, reason: ResetReason): void;
  onProtocolError(): void;
  onCloseNotify(): void;
}

/** An HTTP/2 connection to a host, made by a connection that hands over its bytes. */
export class Http2ClientConnection implements SessionUser {
  readonly base: UpstreamConnection;
  readonly session: Http2Session;
  readonly #owner: ClientConnectionOwner;
  readonly #streams = new Set<Http2ClientStream>();
  /** No other request is to follow. */
  draining = false;
  #fault = false;
  /** The host has sent a GOAWAY. */
  #told = false;

  constructor(owner: ClientConnectionOwner, base: UpstreamConnection, options: Http2Options, stats: Http2Stats) {
    this.#owner = owner;
    this.base = base;
    const take = (user: Http2Session): typeof base.transport => {
      base.transport.handTo(user);
      return base.transport;
    };
    this.session = new Http2Session(take, this, false, options, stats);
    this.session.start();
  }

  get active(): number {
    return this.#streams.size;
  }

  /** Whether it takes another request. */
  get hasRoom(): boolean {
    const { session } = this;
    return !this.draining && !session.stopped && this.active < Math.min(session.options.maxStreams, session.maxStreams);
  }

  /** A stream for a request; undefined where no more can be opened. */
  open(): Http2ClientStream | undefined {
    const stream = new Http2ClientStream(this);
    if (!this.session.open(stream)) return undefined;
    this.#streams.add(stream);
    this.base.requests++;
    return stream;
  }

  onStreamOver(stream: Http2ClientStream): void {
    if (this.#streams.delete(stream)) this.#owner.onRoom(this);
  }

  onStreamReset(reason: ResetReason): void {
    this.#owner.onStreamReset(this, reason);
  }

  /** Takes no more requests and ends with the last one. */
  drain(): void {
    this.draining = true;
    if (this.active === 0) this.session.transport.destroy();
  }

  get goneReason(): ResetReason {
    return this.#fault ? 'protocol error' : 'connection termination';
  }

  accept(): StreamUser {
    throw new Error('a host opens no streams: PUSH_PROMISE is refused');
  }

  onPartialHead(): void {
    // How long a response may take is its request's business.
  }

  onGoaway(): void {
    if (this.#told) return;
    this.#told = true;
    this.#owner.onCloseNotify();
    if (this.draining) return;
    this.draining = true;
    this.#owner.onDraining(this);
    if (this.active === 0) this.session.transport.destroy();
  }

  onSettings(): void {
    this.#owner.onSettings(this);
  }

  onIdle(): void {
    // The pool has heard of the last stream.
  }

  onFinished(): void {
    this.base.transport.endAndClose();
  }

  onFault(fault: Fault): void {
    // One that says nothing may be gone.
    if (fault === FAULT.SILENCE) return;
    this.#fault = true;
    this.#owner.onProtocolError();
  }

  onError(error: unknown): void {
    this.base.onError(error);
  }

  onRemoteEnd(): void {
    this.base.endedByHost = true;
    this.session.transport.destroy();
  }

  onClosed(): void {
    this.#streams.clear();
    this.base.onClosed();
  }
}
