import { EDS_STATS, type EdsStats } from '../discovery/stats.ts';
import { HTTP1_STATS } from '../http/codec-stats.ts';
import { HTTP2_STATS, type Http2Stats } from '../http2/stats.ts';
import type { StatsScope } from '../stats/store.ts';
import { type Encryption, NO_NAMES, type TlsNames } from '../tls/upstream.ts';
import type { LoadBalancer } from './balance/balancer.ts';
import { createBalancer } from './balance/create.ts';
import { BALANCER_STATS } from './balance/stats.ts';
import type { Assignment } from './config/endpoints.ts';
import { socketFor } from './config/transport-socket.ts';
import type { ClusterConfig } from './config.ts';
import type { LoadBalancerContext } from './context.ts';
import { createFinder } from './find-hosts.ts';
import { HealthChecker, offeredBy } from './health/checker.ts';
import { HEALTH_CHECK_STATS } from './health/stats.ts';
import { HEALTH, type Host } from './host.ts';
import type { HostFinder } from './host-finder.ts';
import { type HostSet, optionsOf, PLAIN_SET, partitionHosts, refreshHealth } from './host-set.ts';
import { measureCircuit } from './measure.ts';
import { fixedMembers, type MembershipOptions, updateMembers } from './membership.ts';
import { type MergeStats, UpdateMerger } from './merge.ts';
import { type NamedStats, namedStats } from './named-stats.ts';
import type { Neighbours } from './neighbours.ts';
import { OutlierDetector } from './outlier.ts';
import { OUTLIER_STATS } from './outlier-stats.ts';
import { findOverride } from './override-host.ts';
import type { ConnectionPool, PoolWish } from './pool.ts';
import { poolFor } from './pools.ts';
import { LocalResources, type Resources, type Thresholds } from './resources.ts';
import { SharedResources, type SharedUsage } from './shared-resources.ts';
import {
  CIRCUIT_STATS,
  type CircuitStats,
  CLUSTER_STATS,
  type ClusterStats,
  REMAINING_STATS,
  type RemainingStats,
} from './stats.ts';

/** What a cluster needs the first answer about. */
type Awaited = 'endpoints' | 'secrets';

/** What a cluster needs of its surroundings. */
export interface ClusterEnvironment {
  readonly scope: StatsScope;
  readonly merging: MergeStats;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** `Locality.key` of the proxy; undefined when its node has none. */
  readonly local: string | undefined;
  /** Hosts of the cluster that the proxy belongs to. */
  readonly localSet: () => HostSet | undefined;
  /** Where all workers count what they use of the cluster; undefined: there is one. */
  readonly usage?: SharedUsage | undefined;
  readonly neighbours: Neighbours;
  /** Called when the hosts to choose from are others. */
  readonly balanced?: () => void;
  /** Called when the first answer about its endpoints has come. */
  readonly warmed?: () => void;
}

const heavier = (most: number, { weight }: Host): number => Math.max(most, weight);

/** A cluster at work: its hosts, the choice among them and the connections to them. */
export class Cluster {
  readonly config: ClusterConfig;
  readonly usage: SharedUsage | undefined;
  readonly resources: { readonly DEFAULT: Resources; readonly HIGH: Resources };
  readonly outlier: OutlierDetector | undefined;
  readonly health: HealthChecker | undefined;
  readonly stats: ClusterStats;
  /** Called once when the cluster is warm. */
  whenWarm: (() => void) | undefined = undefined;
  /** Called when hosts came, went, or changed their health. */
  whenChanged: (() => void) | undefined = undefined;
  readonly #awaited = new Set<Awaited>();
  readonly #warmed: (() => void) | undefined;
  readonly #balanced: (() => void) | undefined;
  #sets: readonly HostSet[] = [partitionHosts(0, [], PLAIN_SET)];
  #hosts: readonly Host[] = [];
  readonly #membership: MembershipOptions;
  readonly #finder: HostFinder | undefined;
  #balancedSets: readonly HostSet[] = this.#sets;
  readonly #balancer: LoadBalancer | undefined;
  readonly #merger: UpdateMerger;
  /** Statistics of the name that a request gives. */
  readonly statsNamed: (name: string) => NamedStats | undefined;
  readonly #scope: StatsScope;
  #started = false;
  #countsHttp1 = false;
  #http2Stats: Http2Stats | undefined = undefined;
  readonly #remaining: { readonly DEFAULT: RemainingStats | undefined; readonly HIGH: RemainingStats | undefined };
  readonly #circuits: { readonly DEFAULT: CircuitStats; readonly HIGH: CircuitStats };

