import type { LoadBalancerContext } from '../context.ts';
import type { Host } from '../host.ts';
import type { HostSet, LocalityHosts } from '../host-set.ts';
import { type BalancerEnvironment, type LoadBalancer, random32 } from './balancer.ts';
import { Edf } from './edf.ts';
import type { LocalityPolicy } from './policy.ts';
import { choosePriority, isInPanic, type PriorityPlan, planPriorities } from './priority-load.ts';
import { chooseZone, planZones, type ZoneRouting } from './zones.ts';

/** Hosts that one pick chooses among, with what its policy remembers of them. */
export interface Source {
  hosts: readonly Host[];
  /** Where plain round robin goes on; kept when the hosts change, as Envoy does. */
  next: number;
  edf: Edf<Host> | undefined;
}

/** Chooses within a source; `random` is a whole number below 2^32 that the priority was chosen by too. */
export interface SourcePolicy {
  /** The hosts of the source are new, or their weights or health. */
  refresh(source: Source): void;
  /** Never asked of a source without hosts. */
  pick(source: Source, random: number): Host | undefined;
}

interface PrioritySources {
  readonly all: Source;
  readonly healthy: Source;
  readonly degraded: Source;
  healthyLocalities: Source[];
  degradedLocalities: Source[];
  healthySchedule: LocalitySchedule | undefined;
  degradedSchedule: LocalitySchedule | undefined;
}

/** Picks localities, by index, by their effective weights. */
interface LocalitySchedule {
  readonly edf: Edf<number>;
  readonly weightOf: (index: number) => number;
}

export interface SourceBalancerOptions {
  readonly locality: LocalityPolicy;
  readonly environment: BalancerEnvironment;
  /** Where rotations start; random, so that proxies do not all begin with the same host. */
  readonly seed: number;
  readonly policy: SourcePolicy;
  /** Work out the sources when hosts change instead of at the next pick, for policies that depend on the time. */
  readonly eager: boolean;
}

/** Chooses priority, health and locality of a pick as Envoy's `ZoneAwareLoadBalancerBase` does, and leaves the rest to a policy. */
export class SourceBalancer implements LoadBalancer {
  readonly #options: SourceBalancerOptions;
  readonly #sources: PrioritySources[] = [];
  #sets: readonly HostSet[] = [];
  #plan: PriorityPlan = { state: { health: NO_LOAD, load: NO_LOAD }, panic: [] };
  #zones: ZoneRouting = { kind: 'none' };
  /** Worked out at the first pick: of many clusters most are never used between two changes. */
  #stale = false;

  constructor(options: SourceBalancerOptions) {
    this.#options = options;
  }

