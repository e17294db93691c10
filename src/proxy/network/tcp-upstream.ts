import type { Cluster } from '../cluster/cluster.ts';
import type { Host } from '../cluster/host.ts';
import { errnoText } from '../cluster/reset.ts';
import { bindAddress, openUpstreamSocket, type SourceAddress } from '../cluster/upstream-connection.ts';
import type { Peer } from '../http/stream-info.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import { Transport, type TransportUser } from '../transport/transport.ts';

/** What hears of an upstream connection. */
export interface TcpUpstreamOwner {
  onConnected(upstream: TcpUpstream): void;
  /** Not called after `onConnected`. `failure`: Envoy's transport failure reason. */
  onConnectFailed(failure: string, timedOut: boolean): void;
  onUpstreamBytes(bytes: Buffer, length: number): void;
  onUpstreamWritable(): void;
  /** The upstream sends nothing more. */
  onUpstreamEnd(): void;
  onUpstreamClosed(): void;
}

/** One connection to a host that carries bytes as they come. */
export class TcpUpstream implements TransportUser {
  readonly transport: Transport;
  readonly #owner: TcpUpstreamOwner;
  readonly #cluster: Cluster;
  readonly #host: Host;
  readonly #connectTimeout = new Deadline(() => this.#fail('connection timeout', true));
  #connected = false;
  #over = false;
  #endedByHost = false;
  readonly #openedAt = now();
  #lifetime: Deadline | undefined = undefined;

  /** Throws where not even the attempt to connect can be made. */
  constructor(owner: TcpUpstreamOwner, cluster: Cluster, host: Host, source: SourceAddress | undefined) {
    this.#owner = owner;
    this.#cluster = cluster;
    this.#host = host;
    const from = bindAddress(source, host.peer.address);
    this.transport = new Transport(this, cluster.stats, (onread) => openUpstreamSocket(host.address, from, onread));
    this.transport.limitBuffer(cluster.config.bufferLimit);
    this.transport.socket.on('connect', () => this.#connect());
    cluster.resources.DEFAULT.connections++;
    cluster.stats.cxTotal++;
    cluster.stats.cxActive++;
    host.stats.cxTotal++;
    host.stats.cxActive++;
    this.#connectTimeout.start(cluster.config.connectTimeout);
  }

  get local(): Peer {
    const { localAddress, localPort } = this.transport.socket;
    return { address: localAddress ?? '', port: localPort ?? 0 };
  }

  destroy(): void {
    if (this.#over) return;
    this.#release();
    this.transport.destroy();
  }

  #connect(): void {
    if (this.#over) return;
    this.#connected = true;
    this.#cluster.stats.rqTotal++;
    this.#host.stats.rqTotal++;
    this.#connectTimeout.stop();
    this.#cluster.stats.connectMs.record(now() - this.#openedAt);
    this.#count();
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

  #fail(failure: string, timedOut: boolean): void {
    if (this.#over || this.#connected) return;
    const { stats } = this.#cluster;
    stats.cxConnectFail++;
    this.#host.stats.cxConnectFail++;
    if (timedOut) stats.cxConnectTimeout++;
    this.destroy();
    this.#owner.onConnectFailed(failure, timedOut);
  }

  #release(): void {
    this.#over = true;
    this.#connectTimeout.stop();
    this.#lifetime?.stop();
    this.#cluster.resources.DEFAULT.connections--;
    const { stats } = this.#cluster;
    stats.cxActive--;
    stats.cxDestroy++;
    stats.lengthMs.record(now() - this.#openedAt);
    if (this.#endedByHost) stats.cxDestroyRemote++;
    else stats.cxDestroyLocal++;
    this.#host.stats.cxActive--;
  }

  onBytes(bytes: Buffer, length: number): void {
    if (!this.#over) this.#owner.onUpstreamBytes(bytes, length);
  }

  onWritable(): void {
    if (!this.#over) this.#owner.onUpstreamWritable();
  }

  onRemoteEnd(): void {
    if (!this.#over) this.#owner.onUpstreamEnd();
  }

  onError(error: unknown): void {
    this.#fail(`delayed connect error: ${errnoText(error)}`, false);
  }

  onClosed(): void {
    if (this.#over) return;
    this.#endedByHost = true;
    this.#release();
    this.#owner.onUpstreamClosed();
  }
}
