import type { Http2Options } from './options.ts';
import type { Http2Stats } from './stats.ts';

/** Envoy's `overload.premature_reset_total_stream_count`: how many streams a client opens before it matters how many of them it resets. */
const MANY_STREAMS = 500;

/** Counts what costs this side more than the other, within Envoy's bounds. Each method answers whether it was too much. */
export class Flood {
  readonly #options: Http2Options;
  readonly #stats: Http2Stats;
  #empty = 0;
  #priority = 0;
  #windowUpdates = 0;
  #opened = 0;
  #resets = 0;
  #data = 0;
  #control = 0;
  #outbound = 0;

  constructor(options: Http2Options, stats: Http2Stats) {
    this.#options = options;
    this.#stats = stats;
  }

  opened(): void {
    this.#opened++;
  }

  /** A frame that may hold nothing came. */
  empty(nothing: boolean): boolean {
    this.#empty = nothing ? this.#empty + 1 : 0;
    if (this.#empty <= this.#options.maxEmptyFrames) return false;
    this.#stats.emptyFlood++;
    return true;
  }

  priority(): boolean {
    if (++this.#priority <= this.#options.maxPriorityFrames * (1 + this.#opened)) return false;
    this.#stats.priorityFlood++;
    return true;
  }

  windowUpdate(): boolean {
    const most = 5 + 2 * (this.#opened + this.#options.maxWindowUpdates * this.#data);
    if (++this.#windowUpdates <= most) return false;
    this.#stats.windowUpdateFlood++;
    return true;
  }

  /** A client reset a stream that was not done; too many are half of all streams, once there were many. */
  resetEarly(active: number): boolean {
    this.#resets++;
    return this.#opened - active >= MANY_STREAMS && this.#resets * 2 > this.#opened;
  }

  /** Frames of messages are sent; `unsent`: bytes that the other side has not taken. */
  sent(frames: number, unsent: number): boolean {
    this.#data += frames;
    this.#outbound = unsent === 0 ? 0 : this.#outbound + frames;
    if (this.#outbound <= this.#options.maxOutboundFrames) return false;
    this.#stats.outboundFlood++;
    return true;
  }

  /** A control frame is sent; `unsent`: bytes that the other side has not taken. */
  control(unsent: number): boolean {
    this.#control = unsent === 0 ? 0 : this.#control + 1;
    if (this.#control <= this.#options.maxControlFrames) return false;
    this.#stats.controlFlood++;
    return true;
  }
}
