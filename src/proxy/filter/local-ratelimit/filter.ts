import type { HeaderMap } from '../../http/headers.ts';
import { FLAG } from '../../http/stream-info.ts';
import type { Descriptor } from '../../rate-limit/descriptor.ts';
import { type LimiterResult, LocalRateLimiter } from '../../rate-limit/limiter.ts';
import type { RateLimitPolicy } from '../../rate-limit/policy.ts';
import type { TokenBucket } from '../../rate-limit/token-bucket.ts';
import { applyMutation } from '../../route/mutation.ts';
import { randomNumber } from '../../runtime/read.ts';
import type { BoundFilter, FilterKind, FilterStream, HeadVerdict } from '../filter.ts';
import { type LocalRateLimitConfig, readLocalRateLimit } from './config.ts';

const TYPE = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const RESOURCE_EXHAUSTED = 8;

/** `envoy.filters.http.local_ratelimit`. */
export const localRateLimitFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const own = readLocalRateLimit(fields, context, false);
    return { type: TYPE, bind: ([override]) => bind((override as LocalRateLimitConfig | undefined) ?? own) };
  },
  routeType: TYPE,
  readRoute: (fields, context) => readLocalRateLimit(fields, context, true),
};

function bind(config: LocalRateLimitConfig): BoundFilter | undefined {
  if (!config.enabled) return undefined;
  const tells = config.rateLimitHeaders || config.policies.some(({ option }) => option === 'DRAFT_VERSION_03');
  if (!tells) return { shared: { request: { head: (stream) => limit(stream, config, judge(stream, config)) } } };
  return {
    begin: () => {
      let result: LimiterResult | undefined;
      return {
        request: {
          head: (stream) => {
            result = judge(stream, config);
            return limit(stream, config, result);
          },
        },
        response: {
          head: (_, { headers }) => {
            if (result) tellLimit(headers, config, result);
            return 'continue';
          },
        },
      };
    },
  };
}

/** What the limiter says; undefined where it is not asked. */
function judge(stream: FilterStream, config: LocalRateLimitConfig): LimiterResult | undefined {
  if (!config.enabled?.(randomNumber())) return undefined;
  config.stats.enabled++;
  return limiterOf(stream, config).request(descriptorsOf(stream, config));
}

function limit(stream: FilterStream, config: LocalRateLimitConfig, result: LimiterResult | undefined): HeadVerdict {
  if (!result) return 'continue';
  const { stats, enforced } = config;
  if (result.allowed && !result.shadowed) {
    stats.ok++;
    return 'continue';
  }
  stats.rateLimited++;
  if (result.allowed) {
    stats.shadowMode++;
    return 'continue';
  }
  if (!enforced?.(randomNumber())) {
    applyMutation(config.requestHeaders, stream.head.headers, stream);
    return 'continue';
  }
  stats.enforced++;
  refuse(stream, config, result.bucket);
  return 'stop';
}

function refuse(stream: FilterStream, config: LocalRateLimitConfig, bucket: TokenBucket | undefined): void {
  stream.reply({
    status: config.status,
    body: 'local_rate_limited',
    details: 'local_rate_limited',
    flags: FLAG.RATE_LIMITED,
    modify: (headers) => {
      applyMutation(config.responseHeaders, headers, stream);
      if (!config.retryAfter || !bucket || headers.has('retry-after')) return;
      headers.add('retry-after', String(secondsToToken(bucket)));
    },
    ...(config.resourceExhausted ? { grpcStatus: RESOURCE_EXHAUSTED } : {}),
  });
}

const perConnection = new WeakMap<object, LocalRateLimiter>();

/** A connection keeps the limiter that its first request made, whatever the routes of later ones say: so does Envoy. */
function limiterOf({ connection }: FilterStream, { shared, limiter }: LocalRateLimitConfig): LocalRateLimiter {
  if (shared) return shared;
  const known = perConnection.get(connection);
  if (known) return known;
  const made = new LocalRateLimiter(limiter);
  perConnection.set(connection, made);
  return made;
}

const NO_DESCRIPTORS: readonly Descriptor[] = [];

function descriptorsOf(stream: FilterStream, config: LocalRateLimitConfig): readonly Descriptor[] {
  if (config.limiter.descriptors.length === 0) return NO_DESCRIPTORS;
  const policies = config.policies.length > 0 ? config.policies : routePolicies(stream, config);
  const found: Descriptor[] = [];
  for (const policy of policies) {
    const descriptor = policy.disabled ? undefined : policy.describe(stream);
    if (descriptor) found.push(descriptor);
  }
  return found;
}

/** What the route and its virtual host say about rate limits, for the stage of the filter. */
function routePolicies({ route }: FilterStream, config: LocalRateLimitConfig): readonly RateLimitPolicy[] {
  if (route?.action.kind !== 'forward') return [];
  const { rateLimits, includeHostLimits } = route.action;
  const host = route.virtualHost.policy.rateLimits;
  const option = includeHostLimits ? 'INCLUDE' : config.virtualHostLimits;
  const withHost = option === 'INCLUDE' || (option === 'OVERRIDE' && rateLimits.length === 0);
  const all = withHost ? [...rateLimits, ...host] : rateLimits;
  return all.filter(({ stage }) => stage === config.stage);
}

function tellLimit(headers: HeaderMap, config: LocalRateLimitConfig, { bucket, option }: LimiterResult): void {
  if (!bucket || option === 'OFF') return;
  if (option === 'UNSPECIFIED' && !config.rateLimitHeaders) return;
  headers.add('x-ratelimit-limit', String(bucket.maxTokens));
  headers.add('x-ratelimit-remaining', String(Math.floor(bucket.tokens)));
  headers.add('x-ratelimit-reset', String(secondsToToken(bucket)));
}

function secondsToToken(bucket: TokenBucket): number {
  return Math.ceil(bucket.nextToken / 1000);
}
