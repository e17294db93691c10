import { AggregateHosts } from './aggregate.ts';
import type { ClusterConfig } from './config.ts';
import { defaultPort, ForwardProxyHosts } from './forward-proxy.ts';
import type { Host } from './host.ts';
import type { HostFinder } from './host-finder.ts';
import type { Neighbours } from './neighbours.ts';
import { OriginalDestinations } from './original-dst.ts';
import type { ClusterStats } from './stats.ts';

/** Gets all hosts when some came or went. */
export type TakeHosts = (hosts: readonly Host[], added: readonly Host[], removed: readonly Host[]) => void;

/** Makes what finds the hosts of a cluster with `CLUSTER_PROVIDED`. `random` gives a number in [0, 1). */
export function createFinder(
  config: ClusterConfig,
  stats: ClusterStats,
  take: TakeHosts,
  neighbours: Neighbours,
  random: () => number,
): HostFinder {
  const { kind, panicThreshold, forwardProxy } = config;
  const { dnsCaches } = neighbours;
  if (forwardProxy)
    return new ForwardProxyHosts(dnsCaches.hold(forwardProxy.cache), defaultPort(config), dnsCaches, take);
  if (kind === 'AGGREGATE')
    return new AggregateHosts(config.members, { random, panicThreshold, member: (name) => neighbours.get(name) });
  return new OriginalDestinations(config.originalDst, config.name, stats, take);
}
