import { Deadline } from '../time/deadline.ts';

/** Something discovered by name that a listener's configuration needs before it serves. */
export interface Want {
  readonly kind: 'route' | 'filter' | 'secret';
  readonly name: string;
  /** `initial_fetch_timeout` in milliseconds; 0: it is waited for without end. */
  readonly timeoutMs: number;
}

export interface WarmingHost {
  /** The first answer about it has come, whatever it was. */
  answered(want: Want): boolean;
  /** It did not come in time. */
  timedOut(want: Want): void;
}

/** What one configuration of a listener waits for. */
export class Warming {
  readonly #missing: Set<Want>;
  readonly #host: WarmingHost;
  readonly #clocks: Deadline[] = [];
  /** Nothing is waited for; what goes missing later changes nothing. */
  done: boolean;

  constructor(wants: readonly Want[], host: WarmingHost) {
    this.#missing = new Set(wants);
    this.#host = host;
    this.done = wants.length === 0;
  }

  get missing(): readonly Want[] {
    return [...this.#missing];
  }

  /** The subscriptions begin: from now on times run. */
  begin(): void {
    if (this.#clocks.length > 0 || this.check()) return;
    for (const want of this.#missing) {
      const clock = new Deadline(() => {
        this.#missing.delete(want);
        this.#host.timedOut(want);
      });
      clock.start(want.timeoutMs);
      this.#clocks.push(clock);
    }
  }

  /** Whether everything has been answered by now. */
  check(): boolean {
    if (this.done) return true;
    for (const want of this.#missing) if (this.#host.answered(want)) this.#missing.delete(want);
    this.done = this.#missing.size === 0;
    if (this.done) this.stop();
    return this.done;
  }

  stop(): void {
    for (const clock of this.#clocks.splice(0)) clock.stop();
  }
}

/** A gauge of what drains: each part of it for the drain time. */
export class DrainCount {
  value = 0;

  add(count: number, milliseconds: number): void {
    if (count === 0) return;
    this.value += count;
    new Deadline(() => {
      this.value -= count;
    }).start(Math.max(1, milliseconds));
  }
}
