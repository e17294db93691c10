import type { StatsKind } from '../../stats/kind.ts';
import type { LoadBalancerContext } from '../context.ts';
import type { Host } from '../host.ts';
import type { HostSet } from '../host-set.ts';
import type { BalancerStats } from './stats.ts';

/** Chooses a host for each request or connection. */
export interface LoadBalancer {
  /** The hosts by priority, at least one set, whenever members, weights, metadata or health changed. */
  update(sets: readonly HostSet[]): void;
  /** Undefined when there is no host to use. */
  choose(context: LoadBalancerContext): Host | undefined;
}

/** What a balancer needs of its surroundings. */
export interface BalancerEnvironment {
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly stats: BalancerStats;
  /** Statistics of a policy's own, `name` below those of the cluster. */
  readonly ownStats: <T extends object>(kind: StatsKind<T>, name: string) => T;
  /** `healthy_panic_threshold` in whole percents. */
  readonly panicThreshold: number;
  /** Hosts of the cluster that the proxy itself belongs to (`local_cluster_name`); undefined without one. */
  readonly localSet: () => HostSet | undefined;
  /** Requests under way in the whole cluster. */
  readonly activeRequests: () => number;
}

/** A whole number in [0, 2^32), as far as a random number is needed for more than one choice. */
export function random32(environment: BalancerEnvironment): number {
  return Math.floor(environment.random() * 0x1_0000_0000);
}
