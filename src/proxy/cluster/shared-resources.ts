import type { Resources, Thresholds, Usage } from './resources.ts';

/** Where the workers of a proxy count what they use of a cluster. Each writes a part of its own, so that none has to wait for another. */
export interface SharedUsage {
  readonly memory: SharedArrayBuffer;
  /** Ordinal of the worker, from 0. */
  readonly worker: number;
}

const PRIORITIES = 2;
const KINDS = 5;
const [CONNECTIONS, PENDING, REQUESTS, RETRIES, POOLS] = [0, 1, 2, 3, 4] as const;

export function usageMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * PRIORITIES * KINDS * Int32Array.BYTES_PER_ELEMENT);
}

/** Counts that other workers see. `priority`: 0 or 1. As in Envoy two workers may both find room for the last one. */
export class SharedResources implements Resources {
  readonly limits: Thresholds;
  readonly all: Readonly<Usage>;
  readonly #counts: Int32Array;
  readonly #own: number;

  constructor(limits: Thresholds, { memory, worker }: SharedUsage, priority: number) {
    this.limits = limits;
    this.#counts = new Int32Array(memory);
    this.#own = (worker * PRIORITIES + priority) * KINDS;
    this.all = new AllWorkers(this.#counts, priority * KINDS);
  }

  get connections(): number {
    return this.#counts[this.#own + CONNECTIONS] as number;
  }

  set connections(value: number) {
    this.#counts[this.#own + CONNECTIONS] = value;
  }

  get pending(): number {
    return this.#counts[this.#own + PENDING] as number;
  }

  set pending(value: number) {
    this.#counts[this.#own + PENDING] = value;
  }

  get requests(): number {
    return this.#counts[this.#own + REQUESTS] as number;
  }

  set requests(value: number) {
    this.#counts[this.#own + REQUESTS] = value;
  }

  get retries(): number {
    return this.#counts[this.#own + RETRIES] as number;
  }

  set retries(value: number) {
    this.#counts[this.#own + RETRIES] = value;
  }

  get pools(): number {
    return this.#counts[this.#own + POOLS] as number;
  }

  set pools(value: number) {
    this.#counts[this.#own + POOLS] = value;
  }
}

/** The sums over all workers. */
class AllWorkers implements Readonly<Usage> {
  readonly #counts: Int32Array;
  readonly #first: number;

  constructor(counts: Int32Array, first: number) {
    this.#counts = counts;
    this.#first = first;
  }

  get connections(): number {
    return this.#sum(CONNECTIONS);
  }

  get pending(): number {
    return this.#sum(PENDING);
  }

  get requests(): number {
    return this.#sum(REQUESTS);
  }

  get retries(): number {
    return this.#sum(RETRIES);
  }

  get pools(): number {
    return this.#sum(POOLS);
  }

  #sum(kind: number): number {
    let sum = 0;
    for (let at = this.#first + kind; at < this.#counts.length; at += PRIORITIES * KINDS)
      sum += Atomics.load(this.#counts, at);
    return sum;
  }
}
