import { mersenneTwister } from '../../hash/mersenne.ts';
import type { Hash64 } from '../../hash/xxhash64.ts';
import type { Host } from '../host.ts';
import type { HashTable, WeightedHosts } from './hash-table.ts';

/**
 * Consistent hashing with bounded loads: a host with more requests than `factor` percent of its share is passed over for one of
 * the others, in an order that depends on the hash alone.
 */
export class BoundedLoad implements HashTable {
  readonly #table: HashTable;
  readonly #hosts: WeightedHosts;
  readonly #weights: ReadonlyMap<Host, number>;
  readonly #factor: number;
  readonly #activeRequests: () => number;

  constructor(table: HashTable, hosts: WeightedHosts, factor: number, activeRequests: () => number) {
    this.#table = table;
    this.#hosts = hosts;
    this.#weights = new Map(hosts.hosts.map((host, index) => [host, hosts.weights[index] as number]));
    this.#factor = factor;
    this.#activeRequests = activeRequests;
  }

  choose(hash: Hash64, attempt: number): Host | undefined {
    const host = this.#table.choose(hash, attempt);
    if (!host) return undefined;
    const load = this.#load(host, this.#weights.get(host) ?? 0);
    return load <= 1 ? host : this.#another(host, load, hash.low);
  }

  #load(host: Host, weight: number): number {
    const total = Math.floor(((this.#activeRequests() + 1) * this.#factor + 99) / 100);
    return host.activeRequests / Math.max(Math.ceil(total * weight), 1);
  }

  /** Envoy's shuffle, number for number; the least loaded of all when every host has too much. */
  #another(first: Host, firstLoad: number, seed: number): Host {
    const { hosts, weights } = this.#hosts;
    const random = mersenneTwister(seed);
    const order = [...hosts.keys()];
    let best = first;
    let least = firstLoad;
    for (let done = 0; done < order.length; done++) {
      const at = done + below(random, order.length - done);
      const index = order[at] as number;
      order[at] = order[done] as number;
      const host = hosts[index] as Host;
      if (host === first) continue;
      const load = this.#load(host, weights[index] as number);
      if (load <= 1) return host;
      if (load < least) {
        best = host;
        least = load;
      }
    }
    return best;
  }
}

/** A number below `limit` out of 32 random bits, without favouring any. */
function below(random: () => number, limit: number): number {
  const part = Math.floor(0x1_0000_0000 / limit);
  for (;;) {
    const value = Math.floor(random() / part);
    if (value < limit) return value;
  }
}
