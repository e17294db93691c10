import type { Fields } from '../../config/fields.ts';
import { readHttpStatus } from '../../config/http-status.ts';
import { type RateLimitPolicy, readRateLimit } from '../../rate-limit/policy.ts';
import { type HeaderMutation, readHeaderOption } from '../../route/mutation.ts';
import { type Chance, chanceOf, readRuntimeFraction } from '../../runtime/read.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { StatsScope } from '../../stats/store.ts';
import { type GrpcService, NO_GRPC_SERVICE, readGrpcService } from '../async/grpc-service.ts';
import type { FilterContext } from '../context.ts';

/** A compiled `envoy.extensions.filters.http.ratelimit.v3.RateLimit`. */
export interface RateLimitConfig {
  readonly domain: string;
  readonly service: GrpcService;
  /** Milliseconds, 0 for none. */
  readonly timeout: number;
  readonly stage: number;
  readonly requests: 'internal' | 'external' | 'both';
  /** Policies of the filter's own; where there are none those of the routes count. */
  readonly policies: readonly RateLimitPolicy[];
  readonly enabled: Chance;
  readonly enforced: Chance;
  /** Whether a request is refused when the service failed. */
  readonly failureDenies: Chance;
  readonly status: number;
  readonly statusOnError: number;
  readonly resourceExhausted: boolean;
  readonly limitedHeader: boolean;
  readonly limitHeaders: boolean;
  readonly retryAfter: boolean;
  readonly responseHeaders: HeaderMutation;
  readonly namespace: string;
  readonly runtime: Runtime;
  readonly scope: StatsScope;
  /** `ratelimit.` and the prefix of the configuration. */
  readonly statPrefix: string;
}

const DEFAULT_TIMEOUT = 20;
const ALWAYS = { numerator: 100, denominator: 100 };
const NAMESPACE = 'envoy.filters.http.ratelimit';

export function readRateLimitConfig(fields: Fields, { runtime, stats }: FilterContext): RateLimitConfig {
  const chance = (key: string, runtimeKey: string): Chance =>
    fields.message(key, (inner) => readRuntimeFraction(inner, runtime)) ?? chanceOf(runtime, runtimeKey, ALWAYS);
  const denies = fields.flag('failure_mode_deny');
  const prefix = fields.text('stat_prefix');
  const service = fields.message('rate_limit_service', readService);
  if (!service) fields.problem('rate_limit_service', 'value is required');
  return {
    domain: fields.required('domain'),
    service: service ?? NO_GRPC_SERVICE,
    timeout: fields.duration('timeout') ?? DEFAULT_TIMEOUT,
    stage: fields.number('stage') ?? 0,
    requests: readRequestType(fields),
    policies: fields.list('rate_limits', (inner) => readRateLimit(inner, 'filter')),
    enabled: chance('filter_enabled', 'ratelimit.http_filter_enabled'),
    enforced: chance('filter_enforced', 'ratelimit.http_filter_enforcing'),
    failureDenies:
      fields.message('failure_mode_deny_percent', (inner) => readRuntimeFraction(inner, runtime)) ?? (() => denies),
    status: fields.message('rate_limited_status', readLimitedStatus) ?? 429,
    statusOnError: fields.message('status_on_error', readHttpStatus) || 500,
    resourceExhausted: fields.flag('rate_limited_as_resource_exhausted'),
    limitedHeader: !fields.flag('disable_x_envoy_ratelimited_header'),
    limitHeaders: fields.choice('enable_x_ratelimit_headers', ['OFF', 'DRAFT_VERSION_03']) !== 'OFF',
    retryAfter: fields.flag('enable_retry_after_header'),
    responseHeaders: {
      add: fields
        .list('response_headers_to_add', (option) => readHeaderOption(option, 'response'))
        .filter((one) => one !== undefined),
      remove: [],
    },
    namespace: fields.text('metadata_namespace') || NAMESPACE,
    runtime,
    scope: stats,
    statPrefix: prefix === '' ? 'ratelimit.' : `ratelimit.${prefix}.`,
  };
}

/** Reads an `envoy.config.ratelimit.v3.RateLimitServiceConfig`. */
function readService(fields: Fields): GrpcService | undefined {
  fields.choice('transport_api_version', ['AUTO', 'V3']);
  const service = fields.message('grpc_service', readGrpcService);
  if (!service) fields.problem('grpc_service', 'value is required');
  return service;
}

function readRequestType(fields: Fields): RateLimitConfig['requests'] {
  const text = fields.text('request_type') || 'both';
  if (text === 'internal' || text === 'external' || text === 'both') return text;
  fields.problem('request_type', `found ${JSON.stringify(text)}`, 'internal, external, both');
  return 'both';
}

/** A status below 400 counts as none. */
function readLimitedStatus(fields: Fields): number {
  const code = readHttpStatus(fields);
  return code < 400 ? 429 : code;
}

/** What a route says about rate limits: an `envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute`. */
export interface RateLimitOverride {
  readonly hostLimits: 'OVERRIDE' | 'INCLUDE' | 'IGNORE';
  readonly policies: readonly RateLimitPolicy[];
  readonly domain: string;
}

export function readRateLimitOverride(fields: Fields): RateLimitOverride {
  // Not implemented in Envoy either.
  fields.ignore('override_option');
  return {
    hostLimits: fields.choice('vh_rate_limits', ['OVERRIDE', 'INCLUDE', 'IGNORE']),
    policies: fields.list('rate_limits', (inner) => readRateLimit(inner, 'filter')),
    domain: fields.text('domain'),
  };
}
