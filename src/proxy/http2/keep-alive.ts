import { Deadline } from '../time/deadline.ts';
import type { KeepAlive } from './options.ts';
import type { Http2Stats } from './stats.ts';

/** Asks whether the other side is still there, once nothing came from it for a while. */
export class KeepAlivePing {
  readonly #options: KeepAlive;
  readonly #next: Deadline;
  readonly #answer: Deadline;

  constructor(options: KeepAlive, stats: Http2Stats, send: (payload: Uint8Array) => void, lost: () => void) {
    this.#options = options;
    this.#answer = new Deadline(() => {
      stats.keepAliveTimeout++;
      lost();
    });
    this.#next = new Deadline(() => {
      send(PAYLOAD);
      this.#answer.start(options.timeout);
    });
  }

  onActivity(): void {
    const { interval, idle, jitter } = this.#options;
    if (this.#answer.waiting) return;
    this.#next.start(interval > 0 ? interval * (1 + jitter * Math.random()) : idle);
  }

  onAnswer(): void {
    this.#answer.stop();
    this.onActivity();
  }

  stop(): void {
    this.#next.stop();
    this.#answer.stop();
  }
}

const PAYLOAD = new Uint8Array(8);
