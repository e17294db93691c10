interface Answer {
  readonly status: number;
  readonly degraded: boolean;
}

/** The last answer to a health check, until the next end of a period; periods follow one another from the start. */
export class AnswerCache {
  readonly #periodMs: number;
  readonly #now: () => number;
  readonly #startedAt: number;
  #period = -1;
  answer: Answer = { status: 200, degraded: false };

  constructor(periodMs: number, now: () => number) {
    this.#periodMs = periodMs;
    this.#now = now;
    this.#startedAt = now();
  }

  get held(): boolean {
    return this.#period === this.#current();
  }

  keep(answer: Answer): void {
    this.answer = answer;
    this.#period = this.#current();
  }

  #current(): number {
    return Math.floor((this.#now() - this.#startedAt) / this.#periodMs);
  }
}
