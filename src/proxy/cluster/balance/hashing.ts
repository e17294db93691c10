import type { Hash64 } from '../../hash/xxhash64.ts';
import type { LoadBalancerContext } from '../context.ts';
import type { Host } from '../host.ts';
import type { HostSet } from '../host-set.ts';
import { type BalancerEnvironment, type LoadBalancer, random32 } from './balancer.ts';
import { BoundedLoad } from './bounded.ts';
import { type HashTable, remainder, type WeightedHosts, weighHosts } from './hash-table.ts';
import type { ConsistentHashing } from './policy.ts';
import { choosePriority, type PriorityPlan, planPriorities } from './priority-load.ts';

/** What tells ring hash and Maglev apart. */
export interface TableKind {
  build(hosts: WeightedHosts): HashTable;
  /** Brings the statistics of the tables up to date, without building any. */
  count(hosts: WeightedHosts): void;
}

/**
 * Chooses by the hash of a request, or at random when it has none. The priority too goes by the hash, and its degraded hosts are never
 * used. Tables are built when they are first needed after a change.
 */
export class HashBalancer implements LoadBalancer {
  readonly #kind: TableKind;
  readonly #hashing: ConsistentHashing;
  readonly #environment: BalancerEnvironment;
  #plan: PriorityPlan | undefined = undefined;
  #weighted: readonly WeightedHosts[] = [];
  #tables: (HashTable | undefined)[] = [];

  constructor(kind: TableKind, hashing: ConsistentHashing, environment: BalancerEnvironment) {
    this.#kind = kind;
    this.#hashing = hashing;
    this.#environment = environment;
  }

  update(sets: readonly HostSet[]): void {
    const plan = planPriorities(sets, this.#environment.panicThreshold);
    const { localityWeighted } = this.#hashing;
    this.#plan = plan;
    this.#weighted = sets.map((set, priority) => weighHosts(set, plan.panic[priority] === true, localityWeighted));
    this.#tables = sets.map(() => undefined);
    for (const hosts of this.#weighted) if (hosts.hosts.length > 0) this.#kind.count(hosts);
  }

  choose(context: LoadBalancerContext): Host | undefined {
    const plan = this.#plan;
    if (!plan) return undefined;
    const { retry } = context;
    const hash = context.hash() ?? this.#randomHash();
    const priority = choosePriority(plan.state.load, remainder(hash, 100)) >> 1;
    if (plan.panic[priority]) this.#environment.stats.healthyPanic++;
    const table = this.#table(priority);
    for (let attempt = 0; ; attempt++) {
      const host = table?.choose(hash, attempt);
      if (!host || !retry || attempt >= retry.maxAttempts || !retry.rejects(host)) return host;
    }
  }

  #randomHash(): Hash64 {
    return { high: random32(this.#environment), low: random32(this.#environment) };
  }

  #table(priority: number): HashTable | undefined {
    const known = this.#tables[priority];
    const hosts = this.#weighted[priority];
    if (known || !hosts) return known;
    const { balanceFactor } = this.#hashing;
    const table = this.#kind.build(hosts);
    const bounded =
      balanceFactor === 0 ? table : new BoundedLoad(table, hosts, balanceFactor, this.#environment.activeRequests);
    this.#tables[priority] = bounded;
    return bounded;
  }
}
