import { Deadline } from '../time/deadline.ts';

/** What the cluster manager counts about updates that are put off. */
export interface MergeStats {
  updated: number;
  updatedViaMerge: number;
  mergeCancelled: number;
  outOfMergeWindow: number;
}

/**
 * Hands host changes on to the load balancer as Envoy's cluster manager does: members that come or go at once; what only changes
 * health, weight or metadata, when the last update is younger than the window, together with what else comes until one window later.
 */
export class UpdateMerger {
  readonly #window: number;
  readonly #deliver: () => void;
  readonly #stats: MergeStats;
  readonly #timer: Deadline;
  #last = Number.NEGATIVE_INFINITY;

  /** `window` in milliseconds; 0 puts nothing off. */
  constructor(window: number, deliver: () => void, stats: MergeStats) {
    this.#window = window;
    this.#deliver = deliver;
    this.#stats = stats;
    this.#timer = new Deadline(() => {
      stats.updatedViaMerge++;
      this.#last = performance.now();
      deliver();
    });
  }

  /** `mergeable`: no host came or went. */
  post(mergeable: boolean): void {
    if (this.#window > 0) {
      const now = performance.now();
      const late = now - this.#last > this.#window;
      if (mergeable && !late) {
        if (!this.#timer.waiting) this.#timer.start(this.#window);
        return;
      }
      if (mergeable) this.#stats.outOfMergeWindow++;
      if (this.#timer.waiting) this.#stats.mergeCancelled++;
      this.#timer.stop();
      this.#last = now;
    }
    this.#stats.updated++;
    this.#deliver();
  }

  stop(): void {
    this.#timer.stop();
  }
}
