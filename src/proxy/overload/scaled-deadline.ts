import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { TimerMinimum } from './read-timers.ts';

/** How much of their time waits of one kind have, and those that are under way. */
export class TimerScale {
  readonly #minimum: TimerMinimum;
  readonly #waits = new Set<ScaledDeadline>();
  #pressure = 0;

  constructor(minimum: TimerMinimum) {
    this.#minimum = minimum;
  }

  /** How long a wait of so many milliseconds lasts now. */
  lengthOf(milliseconds: number): number {
    if (this.#pressure === 0) return milliseconds;
    const { ms, share } = this.#minimum;
    const least = ms === undefined ? milliseconds * share : Math.min(ms, milliseconds);
    return Math.max(1, Math.round(least + (milliseconds - least) * (1 - this.#pressure)));
  }

  /** 0: waits last as long as they should; 1: as short as they may. Those under way follow. */
  set pressure(value: number) {
    if (value === this.#pressure) return;
    this.#pressure = value;
    for (const wait of [...this.#waits]) wait.follow();
  }

  begin(wait: ScaledDeadline): void {
    this.#waits.add(wait);
  }

  over(wait: ScaledDeadline): void {
    this.#waits.delete(wait);
  }
}

class ScaledDeadline extends Deadline {
  readonly #scale: TimerScale;
  #whole = 0;
  #from = 0;

  constructor(scale: TimerScale, fire: () => void) {
    super(() => {
      scale.over(this);
      fire();
    });
    this.#scale = scale;
  }

  override start(milliseconds: number): void {
    this.#whole = milliseconds;
    this.#from = now();
    if (milliseconds <= 0) {
      this.stop();
      return;
    }
    super.start(this.#scale.lengthOf(milliseconds));
    this.#scale.begin(this);
  }

  override stop(): void {
    super.stop();
    this.#scale.over(this);
  }

  /** The scale has changed: the wait ends when it would have, had it begun with the new one. */
  follow(): void {
    const end = this.#from + this.#scale.lengthOf(this.#whole);
    super.start(Math.max(1, Math.ceil(end - now())));
    this.#scale.begin(this);
  }
}

/** A deadline that overload may shorten; where nothing scales it, a plain one. */
export function scaledDeadline(scale: TimerScale | undefined, fire: () => void): Deadline {
  return scale ? new ScaledDeadline(scale, fire) : new Deadline(fire);
}
