/** Waits for the first answer of each type. */
export class FirstAnswers {
  readonly #came = new Set<string>();
  readonly #waiting = new Map<string, () => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #timedOut: (typeUrl: string) => void;

  constructor(timedOut: (typeUrl: string) => void) {
    this.#timedOut = timedOut;
  }

  came(typeUrl: string): void {
    this.#came.add(typeUrl);
    this.#waiting.get(typeUrl)?.();
    this.#waiting.delete(typeUrl);
  }

  /** Ends with the first answer, or after so many milliseconds; 0: only with the answer. */
  wait(typeUrl: string, milliseconds: number): Promise<void> {
    if (this.#came.has(typeUrl)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer =
        milliseconds > 0
          ? setTimeout(() => {
              this.#timedOut(typeUrl);
              this.came(typeUrl);
            }, milliseconds)
          : undefined;
      if (timer) this.#timers.add(timer);
      this.#waiting.set(typeUrl, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Nobody waits any longer; what waited stays so. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#waiting.clear();
  }
}
