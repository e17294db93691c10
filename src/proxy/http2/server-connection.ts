import type { SourceAddress } from '../cluster/upstream-socket.ts';
import type { HttpManager } from '../http/manager.ts';
import { endsForOverload } from '../http/overload.ts';
import { countConnectionEnd } from '../http/stats.ts';
import type { HttpStream } from '../http/stream.ts';
import { type ConnectionPeers, FLAG } from '../http/stream-info.ts';
import { scaledDeadline } from '../overload/scaled-deadline.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { Transport } from '../transport/transport.ts';
import { FAULT, type Fault } from './fault.ts';
import { ERROR, LARGEST_WINDOW } from './frame.ts';
import { PrematureResets } from './premature-resets.ts';
import { Http2ServerStream } from './server-stream.ts';
import { Http2Session } from './session.ts';
import type { SessionUser } from './session-user.ts';

/** A client's HTTP/2 connection. */
export class Http2ServerConnection implements SessionUser {
  readonly session: Http2Session;
  readonly transport: Transport;
  readonly manager: HttpManager;
  readonly peers: ConnectionPeers;
  readonly source: SourceAddress | undefined;
  #requests = 0;
  #endedByClient = false;
  #draining = false;
  #fault: Fault | undefined = undefined;
  #unsent = 0;
  readonly #openedAt: number;
  readonly #idle: Deadline;
  readonly #headTimeout = new Deadline(() => this.#headerTimeout());
  readonly #drainTime = new Deadline(() => this.drain());
  readonly #closing = new Deadline(() => this.#closeNow());
  readonly #premature: PrematureResets;
  readonly #duration: Deadline | undefined;
  readonly #onClosed: (connection: Http2ServerConnection) => void;

  constructor(
    open: (user: Http2Session) => Transport,
    manager: HttpManager,
    peers: ConnectionPeers,
    source: SourceAddress | undefined,
    onClosed: (connection: Http2ServerConnection) => void,
    openedAt = now(),
  ) {
    const timers = manager.overload?.timers;
    this.#idle = scaledDeadline(timers?.connectionIdle, () => this.#idleTimeout());
    this.#openedAt = openedAt;
    this.manager = manager;
    this.peers = peers;
    this.source = source;
    this.#onClosed = onClosed;
    this.#premature = new PrematureResets(manager.runtime);
    this.session = new Http2Session(open, this, true, manager.http2, manager.http2Stats);
    this.transport = this.session.transport;
    this.transport.limitBuffer(manager.bufferLimit);
    const { stats } = manager;
    stats.cxHttp2Total++;
    stats.cxHttp2Active++;
    this.#idle.start(manager.idleTimeout);
    if (manager.maxConnectionDuration <= 0) return;
    this.#duration = scaledDeadline(timers?.connectionMax, () => this.#expired());
    this.#duration.start(Math.max(1, manager.maxConnectionDuration - (now() - openedAt)));
  }

  start(): void {
    this.session.start();
  }

  accept(): Http2ServerStream {
    const { manager } = this;
    this.#requests++;
    this.#idle.stop();
    if (manager.maxRequestsPerConnection > 0 && this.#requests >= manager.maxRequestsPerConnection) {
      manager.stats.cxMaxRequests++;
      this.startDrain();
    }
    return new Http2ServerStream(this);
  }

  /** Takes no more requests, and ends with the last one under way. */
  drain(): void {
    this.session.goaway(this.session.streams.lastRemote, ERROR.NO_ERROR);
  }

  /** Asks the client to open no more streams; those that are on their way are served. */
  startDrain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.session.goaway(LARGEST_WINDOW, ERROR.NO_ERROR);
    this.#drainTime.start(Math.max(1, this.manager.drainTimeout));
  }

  /** A response begins: a listener that drains ends its connections then. `last`: the response wants it to end. */
  onResponse(last: boolean): void {
    if (this.#draining) return;
    const drains = this.manager.drain.closes();
    if (drains) this.manager.stats.cxDrainClose++;
    if (last || drains || endsForOverload(this.manager)) this.startDrain();
  }

  destroy(): void {
    this.session.transport.destroy();
  }

  onPartialHead(partial: boolean): void {
    if (partial) this.#headTimeout.start(this.manager.headersTimeout);
    else this.#headTimeout.stop();
  }

  #headerTimeout(): void {
    this.manager.stats.rqHeaderTimeout++;
    this.session.openPartial(() => this.accept())?.endSlowHead();
  }

  #idleTimeout(): void {
    this.manager.stats.cxIdleTimeout++;
    this.startDrain();
  }

  #expired(): void {
    this.manager.stats.cxMaxDuration++;
    this.startDrain();
  }

  onGoaway(): void {
    // The client opens no more streams; those that are open go on.
  }

  onSettings(): void {
    // The session has acted on them.
  }

  onIdle(): void {
    this.#idle.start(this.manager.idleTimeout);
  }

  /** A request is over. */
  onRequestEnd({ startedAt, status }: HttpStream): void {
    if (!this.#premature.onEnd(now() - startedAt, status !== 0) || this.session.stopped) return;
    this.manager.stats.rqPrematureResets++;
    this.session.fail(FAULT.RESET_FLOOD);
  }

  onFault(fault: Fault): void {
    if (fault.code !== undefined || fault === FAULT.RESET_FLOOD) this.manager.stats.protocolError++;
    this.#fault = fault;
  }

  /** What ended streams that the end of the connection cut off. */
  get goneDetails(): string | undefined {
    return this.#fault?.details;
  }

  get goneFlag(): number | undefined {
    if (!this.#fault || this.#fault === FAULT.SILENCE || this.#fault === FAULT.RESET_FLOOD) return undefined;
    return FLAG.DOWNSTREAM_PROTOCOL;
  }

  /** The client is given time to close: what it has sent meanwhile would take away what it is still to read. */
  onFinished(): void {
    const { delayedCloseTimeout } = this.manager;
    this.#unsent = this.transport.unsent;
    if (delayedCloseTimeout > 0) this.#closing.start(delayedCloseTimeout);
    else this.transport.endAndClose();
  }

  #closeNow(): void {
    const { unsent } = this.transport;
    if (unsent > 0 && unsent < this.#unsent) {
      this.onFinished();
      return;
    }
    this.manager.stats.cxDelayedClose++;
    this.transport.destroy();
  }

  onError(): void {
    this.#endedByClient = true;
  }

  onRemoteEnd(): void {
    this.#endedByClient = true;
    this.transport.destroy();
  }

  onClosed(): void {
    this.#idle.stop();
    this.#headTimeout.stop();
    this.#drainTime.stop();
    this.#closing.stop();
    this.#duration?.stop();
    const { stats } = this.manager;
    stats.cxHttp2Active--;
    const secure = this.transport.encrypted;
    countConnectionEnd(stats, { active: false, byClient: this.#endedByClient, lasted: now() - this.#openedAt, secure });
    this.#onClosed(this);
  }
}
