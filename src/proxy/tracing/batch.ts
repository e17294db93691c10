import { Deadline } from '../time/deadline.ts';

export interface BatchOptions {
  /** Whether it is time to send what has gathered. */
  readonly isFull: (count: number, bytes: number) => boolean;
  /** Milliseconds that one may wait for others. */
  readonly waitMs: () => number;
  /** How many may wait, and how many bytes of them. */
  readonly mostCount: number;
  readonly mostBytes: number;
  readonly send: (items: readonly Buffer[]) => void;
  /** What waits is sent because of the time. */
  readonly onTimer?: () => void;
}

/** Gathers encoded items that are sent several at a time. */
export class Batch {
  readonly #options: BatchOptions;
  #waiting: Buffer[] = [];
  #bytes = 0;
  readonly #timer = new Deadline(() => {
    this.#options.onTimer?.();
    this.#flush();
  });

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Whether there is no room for another. */
  get refuses(): boolean {
    return this.#waiting.length >= this.#options.mostCount || this.#bytes >= this.#options.mostBytes;
  }

  add(item: Buffer): void {
    const { isFull, waitMs } = this.#options;
    this.#waiting.push(item);
    this.#bytes += item.length;
    if (isFull(this.#waiting.length, this.#bytes)) this.#flush();
    else if (!this.#timer.waiting) this.#timer.start(waitMs());
  }

  #flush(): void {
    const items = this.#waiting;
    this.#timer.stop();
    this.#waiting = [];
    this.#bytes = 0;
    this.#options.send(items);
  }
}
