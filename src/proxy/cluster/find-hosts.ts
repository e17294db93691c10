import { type AggregateEnvironment, AggregateHosts } from './aggregate.ts';
import type { ClusterConfig } from './config.ts';
import type { Host } from './host.ts';
import type { HostFinder } from './host-finder.ts';
import { OriginalDestinations } from './original-dst.ts';
import type { ClusterStats } from './stats.ts';

type TakeHosts = (hosts: readonly Host[], added: readonly Host[], removed: readonly Host[]) => void;

/** Makes what finds the hosts of a cluster with `CLUSTER_PROVIDED`. `take` gets all hosts when some came or went. */
export function createFinder(
  config: ClusterConfig,
  stats: ClusterStats,
  take: TakeHosts,
  environment: AggregateEnvironment,
): HostFinder {
  if (config.kind === 'AGGREGATE') return new AggregateHosts(config.members, environment);
  return new OriginalDestinations(config.originalDst, config.name, stats, take);
}
