import { fail, ok, type Result } from '../../base/index.ts';
import { SystemCallError } from '../../sys/index.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ConnectRace, type RaceUser } from '../cluster/connect-race.ts';
import { sortAddresses } from '../cluster/happy-eyeballs.ts';
import { type Carried, type Host, peerOf } from '../cluster/host.ts';
import { connectFailure } from '../cluster/reset.ts';
import { countDestroyed } from '../cluster/stats.ts';
import {
  bindAddress,
  countBindError,
  countRefused,
  openUpstreamSocket,
  refusalText,
  type SourceAddress,
} from '../cluster/upstream-socket.ts';
import type { Address } from '../config/address.ts';
import type { Peer, UpstreamConnectionInfo } from '../http/stream-info.ts';
import { writeMessage } from '../http/wire.ts';
import type { Greeting } from '../proxy-protocol/upstream.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { TlsInfo } from '../tls/info.ts';
import { encryptTransport } from '../tls/over.ts';
import { NO_NAMES } from '../tls/upstream.ts';
import { nextConnectionId } from '../transport/connection-id.ts';
import { Transport, type TransportUser } from '../transport/transport.ts';

/** Whether the system, the way to the host or the host itself did not let a connection be. */
export type ConnectFailure = 'local' | 'remote' | 'timeout';

