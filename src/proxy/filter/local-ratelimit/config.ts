import type { Fields } from '../../config/fields.ts';
import { readHttpStatus } from '../../config/http-status.ts';
import {
  descriptorKey,
  type LimiterConfig,
  type LimiterDescriptor,
  LocalRateLimiter,
} from '../../rate-limit/limiter.ts';
import { type RateLimitPolicy, readRateLimit } from '../../rate-limit/policy.ts';
import { readTokenBucket, type TokenBucketConfig } from '../../rate-limit/token-bucket.ts';
import { type HeaderMutation, type MessageSide, readHeaderOption } from '../../route/mutation.ts';
import { type Chance, readRuntimeFraction } from '../../runtime/read.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import type { RouteFilterContext } from '../context.ts';

class LocalRateLimitStats {
  enabled = 0;
  enforced = 0;
  ok = 0;
  rateLimited = 0;
  shadowMode = 0;
}

const STATS = statsKind(LocalRateLimitStats, {
  enabled: counter('enabled'),
  enforced: counter('enforced'),
  ok: counter('ok'),
  rateLimited: counter('rate_limited'),
  shadowMode: counter('shadow_mode'),
});

/** A compiled `envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit`, of a chain or a route. */
export interface LocalRateLimitConfig {
  readonly stats: LocalRateLimitStats;
  readonly status: number;
  readonly limiter: LimiterConfig;
  /** Serves all requests, unless each connection has a limiter of its own. */
  readonly shared: LocalRateLimiter | undefined;
  /** Undefined: never. */
  readonly enabled: Chance | undefined;
  readonly enforced: Chance | undefined;
  readonly responseHeaders: HeaderMutation;
  readonly requestHeaders: HeaderMutation;
  /** Actions of the filter's own; where there are none those of the routes count. */
  readonly policies: readonly RateLimitPolicy[];
  readonly stage: number;
  readonly virtualHostLimits: 'OVERRIDE' | 'INCLUDE' | 'IGNORE';
  readonly rateLimitHeaders: boolean;
  readonly retryAfter: boolean;
  readonly resourceExhausted: boolean;
}

const MIN_INTERVAL = 50;

export function readLocalRateLimit(
  fields: Fields,
  { stats, runtime }: RouteFilterContext,
  perRoute: boolean,
): LocalRateLimitConfig {
  if (perRoute && !fields.has('token_bucket')) {
    fields.problem('token_bucket', 'local rate limit token bucket must be set for per filter configs');
  }
  const bucket = fields.message('token_bucket', readTokenBucket);
  checkInterval(fields, 'token_bucket', bucket, 'local rate limit token bucket fill timer must be >= 50ms');
  const limiter: LimiterConfig = {
    bucket,
    descriptors: readDescriptors(fields),
    alwaysConsumeDefault: fields.boolean('always_consume_default_token_bucket') ?? true,
    maxDynamic: fields.number('max_dynamic_descriptors') ?? 20,
  };
  const perConnection = fields.flag('local_rate_limit_per_downstream_connection');
  return {
    stats: stats.get(STATS, `${fields.required('stat_prefix')}.http_local_rate_limit.`),
    status: fields.message('status', readStatus) ?? 429,
    limiter,
    shared: perConnection ? undefined : new LocalRateLimiter(limiter),
    enabled: fields.message('filter_enabled', (inner) => readRuntimeFraction(inner, runtime)),
    enforced: fields.message('filter_enforced', (inner) => readRuntimeFraction(inner, runtime)),
    responseHeaders: readHeaders(fields, 'response_headers_to_add', 'response'),
    requestHeaders: readHeaders(fields, 'request_headers_to_add_when_not_enforced', 'request'),
    policies: fields.list('rate_limits', (inner) => readRateLimit(inner, 'local filter')),
    stage: fields.number('stage') ?? 0,
    virtualHostLimits: fields.choice('vh_rate_limits', ['OVERRIDE', 'INCLUDE', 'IGNORE']),
    rateLimitHeaders: fields.choice('enable_x_ratelimit_headers', ['OFF', 'DRAFT_VERSION_03']) !== 'OFF',
    retryAfter: fields.flag('enable_retry_after_header'),
    resourceExhausted: fields.flag('rate_limited_as_resource_exhausted'),
  };
}

/** A status below 400 counts as none. */
function readStatus(fields: Fields): number {
  const code = readHttpStatus(fields);
  return code < 400 ? 429 : code;
}

function readHeaders(fields: Fields, key: string, side: MessageSide): HeaderMutation {
  return {
    add: fields.list(key, (option) => readHeaderOption(option, side)).filter((one) => one !== undefined),
    remove: [],
  };
}

function readDescriptors(fields: Fields): readonly LimiterDescriptor[] {
  const seen = new Set<string>();
  return fields.list('descriptors', (inner): LimiterDescriptor => {
    const entries = inner.list('entries', (entry) => ({ key: entry.required('key'), value: entry.text('value') }));
    const key = descriptorKey(entries);
    if (seen.has(key)) {
      const text = entries.map((entry) => `${entry.key}=${entry.value}`).join(', ');
      inner.problem('', `duplicate descriptor in the local rate descriptor: ${text}`);
    }
    seen.add(key);
    const bucket = inner.message('token_bucket', readTokenBucket);
    const why = 'local rate limit descriptor token bucket fill timer must be >= 50ms';
    if (!bucket) inner.problem('token_bucket', 'value is required');
    checkInterval(inner, 'token_bucket', bucket, why);
    const shadow = inner.flag('shadow_mode');
    return { entries, bucket: bucket ?? { maxTokens: 0, tokensPerFill: 1, fillInterval: MIN_INTERVAL }, shadow };
  });
}

/** A bucket without room never fills, so its interval does not matter. */
function checkInterval(fields: Fields, key: string, bucket: TokenBucketConfig | undefined, why: string): void {
  if (bucket && bucket.maxTokens > 0 && bucket.fillInterval < MIN_INTERVAL) fields.problem(key, why);
}
