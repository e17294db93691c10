import type { Http2Options } from './options.ts';
import type { Http2Stats } from './stats.ts';

/** Counts what costs this side more than the other, within Envoy's bounds. Each method answers whether it was too much. */
export class Flood {
  readonly #options: Http2Options;
  readonly #stats: Http2Stats;
  #empty = 0;
  #priority = 0;
  #windowUpdates = 0;
  #data = 0;
  #control = 0;
  #outbound = 0;
  #reading = false;

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

  /** Bytes are read: what is sent for them counts together, as if it could only be taken afterwards. */
  beginRead(unsent: number): void {
    this.#reading = true;
    if (unsent > 0) return;
    this.#control = 0;
    this.#outbound = 0;
  }

  endRead(): void {
    this.#reading = false;
  }

  /** Frames of messages are sent; `unsent`: bytes that the other side has not taken. */
  sent(frames: number, unsent: number): boolean {
    this.#data += frames;
    this.#outbound = unsent === 0 && !this.#reading ? 0 : this.#outbound + frames;
    if (this.#outbound <= this.#options.maxOutboundFrames) return false;
    this.#stats.outboundFlood++;
    return true;
  }

  /** A control frame is sent; `unsent`: bytes that the other side has not taken. */
  control(unsent: number): boolean {
    this.#control = unsent === 0 && !this.#reading ? 0 : this.#control + 1;
    if (this.#control <= this.#options.maxControlFrames) return false;
    this.#stats.controlFlood++;
    return true;
  }
}
