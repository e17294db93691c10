import type { RingOptions } from './ring.ts';

/** `SlowStartConfig`: a host that becomes healthy reaches its full weight only after the window. */
export interface SlowStart {
  /** Milliseconds, more than 0. */
  readonly window: number;
  readonly aggression: number;
  /** Share of the weight that a host has at least, 0 to 1. */
  readonly minWeight: number;
}

/** How a balancer of healthy hosts regards localities. */
export interface LocalityPolicy {
  /** Localities are picked by their weights. */
  readonly weighted: boolean;
  /** Percent of the picks that zone aware routing is used for, where there is a local cluster. */
  readonly routingEnabled: number;
  readonly minClusterSize: number;
  readonly failTrafficOnPanic: boolean;
  /** Healthy hosts of the own zone from which on it gets everything; undefined: it depends on its share. */
  readonly forceLocalZone: number | undefined;
  /** Shares of zones count weights instead of hosts. */
  readonly byWeight: boolean;
}

export const PLAIN_LOCALITY: LocalityPolicy = {
  weighted: false,
  routingEnabled: 100,
  minClusterSize: 6,
  failTrafficOnPanic: false,
  forceLocalZone: undefined,
  byWeight: false,
};

/** `ConsistentHashingLbConfig`, and whether the weights of localities count. */
export interface ConsistentHashing {
  readonly useHostname: boolean;
  /** Percent of the average load that a host may have; 0: no bound. */
  readonly balanceFactor: number;
  readonly localityWeighted: boolean;
}

export interface RoundRobinPolicy {
  readonly kind: 'round_robin';
  readonly slowStart: SlowStart | undefined;
  readonly locality: LocalityPolicy;
}

export interface LeastRequestPolicy {
  readonly kind: 'least_request';
  readonly choices: number;
  readonly bias: number;
  readonly fullScan: boolean;
  readonly slowStart: SlowStart | undefined;
  readonly locality: LocalityPolicy;
}

/** A compiled load balancing policy. */
export type BalancerPolicy =
  | RoundRobinPolicy
  | LeastRequestPolicy
  | { readonly kind: 'random'; readonly locality: LocalityPolicy }
  | { readonly kind: 'ring_hash'; readonly ring: RingOptions; readonly hashing: ConsistentHashing }
  | { readonly kind: 'maglev'; readonly tableSize: number; readonly hashing: ConsistentHashing }
  | { readonly kind: 'cluster_provided' };

export const PLAIN_HASHING: ConsistentHashing = { useHostname: false, balanceFactor: 0, localityWeighted: false };
