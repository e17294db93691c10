/** Envoy bounds the picks that a new schedule is advanced by. */
const MOST_PICKS = 429_496_729;
/** Added to weights while advancing, so that weights that are multiples of each other keep the order they have when picked one by one. */
const EPSILON = 1e-13;

/**
 * Earliest deadline first: an entry is due again 1/weight after it was picked, so its share of the picks is its share of the weight.
 * Entries due at the same time come in the order in which they were put back. This is Envoy's `EdfScheduler`, `createWithPicks` included:
 * the same weights and the same number of picks made give the same sequence. A pick costs O(log n) and allocates nothing.
 */
export class Edf<T> {
  readonly #entries: readonly T[];
  /** A binary heap of indexes into the entries, with their deadlines and, against ties, when they were put in. */
  readonly #heap: Int32Array;
  readonly #deadlines: Float64Array;
  readonly #orders: Float64Array;
  #now = 0;
  #order: number;

  /** As if `picks` picks had been made already. `weightOf` gives numbers above 0. */
  constructor(entries: readonly T[], weightOf: (entry: T) => number, picks: number) {
    const size = entries.length;
    this.#entries = entries;
    this.#heap = Int32Array.from({ length: size }, (_, index) => index);
    this.#deadlines = new Float64Array(size);
    this.#orders = Float64Array.from({ length: size }, (_, index) => index);
    this.#order = size;
    this.#advance(weightOf, picks % MOST_PICKS);
  }

  /** The entry that is due, put back by the weight it has now. There must be one. */
  pick(weightOf: (entry: T) => number): T {
    const top = this.#heap[0] as number;
    const entry = this.#entries[top] as T;
    this.#now = this.#deadlines[top] as number;
    this.#deadlines[top] = this.#now + 1 / weightOf(entry);
    this.#orders[top] = this.#order++;
    this.#sink(0);
    return entry;
  }

  #advance(weightOf: (entry: T) => number, picks: number): void {
    const weights = this.#entries.map((entry) => weightOf(entry) + EPSILON);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    let made = 0;
    for (const [index, weight] of weights.entries()) {
      let share = Math.floor((weight * picks) / sum);
      if (share > 0 && share / weight >= picks / sum) share--;
      this.#deadlines[index] = (share + 1) / weight;
      this.#now = Math.max(this.#now, share / weight);
      made += share;
    }
    for (let at = (weights.length >> 1) - 1; at >= 0; at--) this.#sink(at);
    for (; made < picks; made++) this.pick(weightOf);
  }

  #before(left: number, right: number): boolean {
    const leftAt = this.#deadlines[left] as number;
    const rightAt = this.#deadlines[right] as number;
    return leftAt < rightAt || (leftAt === rightAt && (this.#orders[left] as number) < (this.#orders[right] as number));
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moved = heap[from] as number;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1] as number, heap[child] as number)) child++;
      const candidate = heap[child] as number;
      if (!this.#before(candidate, moved)) break;
      heap[at] = candidate;
      at = child;
    }
    heap[at] = moved;
  }
}
