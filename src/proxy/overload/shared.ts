/** What all workers of an overload manager write to and the main thread reads. */
export interface OverloadMemory {
  /** One number: connections that count. */
  readonly connections: SharedArrayBuffer;
  /** Of each worker two numbers: its longest delay since it was read, and its last beat; milliseconds. */
  readonly delays: SharedArrayBuffer;
}

export function overloadMemory(workers: number): OverloadMemory {
  return {
    connections: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
    delays: new SharedArrayBuffer(2 * workers * Float64Array.BYTES_PER_ELEMENT),
  };
}

/** Downstream connections of all workers, of which there may be only so many. */
export class ConnectionLimit {
  readonly #count: Int32Array;
  readonly #most: number;

  constructor({ connections }: OverloadMemory, most: number) {
    this.#count = new Int32Array(connections);
    this.#most = most;
  }

  /** Counts one more; false: there are too many. */
  take(): boolean {
    if (Atomics.add(this.#count, 0, 1) < this.#most) return true;
    this.release();
    return false;
  }

  release(): void {
    Atomics.sub(this.#count, 0, 1);
  }
}

const BEAT_MS = 20;

/** Milliseconds by a clock that is the same in all threads. */
const threadNow = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Takes note, from now on, of how late this thread comes to its timers; gives what ends that. */
export function startBeating({ delays }: OverloadMemory, worker: number): () => void {
  const numbers = new Float64Array(delays);
  const [longest, last] = [2 * worker, 2 * worker + 1];
  numbers[last] = threadNow();
  const timer = setInterval(() => {
    const time = threadNow();
    numbers[longest] = Math.max(numbers[longest] as number, time - (numbers[last] as number) - BEAT_MS);
    numbers[last] = time;
  }, BEAT_MS).unref();
  return () => clearInterval(timer);
}

/** The longest delay of any thread since it was last asked for, that of one that still does not answer included; milliseconds. */
export function longestDelay({ delays }: OverloadMemory): number {
  const numbers = new Float64Array(delays);
  const time = threadNow();
  let found = 0;
  for (let at = 0; at < numbers.length; at += 2) {
    const [longest = 0, last = 0] = [numbers[at], numbers[at + 1]];
    numbers[at] = 0;
    const silent = last === 0 ? 0 : time - last - BEAT_MS;
    found = Math.max(found, longest, silent);
  }
  return found;
}
