import type { Cluster } from './cluster.ts';
import type { LoadBalancerContext } from './context.ts';
import type { Host } from './host.ts';

/** A cluster's own way to its hosts, Envoy's load balancer that a cluster provides. */
export interface HostFinder {
  choose(context: LoadBalancerContext): Host | undefined;
  /** The cluster that a chosen host belongs to, where that is another one. */
  memberOf?(host: Host): Cluster | undefined;
  /** A cluster came, went, or has other hosts. */
  memberChanged?(name: string): void;
  stop(): void;
}
