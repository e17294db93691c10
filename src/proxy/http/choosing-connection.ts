import type { SourceAddress } from '../cluster/upstream-socket.ts';
import { PREFACE } from '../http2/frame.ts';
import { Http2ServerConnection } from '../http2/server-connection.ts';
import type { TerminalConnection } from '../network/gate.ts';
import { scaledDeadline } from '../overload/scaled-deadline.ts';
import { now } from '../time/clock.ts';
import type { Deadline } from '../time/deadline.ts';
import type { Transport } from '../transport/transport.ts';
import type { HttpManager } from './manager.ts';
import { ServerConnection } from './server-connection.ts';
import { countConnectionEnd } from './stats.ts';
import type { ConnectionPeers } from './stream-info.ts';

type Served = ServerConnection | Http2ServerConnection;

/** `PRI * HTTP/2`: what follows may be wrong, but no HTTP/1. */
const TELLING = PREFACE.subarray(0, 12);

/** A client's connection until its first bytes tell HTTP/2 from HTTP/1, as Envoy's codec type AUTO has it by how the preface begins; then whichever it is. */
export class ChoosingConnection implements TerminalConnection {
  readonly transport: Transport;
  readonly halfClose = false;
  readonly #make: (http2: boolean) => Served;
  #served: Served | undefined = undefined;
  /** What has come of what may be the preface. */
  #begun = Buffer.alloc(0);
  readonly #manager: HttpManager;
  readonly #openedAt = now();
  #endedByClient = false;
  readonly #idle: Deadline;
  readonly #duration: Deadline;
  readonly #onClosed: (connection: ChoosingConnection) => void;

  constructor(
    open: (user: TerminalConnection) => Transport,
    hand: (user: TerminalConnection) => void,
    manager: HttpManager,
    peers: ConnectionPeers,
    source: SourceAddress | undefined,
    onClosed: (connection: ChoosingConnection) => void,
  ) {
    const timers = manager.overload?.timers;
    this.#idle = scaledDeadline(timers?.connectionIdle, () => this.#idleTimeout());
    this.#duration = scaledDeadline(timers?.connectionMax, () => this.#expired());
    this.#manager = manager;
    this.#onClosed = onClosed;
    this.transport = open(this);
    this.#idle.start(manager.idleTimeout);
    this.#duration.start(manager.maxConnectionDuration);
    const take = (user: TerminalConnection): Transport => {
      hand(user);
      return this.transport;
    };
    const closed = (): void => onClosed(this);
    this.#make = (http2) =>
      http2
        ? new Http2ServerConnection(take, manager, peers, source, closed, this.#openedAt)
        : new ServerConnection(take, manager, peers, source, closed, this.#openedAt);
  }

  start(): void {
    // Nothing is to do before a byte comes.
  }

  drain(): void {
    if (this.#served) this.#served.drain();
    else this.transport.endAndClose();
  }

  destroy(): void {
    this.transport.destroy();
  }

  onBytes(bytes: Buffer, length: number): void {
    const before = this.#begun.length;
    const size = Math.min(before + length, TELLING.length);
    let at = before;
    while (at < size && bytes[at - before] === TELLING[at]) at++;
    if (at === size && size < TELLING.length) {
      this.#begun = Buffer.concat([this.#begun, bytes.subarray(0, length)]);
      return;
    }
    this.#stop();
    const served = this.#make(at === TELLING.length);
    this.#served = served;
    served.start();
    const user = served instanceof Http2ServerConnection ? served.session : served;
    if (before > 0) user.onBytes(this.#begun, before);
    user.onBytes(bytes, length);
  }

  onWritable(): void {
    // Nothing was written.
  }

  #idleTimeout(): void {
    this.#manager.stats.cxIdleTimeout++;
    this.transport.endAndClose();
  }

  #expired(): void {
    this.#manager.stats.cxMaxDuration++;
    this.transport.endAndClose();
  }

  #stop(): void {
    this.#idle.stop();
    this.#duration.stop();
  }

  onRemoteEnd(): void {
    this.#endedByClient = true;
    this.transport.destroy();
  }

  onError(): void {
    this.#endedByClient = true;
  }

  onClosed(): void {
    this.#stop();
    const how = {
      active: false,
      byClient: this.#endedByClient,
      lasted: now() - this.#openedAt,
      secure: this.transport.encrypted,
    };
    countConnectionEnd(this.#manager.stats, how);
    this.#onClosed(this);
  }
}
