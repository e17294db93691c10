import type { Host } from './host.ts';

/** Picks among the hosts of the last `update`, which is never called with an empty list before a `pick`. */
export interface Balancer {
  update(hosts: readonly Host[]): void;
  pick(): Host | undefined;
}

export type BalancerPolicy =
  | { readonly kind: 'round_robin' }
  | { readonly kind: 'random' }
  | { readonly kind: 'least_request'; readonly choices: number };

/** `random` gives a number in [0, 1). */
export function createBalancer(policy: BalancerPolicy, random: () => number): Balancer {
  switch (policy.kind) {
    case 'round_robin':
      return weighted(random, roundRobin(random), (host) => host.weight);
    case 'random':
      return randomChoice(random);
    case 'least_request':
      return weighted(random, leastOf(policy.choices, random), (host) => host.weight / (host.activeRequests + 1));
  }
}

function roundRobin(random: () => number): Balancer {
  let hosts: readonly Host[] = [];
  let next = 0;
  return {
    update: (list) => {
      hosts = list;
      next = Math.floor(random() * Math.max(1, list.length));
    },
    pick: () => {
      if (next >= hosts.length) next = 0;
      return hosts[next++];
    },
  };
}

function leastOf(choices: number, random: () => number): Balancer {
  let hosts: readonly Host[] = [];
  return {
    update: (list) => {
      hosts = list;
    },
    pick: () => {
      let best: Host | undefined;
      for (let choice = 0; choice < choices; choice++) {
        const host = hosts[Math.floor(random() * hosts.length)];
        if (!best || (host && host.activeRequests < best.activeRequests)) best = host;
      }
      return best;
    },
  };
}

function randomChoice(random: () => number): Balancer {
  let hosts: readonly Host[] = [];
  let sums: number[] = [];
  return {
    update: (list) => {
      hosts = list;
      let sum = 0;
      sums = list.map((host) => (sum += host.weight));
    },
    pick: () => {
      const point = random() * (sums.at(-1) ?? 0);
      let low = 0;
      let high = sums.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((sums[middle] as number) > point) high = middle;
        else low = middle + 1;
      }
      return hosts[low];
    },
  };
}

/** Uses `equal` while all weights are the same, else earliest deadline first as Envoy does. */
function weighted(random: () => number, equal: Balancer, weightOf: (host: Host) => number): Balancer {
  const queue = new DeadlineQueue();
  let uneven = false;
  return {
    update: (hosts) => {
      uneven = hosts.some((host) => host.weight !== hosts[0]?.weight);
      if (!uneven) {
        equal.update(hosts);
        return;
      }
      queue.clear();
      for (const host of hosts) queue.add(host, random() / weightOf(host));
    },
    pick: () => (uneven ? queue.next(weightOf) : equal.pick()),
  };
}

interface Entry {
  readonly host: Host;
  deadline: number;
}

/** A binary heap of hosts by virtual deadline; a host's share of picks is its share of the weight. */
class DeadlineQueue {
  readonly #heap: Entry[] = [];

  clear(): void {
    this.#heap.length = 0;
  }

  add(host: Host, deadline: number): void {
    this.#heap.push({ host, deadline });
    for (let at = this.#heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfEarlier(at, parent)) break;
      at = parent;
    }
  }

  next(weightOf: (host: Host) => number): Host | undefined {
    const first = this.#heap[0];
    if (!first) return undefined;
    first.deadline += 1 / weightOf(first.host);
    this.#sink();
    return first.host;
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      const child = this.#deadline(right) < this.#deadline(left) ? right : left;
      if (!this.#swapIfEarlier(child, at)) return;
      at = child;
    }
  }

  #deadline(at: number): number {
    return this.#heap[at]?.deadline ?? Number.POSITIVE_INFINITY;
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const lower = this.#heap[child];
    const upper = this.#heap[parent];
    if (!lower || !upper || lower.deadline >= upper.deadline) return false;
    this.#heap[parent] = lower;
    this.#heap[child] = upper;
    return true;
  }
}
