import { isDeepStrictEqual } from 'node:util';
import { fail, type Issue, type Logger, ok, type Result } from '../../base/index.ts';
import { formatAddress } from '../config/address.ts';
import type { FileSource } from '../config/config-source.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { CLUSTER_MANAGER_STATS, type ClusterManagerStats } from '../server/stats.ts';
import type { StatsScope, StatsStore } from '../stats/store.ts';
import { Deadline } from '../time/deadline.ts';
import type { SecretReader } from '../tls/secret.ts';
import { Cluster, type ClusterEnvironment } from './cluster.ts';
import { problemOfNames } from './config/check-assignment.ts';
import { type Assignment, NO_ASSIGNMENT, readAssignment } from './config/endpoints.ts';
import type { TransportSockets } from './config/transport-socket.ts';
import { type ClusterConfig, type ClusterReaderOptions, readCluster } from './config.ts';
import { DnsCaches } from './dns/caches.ts';
import { DnsDiscovery } from './dns/discovery.ts';
import { createResolver, type NameResolver, type Resolve, type ResolverConfig } from './dns/resolver.ts';
import { DNS_STATS, type DnsStats } from './dns/stats.ts';
import type { Locality } from './host.ts';
import { SecretWaits } from './secret-waits.ts';
import { type SharedUsage, usageMemory } from './shared-resources.ts';

interface Entry {
  readonly json: JsonObject;
  readonly cluster: Cluster;
  readonly dns: DnsDiscovery | undefined;
  readonly fixed: boolean;
}

interface Self {
  readonly locality?: Locality | undefined;
  readonly localCluster?: string;
  /** Ordinal of the worker, and how many there are; one where nothing is said. */
  readonly worker?: number;
  readonly workers?: number;
}

/** What clusters are read with. */
interface ManagerOptions extends Omit<ClusterReaderOptions, 'stats'> {
  readonly secrets: SecretReader & {
    /** Whether any answer about a discovered one has come. */
    answered(name: string): boolean;
  };
}

const NO_SET = (): undefined => undefined;

/** All clusters by name, and the endpoint assignments that came for them. */
export class ClusterManager {
  readonly #entries = new Map<string, Entry>();
  /** Clusters that take the place of another once they are warm. */
  readonly #warming = new Map<string, Entry>();
  /** By their configuration: one resolver serves all clusters that are alike. */
  readonly #resolvers = new Map<string, NameResolver>();
  readonly dnsCaches: DnsCaches;
  readonly #assignments = new Map<string, Assignment>();
  /** Waits for assignments to become stale. */
  readonly #staleness = new Map<string, Deadline>();
  /** EDS clusters by the name of their assignment. */
  readonly #services = new Map<string, Set<Cluster>>();
  /** By the name of the assignment, where it comes from a file. */
  readonly #files = new Map<string, FileSource>();
  readonly #secretWaits: SecretWaits;
  /** Clusters without their first answer, each with the end of its wait. */
  readonly #cold = new Map<Cluster, Deadline>();
  readonly #whenWarm: (() => void)[] = [];
  /** Called when the endpoints of a cluster did not come in time. */
  onTimeout: ((cluster: Cluster) => void) | undefined = undefined;
  readonly #options: ManagerOptions;
  readonly #self: Self;
  readonly #stats: StatsStore;
  /** Envoy has them once there is a cluster that asks. */
  #dnsStats: DnsStats | undefined = undefined;
  readonly #counts: ClusterManagerStats;
  readonly #log: Logger;

