import { murmurHash2 } from '../../hash/murmur.ts';
import { type Hash64, xxHash64 } from '../../hash/xxhash64.ts';
import type { Host } from '../host.ts';
import { type HashTable, hashKey, type WeightedHosts } from './hash-table.ts';

export interface RingOptions {
  readonly minSize: number;
  readonly maxSize: number;
  readonly murmur: boolean;
}

/** How many points of a ring each host has. */
export interface RingShape {
  readonly size: number;
  readonly points: readonly number[];
}

/**
 * Points by host: in proportion to the weights, and a whole number for the host that weighs least, unless that makes the ring too large.
 * Running sums keep hosts from moving much when others come or go.
 */
export function ringShape({ weights, least }: WeightedHosts, { minSize, maxSize }: RingOptions): RingShape {
  const scale = Math.min(Math.ceil(least * minSize) / least, maxSize);
  let made = 0;
  let wanted = 0;
  const points = weights.map((weight) => {
    wanted += scale * weight;
    let count = 0;
    for (; made < wanted; made++) count++;
    return count;
  });
  return { size: weights.length === 0 ? 0 : Math.ceil(scale), points };
}

/** A ketama ring: a hash belongs to the next point on the ring. */
export class Ring implements HashTable {
  readonly #hosts: readonly Host[];
  /** Hashes of the points in order, in two halves, and the host that each belongs to. */
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #owner: Uint32Array;

  constructor(hosts: WeightedHosts, options: RingOptions, useHostname: boolean) {
    this.#hosts = hosts.hosts;
    const { points } = ringShape(hosts, options);
    const size = points.reduce((sum, count) => sum + count, 0);
    const high = new Uint32Array(size);
    const low = new Uint32Array(size);
    const owner = new Uint32Array(size);
    const hashOf = options.murmur ? murmurHash2 : xxHash64;
    let at = 0;
    for (const [index, count] of points.entries()) {
      const key = hashKey(this.#hosts[index] as Host, useHostname);
      for (let point = 0; point < count; point++, at++) {
        const hash = hashOf(Buffer.from(`${key}_${point}`));
        high[at] = hash.high;
        low[at] = hash.low;
        owner[at] = index;
      }
    }
    const order = sortedOrder(high, low);
    this.#high = high.map((_, index) => high[order[index] as number] as number);
    this.#low = low.map((_, index) => low[order[index] as number] as number);
    this.#owner = owner.map((_, index) => owner[order[index] as number] as number);
  }

  choose({ high, low }: Hash64, attempt: number): Host | undefined {
    const size = this.#owner.length;
    if (size === 0) return undefined;
    let from = 0;
    let to = size;
    while (from < to) {
      const middle = (from + to) >> 1;
      const point = this.#high[middle] as number;
      const before = point < high || (point === high && (this.#low[middle] as number) < low);
      if (before) from = middle + 1;
      else to = middle;
    }
    return this.#hosts[this.#owner[((from === size ? 0 : from) + attempt) % size] as number];
  }
}

/** Indexes in the order of the numbers, by a radix sort: rings may have millions of points. */
function sortedOrder(high: Uint32Array, low: Uint32Array): Uint32Array {
  let order = Uint32Array.from({ length: low.length }, (_, index) => index);
  let other = new Uint32Array(low.length);
  for (const [digits, shift] of [low, high].flatMap((digits) =>
    [0, 8, 16, 24].map((shift) => [digits, shift] as const),
  )) {
    const starts = new Uint32Array(257);
    for (const digit of digits) {
      const bucket = ((digit >>> shift) & 255) + 1;
      starts[bucket] = (starts[bucket] as number) + 1;
    }
    for (let bucket = 1; bucket < 257; bucket++)
      starts[bucket] = (starts[bucket] as number) + (starts[bucket - 1] as number);
    for (const index of order) {
      const bucket = ((digits[index] as number) >>> shift) & 255;
      const at = starts[bucket] as number;
      other[at] = index;
      starts[bucket] = at + 1;
    }
    [order, other] = [other, order];
  }
  return order;
}
