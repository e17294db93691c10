import net from 'node:net';
import { openTransparentSocket } from '../../sys/index.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { PlainContext } from '../cluster/context.ts';
import type { Host } from '../cluster/host.ts';
import { errnoText } from '../cluster/reset.ts';
import { bindAddress, type SourceAddress } from '../cluster/upstream-connection.ts';
import { type ConnectionPeers, FLAG, StreamInfo } from '../http/stream-info.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { TcpProxy } from './tcp-proxy.ts';

/** A client's connection joined to one upstream connection, byte for byte, each direction ending on its own. */
export class TcpConnection {
  closeAfterResponse = false;
  readonly #downstream: net.Socket;
  readonly #proxy: TcpProxy;
  readonly #info: StreamInfo;
  readonly #source: SourceAddress | undefined;
  readonly #onClosed: (connection: TcpConnection) => void;
  #upstream: net.Socket | undefined = undefined;
  #cluster: Cluster | undefined = undefined;
  #host: Host | undefined = undefined;
  #over = false;
  #counted = false;
  readonly #idle = new Deadline(() => this.destroy());
  readonly #connectTimeout = new Deadline(() => this.#failed('connection timeout', 504));

  constructor(
    socket: net.Socket,
    proxy: TcpProxy,
    peers: ConnectionPeers,
    source: SourceAddress | undefined,
    onClosed: (connection: TcpConnection) => void,
  ) {
    this.#downstream = socket;
    this.#proxy = proxy;
    this.#info = new StreamInfo(peers);
    this.#info.accessLogType = 'TcpConnectionEnd';
    this.#source = source;
    this.#onClosed = onClosed;
    proxy.stats.cxTotal++;
    socket.pause();
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
    // The owner counts the connection only after this constructor.
    queueMicrotask(() => this.#connect());
  }

  get socket(): net.Socket {
    return this.#downstream;
  }

  drain(): void {
    this.closeAfterResponse = true;
  }

  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    this.#idle.stop();
    this.#connectTimeout.stop();
    this.#info.responseEndAt = now();
    this.#downstream.destroy();
    this.#upstream?.destroy();
    this.#release();
    this.#onClosed(this);
    for (const log of this.#proxy.accessLogs) log(this.#info);
  }

  #connect(): void {
    if (this.#over) return;
    const info = this.#info;
    info.clusterName = this.#proxy.choose();
    const cluster = this.#proxy.clusters.get(info.clusterName);
    if (!cluster) {
      this.#proxy.stats.cxNoRoute++;
      info.flags |= FLAG.NO_CLUSTER;
      this.destroy();
      return;
    }
    const { DEFAULT: resources } = cluster.resources;
    const host = cluster.choose(new PlainContext(info));
    if (!host || resources.connections >= resources.limits.connections) {
      info.flags |= host ? FLAG.UPSTREAM_OVERFLOW : FLAG.NO_HEALTHY_UPSTREAM;
      this.destroy();
      return;
    }
    this.#cluster = cluster;
    this.#host = host;
    info.upstreamHost = host;
    info.attempts++;
    this.#open(cluster, host);
  }

  #open(cluster: Cluster, host: Host): void {
    this.#counted = true;
    cluster.resources.DEFAULT.connections++;
    cluster.stats.cxTotal++;
    cluster.stats.cxActive++;
    host.stats.cxTotal++;
    host.stats.cxActive++;
    try {
      this.#upstream = openUpstream(host, bindAddress(this.#source, host.peer.address));
    } catch (error) {
      this.#failed(errnoText(error), 503);
      return;
    }
    const upstream = this.#upstream;
    this.#connectTimeout.start(cluster.config.connectTimeout);
    upstream.on('connect', () => this.#join(upstream));
    upstream.on('error', (error) => {
      if (upstream.connecting || !this.#info.upstreamLocal) this.#failed(errnoText(error), 503);
      else this.destroy();
    });
    upstream.on('close', () => {
      if (upstream === this.#upstream) this.destroy();
    });
  }

  #failed(reason: string, status: 503 | 504): void {
    const { maxConnectAttempts } = this.#proxy;
    const info = this.#info;
    const upstream = this.#upstream;
    this.#connectTimeout.stop();
    this.#upstream = undefined;
    upstream?.destroy();
    if (this.#host) this.#cluster?.outlier?.onLocalFailure(this.#host, status);
    if (this.#cluster) this.#cluster.stats.cxConnectFail++;
    this.#release();
    info.upstreamFailure = reason;
    if (info.attempts < maxConnectAttempts) {
      this.#connect();
      return;
    }
    info.flags |= FLAG.UPSTREAM_FAILURE;
    this.destroy();
  }

  #release(): void {
    if (!this.#counted || !this.#cluster || !this.#host) return;
    this.#counted = false;
    this.#cluster.resources.DEFAULT.connections--;
    this.#cluster.stats.cxActive--;
    this.#host.stats.cxActive--;
  }

  #join(upstream: net.Socket): void {
    this.#connectTimeout.stop();
    if (this.#host) this.#cluster?.outlier?.onConnected(this.#host);
    this.#info.upstreamLocal = { address: upstream.localAddress ?? '', port: upstream.localPort ?? 0 };
    this.#idle.start(this.#proxy.idleTimeout);
    this.#pass(this.#downstream, upstream, (length) => {
      this.#info.bytesReceived += length;
    });
    this.#pass(upstream, this.#downstream, (length) => {
      this.#info.bytesSent += length;
    });
    this.#downstream.resume();
  }

  #pass(from: net.Socket, to: net.Socket, count: (length: number) => void): void {
    from.on('data', (bytes: Buffer) => {
      count(bytes.length);
      this.#idle.start(this.#proxy.idleTimeout);
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
  }
}

function openUpstream(host: Host, source: SourceAddress | undefined): net.Socket {
  const { address } = host;
  if (address.kind === 'pipe') return net.connect({ path: address.path, allowHalfOpen: true });
  if (!source) return net.connect({ host: address.host, port: address.port, allowHalfOpen: true, noDelay: true });
  const fd = openTransparentSocket({ type: 'stream', address: source.address, port: 0, mark: source.mark });
  const socket = new net.Socket({ fd, manualStart: true, allowHalfOpen: true } as net.SocketConstructorOpts);
  socket.setNoDelay(true);
  return socket.connect({ host: address.host, port: address.port });
}
