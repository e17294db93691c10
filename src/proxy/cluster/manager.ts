import { isDeepStrictEqual } from 'node:util';
import { fail, type Issue, type Logger, ok, type Result } from '../../base/index.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { CLUSTER_MANAGER_STATS, type ClusterManagerStats } from '../server/stats.ts';
import type { StatsScope, StatsStore } from '../stats/store.ts';
import { Cluster, type ClusterEnvironment } from './cluster.ts';
import { type Assignment, readAssignment } from './config/endpoints.ts';
import { type ClusterReaderOptions, readCluster } from './config.ts';
import { DnsResolver } from './dns.ts';

interface Entry {
  readonly json: JsonObject;
  readonly cluster: Cluster;
  readonly dns: DnsResolver | undefined;
  readonly fixed: boolean;
}

/** All clusters by name, and the endpoint assignments that came for them. */
export class ClusterManager {
  readonly #entries = new Map<string, Entry>();
  readonly #assignments = new Map<string, Assignment>();
  /** EDS clusters by the name of their assignment. */
  readonly #services = new Map<string, Set<Cluster>>();
  readonly #options: Omit<ClusterReaderOptions, 'stats'>;
  readonly #stats: StatsStore;
  readonly #merging: ClusterManagerStats;
  readonly #log: Logger;

  constructor(options: Omit<ClusterReaderOptions, 'stats'>, stats: StatsStore, log: Logger) {
    this.#options = options;
    this.#stats = stats;
    stats.beforeRead(() => {
      for (const cluster of this.all()) cluster.measure();
    });
    this.#merging = stats.scope().get(CLUSTER_MANAGER_STATS, 'cluster_manager.');
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
    const host = this.get(name)?.hosts[0];
    if (!host) return undefined;
    return host.address.kind === 'pipe' ? `unix:${host.address.path}` : host.name;
  }

  /** Assignment names that EDS clusters need. */
  serviceNames(): readonly string[] {
    return [...this.#services.keys()];
  }

  /** Adds or replaces a cluster; unchanged configuration changes nothing. `fixed`: from the bootstrap, not to be replaced. */
  put(json: JsonObject, fixed = false): Result<void, readonly Issue[]> {
    const issues: Issue[] = [];
    const stats = this.#stats.scope();
    const config = readMessage(json, '', issues, (fields) => readCluster(fields, { ...this.#options, stats }));
    if (config.http2 && !fixed) {
      const path = 'typed_extension_protocol_options';
      issues.push({ path, message: 'HTTP/2 to upstreams is not supported by ciliate-proxy', allowed: 'HTTP/1.1' });
    }
    const before = this.#entries.get(config.name);
    if (before?.fixed) issues.push({ path: 'name', message: `${config.name} is a static cluster of the bootstrap` });
    const same = before !== undefined && isDeepStrictEqual(before.json, json);
    if (same || issues.length > 0) stats.close();
    if (issues.length > 0) return fail(issues);
    if (same) return ok(undefined);
    const cluster = new Cluster(config, this.#environment(stats));
    const known = this.#assignments.get(config.serviceName);
    if (config.kind === 'EDS' && known) cluster.setAssignment(known);
    if (config.kind === 'EDS' && !known && before?.cluster.warm) cluster.warm = false;
    const dns = config.kind === 'STRICT_DNS' ? new DnsResolver(cluster, this.#log) : undefined;
    this.#entries.set(config.name, { json, cluster, dns, fixed });
    if (config.kind === 'EDS') this.#follow(cluster);
    if (before) {
      this.#merging.modified++;
      this.#retire(before);
    } else this.#merging.added++;
    return ok(undefined);
  }

  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.fixed) return;
    this.#entries.delete(name);
    this.#merging.removed++;
    this.#retire(entry);
  }

  /** Names of clusters that came by discovery. */
  dynamicNames(): readonly string[] {
    return [...this.#entries].flatMap(([name, entry]) => (entry.fixed ? [] : [name]));
  }

  putAssignment(json: JsonObject): Result<void, readonly Issue[]> {
    const issues: Issue[] = [];
    const assignment = readMessage(json, '', issues, readAssignment);
    if (issues.length > 0) return fail(issues);
    const { name } = assignment;
    this.#assignments.set(name, assignment);
    for (const cluster of this.#services.get(name) ?? []) cluster.setAssignment(assignment);
    return ok(undefined);
  }

  /** The configuration of each cluster as it came, for the admin interface. */
  dump(): readonly { readonly json: JsonObject; readonly fixed: boolean }[] {
    return [...this.#entries.values()].map(({ json, fixed }) => ({ json, fixed }));
  }

  stop(): void {
    for (const entry of this.#entries.values()) this.#retire(entry);
    this.#entries.clear();
  }

  #environment(scope: StatsScope): ClusterEnvironment {
    return { scope, merging: this.#merging, random: Math.random, local: undefined, localSet: () => undefined };
  }

  #follow(cluster: Cluster): void {
    const { serviceName } = cluster.config;
    const clusters = this.#services.get(serviceName);
    if (clusters) clusters.add(cluster);
    else this.#services.set(serviceName, new Set([cluster]));
  }

  #retire({ dns, cluster }: Entry): void {
    const { kind, serviceName } = cluster.config;
    const clusters = kind === 'EDS' ? this.#services.get(serviceName) : undefined;
    if (clusters?.delete(cluster) && clusters.size === 0) {
      this.#services.delete(serviceName);
      this.#assignments.delete(serviceName);
    }
    dns?.stop();
    cluster.drain();
  }
}
