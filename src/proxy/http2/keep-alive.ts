import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { KeepAlive } from './options.ts';
import type { Http2Stats } from './stats.ts';

const PAYLOAD = new Uint8Array(8);

/** Asks now and then whether the other side is still there: Envoy's `connection_keepalive`. */
export class KeepAlivePing {
  readonly #options: KeepAlive;
  readonly #send: (payload: Uint8Array) => void;
  readonly #next: Deadline;
  readonly #answer: Deadline;
  #heardAt = now();

  constructor(options: KeepAlive, stats: Http2Stats, send: (payload: Uint8Array) => void, lost: () => void) {
    this.#options = options;
    this.#send = send;
    this.#answer = new Deadline(() => {
      stats.keepAliveTimeout++;
      lost();
    });
    this.#next = new Deadline(() => this.#ask());
  }

  /** Begins the next interval, whatever else comes meanwhile. */
  start(): void {
    const { interval, jitter } = this.#options;
    if (interval > 0) this.#next.start(interval * (1 + jitter * Math.random()));
  }

  #ask(): void {
    if (this.#answer.waiting) return;
    this.#send(PAYLOAD);
    this.#answer.start(this.#options.timeout);
  }

  onActivity(): void {
    this.#heardAt = now();
  }

  /** A stream of this side is about to begin: on a connection that was quiet for long its host may be gone. */
  beforeStream(): void {
    const { idle } = this.#options;
    if (idle > 0 && now() - this.#heardAt > idle) this.#ask();
  }

  onAnswer(): void {
    this.#answer.stop();
    this.start();
  }

  stop(): void {
    this.#next.stop();
    this.#answer.stop();
  }
}