/** What carries a client's bytes to a host and back. */
export interface ByteUpstream {
  /** What logs say of it. */
  readonly connection: UpstreamConnectionInfo | undefined;
  readonly local: Peer;
  /** Undefined: it is not encrypted. */
  readonly tls: TlsInfo | undefined;
  /** Which of several addresses of the host it is to; undefined where there is one. */
  readonly remote: Peer | undefined;
  /** So much waits in memory that the sender should stop until `onUpstreamWritable`. */
  readonly blocked: boolean;
  /** `bytes` up to `length` are copied before this returns. */
  write(bytes: Buffer, length: number): void;
  /** The client sends nothing more. */
  end(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** What hears of an upstream connection. */
export interface UpstreamOwner {
  onConnected(upstream: ByteUpstream): void;
  /** Not called after `onConnected`. `failure`: Envoy's transport failure reason. */
  onConnectFailed(failure: string, kind: ConnectFailure): void;
  onUpstreamBytes(bytes: Buffer, length: number): void;
  onUpstreamWritable(): void;
}

export interface TcpUpstreamOwner extends UpstreamOwner {
  /** The upstream sends nothing more. */
  onUpstreamEnd(): void;
  onUpstreamClosed(): void;
}

/** How a connection begins. */
interface TcpStart {
  readonly source: SourceAddress | undefined;
  /** What is sent first; undefined: nothing. */
  readonly greeting: Greeting | undefined;
}

/** Begins a connection, or says why not even the attempt can be made: Envoy's transport failure reason, which may be empty. */
export function connectTcp(
  owner: TcpUpstreamOwner,
  cluster: Cluster,
  host: Host,
  start: TcpStart,
): Result<TcpUpstream, string> {
  const { stats, resources } = cluster;
  stats.cxTotal++;
  host.stats.cxTotal++;
  stats.rqPendingTotal++;
  try {
    const upstream = new TcpUpstream(owner, cluster, host, start);
    stats.rqPendingActive++;
    resources.DEFAULT.pending++;
    return ok(upstream);
  } catch (error) {
    stats.rqPendingFailureEject++;
    return fail(countRefused(stats, host, error));
  }
}

/** One connection to a host that carries bytes as they come. */
export class TcpUpstream implements ByteUpstream, RaceUser, Carried {
  transport: Transport;
  remote: Peer | undefined = undefined;
  /** Only set while several addresses are tried. */
  #race: ConnectRace | undefined = undefined;
  readonly #owner: TcpUpstreamOwner;
  readonly #cluster: Cluster;
  readonly #host: Host;
  readonly #greeting: Greeting | undefined;
  readonly #connectTimeout = new Deadline(() => this.#fail('connection timeout', 'timeout'));
  #connected = false;
  #over = false;
  #endedByHost = false;
  readonly #id = nextConnectionId();
  readonly #openedAt = now();
  #connectedAt = 0;
  #lifetime: Deadline | undefined = undefined;

  constructor(owner: TcpUpstreamOwner, cluster: Cluster, host: Host, { source, greeting }: TcpStart) {
    this.#greeting = greeting;
    this.#owner = owner;
    this.#cluster = cluster;
    this.#host = host;
    const from = bindAddress(source, host.peer.address);
    const { binding, eyeballs } = cluster.config;
    const open = (user: TransportUser, address: Address): Transport =>
      new Transport(user, cluster.stats, (onread) => openUpstreamSocket(address, from, binding, onread));
    if (host.addresses.length === 1) {
      this.transport = open(this, host.address);
      this.transport.socket.on('connect', () => this.#connect());
    } else {
      this.#race = new ConnectRace(sortAddresses(host.addresses, eyeballs), open, this);
      this.transport = this.#race.start();
    }
    cluster.resources.DEFAULT.connections++;
    cluster.stats.cxActive++;
    host.stats.cxActive++;
    if (cluster.config.closeOnHealthFailure) host.carried.add(this);
    this.#connectTimeout.start(cluster.config.connectTimeout);
  }

  get connection(): UpstreamConnectionInfo {
    return { id: this.#id, openedAt: this.#openedAt, connectedAt: this.#connectedAt };
  }

  get local(): Peer {
    const { localAddress, localPort } = this.transport.socket;
    return { address: localAddress ?? '', port: localPort ?? 0 };
  }

  get tls(): TlsInfo | undefined {
    return this.transport.tls;
  }

  get blocked(): boolean {
    return this.transport.blocked;
  }

  write(bytes: Buffer, length: number): void {
    writeMessage(this.transport, undefined, bytes, 0, length, false, false);
  }

  end(): void {
    this.transport.end();
  }

  pause(): void {
    this.transport.pause();
  }

  resume(): void {
    this.transport.resume();
  }

  destroy(): void {
    if (this.#over) return;
    if (!this.#connected) this.#cluster.stats.rqCancelled++;
    this.#release();
    this.transport.destroy();
  }

  onAnother(): void {
    this.#cluster.stats.cxTotal++;
  }

  onRefused(error: unknown): void {
    countBindError(this.#cluster.stats, error);
  }

  onWon(transport: Transport, address: Address): void {
    this.#race = undefined;
    this.transport = transport;
    this.remote = peerOf(address);
    this.#connect();
  }

  onLost(error: unknown): void {
    this.#race = undefined;
    if (error instanceof SystemCallError) this.#fail(refusalText(error), 'local');
    else this.onError(error);
  }

  #connect(): void {
    if (this.#over) return;
    const encryption = this.#cluster.encryptionFor(this.#host, NO_NAMES, []);
    encryptTransport(this.transport, encryption, this.#greeting, {
      done: () => this.#established(),
      failed: (why) => this.#fail(why, 'remote'),
    });
  }

  #established(): void {
    if (this.#over) return;
    this.#connected = true;
    this.#connectedAt = now();
    this.#cluster.stats.rqPendingActive--;
    this.#cluster.resources.DEFAULT.pending--;
    this.#cluster.stats.rqTotal++;
    this.#host.stats.rqTotal++;
    this.#connectTimeout.stop();
    this.#cluster.stats.connectMs.record(now() - this.#openedAt);
    this.#count();
    this.transport.limitBuffer(this.#cluster.config.bufferLimit);
    this.transport.connected();
    this.#owner.onConnected(this);
  }

  /** One connection carries one stream, which the limits of connections do not end; that they were reached is counted. */
  #count(): void {
    const { stats, config } = this.#cluster;
    if (config.maxRequestsPerConnection === 1) stats.cxMaxRequests++;
    else if (config.maxConnectionDuration > 0) {
      this.#lifetime = new Deadline(() => {
        stats.cxMaxDuration++;
      });
      this.#lifetime.start(config.maxConnectionDuration);
    }
  }

  #fail(failure: string, kind: ConnectFailure): void {
    if (this.#over || this.#connected) return;
    const { stats } = this.#cluster;
    stats.cxConnectFail++;
    this.#host.stats.cxConnectFail++;
    if (kind === 'timeout') stats.cxConnectTimeout++;
    else this.#endedByHost = kind === 'remote';
    stats.rqPendingFailureEject++;
    this.#release();
    this.transport.destroy();
    this.#owner.onConnectFailed(failure, kind);
  }

  #release(): void {
    this.#over = true;
    this.#host.carried.delete(this);
    this.#connectTimeout.stop();
    this.#lifetime?.stop();
    this.#race?.stop();
    const { stats, resources } = this.#cluster;
    resources.DEFAULT.connections--;
    if (!this.#connected) {
      resources.DEFAULT.pending--;
      stats.rqPendingActive--;
    }
    stats.cxActive--;
    stats.lengthMs.record(now() - this.#openedAt);
    this.#host.stats.cxActive--;
    countDestroyed(stats, this.#endedByHost, this.#connected);
  }

  onBytes(bytes: Buffer, length: number): void {
    if (!this.#over) this.#owner.onUpstreamBytes(bytes, length);
  }

  onWritable(): void {
    if (!this.#over) this.#owner.onUpstreamWritable();
  }

  onRemoteEnd(): void {
    if (this.#over) return;
    if (!this.#connected) {
      this.#fail('', 'remote');
      return;
    }
    // The side that ends last closes the connection.
    this.#endedByHost = this.transport.socket.writableEnded;
    this.#owner.onUpstreamEnd();
  }

  onError(error: unknown): void {
    this.#fail(connectFailure(error), 'remote');
  }

  onHostFailed(): void {
    if (this.#over) return;
    if (!this.#connected) {
      this.#fail('', 'local');
      return;
    }
    this.#release();
    this.transport.destroy();
    this.#owner.onUpstreamClosed();
  }

  onClosed(): void {
    if (this.#over) return;
    this.#endedByHost = true;
    this.#release();
    this.#owner.onUpstreamClosed();
  }
}
