import type net from 'node:net';
import type { Cluster } from '../cluster/cluster.ts';
import { PlainContext } from '../cluster/context.ts';
import type { Host } from '../cluster/host.ts';
import { errnoText } from '../cluster/reset.ts';
import type { SourceAddress } from '../cluster/upstream-connection.ts';
import { FLAG, type StreamInfo } from '../http/stream-info.ts';
import { writeMessage } from '../http/wire.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { Transport } from '../transport/transport.ts';
import type { TerminalConnection } from './gate.ts';
import type { TcpProxy } from './tcp-proxy.ts';
import { TcpUpstream, type TcpUpstreamOwner } from './tcp-upstream.ts';

/** A client's connection joined to one upstream connection, byte for byte, each direction ending on its own. */
export class TcpConnection implements TerminalConnection, TcpUpstreamOwner {
  readonly halfClose = true;
  readonly #downstream: Transport;
  readonly #proxy: TcpProxy;
  readonly #info: StreamInfo;
  readonly #source: SourceAddress | undefined;
  /** They count what comes in. */
  readonly #behindFilters: boolean;
  readonly #onClosed: (connection: TcpConnection) => void;
  #upstream: TcpUpstream | undefined = undefined;
  #cluster: Cluster | undefined = undefined;
  #host: Host | undefined = undefined;
  #joined = false;
  #over = false;
  readonly #idle = new Deadline(() => this.#idleTimeout());

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
    info.accessLogType = 'TcpConnectionEnd';
    this.#source = source;
    this.#behindFilters = behindFilters;
    this.#onClosed = onClosed;
    proxy.stats.cxTotal++;
  }

  get socket(): net.Socket {
    return this.#downstream.socket;
  }

  drain(): void {
    // A connection without requests has no moment to end before its time is over.
  }

  destroy(): void {
    this.#downstream.destroy();
    this.onClosed();
  }

  start(): void {
    // Nothing is read before there is somebody to give it to.
    this.#downstream.pause();
    this.#connect();
  }

  #connect(): void {
    const info = this.#info;
    const { clusters, stats } = this.#proxy;
    info.clusterName = this.#proxy.choose();
    const cluster = clusters.get(info.clusterName);
    if (!cluster) {
      stats.cxNoRoute++;
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
    try {
      this.#upstream = new TcpUpstream(this, cluster, host, this.#source);
    } catch (error) {
      this.onConnectFailed(errnoText(error), false);
    }
  }

  onConnectFailed(failure: string, timedOut: boolean): void {
    const info = this.#info;
    this.#upstream = undefined;
    if (this.#over) return;
    if (this.#host) this.#cluster?.outlier?.onLocalFailure(this.#host, timedOut ? 504 : 503);
    info.upstreamFailure = failure;
    if (info.attempts < this.#proxy.maxConnectAttempts) {
      this.#connect();
      return;
    }
    info.flags |= FLAG.UPSTREAM_FAILURE;
    this.destroy();
  }

  onConnected(upstream: TcpUpstream): void {
    this.#joined = true;
    if (this.#host) this.#cluster?.outlier?.onConnected(this.#host);
    this.#info.upstreamLocal = upstream.local;
    this.#idle.start(this.#proxy.idleTimeout);
    this.#downstream.resume();
  }

  onBytes(bytes: Buffer, length: number): void {
    const upstream = this.#upstream?.transport;
    if (!upstream || this.#over) return;
    if (!this.#behindFilters) this.countReceived(length);
    this.#idle.start(this.#proxy.idleTimeout);
    writeMessage(upstream, undefined, bytes, 0, length, false, false);
    if (upstream.blocked) this.#downstream.pause();
  }

  countReceived(length: number): void {
    this.#info.bytesReceived += length;
    this.#proxy.stats.received += length;
  }

  onUpstreamBytes(bytes: Buffer, length: number): void {
    this.#info.bytesSent += length;
    this.#proxy.stats.sent += length;
    this.#idle.start(this.#proxy.idleTimeout);
    writeMessage(this.#downstream, undefined, bytes, 0, length, false, false);
    if (this.#downstream.blocked) this.#upstream?.transport.pause();
  }

  onWritable(): void {
    this.#upstream?.transport.resume();
  }

  onUpstreamWritable(): void {
    this.#downstream.resume();
  }

  onRemoteEnd(): void {
    if (this.#joined) this.#upstream?.transport.end();
    else this.destroy();
  }

  onUpstreamEnd(): void {
    this.#downstream.end();
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
    this.#info.responseEndAt = now();
    this.#upstream?.destroy();
    this.#upstream = undefined;
    this.#onClosed(this);
    for (const log of this.#proxy.accessLogs) log(this.#info);
  }

  #idleTimeout(): void {
    this.#proxy.stats.idleTimeout++;
    this.destroy();
  }
}