  constructor(config: ClusterConfig, environment: ClusterEnvironment) {
    const { scope, merging, random, local, localSet, usage, warmed, neighbours } = environment;
    this.config = config;
    this.usage = usage;
    this.#warmed = warmed;
    this.#balanced = environment.balanced;
    this.#scope = scope;
    const prefix = `cluster.${config.statName}.`;
    this.stats = scope.get(CLUSTER_STATS, prefix);
    this.statsNamed = namedStats(scope, prefix);
    if (config.kind === 'EDS' || config.kind.endsWith('_DNS')) this.#awaited.add('endpoints');
    if (config.sockets.waits.size > 0) this.#awaited.add('secrets');
    this.resources = {
      DEFAULT: makeResources(config.thresholds.DEFAULT, usage, 0),
      HIGH: makeResources(config.thresholds.HIGH, usage, 1),
    };
    const remaining = ({ trackRemaining }: Thresholds, name: string): RemainingStats | undefined =>
      trackRemaining ? scope.get(REMAINING_STATS, `${prefix}circuit_breakers.${name}.`) : undefined;
    this.#remaining = {
      DEFAULT: remaining(config.thresholds.DEFAULT, 'default'),
      HIGH: remaining(config.thresholds.HIGH, 'high'),
    };
    this.#circuits = {
      DEFAULT: scope.get(CIRCUIT_STATS, `${prefix}circuit_breakers.default.`),
      HIGH: scope.get(CIRCUIT_STATS, `${prefix}circuit_breakers.high.`),
    };
    const { policy, panicThreshold, healthCheck, warmHosts, ignoreHealthOnRemoval } = config;
    this.#membership = { healthChecked: healthCheck !== undefined, warmHosts, ignoreHealthOnRemoval, local };
    this.#merger = new UpdateMerger(config.mergeWindow, () => this.#balance(), merging);
    const balancerStats = scope.get(BALANCER_STATS, prefix);
    if (policy.kind === 'cluster_provided') {
      const take: Parameters<typeof createFinder>[2] = (hosts, added, removed) =>
        this.#take([partitionHosts(0, hosts, PLAIN_SET)], added, removed);
      this.#finder = createFinder(config, this.stats, take, neighbours, random);
    } else {
      this.#balancer = createBalancer(policy, {
        random,
        now: () => performance.now(),
        stats: balancerStats,
        ownStats: (kind, name) => scope.get(kind, `${prefix}${name}`),
        panicThreshold,
        localSet,
        activeRequests: () => this.stats.rqActive,
      });
    }
    if (config.outlier) {
      this.outlier = new OutlierDetector(
        config.outlier,
        scope.get(OUTLIER_STATS, `${prefix}outlier_detection.`),
        (ejected) => {
          this.#healthChanged();
          ejected?.fail();
        },
        random,
      );
    }
    if (healthCheck?.check.kind === 'http') this.countHttp1();
    if (healthCheck) {
      const stats = scope.get(HEALTH_CHECK_STATS, `${prefix}health_check.`);
      this.health = new HealthChecker(
        {
          config: healthCheck,
          binding: config.binding,
          http2: config.http2,
          encryptionFor: (host) => this.encryptionFor(host, NO_NAMES, offeredBy(healthCheck)),
          greeting: config.sockets.proxyProtocol?.greeting(undefined),
          stats,
          random,
          connections: this.stats,
          onChecked: (host, changed, healthy) => this.#onChecked(host, changed, healthy),
        },
        config.name,
      );
    }
    if (config.kind === 'STATIC') this.#start(fixedMembers(config.assignment, this.#membership));
    this.#finder?.start?.();
  }

  /** Brings the gauges up to date that nobody counts. */
  measure(): void {
    for (const priority of ['DEFAULT', 'HIGH'] as const) {
      const circuit = this.#circuits[priority];
      circuit.seen ||= this.stats.cxTotal > 0;
      circuit.checked ||= circuit.seen && priority === 'DEFAULT';
      measureCircuit(this.resources[priority], circuit, this.#remaining[priority], this.stats.retry > 0);
    }
  }

  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  get sets(): readonly HostSet[] {
    return this.#sets;
  }

  /** Takes over discovered endpoints. Hosts that stay keep their connections and counters; those that go finish what they have. */
  setAssignment(assignment: Assignment): void {
    const { sets, added, removed, changed } = updateMembers(this.#sets, assignment, this.#membership);
    if (changed) this.#take(sets, added, removed);
    else this.stats.updateNoRebuild++;
    this.markWarm();
  }

  /** The first answers about all that it needs have come, be it with nothing. */
  get warm(): boolean {
    return this.#awaited.size === 0;
  }

  /** Discovery of its endpoints has answered, be it with nothing. */
  markWarm(): void {
    this.markReady('endpoints');
  }

  /** One thing is waited for no longer. */
  markReady(what: Awaited): void {
    if (!this.#awaited.delete(what) || !this.warm) return;
    this.#warmed?.();
    this.whenWarm?.();
    this.whenWarm = undefined;
  }

  /** What is counted of its endpoint subscription. */
  get endpointStats(): EdsStats {
    return this.#scope.get(EDS_STATS, `cluster.${this.config.statName}.`);
  }

  /** The host for a request, or undefined when there is none. */
  choose(context: LoadBalancerContext): Host | undefined {
    if (this.#finder) return this.#finder.choose(context);
    const { override } = context;
    const host = override && findOverride(this.#hosts, override);
    return host || override?.strict ? host : this.#balancer?.choose(context);
  }

  /** Finds out first what the choice of a host needs to know, see `HostFinder.prepare`. */
  prepare(context: LoadBalancerContext, ready: (failure: string) => void): { cancel(): void } | string | undefined {
    return this.#finder?.prepare?.(context, ready);
  }

  /** Whose host it is, with the connections, limits and counters that go with it: in an aggregate cluster a member's. */
  memberOf(host: Host): Cluster {
    return this.#finder?.memberOf?.(host) ?? this;
  }

  /** Another cluster came, went, or has other hosts. */
  memberChanged(name: string): void {
    this.#finder?.memberChanged?.(name);
  }

  /** The sets that hosts are chosen from: those that `update_merge_window` puts off are not there yet. */
  get balancedSets(): readonly HostSet[] {
    return this.#balancedSets;
  }

  /** Works the choice of hosts out again, since something outside of the cluster changed that it depends on. */
  rebalance(): void {
    this.#balancer?.update(this.#sets);
  }

  /** Connections of one priority to a host, which count against its resources alone; undefined: there are too many sets of them. */
  pool(host: Host, resources: Resources, wish: PoolWish): ConnectionPool | undefined {
    return poolFor({ cluster: this, host, resources, wish });
  }

  /** What connections to a host are encrypted with; undefined: with nothing. `fallback`: offered as ALPN where nothing is configured. */
  encryptionFor({ metadata, hostname }: Host, asked: TlsNames, fallback: readonly string[]): Encryption | undefined {
    const tls = socketFor(this.config.sockets, metadata);
    return tls && { tls, names: tls.namesFor(asked, hostname), fallback };
  }

  /** Closes what is idle and stops all waits; requests under way end by themselves. */
  drain(): void {
    this.outlier?.stop();
    this.health?.stop();
    this.#finder?.stop();
    this.#merger.stop();
    for (const host of this.hosts) host.drain();
    this.#scope.close();
  }

  #start(sets: readonly HostSet[]): void {
    const hosts = sets.flatMap((set) => set.hosts);
    this.#take(sets, hosts, []);
  }

  #take(sets: readonly HostSet[], added: readonly Host[], removed: readonly Host[]): void {
    this.#sets = sets;
    this.#hosts = sets.length === 1 ? (sets[0] as HostSet).hosts : sets.flatMap((set) => set.hosts);
    this.outlier?.onMembers(added, removed);
    for (const host of removed) host.drain();
    const came = added.length > 0 || removed.length > 0;
    if (came) this.stats.membershipChange++;
    this.stats.matched += added.length;
    this.#count();
    // The first hosts are the cluster's beginning, not an update of it.
    if (this.#started) this.#merger.post(!came);
    else this.#balance();
    this.#started = true;
    this.health?.onMembers(added, removed);
    this.#changed();
  }

  #balance(): void {
    this.#balancedSets = this.#sets;
    this.#balancer?.update(this.#sets);
    this.#balanced?.();
  }

  #onChecked(host: Host, changed: boolean, healthy: boolean): void {
    if (changed) {
      if (!this.#removeUnneeded(host)) this.#healthChanged();
      if (host.health === 'unhealthy') host.fail();
    }
    if (healthy && (host.flags & HEALTH.FAILED_ACTIVE_HC) === 0) this.outlier?.onHealthCheckPassed(host);
  }

  /** Those of the HTTP/2 codec, from the first connection on. */
  get http2Stats(): Http2Stats {
    this.#http2Stats ??= this.#scope.get(HTTP2_STATS, `cluster.${this.config.statName}.http2.`);
    return this.#http2Stats;
  }

  /** The statistics of the HTTP/1 codec, from the first connection on. */
  countHttp1(): void {
    if (this.#countsHttp1) return;
    this.#countsHttp1 = true;
    this.#scope.get(HTTP1_STATS, `cluster.${this.config.statName}.http1.`);
  }

  /** A host that discovery no longer names and that stayed because it was healthy goes when it is not. */
  #removeUnneeded(host: Host): boolean {
    const gone = HEALTH.FAILED_ACTIVE_HC | HEALTH.PENDING_DYNAMIC_REMOVAL;
    if ((host.flags & gone) !== gone) return false;
    const sets = this.#sets.map((set) =>
      set.hosts.includes(host)
        ? partitionHosts(
            set.priority,
            set.hosts.filter((one) => one !== host),
            optionsOf(set, this.#membership.local),
          )
        : set,
    );
    this.#take(sets, [], [host]);
    return true;
  }

  #healthChanged(): void {
    this.#sets = this.#sets.map(refreshHealth);
    this.#count();
    this.#merger.post(true);
    this.#changed();
  }

  #changed(): void {
    if (this.config.closeOnChange) for (const host of this.#hosts) host.drain();
    this.whenChanged?.();
  }

  #count(): void {
    const { stats } = this;
    stats.membershipTotal = stats.membershipHealthy = stats.membershipDegraded = stats.membershipExcluded = 0;
    for (const { hosts, healthy, degraded, excluded } of this.#sets) {
      stats.membershipTotal += hosts.length;
      stats.membershipHealthy += healthy.length;
      stats.membershipDegraded += degraded.length;
      stats.membershipExcluded += excluded.length;
    }
    // Envoy tells it of clusters whose hosts it discovers.
    const { kind } = this.config;
    if (kind === 'STRICT_DNS' || kind === 'EDS') stats.maxHostWeight = this.#hosts.reduce(heavier, 0);
  }
}

function makeResources(limits: Thresholds, usage: SharedUsage | undefined, priority: number): Resources {
  return usage ? new SharedResources(limits, usage, priority) : new LocalResources(limits);
}
