import type { StreamInfo } from '../http/stream-info.ts';
import type { ClientOfConnection } from '../proxy-protocol/types.ts';
import type { Greeting } from '../proxy-protocol/upstream.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { Encryption, TlsNames } from '../tls/upstream.ts';
import type { ByteCounts } from '../transport/transport.ts';
import type { Cluster } from './cluster.ts';
import type { ConnectionOwner, ConnectionSettings } from './connection-owner.ts';
import type { UpstreamExchange } from './exchange.ts';
import type { Host } from './host.ts';
import type { ResetReason } from './reset.ts';
import type { Resources } from './resources.ts';
import { type ClusterStats, countDestroyed } from './stats.ts';
import { UpstreamConnection } from './upstream-connection.ts';
import { countBindError, countRefused, type SourceAddress } from './upstream-socket.ts';

/** A request that needs a connection. */
export interface PoolClient {
  onReady(exchange: UpstreamExchange): void;
  onPoolFailure(reason: ResetReason, detail: string): void;
}

/** The connections to one host that are alike. */
export interface ConnectionPool {
  readonly host: Host;
  readonly cluster: Cluster;
  readonly resources: Resources;
  /** No request waits or is under way. */
  readonly unused: boolean;
  /** Gives the client a connection, at once when there is one, or tells it why not. */
  request(client: PoolClient): void;
  cancel(client: PoolClient): void;
  /** Takes a connected connection that turned out to speak the protocol of this pool, and those that wait for one. */
  adopt(connection: UpstreamConnection, waiting: readonly PoolClient[]): void;
  /** Closes what nobody waits for; connections in use end with their requests. */
  drain(): void;
}

/** What a request wants of its connection. */
export interface PoolWish {
  readonly source: SourceAddress | undefined;
  /** Tells the connections of clients apart. */
  readonly client: number | undefined;
  /** It carries no HTTP, and serves once. */
  readonly raw: boolean;
  /** What the client speaks. */
  readonly downstream: StreamInfo['protocol'];
  /** What an encrypted connection asks for, besides what the cluster says. */
  readonly names: TlsNames;
  /** What the host may be told of the client; undefined: it is nobody's connection. */
  readonly told?: ClientOfConnection | undefined;
}

const MOST_AT_A_TIME = 3;

export interface PoolOptions {
  /** What the host knows it by. */
  readonly key: string;
  /** Its connections carry no HTTP. */
  readonly raw: boolean;
  readonly source: SourceAddress | undefined;
  /** Undefined: connections are not encrypted. */
  readonly encryption: Encryption | undefined;
  readonly greeting: Greeting | undefined;
  /** Where the handshake decides what a connection speaks: gives the pool of those that speak the other protocol; `leaving`: for what is left of a pool that ends. */
  readonly other: ((leaving: boolean) => ConnectionPool) | undefined;
}

/**
 * The connections to one host from one source address. The one used last is used first, so that the others can end: of the idle ones the first
 * has been idle the longest.
 */
export class Pool implements ConnectionOwner, ConnectionPool {
  readonly host: Host;
  readonly cluster: Cluster;
  readonly key: string;
  readonly resources: Resources;
  readonly bytes: ByteCounts;
  readonly #raw: boolean;
  readonly #source: SourceAddress | undefined;
  readonly #encryption: Encryption | undefined;
  readonly #settings: ConnectionSettings;
  readonly #other: PoolOptions['other'];
  readonly #idle: UpstreamConnection[] = [];
  readonly #waiting: PoolClient[] = [];
  readonly #all = new Set<UpstreamConnection>();
  readonly #idleTimeout = new Deadline(() => this.#closeUnused());
  /** Connections to have for each request under way or waiting. */
  readonly #preconnect: number;
  #connecting = 0;
  #draining = false;
  #forgotten = false;

  constructor(
    cluster: Cluster,
    host: Host,
    resources: Resources,
    { key, raw, source, encryption, greeting, other }: PoolOptions,
  ) {
    this.cluster = cluster;
    this.bytes = cluster.stats;
    this.host = host;
    this.resources = resources;
    this.key = key;
    this.#raw = raw;
    this.#source = source;
    this.#encryption = encryption;
    this.#settings = greeting ? { ...cluster.config, greeting } : cluster.config;
    this.#other = other;
    this.#preconnect = cluster.config.preconnectRatio;
    resources.pools++;
  }

