/** A bounded queue that overwrites its oldest entry; `sequence` numbers never repeat, so a reader can tell what it lost. */
export class Ring<T> {
  readonly #slots: (T | undefined)[];
  #next = 0;
  readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#slots = new Array(capacity);
  }

  /** Sequence number that the next entry will get. */
  get nextSequence(): number {
    return this.#next;
  }

  /** Sequence number of the oldest entry still held. */
  get oldestSequence(): number {
    return Math.max(0, this.#next - this.capacity);
  }

  get size(): number {
    return this.#next - this.oldestSequence;
  }

  push(value: T): number {
    this.#slots[this.#next % this.capacity] = value;
    return this.#next++;
  }

  /** The entry with this sequence number, or undefined when it was overwritten or is not there yet. */
  at(sequence: number): T | undefined {
    if (sequence < this.oldestSequence || sequence >= this.#next) return undefined;
    return this.#slots[sequence % this.capacity];
  }
}
