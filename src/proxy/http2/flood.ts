import type { Http2Options } from './options.ts';
import type { Http2Stats } from './stats.ts';

/** Counts what comes and costs this side more than the other, within Envoy's bounds. Methods answer whether it was too much. */
export class Flood {
  readonly #options: Http2Options;
  readonly #stats: Http2Stats;
  #empty = 0;
  #priority = 0;
  #windowUpdates = 0;
  #data = 0;

  constructor(options: Http2Options, stats: Http2Stats) {
    this.#options = options;
    this.#stats = stats;
  }

  /** A frame that may hold nothing came. */
  empty(nothing: boolean): boolean {
    this.#empty = nothing ? this.#empty + 1 : 0;
    if (this.#empty <= this.#options.maxEmptyFrames) return false;
    this.#stats.emptyFlood++;
    return true;
  }

  /** `open`: streams that are. */
  priority(open: number): boolean {
    if (++this.#priority <= this.#options.maxPriorityFrames * (1 + open)) return false;
    this.#stats.priorityFlood++;
    return true;
  }

  windowUpdate(open: number): boolean {
    const most = 5 + 2 * (open + this.#options.maxWindowUpdates * this.#data);
    if (++this.#windowUpdates <= most) return false;
    this.#stats.windowUpdateFlood++;
    return true;
  }

  /** DATA frames are sent, each of which the other side may answer with more room. */
  data(frames: number): void {
    this.#data += frames;
  }
}
