import { type ClientConnectionOwner, Http2ClientConnection } from '../http2/client-connection.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { Encryption } from '../tls/upstream.ts';
import type { ByteCounts } from '../transport/transport.ts';
import type { Cluster } from './cluster.ts';
import type { ConnectionOwner, ConnectionSettings } from './connection-owner.ts';
import type { Host } from './host.ts';
import { type ConnectionPool, countEnd, type PoolClient, type PoolOptions } from './pool.ts';
import type { ResetReason } from './reset.ts';
import type { Resources } from './resources.ts';
import { UpstreamConnection } from './upstream-connection.ts';
import { countBindError, countRefused, type SourceAddress } from './upstream-socket.ts';

/** The HTTP/2 connections to one host from one source address: one, and another only where it takes no more streams. */
export class Http2Pool implements ConnectionOwner, ClientConnectionOwner, ConnectionPool {
  readonly host: Host;
  readonly cluster: Cluster;
  readonly resources: Resources;
  readonly bytes: ByteCounts;
  readonly #key: string;
  readonly #source: SourceAddress | undefined;
  readonly #encryption: Encryption | undefined;
  readonly #settings: ConnectionSettings;
  readonly #other: PoolOptions['other'];
  readonly #connecting = new Set<UpstreamConnection>();
  readonly #open = new Map<UpstreamConnection, Http2ClientConnection>();
  readonly #waiting: PoolClient[] = [];
  readonly #idle = new Deadline(() => this.#closeUnused());
  /** What the host said last of how many streams it takes: a new connection is not asked for more before it says so itself. */
  #maxStreams = Number.POSITIVE_INFINITY;
  #draining = false;
  #forgotten = false;

  constructor(cluster: Cluster, host: Host, resources: Resources, options: PoolOptions) {
    const { key, source, encryption, greeting, other } = options;
    this.cluster = cluster;
    this.bytes = cluster.stats;
    this.host = host;
    this.resources = resources;
    this.#key = key;
    this.#source = source;
    this.#encryption = encryption;
    this.#settings = greeting ? { ...cluster.config, greeting } : cluster.config;
    this.#other = other;
    resources.pools++;
  }

