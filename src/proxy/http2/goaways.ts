import { LARGEST_WINDOW } from './frame.ts';

/** What the two sides of a connection have said by GOAWAY (RFC 9113, 6.8). */
export class Goaways {
  /** The last stream of the other side that is served; undefined: all are. */
  #last: number | undefined = undefined;
  #lastHeard = LARGEST_WINDOW;

  /** This side serves no stream after `last`; false: that is nothing new. */
  tell(last: number): boolean {
    if (this.#last !== undefined && last >= this.#last) return false;
    this.#last = last;
    return true;
  }

  /** The other side serves none after `last`; false: it said less before, which it cannot take back. */
  hear(last: number): boolean {
    if (last > this.#lastHeard) return false;
    this.#lastHeard = last;
    return true;
  }

  /** Whether a stream of the other side is passed over. */
  leavesOut(id: number): boolean {
    return this.#last !== undefined && id > this.#last;
  }

  /** Whether none can follow, the last of the other side's streams being `newest`. */
  isFinal(newest: number): boolean {
    return this.#last !== undefined && this.#last <= newest;
  }
}
