import type { JsonObject } from '../../config/fields.ts';
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

export type SubsetFallback = 'NO_FALLBACK' | 'ANY_ENDPOINT' | 'DEFAULT_SUBSET';

export interface SubsetSelector {
  /** Sorted. */
  readonly keys: readonly string[];
  readonly singleHost: boolean;
  readonly fallback: 'NOT_DEFINED' | SubsetFallback | 'KEYS_SUBSET';
  readonly fallbackKeys: readonly string[];
}

/** Subsets of hosts by `envoy.lb` metadata, each balanced on its own. */
export interface SubsetPolicy {
  readonly kind: 'subset';
  readonly selectors: readonly SubsetSelector[];
  readonly fallback: SubsetFallback;
  readonly defaultSubset: JsonObject;
  readonly localityWeights: 'none' | 'same' | 'scaled';
  readonly panicModeAny: boolean;
  readonly listAsAny: boolean;
  readonly fallbackList: boolean;
  readonly allowRedundantKeys: boolean;
  readonly inner: HostPolicy | SubsetPolicy;
}

/** A policy that chooses hosts by itself. */
export type HostPolicy =
  | RoundRobinPolicy
  | LeastRequestPolicy
  | { readonly kind: 'random'; readonly locality: LocalityPolicy }
  | { readonly kind: 'ring_hash'; readonly ring: RingOptions; readonly hashing: ConsistentHashing }
  | { readonly kind: 'maglev'; readonly tableSize: number; readonly hashing: ConsistentHashing };

/** A compiled load balancing policy; with `cluster_provided` the cluster itself finds the host. */
export type BalancerPolicy = HostPolicy | SubsetPolicy | { readonly kind: 'cluster_provided' };

export const PLAIN_HASHING: ConsistentHashing = { useHostname: false, balanceFactor: 0, localityWeighted: false };
