import { choosePriority, type PriorityPlan, planPriorities } from './balance/priority-load.ts';
import type { Cluster } from './cluster.ts';
import type { LoadBalancerContext, PriorityLoad, PriorityState, RetrySelection } from './context.ts';
import type { Host } from './host.ts';
import type { HostFinder } from './host-finder.ts';
import type { HostSet } from './host-set.ts';

/** A priority of a member that has hosts. */
interface Place {
  readonly cluster: Cluster;
  readonly priority: number;
}

interface Line {
  readonly places: readonly Place[];
  readonly plan: PriorityPlan;
}

export interface AggregateEnvironment {
  /** A number in [0, 1). */
  readonly random: () => number;
  /** In whole percents. */
  readonly panicThreshold: number;
  readonly member: (name: string) => Cluster | undefined;
}

/**
 * The hosts of an aggregate cluster are those of its members: their priorities that have hosts stand in one line, the load spreads
 * over it as over the priorities of one cluster, and the member that the chosen one belongs to chooses among its hosts. Members
 * that are not there, and those without hosts (other aggregates among them), are passed over.
 */
export class AggregateHosts implements HostFinder {
  readonly #names: readonly string[];
  readonly #environment: AggregateEnvironment;
  readonly #owners = new WeakMap<Host, Cluster>();
  /** Worked out when it is needed first after a change. */
  #line: Line | undefined = undefined;

  constructor(names: readonly string[], environment: AggregateEnvironment) {
    this.#names = names;
    this.#environment = environment;
  }

  choose(context: LoadBalancerContext): Host | undefined {
    this.#line ??= this.#lineUp();
    const { places, plan } = this.#line;
    if (places.length === 0) return undefined;
    const { retry } = context;
    const load = retry ? retry.priorityLoad(plan.state, (host) => this.#placeOf(host)) : plan.state.load;
    const choice = choosePriority(load, Math.floor(this.#environment.random() * 100));
    const place = places[choice >> 1];
    const host = place?.cluster.choose(new MemberContext(context, place.priority, (choice & 1) === 1));
    if (place && host) this.#owners.set(host, place.cluster);
    return host;
  }

  memberOf(host: Host): Cluster | undefined {
    return this.#owners.get(host);
  }

  memberChanged(name: string): void {
    if (this.#names.includes(name)) this.#line = undefined;
  }

  stop(): void {
    this.#line = undefined;
  }

  #lineUp(): Line {
    const { member, panicThreshold } = this.#environment;
    const places: Place[] = [];
    const sets: HostSet[] = [];
    for (const name of this.#names) {
      const cluster = member(name);
      for (const set of cluster?.balancedSets ?? []) {
        if (!cluster || set.hosts.length === 0) continue;
        places.push({ cluster, priority: set.priority });
        sets.push(set);
      }
    }
    return { places, plan: planPriorities(sets, panicThreshold) };
  }

  /** Undefined: it has gone meanwhile. */
  #placeOf(host: Host): number | undefined {
    const owner = this.#owners.get(host);
    const at = this.#line?.places.findIndex(({ cluster, priority }) => cluster === owner && priority === host.priority);
    return at === undefined || at < 0 ? undefined : at;
  }
}

/** The choice within a member: its priority is chosen already. */
class MemberContext implements LoadBalancerContext, RetrySelection {
  readonly #outer: LoadBalancerContext;
  readonly #priority: number;
  readonly #degraded: boolean;

  constructor(outer: LoadBalancerContext, priority: number, degraded: boolean) {
    this.#outer = outer;
    this.#priority = priority;
    this.#degraded = degraded;
  }

  get info(): LoadBalancerContext['info'] {
    return this.#outer.info;
  }

  get metadataMatch(): LoadBalancerContext['metadataMatch'] {
    return this.#outer.metadataMatch;
  }

  get retry(): RetrySelection {
    return this;
  }

  hash(): ReturnType<LoadBalancerContext['hash']> {
    return this.#outer.hash();
  }

  get maxAttempts(): number {
    return this.#outer.retry?.maxAttempts ?? 0;
  }

  rejects(host: Host): boolean {
    return this.#outer.retry?.rejects(host) ?? false;
  }

  priorityLoad({ load }: PriorityState): PriorityLoad {
    const none = load.healthy.map(() => 0);
    const chosen = none.with(this.#priority, 100);
    return this.#degraded ? { healthy: none, degraded: chosen } : { healthy: chosen, degraded: none };
  }
}
