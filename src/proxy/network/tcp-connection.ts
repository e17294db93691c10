import type { Cluster } from '../cluster/cluster.ts';
import type { Host } from '../cluster/host.ts';
import type { SourceAddress } from '../cluster/upstream-socket.ts';
import { FLAG, type StreamInfo } from '../http/stream-info.ts';
import { writeMessage } from '../http/wire.ts';
import type { ClientOfConnection } from '../proxy-protocol/types.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import { NO_NAMES } from '../tls/upstream.ts';
import type { Transport } from '../transport/transport.ts';
import { ConnectionLog } from './connection-log.ts';
import type { TerminalConnection } from './gate.ts';
import type { BackOff, TcpProxy } from './tcp-proxy.ts';
import { TcpContext } from './tcp-route.ts';
import { type ByteUpstream, type ConnectFailure, connectTcp, type TcpUpstreamOwner } from './tcp-upstream.ts';
import { type TunnelOwner, TunnelUpstream } from './tunnel-upstream.ts';
import type { Tunneling } from './tunneling.ts';

/** How long a client may take for the last bytes where being idle is not limited. */
const FLUSH_MS = 60_000;

/** A client's connection joined to one upstream connection, byte for byte, each direction ending on its own. */
export class TcpConnection implements TerminalConnection, TcpUpstreamOwner, TunnelOwner {
  readonly halfClose = true;
  readonly #downstream: Transport;
  readonly #proxy: TcpProxy;
  readonly #info: StreamInfo;
  readonly #source: SourceAddress | undefined;
  /** They count what comes in. */
  readonly #behindFilters: boolean;
  readonly #onClosed: (connection: TcpConnection) => void;
  #upstream: ByteUpstream | undefined = undefined;
  #cluster: Cluster | undefined = undefined;
  #host: Host | undefined = undefined;
  #joined = false;
  #over = false;
  /** Read before there was an upstream connection. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #endedEarly = false;
  #connecting = false;
  #backOff = 0;
  readonly #idle = new Deadline(() => this.#idleTimeout());
  readonly #life = new Deadline(() => this.#tooOld());
  readonly #pause = new Deadline(() => this.#connect());
  readonly #log: ConnectionLog;

  constructor(
    open: (user: TcpConnection) => Transport,
    proxy: TcpProxy,
    info: StreamInfo,
    source: SourceAddress | undefined,
    behindFilters: boolean,
    onClosed: (connection: TcpConnection) => void,
  ) {
    this.#downstream = open(this);
    this.#proxy = proxy;
    this.#info = info;
    this.#log = new ConnectionLog(proxy.logs, info);
    this.#source = source;
    this.#behindFilters = behindFilters;
    this.#onClosed = onClosed;
    proxy.stats.cxTotal++;
  }

  get transport(): Transport {
    return this.#downstream;
  }

  drain(): void {
    // A connection without requests has no moment to end before its time is over.
  }

  destroy(): void {
    this.#downstream.destroy();
    this.onClosed();
  }

  start(): void {
    const { maxDuration, durationJitter, maxEarlyData, awaitsData, idleTimeout } = this.#proxy;
    this.#log.begin();
    this.#life.start(maxDuration * (1 + (Math.random() * durationJitter) / 100));
    // Otherwise nothing is read before there is somebody to give it to.
    if (maxEarlyData === undefined) this.#downstream.pause();
    if (awaitsData || this.#proxy.tunneling) this.#idle.start(idleTimeout);
    if (!awaitsData) this.#connect();
  }

  #connect(): void {
    const info = this.#info;
    const { clusters, stats, hash } = this.#proxy;
    this.#connecting = true;
    const route = this.#proxy.choose(info);
    const cluster = clusters.get(route.cluster);
    info.clusterName = cluster ? route.cluster : '';
    info.clusterMetadata = cluster?.config.metadata;
    if (!cluster) {
      stats.cxNoRoute++;
      info.flags |= FLAG.NO_CLUSTER;
      this.destroy();
      return;
    }
    const { DEFAULT: resources } = cluster.resources;
    if (resources.all.connections >= resources.limits.connections) {
      cluster.stats.cxOverflow++;
      info.flags |= FLAG.UPSTREAM_OVERFLOW;
      this.destroy();
      return;
    }
    const context = new TcpContext(info, route, hash);
    // As in Envoy a connection waits for no look-up that a filter has not made before; the next one finds the host.
    const lookup = cluster.prepare(context, () => undefined);
    if (typeof lookup === 'object') lookup.cancel();
    const host = cluster.choose(context);
    if (!host) {
      if (typeof lookup !== 'object') cluster.stats.noneHealthy++;
      info.flags |= FLAG.NO_HEALTHY_UPSTREAM;
      this.destroy();
      return;
    }
    const owner = cluster.memberOf(host);
    this.#cluster = owner;
    this.#host = host;
    info.attempts++;
    if (this.#proxy.tunneling) {
      this.#openTunnel(owner, host, this.#proxy.tunneling);
      return;
    }
    info.upstreamHost = host;
    info.connectedHost = host;
    info.upstreamAskedAt = now();
    const upstream = connectTcp(this, owner, host, {
      source: this.#source,
      greeting: owner.config.sockets.proxyProtocol?.greeting(this.#told()),
    });
    if (upstream.ok) this.#upstream = upstream.value;
    else this.onConnectFailed(upstream.error, 'local');
  }

  #told(): ClientOfConnection {
    const { proxied, remote, local } = this.#info.peers;
    const { tlvs, merge } = this.#proxy.addedTlvs;
    if (!proxied) return { source: remote, destination: local, tlvs: tlvs(this.#info) };
    return { ...proxied.told, tlvs: merge(proxied.told.tlvs, tlvs(this.#info)) };
  }

  #openTunnel(cluster: Cluster, host: Host, tunneling: Tunneling): void {
    const pool = cluster.pool(host, cluster.resources.DEFAULT, {
      source: this.#source,
      client: undefined,
      raw: false,
      names: NO_NAMES,
      downstream: undefined,
      told: cluster.config.sockets.proxyProtocol && this.#told(),
    });
    if (!pool) {
      this.onConnectFailed('', 'local');
      return;
    }
    const tunnel = new TunnelUpstream(this, pool, host, tunneling, this.#info);
    this.#upstream = tunnel;
    tunnel.start();
  }

  onConnectFailed(failure: string, kind: ConnectFailure): void {
    const info = this.#info;
    this.#upstream = undefined;
    if (this.#over) return;
    info.upstreamHost = this.#host;
    if (this.#host) this.#cluster?.outlier?.onLocalFailure(this.#host, kind === 'timeout' ? 504 : 503);
    info.upstreamFailure = failure;
    info.upstreamReadyAt = now();
    if (kind !== 'local') info.flags |= FLAG.UPSTREAM_FAILURE;
    const { maxConnectAttempts, backOff } = this.#proxy;
    if (info.attempts < maxConnectAttempts) {
      if (backOff) this.#pause.start(this.#nextPause(backOff));
      else this.#connect();
      return;
    }
    info.flags |= FLAG.RETRY_LIMIT;
    if (this.#cluster) this.#cluster.stats.cxConnectAttemptsExceeded++;
    this.destroy();
  }

  /** Milliseconds, 1 or more: fully jittered and doubling. */
  #nextPause({ base, max }: BackOff): number {
    const span = this.#backOff || base;
    this.#backOff = Math.min(span * 2, max);
    return Math.max(1, Math.floor(Math.random() * span));
  }

  onConnected(upstream: ByteUpstream): void {
    this.#joined = true;
    this.#info.upstreamHost = this.#host;
    if (this.#host) this.#cluster?.outlier?.onConnected(this.#host);
    this.#info.upstreamConnection = upstream.connection;
    this.#info.upstreamReadyAt = now();
    this.#info.upstreamLocal = upstream.local;
    this.#info.upstreamTls = upstream.tls;
    this.#info.upstreamRemote = upstream.remote;
    this.#log.connected();
    this.#idle.start(this.#proxy.idleTimeout);
    const early = this.#early;
    this.#early = [];
    this.#downstream.resume();
    for (const bytes of early) this.#forward(bytes, bytes.length);
    if (this.#endedEarly) upstream.end();
  }

  #forward(bytes: Buffer, length: number): void {
    const upstream = this.#upstream;
    if (!upstream) return;
    upstream.write(bytes, length);
    this.#info.upstreamWireSent += length;
    if (upstream.blocked) this.#downstream.pause();
  }

  /** As in Envoy the end is no reason to connect: without bytes the connection waits until it was idle for too long. */
  #endEarly(): void {
    this.#proxy.stats.earlyData++;
    this.#endedEarly = true;
  }

  #keep(bytes: Buffer): void {
    const { maxEarlyData = 0 } = this.#proxy;
    this.#proxy.stats.earlyData++;
    this.#early.push(Buffer.from(bytes));
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes > maxEarlyData) this.#downstream.pause();
    if (!this.#connecting) this.#connect();
  }

  onBytes(bytes: Buffer, length: number): void {
    if (this.#over) return;
    if (!this.#behindFilters) this.countReceived(length);
    if (!this.#joined) {
      this.#keep(bytes.subarray(0, length));
      return;
    }
    this.#idle.start(this.#proxy.idleTimeout);
    this.#forward(bytes, length);
  }

  countReceived(length: number): void {
    this.#info.bytesReceived += length;
    this.#info.wireReceived += length;
    this.#proxy.stats.received += length;
  }

  onUpstreamBytes(bytes: Buffer, length: number): void {
    this.#info.bytesSent += length;
    this.#info.wireSent += length;
    this.#info.upstreamWireReceived += length;
    this.#proxy.stats.sent += length;
    this.#idle.start(this.#proxy.idleTimeout);
    writeMessage(this.#downstream, undefined, bytes, 0, length, false, false);
    if (this.#downstream.blocked) this.#upstream?.pause();
  }

  onWritable(): void {
    this.#upstream?.resume();
  }

  onUpstreamWritable(): void {
    this.#downstream.resume();
  }

  onRemoteEnd(): void {
    if (this.#joined) this.#upstream?.end();
    else if (this.#proxy.maxEarlyData === undefined) this.destroy();
    else this.#endEarly();
  }

  onUpstreamEnd(): void {
    this.#downstream.end();
  }

  onTunnelEnded(reset: boolean): void {
    this.#upstream = undefined;
    if (reset) this.#info.flags |= FLAG.UPSTREAM_REMOTE_RESET;
    this.#downstream.endAndClose();
    // A client that takes nothing more must not keep it for ever.
    this.#idle.start(this.#proxy.idleTimeout || FLUSH_MS);
  }

  onUpstreamClosed(): void {
    this.#upstream = undefined;
    this.destroy();
  }

  onError(): void {
    // The connection closes next.
  }

  onClosed(): void {
    if (this.#over) return;
    this.#over = true;
    this.#idle.stop();
    this.#life.stop();
    this.#pause.stop();
    this.#info.responseEndAt = now();
    if (this.#upstream instanceof TunnelUpstream && this.#upstream.asked) {
      this.#info.upstreamHost = this.#host;
      this.#info.flags |= FLAG.UPSTREAM_FAILURE;
    }
    this.#upstream?.destroy();
    this.#upstream = undefined;
    this.#onClosed(this);
    this.#log.end();
  }

  #idleTimeout(): void {
    this.#proxy.stats.idleTimeout++;
    this.destroy();
  }

  #tooOld(): void {
    this.#proxy.stats.maxDuration++;
    this.#info.flags |= FLAG.DURATION_TIMEOUT;
    this.destroy();
  }
}
