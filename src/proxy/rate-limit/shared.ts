import { TokenBucket, type TokenBucketConfig } from './token-bucket.ts';

/** Buckets that filters share under a key, as long as one of them is in use. A key goes with its settings: others make a bucket of their own. */
export class SharedBuckets {
  readonly #buckets = new Map<string, WeakRef<TokenBucket>>();

  get(key: string, config: TokenBucketConfig): TokenBucket {
    const name = `${config.maxTokens} ${config.tokensPerFill} ${config.fillInterval} ${key}`;
    const known = this.#buckets.get(name)?.deref();
    if (known) return known;
    for (const [other, reference] of this.#buckets) if (!reference.deref()) this.#buckets.delete(other);
    const made = new TokenBucket(config);
    this.#buckets.set(name, new WeakRef(made));
    return made;
  }
}
