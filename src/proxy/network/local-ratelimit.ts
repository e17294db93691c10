import { FLAG } from '../http/stream-info.ts';
import { readTokenBucket, TokenBucket, type TokenBucketConfig } from '../rate-limit/token-bucket.ts';
import { readRuntimeFlag } from '../runtime/read.ts';
import { counter, statsKind } from '../stats/kind.ts';
import { sanitizeStatName } from '../stats/store.ts';
import type { NetworkFilterKind } from './filter.ts';

class RateLimitStats {
  rateLimited = 0;
}

const STATS = statsKind(RateLimitStats, { rateLimited: counter('rate_limited') });
const MIN_INTERVAL = 50;
const NO_BUCKET: TokenBucketConfig = { maxTokens: 0, tokensPerFill: 1, fillInterval: MIN_INTERVAL };

/** `envoy.filters.network.local_ratelimit`. */
export const localRateLimitFilter: NetworkFilterKind = {
  type: 'envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit',
  read: (fields, { stats, runtime, sharedBuckets }) => {
    const counters = stats.get(STATS, `local_rate_limit.${sanitizeStatName(fields.required('stat_prefix'))}.`);
    const config = fields.message('token_bucket', readTokenBucket) ?? NO_BUCKET;
    if (!fields.has('token_bucket')) fields.problem('token_bucket', 'value is required');
    else if (config.maxTokens > 0 && config.fillInterval < MIN_INTERVAL) {
      fields.problem('token_bucket', 'local rate limit token bucket fill timer must be >= 50ms');
    }
    const share = fields.text('share_key');
    const bucket = share === '' ? new TokenBucket(config) : sharedBuckets.get(share, config);
    const enabled = fields.message('runtime_enabled', (inner) => readRuntimeFlag(inner, runtime)) ?? (() => true);
    return {
      begin: (stream) => ({
        onConnection: () => {
          if (!enabled() || bucket.take(1)) return 'continue';
          counters.rateLimited++;
          // The flag is Envoy's choice.
          stream.info.flags |= FLAG.RETRY_LIMIT;
          stream.close('');
          return 'stop';
        },
      }),
    };
  },
};
