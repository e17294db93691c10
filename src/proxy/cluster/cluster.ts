import { parseIp } from '../../base/index.ts';
import { formatHostPort } from '../config/address.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { splitPort } from '../route/redirect.ts';
import type { StatsScope } from '../stats/store.ts';
import { Deadline } from '../time/deadline.ts';
import { type Balancer, createBalancer } from './balancer.ts';
import type { ClusterConfig, EndpointConfig } from './config.ts';
import { Host } from './host.ts';
import { OutlierDetector } from './outlier.ts';
import { Pool } from './pool.ts';
import { Resources } from './resources.ts';
import { CLUSTER_STATS, type ClusterStats, OUTLIER_STATS } from './stats.ts';
import { bindAddress, type SourceAddress } from './upstream-connection.ts';

/** Original destinations in use at a time; beyond it new ones are refused. */
const MAX_ORIGINAL_HOSTS = 16_384;

/** A cluster at work: its hosts, the choice among them and the connections to them. */
export class Cluster {
  readonly config: ClusterConfig;
  readonly resources: { readonly DEFAULT: Resources; readonly HIGH: Resources };
  readonly outlier: OutlierDetector | undefined;
  readonly stats: ClusterStats;
  /** Whether endpoints are known: an EDS cluster waits for its first assignment. */
  warm: boolean;
  #hosts: readonly Host[] = [];
  readonly #originals = new Map<string, Host>();
  readonly #balancer: Balancer;
  readonly #cleanup = new Deadline(() => this.#cleanOriginals());
  readonly #scope: StatsScope;
  #usable = false;

  constructor(config: ClusterConfig, scope: StatsScope, random: () => number = Math.random) {
    this.config = config;
    this.#scope = scope;
    const prefix = `cluster.${config.statName}.`;
    this.stats = scope.get(CLUSTER_STATS, prefix);
    this.warm = config.kind !== 'EDS';
    this.resources = {
      DEFAULT: new Resources(config.thresholds.DEFAULT),
      HIGH: new Resources(config.thresholds.HIGH),
    };
    this.#balancer = createBalancer(config.policy, random);
    if (config.outlier) {
      this.outlier = new OutlierDetector(
        config.outlier,
        scope.get(OUTLIER_STATS, `${prefix}outlier_detection.`),
        () => this.hosts,
        () => this.#rebalance(),
        random,
      );
    }
    if (config.kind === 'STATIC') this.setEndpoints(config.endpoints);
  }

  get hosts(): readonly Host[] {
    return this.config.kind === 'ORIGINAL_DST' ? [...this.#originals.values()] : this.#hosts;
  }

  /** Replaces the endpoints. Hosts that stay keep their connections and counters; those that go finish what they have. */
  setEndpoints(endpoints: readonly EndpointConfig[]): void {
    this.warm = true;
    const changes = this.#hosts;
    const before = new Map(this.#hosts.map((host) => [`${host.name} ${host.hostname}`, host]));
    const after = new Map<string, Host>();
    for (const endpoint of endpoints) {
      const fresh = new Host(endpoint.address, endpoint.hostname);
      const key = `${fresh.name} ${fresh.hostname}`;
      const host = before.get(key) ?? fresh;
      host.weight = endpoint.weight;
      host.health = endpoint.health;
      after.set(key, host);
    }
    for (const [key, host] of before) if (!after.has(key)) host.drain();
    this.#hosts = [...after.values()];
    if (changes.length !== this.#hosts.length || changes.some((host, index) => host !== this.#hosts[index])) {
      this.stats.membershipChange++;
    }
    this.#rebalance();
  }

  /** The host for a request, or undefined when there is none. */
  choose(info: StreamInfo): Host | undefined {
    if (this.config.kind === 'ORIGINAL_DST') return this.#original(info);
    return this.#usable ? this.#balancer.pick() : undefined;
  }

  pool(host: Host, source: SourceAddress | undefined): Pool {
    const from = bindAddress(source, host.peer.address);
    const key = from ? `${from.address} ${from.mark}` : '';
    let pool = host.pools.get(key);
    if (!pool) {
      pool = new Pool(this, host, key, from);
      host.pools.set(key, pool);
    }
    return pool;
  }

  onStatus(host: Host, status: number): void {
    this.stats.status.count(status);
    if (status < 500) host.stats.rqSuccess++;
    else host.stats.rqError++;
    this.outlier?.onStatus(host, status);
  }

  /** Closes what is idle and stops all waits; requests under way end by themselves. */
  drain(): void {
    this.outlier?.stop();
    this.#cleanup.stop();
    for (const host of this.hosts) host.drain();
    this.#scope.close();
  }

  /** Envoy's choice of host sets: healthy, degraded, or all of them when too few are healthy. */
  #rebalance(): void {
    const all = this.#hosts;
    const available = all.filter((host) => !host.ejected);
    const healthy = available.filter((host) => host.health === 'healthy');
    const degraded = available.filter((host) => host.health === 'degraded');
    const fit = healthy.length > 0 ? healthy : degraded;
    this.stats.membershipTotal = all.length;
    this.stats.membershipHealthy = healthy.length;
    this.stats.membershipDegraded = degraded.length;
    const share = all.length === 0 ? 0 : ((healthy.length + degraded.length) * 100) / all.length;
    // Overprovisioning: while 140 % of the healthy share covers everything, no panic.
    const panic = share * 1.4 < 100 && share < this.config.panicThreshold;
    const used = panic ? all : fit;
    this.#usable = used.length > 0;
    this.#balancer.update(used);
  }

  #original(info: StreamInfo): Host | undefined {
    const target = this.#originalTarget(info);
    if (!target) return undefined;
    const key = formatHostPort(target.host, target.port);
    let host = this.#originals.get(key);
    if (!host) {
      if (this.#originals.size >= MAX_ORIGINAL_HOSTS) return undefined;
      host = new Host({ kind: 'socket', ...target });
      this.#originals.set(key, host);
      if (!this.#cleanup.list) this.#cleanup.start(this.config.cleanupInterval);
    }
    host.used = true;
    return host;
  }

  #originalTarget(info: StreamInfo): { readonly host: string; readonly port: number } | undefined {
    const { originalHeader } = this.config;
    const named = originalHeader === '' ? undefined : info.requestHeader(originalHeader);
    if (named !== undefined) {
      const [host, port] = splitPort(named);
      const bare = host.replace(/^\[|\]$/g, '');
      return parseIp(bare) && port !== '' ? { host: bare, port: Number(port) } : undefined;
    }
    const { address, port } = info.peers.local;
    return port === 0 ? undefined : { host: address, port };
  }

  #cleanOriginals(): void {
    for (const [key, host] of this.#originals) {
      if (host.used || host.stats.cxActive > 0) host.used = false;
      else this.#originals.delete(key);
    }
    if (this.#originals.size > 0) this.#cleanup.start(this.config.cleanupInterval);
  }
}
