import type { Cluster } from './cluster.ts';
import type { LoadBalancerContext } from './context.ts';
import type { Host } from './host.ts';

/** A cluster's own way to its hosts, Envoy's load balancer that a cluster provides. */
export interface HostFinder {
  choose(context: LoadBalancerContext): Host | undefined;
  /** Called once the cluster is there. */
  start?(): void;
  /**
   * Finds out first what `choose` needs to know. `ready` gets what went wrong, empty for nothing, and is never called before this
   * returns. A text: there is nothing to choose from, for that reason; undefined: it can be chosen now.
   */
  prepare?(context: LoadBalancerContext, ready: (failure: string) => void): { cancel(): void } | string | undefined;
  /** The cluster that a chosen host belongs to, where that is another one. */
  memberOf?(host: Host): Cluster | undefined;
  /** A cluster came, went, or has other hosts. */
  memberChanged?(name: string): void;
  stop(): void;
}
