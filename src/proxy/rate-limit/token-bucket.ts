import type { Fields } from '../config/fields.ts';
import { now } from '../time/clock.ts';

/** `envoy.type.v3.TokenBucket`. */
export interface TokenBucketConfig {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  /** Milliseconds; 0 when there is none. */
  readonly fillInterval: number;
}

export function readTokenBucket(fields: Fields): TokenBucketConfig {
  return {
    maxTokens: fields.number('max_tokens') ?? 0,
    tokensPerFill: fields.number('tokens_per_fill') ?? 1,
    fillInterval: Math.trunc(fields.duration('fill_interval') ?? 0),
  };
}

/**
 * A bucket that fills continuously, as Envoy's `AtomicTokenBucketImpl`: it holds the time at which it would have been empty,
 * and taking a token moves that time on.
 */
export class TokenBucket {
  readonly maxTokens: number;
  /** Tokens a second. */
  readonly fillRate: number;
  #emptyAt: number;

  constructor({ maxTokens, tokensPerFill, fillInterval }: TokenBucketConfig) {
    this.maxTokens = maxTokens;
    this.fillRate = tokensPerFill / (fillInterval / 1000);
    this.#emptyAt = now() / 1000 - maxTokens / this.fillRate;
  }

  get tokens(): number {
    return Math.min(this.maxTokens, (now() / 1000 - this.#emptyAt) * this.fillRate);
  }

  /** Takes so many tokens, or none where there are not enough. */
  take(count: number): boolean {
    const { tokens } = this;
    if (tokens < count) return false;
    if (count > 0) this.#set(tokens - count);
    return count > 0;
  }

  /** Puts tokens back, as many as there is room for. */
  giveBack(count: number): void {
    this.#set(Math.min(this.maxTokens, this.tokens + count));
  }

  /** Milliseconds until there is a whole token. */
  get nextToken(): number {
    const { tokens } = this;
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / this.fillRate) * 1000);
  }

  #set(tokens: number): void {
    this.#emptyAt = now() / 1000 - tokens / this.fillRate;
  }
}
