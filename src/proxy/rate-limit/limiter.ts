import type { Descriptor, DescriptorEntry, HeaderOption } from './descriptor.ts';
import { TokenBucket, type TokenBucketConfig } from './token-bucket.ts';

/** A bucket for requests with a descriptor. An entry without value stands for any: then each value has a bucket of its own. */
export interface LimiterDescriptor {
  readonly entries: readonly DescriptorEntry[];
  readonly bucket: TokenBucketConfig;
  /** What is over the limit passes and is only counted. */
  readonly shadow: boolean;
}

export interface LimiterConfig {
  /** Undefined: there is no limit but those of descriptors. */
  readonly bucket: TokenBucketConfig | undefined;
  readonly descriptors: readonly LimiterDescriptor[];
  readonly alwaysConsumeDefault: boolean;
  /** How many buckets each descriptor with an open value may have at once. */
  readonly maxDynamic: number;
}

export interface LimiterResult {
  readonly allowed: boolean;
  /** Over the limit of a descriptor in shadow mode. */
  readonly shadowed: boolean;
  /** Whose state response headers tell. */
  readonly bucket: TokenBucket | undefined;
  readonly option: HeaderOption;
}

interface Match {
  readonly bucket: TokenBucket;
  readonly shadow: boolean;
  readonly descriptor: Descriptor;
}

/** Envoy's `LocalRateLimiterImpl`. */
export class LocalRateLimiter {
  readonly #default: TokenBucket | undefined;
  /** A default bucket without room: everybody is over the limit. */
  readonly #denies: boolean;
  readonly #alwaysConsumeDefault: boolean;
  readonly #fixed = new Map<string, { readonly bucket: TokenBucket; readonly shadow: boolean }>();
  readonly #dynamic: DynamicBuckets[];

  constructor({ bucket, descriptors, alwaysConsumeDefault, maxDynamic }: LimiterConfig) {
    const limited = bucket !== undefined && bucket.fillInterval > 0;
    this.#denies = limited && bucket.maxTokens === 0;
    this.#default = limited && bucket.maxTokens > 0 ? new TokenBucket(bucket) : undefined;
    this.#alwaysConsumeDefault = alwaysConsumeDefault;
    for (const one of descriptors) {
      if (isOpen(one)) continue;
      this.#fixed.set(descriptorKey(one.entries), { bucket: new TokenBucket(one.bucket), shadow: one.shadow });
    }
    this.#dynamic = descriptors.filter(isOpen).map((one) => new DynamicBuckets(one, maxDynamic));
  }

  request(descriptors: readonly Descriptor[]): LimiterResult {
    const matches = this.#matches(descriptors);
    let shadowed: Match | undefined;
    for (const match of matches) {
      const { bucket, descriptor, shadow } = match;
      if (descriptor.negative) bucket.giveBack(descriptor.hits);
      else if (!bucket.take(descriptor.hits)) {
        if (!shadow) return { allowed: false, shadowed: false, bucket, option: descriptor.option };
        shadowed ??= match;
      }
    }
    const told = shadowed ?? matches[0];
    if (!told || this.#alwaysConsumeDefault) {
      if (this.#denies) return { ...UNTOLD, allowed: false };
      if (this.#default && !this.#default.take(1)) return { ...UNTOLD, allowed: false, bucket: this.#default };
    }
    if (!told) return { ...UNTOLD, bucket: this.#default };
    return { allowed: true, shadowed: shadowed !== undefined, bucket: told.bucket, option: told.descriptor.option };
  }

  /** Buckets of the request's descriptors, the slowest first. */
  #matches(descriptors: readonly Descriptor[]): readonly Match[] {
    if (descriptors.length === 0) return NOTHING;
    const found: Match[] = [];
    for (const descriptor of descriptors) {
      const match = this.#match(descriptor.entries);
      if (match) found.push({ ...match, descriptor });
    }
    return found.length > 1 ? found.sort((left, right) => left.bucket.fillRate - right.bucket.fillRate) : found;
  }

  #match(entries: readonly DescriptorEntry[]): { readonly bucket: TokenBucket; readonly shadow: boolean } | undefined {
    const key = descriptorKey(entries);
    const fixed = this.#fixed.get(key);
    if (fixed) return fixed;
    for (const dynamic of this.#dynamic) {
      if (dynamic.matches(entries)) return { bucket: dynamic.bucket(key), shadow: dynamic.shadow };
    }
    return undefined;
  }
}

const NOTHING: readonly Match[] = [];
const UNTOLD: LimiterResult = { allowed: true, shadowed: false, bucket: undefined, option: 'UNSPECIFIED' };

/** Buckets of one descriptor with open values; those that were not used for longest go when there are too many. */
class DynamicBuckets {
  readonly shadow: boolean;
  readonly #entries: readonly DescriptorEntry[];
  readonly #config: TokenBucketConfig;
  readonly #limit: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor({ entries, bucket, shadow }: LimiterDescriptor, limit: number) {
    this.#entries = entries;
    this.#config = bucket;
    this.shadow = shadow;
    this.#limit = limit;
  }

  matches(entries: readonly DescriptorEntry[]): boolean {
    if (entries.length !== this.#entries.length) return false;
    return this.#entries.every(({ key, value }, at) => {
      const entry = entries[at];
      return entry?.key === key && (value === '' || entry.value === value);
    });
  }

  bucket(key: string): TokenBucket {
    const known = this.#buckets.get(key);
    if (known) this.#buckets.delete(key);
    const bucket = known ?? new TokenBucket(this.#config);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#limit) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return bucket;
  }
}

function isOpen({ entries }: LimiterDescriptor): boolean {
  return entries.some(({ value }) => value === '');
}

/** One text for equal lists of entries and different ones for others. */
export function descriptorKey(entries: readonly DescriptorEntry[]): string {
  let key = '';
  for (const entry of entries) key += `${entry.key.length}:${entry.key}${entry.value.length}:${entry.value}`;
  return key;
}