  get unused(): boolean {
    return this.#waiting.length === 0 && this.#all.size === this.#idle.length + this.#connecting;
  }

  request(client: PoolClient): void {
    const idle = this.#idle.pop();
    if (idle) {
      this.#attach(idle, client);
      if (this.#preconnect > 1) this.#connect();
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
    this.#closeIdle();
    if (this.#waiting.length === 0) this.#closeConnecting();
    this.#idleTimeout.stop();
    this.#forgetWhenEmpty();
  }

  #leaveQueue(): void {
    this.resources.pending--;
    this.cluster.stats.rqPendingActive--;
  }

  onConnected(connection: UpstreamConnection): void {
    this.#connecting--;
    if (this.#other && connection.tls?.protocol === 'h2') {
      this.#all.delete(connection);
      const pool = this.#other(this.#draining);
      pool.adopt(connection, this.#waiting.splice(0));
      if (this.#draining) pool.drain();
      this.#forgetWhenEmpty();
    } else this.#take(connection);
  }

  adopt(connection: UpstreamConnection, waiting: readonly PoolClient[]): void {
    connection.owner = this;
    this.#all.add(connection);
    this.#waiting.push(...waiting);
    this.#take(connection);
  }

  #take(connection: UpstreamConnection): void {
    if (this.#other) {
      // Envoy counts a connection once more when it knows what it speaks.
      this.cluster.stats.cxTotal++;
      this.#countProtocol();
    }
    this.cluster.stats.connectMs.record(now() - connection.openedAt);
    const { maxConnectionDuration } = this.cluster.config;
    if (maxConnectionDuration > 0) this.#limitDuration(connection, maxConnectionDuration);
    this.#serve(connection);
    // It was to carry all that wait.
    if (this.#other) this.#connect();
  }

  onConnectFailed(_connection: UpstreamConnection, reason: ResetReason, detail: string): void {
    this.#connecting--;
    this.cluster.stats.cxConnectFail++;
    this.host.stats.cxConnectFail++;
    if (reason === 'connection timeout') this.cluster.stats.cxConnectTimeout++;
    this.#failWaiting(reason, detail);
  }

  /** Those that come back to the pool for another try are not among them. */
  #failWaiting(reason: ResetReason, detail: string): void {
    for (const client of this.#waiting.splice(0)) {
      this.#leaveQueue();
      this.cluster.stats.rqPendingFailureEject++;
      client.onPoolFailure(reason, detail);
    }
  }

  onReleased(connection: UpstreamConnection, reusable: boolean): void {
    if (!reusable || connection.draining || this.#draining) connection.destroy();
    else this.#serve(connection);
  }

  onProtocolError(): void {
    this.cluster.stats.cxProtocolError++;
  }

  onAnotherAddress(): void {
    this.cluster.stats.cxTotal++;
  }

  onAddressRefused(error: unknown): void {
    countBindError(this.cluster.stats, error);
  }

  onClosed(connection: UpstreamConnection): void {
    if (!this.#all.delete(connection)) return;
    countEnd(this.cluster.stats, connection);
    this.cluster.stats.cxActive--;
    this.host.stats.cxActive--;
    this.resources.connections--;
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#waiting.length > 0 || (this.#preconnect > 1 && !connection.connected)) this.#connect();
    this.#forgetWhenEmpty();
  }

  #serve(connection: UpstreamConnection): void {
    const client = this.#waiting.shift();
    if (client) {
      this.#leaveQueue();
      this.#attach(connection, client);
      return;
    }
    if (this.#draining) {
      connection.destroy();
      return;
    }
    connection.idleSince = now();
    this.#idle.push(connection);
    if (!this.#idleTimeout.waiting) this.#idleTimeout.start(this.cluster.config.idleTimeout);
  }

  #attach(connection: UpstreamConnection, client: PoolClient): void {
    const { resources } = this;
    if (resources.all.requests >= resources.limits.requests) {
      this.#idle.push(connection);
      this.cluster.stats.rqActiveOverflow++;
      client.onPoolFailure('overflow', '');
      return;
    }
    const { maxRequestsPerConnection } = this.cluster.config;
    if (maxRequestsPerConnection > 0 && connection.requests + 1 >= maxRequestsPerConnection) {
      connection.draining = true;
      this.cluster.stats.cxMaxRequests++;
    }
    client.onReady(connection);
  }

  /** Opens what is missing, some at a time. */
  #connect(): void {
    for (let opened = 0; opened < MOST_AT_A_TIME && this.#wantsMore(); opened++) if (!this.#open()) return;
  }

  #wantsMore(): boolean {
    const waiting = this.#waiting.length;
    if (this.#preconnect === 1 || this.#draining || this.host.health !== 'healthy') return waiting > this.#connecting;
    const active = this.#all.size - this.#idle.length - this.#connecting;
    return (waiting + active) * this.#preconnect > this.#all.size;
  }

  /** Tells whether another one could be opened. */
  #open(): boolean {
    const { all, limits } = this.resources;
    const full = all.connections >= limits.connections || this.host.stats.cxActive >= limits.connectionsPerHost;
    if (full) {
      this.cluster.stats.cxOverflow++;
      // A host without any connection gets one all the same.
      if (this.#all.size > 0) return false;
    }
    const { stats } = this.cluster;
    stats.cxTotal++;
    if (!this.#other) this.#countProtocol();
    this.host.stats.cxTotal++;
    let connection: UpstreamConnection;
    try {
      const { addresses } = this.host;
      connection = new UpstreamConnection(this, addresses, this.#source, this.#encryption, this.#settings);
    } catch (error) {
      // The socket could not be made as it is wanted; a failed connect comes later, as an event.
      this.#failWaiting('local connection failure', countRefused(stats, this.host, error));
      return false;
    }
    this.#connecting++;
    this.#all.add(connection);
    this.resources.connections++;
    stats.cxActive++;
    this.host.stats.cxActive++;
    return !full;
  }

  #countProtocol(): void {
    this.cluster.countHttp1();
    if (!this.#raw) this.cluster.stats.cxHttp1++;
  }

  #limitDuration(connection: UpstreamConnection, milliseconds: number): void {
    connection.lifetime = new Deadline(() => {
      if (connection.draining) return;
      connection.draining = true;
      this.cluster.stats.cxMaxDuration++;
      if (!connection.handler) connection.destroy();
    });
    connection.lifetime.start(milliseconds);
  }

  /** Closes what has been idle for the whole time and waits for the next. */
  #closeUnused(): void {
    const { idleTimeout } = this.cluster.config;
    const time = now();
    for (let first = this.#idle[0]; first !== undefined; first = this.#idle[0]) {
      const left = first.idleSince + idleTimeout - time;
      if (left > 0) {
        this.#idleTimeout.start(Math.ceil(left));
        return;
      }
      this.#idle.shift();
      this.cluster.stats.cxIdleTimeout++;
      first.destroy();
    }
  }

  #closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  #closeConnecting(): void {
    if (this.#connecting === 0) return;
    for (const connection of this.#all) {
      if (connection.connected) continue;
      this.#connecting--;
      this.cluster.stats.cxConnectFail++;
      this.host.stats.cxConnectFail++;
      connection.destroy();
    }
  }

  #forgetWhenEmpty(): void {
    if (this.#all.size > 0 || this.#waiting.length > 0) return;
    this.#idleTimeout.stop();
    if (this.#forgotten) return;
    this.#forgotten = true;
    this.resources.pools--;
    if (this.host.pools.get(this.key) === this) this.host.pools.delete(this.key);
  }
}

export function countEnd(
  stats: ClusterStats,
  { endedByHost, endedActive, openedAt, requests }: UpstreamConnection,
): void {
  stats.lengthMs.record(now() - openedAt);
  stats.requestsPerConnection.record(requests);
  countDestroyed(stats, endedByHost, endedActive);
}