  update(sets: readonly HostSet[]): void {
    this.#sets = sets;
    this.#stale = true;
    if (this.#options.eager || this.#options.environment.localSet()) this.#rebuild();
  }

  choose(context: LoadBalancerContext): Host | undefined {
    if (this.#stale) this.#rebuild();
    const { retry } = context;
    for (let attempt = 0; ; attempt++) {
      const host = this.#once(context);
      if (!host || !retry || attempt >= retry.maxAttempts || !retry.rejects(host)) return host;
    }
  }

  #once({ retry }: LoadBalancerContext): Host | undefined {
    const random = random32(this.#options.environment);
    const { state } = this.#plan;
    const load = retry ? retry.priorityLoad(state) : state.load;
    const choice = choosePriority(load, random % 100);
    const source = this.#source(choice >> 1, (choice & 1) === 1);
    return source === undefined || source.hosts.length === 0 ? undefined : this.#options.policy.pick(source, random);
  }

  #source(priority: number, degraded: boolean): Source | undefined {
    const { locality, environment } = this.#options;
    const sources = this.#sources[priority];
    if (!sources) return undefined;
    if (this.#plan.panic[priority]) {
      environment.stats.healthyPanic++;
      return locality.failTrafficOnPanic ? undefined : sources.all;
    }
    const localities = degraded ? sources.degradedLocalities : sources.healthyLocalities;
    const schedule = degraded ? sources.degradedSchedule : sources.healthySchedule;
    if (schedule) return localities[schedule.edf.pick(schedule.weightOf)];
    const plain = degraded ? sources.degraded : sources.healthy;
    if (priority > 0 || this.#zones.kind === 'none') return plain;
    if (environment.random() * 100 >= locality.routingEnabled) return plain;
    const local = environment.localSet();
    if (local && isInPanic(local, environment.panicThreshold)) {
      environment.stats.localClusterNotOk++;
      return locality.failTrafficOnPanic ? undefined : plain;
    }
    return localities[chooseZone(this.#zones, environment)];
  }

  #rebuild(): void {
    this.#stale = false;
    const { locality, environment } = this.#options;
    this.#plan = planPriorities(this.#sets, environment.panicThreshold);
    const [first] = this.#sets;
    this.#zones = first ? planZones(first, environment.localSet(), locality, environment) : { kind: 'none' };
    for (const [priority, set] of this.#sets.entries()) this.#rebuildPriority(priority, set);
    this.#sources.length = this.#sets.length;
  }

  #rebuildPriority(priority: number, set: HostSet): void {
    const sources = this.#sources[priority] ?? this.#newSources();
    this.#sources[priority] = sources;
    this.#fill(sources.all, set.hosts);
    this.#fill(sources.healthy, set.healthy);
    this.#fill(sources.degraded, set.degraded);
    // Without weights or a local cluster nobody asks for a locality.
    const split = this.#options.locality.weighted || (priority === 0 && this.#zones.kind !== 'none');
    const localities = split ? set.localities : [];
    this.#fillAll(
      sources.healthyLocalities,
      localities.map((one) => one.healthy),
    );
    this.#fillAll(
      sources.degradedLocalities,
      localities.map((one) => one.degraded),
    );
    const weighted = this.#options.locality.weighted && set.localityWeighted;
    sources.healthySchedule = weighted ? this.#schedule(set, false) : undefined;
    sources.degradedSchedule = weighted ? this.#schedule(set, true) : undefined;
  }

  #newSources(): PrioritySources {
    return {
      all: this.#newSource(),
      healthy: this.#newSource(),
      degraded: this.#newSource(),
      healthyLocalities: [],
      degradedLocalities: [],
      healthySchedule: undefined,
      degradedSchedule: undefined,
    };
  }

  #newSource(): Source {
    return { hosts: [], next: this.#options.seed, edf: undefined };
  }

  #fill(source: Source, hosts: readonly Host[]): void {
    source.hosts = hosts;
    this.#options.policy.refresh(source);
  }

  #fillAll(sources: Source[], lists: readonly (readonly Host[])[]): void {
    for (const [index, hosts] of lists.entries()) {
      const source = sources[index] ?? this.#newSource();
      sources[index] = source;
      this.#fill(source, hosts);
    }
    sources.length = lists.length;
  }

  #schedule(set: HostSet, degraded: boolean): LocalitySchedule | undefined {
    const weights = set.localities.map((one) => effectiveWeight(set, one, degraded));
    const indexes = weights.flatMap((weight, index) => (weight > 0 ? [index] : []));
    if (indexes.length === 0) return undefined;
    const weightOf = (index: number): number => weights[index] as number;
    return { edf: new Edf(indexes, weightOf, this.#options.seed), weightOf };
  }
}

const NO_LOAD = { healthy: [0], degraded: [0] };

/** A locality's weight by how many of its hosts are available, overprovisioning counted in. */
function effectiveWeight({ overprovisioning }: HostSet, locality: LocalityHosts, degraded: boolean): number {
  const count = locality.hosts.length - locality.excluded.length;
  if (count === 0) return 0;
  const available = (degraded ? locality.degraded : locality.healthy).length / count;
  return locality.weight * Math.min(1, (overprovisioning / 100) * available);
}
