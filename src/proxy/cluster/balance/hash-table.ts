import type { JsonObject } from '../../config/fields.ts';
import type { Hash64 } from '../../hash/xxhash64.ts';
import type { Host } from '../host.ts';
import type { HostSet } from '../host-set.ts';

/** Hosts that a table is made of, each with its share of the whole. */
export interface WeightedHosts {
  readonly hosts: readonly Host[];
  /** Sum 1. */
  readonly weights: readonly number[];
  readonly least: number;
  readonly most: number;
}

/** Leads a hash to a host, the same as long as the hosts are the same. */
export interface HashTable {
  /** `attempt` counts up where a retry does not want the host of the attempt before. */
  choose(hash: Hash64, attempt: number): Host | undefined;
}

/** The healthy hosts of a priority, or all of them in panic, with the shares that their weights and their localities' weights give. */
export function weighHosts(set: HostSet, panic: boolean, localityWeighted: boolean): WeightedHosts {
  const hosts: Host[] = [];
  const weights: number[] = [];
  const add = (list: readonly Host[], share: number): void => {
    const sum = list.reduce((total, host) => total + host.weight, 0);
    for (const host of list) {
      hosts.push(host);
      weights.push((host.weight * share) / sum);
    }
  };
  if (localityWeighted && set.localityWeighted && set.localities.length > 0) {
    const sum = set.localities.reduce((total, { weight }) => total + weight, 0);
    for (const one of set.localities) {
      if (one.weight > 0) add(panic ? one.hosts : one.healthy, one.weight / sum);
    }
  } else add(panic ? set.hosts : set.healthy, 1);
  const least = weights.reduce((low, weight) => Math.min(low, weight), 1);
  const most = weights.reduce((high, weight) => Math.max(high, weight), 0);
  return { hosts, weights, least, most };
}

/** What is hashed for a host: `envoy.lb` metadata `hash_key`, else its name or address. */
export function hashKey(host: Host, useHostname: boolean): string {
  const lb = host.metadata?.['envoy.lb'] as JsonObject | undefined;
  const key = lb?.['hash_key'];
  if (typeof key === 'string' && key !== '') return key;
  return useHostname ? host.hostname : host.name;
}

/** The remainder of a hash by a whole number below 2^26. */
export function remainder({ high, low }: Hash64, by: number): number {
  return ((high % by) * (0x1_0000_0000 % by) + low) % by;
}
