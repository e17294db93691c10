import type { Host } from '../host.ts';
import type { SlowStart } from './policy.ts';

/** Keeps track of hosts that have become healthy lately and weighs them less. Times are monotonic milliseconds. */
export class SlowStartWindow {
  readonly #config: SlowStart;
  readonly #now: () => number;
  /** When the last host became healthy; no host is in the window once it has passed since. */
  #latest: number;

  constructor(config: SlowStart, now: () => number) {
    this.#config = config;
    this.#now = now;
    this.#latest = now();
  }

  get active(): boolean {
    return this.#now() - this.#latest <= this.#config.window;
  }

  /** Notes hosts of a changed list that are healthy now. */
  note(hosts: readonly Host[]): void {
    const now = this.#now();
    for (const host of hosts) {
      if (host.health !== 'healthy') continue;
      const since = host.healthySince || now;
      host.healthySince = since;
      if (since > this.#latest && now - since <= this.#config.window) this.#latest = since;
    }
  }

  /** The part of its weight that a host has, more than 0 and at most 1. */
  factor(host: Host): number {
    const { window, aggression, minWeight } = this.#config;
    if (host.healthySince === 0 || host.health !== 'healthy') return 1;
    const elapsed = Math.floor(this.#now() - host.healthySince);
    if (elapsed >= window) return 1;
    const time = Math.max(1, elapsed) / window;
    return Math.max(aggression === 1 ? time : time ** (1 / aggression), minWeight);
  }
}
