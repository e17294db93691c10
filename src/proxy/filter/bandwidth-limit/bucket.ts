import { TokenBucket } from '../../rate-limit/token-bucket.ts';

const ROUNDING = 1e-6;

/** Bytes that all messages of one limit may send: at first those of one interval, later up to those of a second. */
export class ByteBucket {
  readonly #perSecond: number;
  readonly #interval: number;
  #tokens: TokenBucket | undefined = undefined;

  /** `interval` in milliseconds. With 0 bytes a second there are never any. */
  constructor(perSecond: number, interval: number) {
    this.#perSecond = perSecond;
    this.#interval = interval;
  }

  /** Takes up to so many. */
  take(wanted: number): number {
    if (this.#perSecond === 0) return 0;
    this.#tokens ??= this.#open();
    // Times are fractions: what rounding took away from a whole byte is given back.
    const granted = Math.min(wanted, Math.floor(this.#tokens.tokens + ROUNDING));
    this.#tokens.take(Math.min(granted, this.#tokens.tokens));
    return granted;
  }

  /** Time counts from the first use. */
  #open(): TokenBucket {
    const all = this.#perSecond;
    const tokens = new TokenBucket({ maxTokens: all, tokensPerFill: all, fillInterval: 1000 });
    tokens.take(all - Math.floor((all * this.#interval) / 1000));
    return tokens;
  }
}
