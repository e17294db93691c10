import type { Runtime } from '../runtime/runtime.ts';

const STREAMS = 'overload.premature_reset_total_stream_count';
const SECONDS = 'overload.premature_reset_min_stream_lifetime_seconds';

/** Counts the requests that a client gives up before they are answered, which cost it less than the proxy, within Envoy's bounds. */
export class PrematureResets {
  readonly #runtime: Runtime;
  #ended = 0;
  #premature = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** A request is over after so many milliseconds. True: half of all were given up, or will be when there are as many as are needed to judge. */
  onEnd(lasted: number, answered: boolean): boolean {
    this.#ended++;
    if (answered || Math.floor(lasted / 1000) > this.#runtime.integer(SECONDS, 1)) return false;
    this.#premature++;
    return this.#premature * 2 >= Math.max(this.#ended, this.#runtime.integer(STREAMS, 500));
  }
}
