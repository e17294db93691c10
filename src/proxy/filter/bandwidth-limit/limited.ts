import { now } from '../../time/clock.ts';
import { Deadline } from '../../time/deadline.ts';
import type { BodyPiece, BodyVerdict } from '../filter.ts';
import type { ByteBucket } from './bucket.ts';
import type { DirectionStats } from './stats.ts';

export interface LimitedOptions {
  readonly bucket: ByteBucket;
  /** Milliseconds between two tries to send what waits. */
  readonly interval: number;
  readonly stats: DirectionStats;
  /** Lets so many of the bytes that are held go on. */
  readonly release: (bytes: number) => void;
  /** All of the message goes on now. `took` and `waited`: in milliseconds, in all and for tokens. */
  readonly done: (took: number, waited: number) => void;
}

/** The body of a message that goes on no faster than its bucket allows; what waits is held by the filter chain, which stops reading. */
export class Limited {
  readonly #options: LimitedOptions;
  readonly #next = new Deadline(() => this.#send());
  #held = 0;
  #ended = false;
  #waited = 0;
  /** When the body began; undefined: it has not, or it is over. */
  #since: number | undefined = undefined;

  constructor(options: LimitedOptions) {
    this.#options = options;
    options.stats.enabled();
  }

  onBody({ bytes, done }: BodyPiece): BodyVerdict {
    const { stats } = this.#options;
    if (this.#since === undefined) {
      this.#since = now();
      stats.began();
    }
    stats.came(bytes.length);
    this.#held += bytes.length;
    this.#ended = done;
    if (!this.#next.waiting) this.#next.start(1);
    return 'hold';
  }

  stop(): void {
    this.#next.stop();
    if (this.#since !== undefined) this.#options.stats.ended(undefined);
    this.#since = undefined;
  }

  #send(): void {
    const { bucket, interval, stats, release } = this.#options;
    const granted = bucket.take(this.#held);
    this.#held -= granted;
    const enforced = this.#held > 0;
    stats.allowed(granted, enforced);
    if (enforced) {
      this.#waited += interval;
      this.#next.start(interval);
    } else if (this.#ended) this.#finish();
    // Also none: the head goes before the body that waits.
    release(granted);
  }

  #finish(): void {
    const took = Math.floor(now() - (this.#since ?? now()));
    this.#since = undefined;
    this.#options.stats.ended(took);
    this.#options.done(took, this.#waited);
  }
}