  /** `self`: where the proxy runs. */
  constructor(options: ManagerOptions, stats: StatsStore, log: Logger, self: Self = {}) {
    this.#self = self;
    this.#options = options;
    this.#secretWaits = new SecretWaits((name) => options.secrets.answered(name));
    this.#stats = stats;
    stats.beforeRead(() => {
      for (const cluster of this.all()) cluster.measure();
    });
    this.dnsCaches = new DnsCaches(stats, (config) => this.#resolver(config));
    this.#counts = stats.scope().get(CLUSTER_MANAGER_STATS, 'cluster_manager.');
    this.#log = log;
  }

  get(name: string): Cluster | undefined {
    return this.#entries.get(name)?.cluster;
  }

  all(): readonly Cluster[] {
    return [...this.#entries.values()].map((entry) => entry.cluster);
  }

  /** Where a gRPC client of the proxy's own connects to, in gRPC's notation; undefined without such a cluster or host. */
  grpcTarget(name: string): string | undefined {
    const cluster = this.get(name);
    // Names are left to the client, which looks them up anew for each connection.
    const address = cluster?.hosts[0]?.address ?? cluster?.config.assignment.endpoints[0]?.address;
    if (!address) return undefined;
    return address.kind === 'pipe' ? `unix:${address.path}` : formatAddress(address);
  }

  /** Assignment names that EDS clusters need from the stream. */
  serviceNames(): readonly string[] {
    return [...this.#services.keys()].filter((name) => !this.#files.has(name));
  }

  /** Assignment names that come from files. */
  serviceFiles(): ReadonlyMap<string, FileSource> {
    return this.#files;
  }

  /** Secrets that clusters discover, by name; a file where they come from one. */
  secrets(): TransportSockets['secrets'] {
    const entries = [...this.#entries.values(), ...this.#warming.values()];
    return new Map(entries.flatMap(({ cluster }) => [...cluster.config.sockets.secrets]));
  }

  /** The EDS clusters that take their endpoints from an assignment. */
  followers(serviceName: string): Iterable<Cluster> {
    return this.#services.get(serviceName) ?? [];
  }

  /** Adds or replaces a cluster; unchanged configuration changes nothing. `fixed`: from the bootstrap, not to be replaced. `memory`: where the first worker counts for all. */
  put(json: JsonObject, fixed = false, memory?: SharedArrayBuffer): Result<void, readonly Issue[]> {
    const issues: Issue[] = [];
    const stats = this.#stats.scope();
    const config = readMessage(json, '', issues, (fields) => readCluster(fields, { ...this.#options, stats }));
    const before = this.#entries.get(config.name);
    const newest = this.#warming.get(config.name) ?? before;
    const clash = config.forwardProxy && this.dnsCaches.problem(config.forwardProxy.cache);
    if (clash) issues.push({ path: 'cluster_type.typed_config.dns_cache_config', message: clash });
    if (before?.fixed) issues.push({ path: 'name', message: `${config.name} is a static cluster of the bootstrap` });
    const same = newest !== undefined && isDeepStrictEqual(newest.json, json);
    if (same || issues.length > 0) stats.close();
    if (!same && !before?.fixed) this.countPut(config.name);
    if (issues.length > 0) return fail(issues);
    if (same) return ok(undefined);
    this.#start({ json, fixed, config }, stats, this.#usage(memory));
    return ok(undefined);
  }

  /** A cluster came that is new or different; it counts whatever becomes of it. */
  countPut(name: string): void {
    if (this.#entries.has(name) || this.#warming.has(name)) this.#counts.modified++;
    else this.#counts.added++;
  }

  /** Where the newest cluster of the name counts for all workers; undefined: there is one worker, or no such cluster. */
  memoryOf(name: string): SharedArrayBuffer | undefined {
    return (this.#warming.get(name) ?? this.#entries.get(name))?.cluster.usage?.memory;
  }

  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.fixed) return;
    this.#counts.removed++;
    this.#entries.delete(name);
    this.#changed(name);
    this.#retire(entry);
    this.#abandon(name);
  }

  /** Ends when every static cluster that the start waits for had its first answer; undefined: nothing to wait for. */
  initialized(): Promise<unknown> | undefined {
    const waiting = [...this.#entries.values()].flatMap(({ cluster, dns, fixed }) =>
      dns && fixed && !cluster.warm && cluster.config.waitForWarm ? [cluster] : [],
    );
    if (waiting.length === 0) return undefined;
    return Promise.all(waiting.map((cluster) => new Promise<void>((done) => (cluster.whenWarm = done))));
  }

  /** Clusters without their first answer, be they new or to take the place of others. */
  get warming(): number {
    return this.#cold.size;
  }

  /** Ends when every cluster had its first answer or waits for it no longer. */
  allWarm(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#cold.size === 0) resolve();
      else this.#whenWarm.push(resolve);
    });
  }

  /** Nothing of use came for clusters with this assignment: those that wait for their first one stay without endpoints. */
  giveUp(serviceName: string): void {
    for (const cluster of this.#services.get(serviceName) ?? []) cluster.markWarm();
  }

  /** Something was answered about a secret. */
  checkSecrets(): void {
    this.#secretWaits.check();
  }

  #warmed(cluster: Cluster): void {
    this.#cold.get(cluster)?.stop();
    if (!this.#cold.delete(cluster) || this.#cold.size > 0) return;
    for (const done of this.#whenWarm.splice(0)) done();
  }

  #await(cluster: Cluster): void {
    if (cluster.warm || !cluster.config.waitForWarm) return;
    const limit = new Deadline(() => {
      this.onTimeout?.(cluster);
      cluster.markWarm();
    });
    this.#cold.set(cluster, limit);
    if (cluster.config.kind === 'EDS') limit.start(cluster.config.fetchTimeout);
  }

  /** Names of clusters that came by discovery. */
  dynamicNames(): readonly string[] {
    return [...this.#entries].flatMap(([name, entry]) => (entry.fixed ? [] : [name]));
  }

  putAssignment(json: JsonObject): Result<void, readonly Issue[]> {
    const issues: Issue[] = [];
    const assignment = readMessage(json, '', issues, (fields) => {
      const read = readAssignment(fields);
      problemOfNames(read, (message) => fields.problem('endpoints', message));
      return read;
    });
    if (issues.length > 0) {
      this.giveUp(assignment.name);
      return fail(issues);
    }
    const { name, staleAfter } = assignment;
    this.#assignments.set(name, assignment);
    for (const cluster of this.#services.get(name) ?? []) {
      if (staleAfter > 0) cluster.stats.assignmentTimeoutReceived++;
      cluster.setAssignment(assignment);
    }
    this.#expire(name, staleAfter);
    return ok(undefined);
  }

  /** Endpoints with a time go when it is over; 0: they stay. */
  #expire(name: string, milliseconds: number): void {
    this.#staleness.get(name)?.stop();
    this.#staleness.delete(name);
    if (milliseconds === 0) return;
    const wait = new Deadline(() => {
      this.#staleness.delete(name);
      const none = { ...NO_ASSIGNMENT, name };
      this.#assignments.set(name, none);
      for (const cluster of this.#services.get(name) ?? []) {
        cluster.stats.assignmentStale++;
        cluster.setAssignment(none);
      }
    });
    this.#staleness.set(name, wait);
    wait.start(milliseconds);
  }

  /** The configuration of each cluster as it came, for the admin interface. */
  dump(): readonly { readonly json: JsonObject; readonly fixed: boolean }[] {
    return [...this.#entries.values()].map(({ json, fixed }) => ({ json, fixed }));
  }

  stop(): void {
    for (const name of [...this.#warming.keys()]) this.#abandon(name);
    for (const entry of this.#entries.values()) this.#retire(entry);
    this.#entries.clear();
    this.dnsCaches.stop();
    for (const resolver of this.#resolvers.values()) resolver.cancel();
  }

  /** Where there is one by the name already, that serves until the new one is warm. */
  #start(
    { json, fixed, config }: Pick<Entry, 'json' | 'fixed'> & { config: ClusterConfig },
    stats: StatsScope,
    usage: SharedUsage | undefined,
  ): void {
    const { name, serviceName, kind } = config;
    this.#abandon(name);
    const cluster: Cluster = new Cluster(config, {
      ...this.#environment(stats, name),
      usage,
      warmed: () => this.#warmed(cluster),
      balanced: () => this.#changed(name),
    });
    this.#await(cluster);
    this.#secretWaits.begin(cluster);
    const known = kind === 'EDS' ? this.#assignments.get(serviceName) : undefined;
    if (known) cluster.setAssignment(known);
    const entry = { json, cluster, dns: this.#resolve(cluster), fixed };
    if (kind === 'EDS') this.#follow(cluster);
    if (cluster.warm || !this.#entries.has(name)) {
      this.#serve(entry);
      return;
    }
    this.#warming.set(name, entry);
    cluster.whenWarm = () => {
      this.#warming.delete(name);
      this.#serve(entry);
    };
  }

  #serve(entry: Entry): void {
    const { name } = entry.cluster.config;
    const before = this.#entries.get(name);
    this.#entries.set(name, entry);
    this.#changed(name);
    if (name === this.#self.localCluster) {
      // The shares of zones among its hosts decide where others send their requests.
      entry.cluster.whenChanged = () => this.#rebalance(name);
      this.#rebalance(name);
    }
    if (before) this.#retire(before);
  }

  /** Clusters that send to others have to look at them anew. */
  #changed(name: string): void {
    for (const { cluster } of this.#entries.values()) cluster.memberChanged(name);
  }

  #rebalance(local: string): void {
    for (const [name, { cluster }] of this.#entries) if (name !== local) cluster.rebalance();
  }

  #abandon(name: string): void {
    const entry = this.#warming.get(name);
    if (!entry) return;
    entry.cluster.whenWarm = undefined;
    this.#warming.delete(name);
    this.#retire(entry);
  }

  #resolve(cluster: Cluster): DnsDiscovery | undefined {
    const { kind, dns } = cluster.config;
    if (kind !== 'STRICT_DNS' && kind !== 'LOGICAL_DNS') return undefined;
    return new DnsDiscovery(cluster, { resolve: this.#resolver(dns.resolver), random: Math.random, log: this.#log });
  }

  #resolver(config: ResolverConfig): Resolve {
    const key = JSON.stringify(config);
    this.#dnsStats ??= this.#stats.scope().get(DNS_STATS, 'dns.cares.');
    const resolver = this.#resolvers.get(key) ?? createResolver(config, this.#dnsStats);
    this.#resolvers.set(key, resolver);
    return resolver.resolve;
  }

  /** Where all workers count what they use of a cluster. */
  #usage(memory: SharedArrayBuffer | undefined): SharedUsage | undefined {
    const { worker = 0, workers = 1 } = this.#self;
    return workers === 1 ? undefined : { memory: memory ?? usageMemory(workers), worker };
  }

  #environment(scope: StatsScope, name: string): Omit<ClusterEnvironment, 'warmed' | 'usage'> {
    const { locality, localCluster } = this.#self;
    const localSet = localCluster
      ? () => (name === localCluster ? undefined : this.get(localCluster)?.sets[0])
      : NO_SET;
    const neighbours = { get: (other: string) => this.get(other), dnsCaches: this.dnsCaches };
    return { scope, neighbours, merging: this.#counts, random: Math.random, local: locality?.key, localSet };
  }

  #follow(cluster: Cluster): void {
    const { serviceName, file } = cluster.config;
    if (file) this.#files.set(serviceName, file);
    else this.#files.delete(serviceName);
    const clusters = this.#services.get(serviceName);
    if (clusters) clusters.add(cluster);
    else this.#services.set(serviceName, new Set([cluster]));
  }

  #retire({ dns, cluster }: Entry): void {
    const { kind, serviceName } = cluster.config;
    const clusters = kind === 'EDS' ? this.#services.get(serviceName) : undefined;
    if (clusters?.delete(cluster) && clusters.size === 0) {
      this.#services.delete(serviceName);
      this.#files.delete(serviceName);
      this.#assignments.delete(serviceName);
      this.#expire(serviceName, 0);
    }
    dns?.stop();
    this.#secretWaits.end(cluster);
    this.#warmed(cluster);
    cluster.drain();
  }
}