  get unused(): boolean {
    if (this.#waiting.length > 0) return false;
    for (const { active } of this.#open.values()) if (active > 0) return false;
    return true;
  }

  request(client: PoolClient): void {
    for (const connection of this.#open.values()) {
      if (!connection.hasRoom) continue;
      this.#attach(connection, client);
      return;
    }
    const { resources } = this;
    if (resources.all.pending >= resources.limits.pending) {
      this.cluster.stats.rqPendingOverflow++;
      this.#forgetWhenEmpty();
      client.onPoolFailure('overflow', '');
      return;
    }
    resources.pending++;
    this.cluster.stats.rqPendingTotal++;
    this.cluster.stats.rqPendingActive++;
    this.#waiting.push(client);
    this.#connect();
  }

  cancel(client: PoolClient): void {
    const at = this.#waiting.indexOf(client);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#leaveQueue();
  }

  drain(): void {
    this.#draining = true;
    this.#idle.stop();
    for (const connection of this.#open.values()) connection.drain();
    if (this.#waiting.length === 0) for (const connection of this.#connecting) this.#giveUp(connection);
    this.#forgetWhenEmpty();
  }

  #giveUp(connection: UpstreamConnection): void {
    this.cluster.stats.cxConnectFail++;
    this.host.stats.cxConnectFail++;
    connection.destroy();
  }

  #leaveQueue(): void {
    this.resources.pending--;
    this.cluster.stats.rqPendingActive--;
  }

  #attach(connection: Http2ClientConnection, client: PoolClient): void {
    const { resources, cluster } = this;
    if (resources.all.requests >= resources.limits.requests) {
      cluster.stats.rqActiveOverflow++;
      client.onPoolFailure('overflow', '');
      return;
    }
    const { maxRequestsPerConnection } = cluster.config;
    const last = maxRequestsPerConnection > 0 && connection.base.requests + 1 >= maxRequestsPerConnection;
    const stream = connection.open();
    if (last || !stream) connection.draining = true;
    if (last) cluster.stats.cxMaxRequests++;
    this.#idle.stop();
    if (stream) client.onReady(stream);
    else this.request(client);
  }

  /** Opens a connection where those to come do not take all that wait. */
  #connect(): void {
    if (
      this.#waiting.length <=
      this.#connecting.size * Math.min(this.#maxStreams, this.cluster.config.http2.maxStreams)
    )
      return;
    const { all, limits } = this.resources;
    if (all.connections >= limits.connections || this.host.stats.cxActive >= limits.connectionsPerHost) {
      this.cluster.stats.cxOverflow++;
      // A host without any connection gets one all the same.
      if (this.#connecting.size + this.#open.size > 0) return;
    }
    const { stats } = this.cluster;
    stats.cxTotal++;
    if (!this.#other) stats.cxHttp2++;
    this.host.stats.cxTotal++;
    let connection: UpstreamConnection;
    try {
      const { addresses } = this.host;
      connection = new UpstreamConnection(this, addresses, this.#source, this.#encryption, this.#settings);
    } catch (error) {
      this.#failWaiting('local connection failure', countRefused(stats, this.host, error));
      return;
    }
    this.#connecting.add(connection);
    this.resources.connections++;
    stats.cxActive++;
    this.host.stats.cxActive++;
  }

  onConnected(base: UpstreamConnection): void {
    this.#connecting.delete(base);
    // Who agrees on nothing speaks HTTP/1.1.
    if (this.#other && base.tls?.protocol !== 'h2') {
      const pool = this.#other(this.#draining);
      pool.adopt(base, this.#waiting.splice(0));
      if (this.#draining) pool.drain();
      this.#forgetWhenEmpty();
    } else this.#take(base);
  }

  adopt(base: UpstreamConnection, waiting: readonly PoolClient[]): void {
    base.owner = this;
    this.#waiting.push(...waiting);
    this.#take(base);
    if (this.#waiting.length > 0) this.#connect();
  }

  #take(base: UpstreamConnection): void {
    const { cluster } = this;
    if (this.#other) {
      // Envoy counts a connection once more when it knows what it speaks.
      cluster.stats.cxTotal++;
      cluster.stats.cxHttp2++;
    }
    cluster.stats.connectMs.record(now() - base.openedAt);
    const connection = new Http2ClientConnection(this, base, cluster.config.http2, cluster.http2Stats);
    connection.session.maxStreams = this.#maxStreams;
    this.#open.set(base, connection);
    const { maxConnectionDuration } = cluster.config;
    if (maxConnectionDuration > 0) this.#limitDuration(connection, maxConnectionDuration);
    this.onRoom(connection);
  }

  #limitDuration(connection: Http2ClientConnection, milliseconds: number): void {
    connection.base.lifetime = new Deadline(() => {
      if (connection.draining) return;
      this.cluster.stats.cxMaxDuration++;
      connection.drain();
    });
    connection.base.lifetime.start(milliseconds);
  }

  onConnectFailed(connection: UpstreamConnection, reason: ResetReason, detail: string): void {
    this.#connecting.delete(connection);
    this.cluster.stats.cxConnectFail++;
    this.host.stats.cxConnectFail++;
    if (reason === 'connection timeout') this.cluster.stats.cxConnectTimeout++;
    this.#failWaiting(reason, detail);
    this.#count(connection);
  }

  #failWaiting(reason: ResetReason, detail: string): void {
    for (const client of this.#waiting.splice(0)) {
      this.#leaveQueue();
      this.cluster.stats.rqPendingFailureEject++;
      client.onPoolFailure(reason, detail);
    }
  }

  onSettings(connection: Http2ClientConnection): void {
    this.#maxStreams = connection.session.maxStreams;
    this.onRoom(connection);
    if (this.#waiting.length > 0) this.#connect();
  }

  onRoom(connection: Http2ClientConnection): void {
    while (connection.hasRoom) {
      const client = this.#waiting.shift();
      if (!client) break;
      this.#leaveQueue();
      this.#attach(connection, client);
    }
    if (connection.active > 0) return;
    if (connection.draining || this.#draining) connection.session.transport.destroy();
    else if (this.unused) this.#idle.start(this.cluster.config.idleTimeout);
  }

  onDraining(): void {
    if (this.#waiting.length > 0) this.#connect();
  }

  onStreamReset({ base }: Http2ClientConnection, reason: ResetReason): void {
    const { stats } = this.cluster;
    if (reason === 'connection termination') {
      stats.rqPendingFailureEject++;
      base.endedActive = true;
    } else if (reason === 'local reset' || reason === 'protocol error') stats.rqSentReset++;
    else if (reason === 'remote reset') stats.rqReceivedReset++;
  }

  onCloseNotify(): void {
    this.cluster.stats.cxCloseNotify++;
  }

  onProtocolError(): void {
    this.cluster.stats.cxProtocolError++;
  }

  onReleased(): void {
    // Requests end by their streams.
  }

  onAnotherAddress(): void {
    this.cluster.stats.cxTotal++;
  }

  onAddressRefused(error: unknown): void {
    countBindError(this.cluster.stats, error);
  }

  onClosed(connection: UpstreamConnection): void {
    const wasOpen = this.#open.delete(connection);
    if (!wasOpen && !this.#connecting.delete(connection)) return;
    this.#count(connection);
    if (this.#waiting.length > 0) this.#connect();
    this.#forgetWhenEmpty();
  }

  #count(connection: UpstreamConnection): void {
    countEnd(this.cluster.stats, connection);
    this.cluster.stats.cxActive--;
    this.host.stats.cxActive--;
    this.resources.connections--;
    this.#forgetWhenEmpty();
  }

  #closeUnused(): void {
    if (!this.unused) return;
    for (const { session } of [...this.#open.values()]) {
      this.cluster.stats.cxIdleTimeout++;
      session.transport.destroy();
    }
  }

  #forgetWhenEmpty(): void {
    if (this.#open.size + this.#connecting.size > 0 || this.#waiting.length > 0) return;
    this.#idle.stop();
    if (this.#forgotten) return;
    this.#forgotten = true;
    this.resources.pools--;
    if (this.host.pools.get(this.#key) === this) this.host.pools.delete(this.#key);
  }
}
