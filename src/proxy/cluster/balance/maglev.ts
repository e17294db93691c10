import { type Hash64, hash64, xxHash64 } from '../../hash/xxhash64.ts';
import type { Host } from '../host.ts';
import { type HashTable, hashKey, remainder, type WeightedHosts } from './hash-table.ts';

const SECOND_SEED = hash64(1n);

/**
 * Maglev hashing (Google, NSDI 2016) as Envoy builds it: hosts in the order of their keys take turns in choosing places, each by a
 * permutation of its own; a host that weighs less misses turns.
 */
export class Maglev implements HashTable {
  readonly #hosts: readonly Host[];
  /** Index of the host of each place. */
  readonly #table: Uint32Array;

  constructor({ hosts, weights, most }: WeightedHosts, size: number, useHostname: boolean) {
    const keys = hosts.map((host) => hashKey(host, useHostname));
    const order = [...hosts.keys()].sort((left, right) => compare(keys[left] as string, keys[right] as string));
    this.#hosts = order.map((index) => hosts[index] as Host);
    this.#table = fill(
      order.map((index) => keys[index] as string),
      order.map((index) => weights[index] as number),
      most,
      size,
    );
  }

  choose(hash: Hash64, attempt: number): Host | undefined {
    const size = this.#table.length;
    if (size === 0) return undefined;
    // A further attempt changes most bits of the hash, so that it lands somewhere else.
    const mixed = attempt === 0 ? hash : { high: (hash.high ^ 0xffffffff) >>> 0, low: (hash.low ^ -attempt) >>> 0 };
    return this.#hosts[this.#table[remainder(mixed, size)] as number];
  }
}

/** Places by host in the order of the keys, without making the table: how the turns go does not depend on the hashes. */
export function maglevCounts({ hosts, weights, most }: WeightedHosts, size: number, useHostname: boolean): number[] {
  const keys = hosts.map((host) => hashKey(host, useHostname));
  const order = [...hosts.keys()].sort((left, right) => compare(keys[left] as string, keys[right] as string));
  const counts = new Array<number>(hosts.length).fill(0);
  if (hosts.length === 0) return counts;
  if (hosts.length === 1) return [1];
  if (weights.every((weight) => weight === most)) {
    return counts.map((_, turn) => Math.floor(size / hosts.length) + (turn < size % hosts.length ? 1 : 0));
  }
  const turns = takeTurns(
    order.map((index) => weights[index] as number),
    most,
  );
  for (let place = 0; place < size; place++) {
    const turn = turns();
    counts[turn] = (counts[turn] as number) + 1;
  }
  return counts;
}

function fill(keys: readonly string[], weights: readonly number[], most: number, size: number): Uint32Array {
  // One host needs no table, in Envoy neither.
  if (keys.length < 2) return new Uint32Array(keys.length);
  const places = Uint32Array.from(keys, (key) => remainder(xxHash64(Buffer.from(key)), size));
  const skips = Uint32Array.from(keys, (key) => remainder(xxHash64(Buffer.from(key), SECOND_SEED), size - 1) + 1);
  const table = new Uint32Array(size).fill(0xffffffff);
  const turns = takeTurns(weights, most);
  for (let filled = 0; filled < size; filled++) {
    const index = turns();
    let place = places[index] as number;
    const skip = skips[index] as number;
    while (table[place] !== 0xffffffff) place = (place + skip) % size;
    table[place] = index;
    places[index] = (place + skip) % size;
  }
  return table;
}

/** Whose turn it is, again and again: in each round those whose weight has added up to a whole turn. */
function takeTurns(weights: readonly number[], most: number): () => number {
  const targets = new Float64Array(weights.length);
  let round = 1;
  let next = 0;
  return () => {
    for (;;) {
      if (next === weights.length) {
        next = 0;
        round++;
      }
      const index = next++;
      if (round * (weights[index] as number) < (targets[index] as number)) continue;
      targets[index] = (targets[index] as number) + most;
      return index;
    }
  };
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
