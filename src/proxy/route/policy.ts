import type { Fields } from '../config/fields.ts';
import { type RateLimitPolicy, readRateLimits } from '../rate-limit/policy.ts';
import type { RouteContext } from './context.ts';
import { readHedging } from './forward-options.ts';
import { type MirrorPolicy, readMirrors } from './mirror.ts';
import { NO_RETRY, type RetryPolicy, readRetryPolicy } from './retry.ts';
import type { RouteAction } from './route.ts';
import { compileTimeouts, type Timeouts } from './timeouts.ts';

/** What a virtual host says for all its routes that do not say it themselves. */
export interface HostPolicy {
  readonly retry: RetryPolicy | undefined;
  readonly hedging: boolean;
  readonly mirrors: readonly MirrorPolicy[];
  readonly bodyLimit: number | undefined;
  readonly rateLimits: readonly RateLimitPolicy[];
  /** Tell the upstream whether an attempt is made because the one before it was too slow. */
  readonly timeoutRetryHeader: boolean;
}

/** What holds for requests of a route: its own word, else that of its virtual host, else that of the route table. */
export interface RoutePolicy {
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  readonly mirrors: readonly MirrorPolicy[];
  /** Bytes of a body that may be kept for another attempt; undefined: as many as the connection may. */
  readonly bodyLimit: number | undefined;
}

export const NO_POLICY: RoutePolicy = {
  retry: NO_RETRY,
  timeouts: { global: 0, perTry: 0, perTryIdle: 0, hedge: false, status: 504, maxStream: undefined },
  mirrors: [],
  bodyLimit: undefined,
};

/** Reads the policies of an `envoy.config.route.v3.VirtualHost`; `outer`: mirrors of the route table. */
export function readHostPolicy(fields: Fields, outer: readonly MirrorPolicy[], context: RouteContext): HostPolicy {
  const own = readMirrors(fields, context);
  return {
    retry: fields.message('retry_policy', readRetryPolicy),
    hedging: readHedging(fields) ?? false,
    mirrors: own.length > 0 ? own : outer,
    bodyLimit: readBodyLimit(fields),
    rateLimits: readRateLimits(fields),
    timeoutRetryHeader: fields.flag('include_is_timeout_retry_header'),
  };
}

/** Reads the policies of an `envoy.config.route.v3.Route`. */
export function readRoutePolicy(fields: Fields, action: RouteAction, host: HostPolicy): RoutePolicy {
  const bodyLimit = readBodyLimit(fields) ?? host.bodyLimit;
  if (action.kind !== 'forward') return NO_POLICY;
  const retry = action.retry ?? host.retry ?? NO_RETRY;
  return {
    retry,
    timeouts: compileTimeouts(action, retry, action.hedging ?? host.hedging),
    mirrors: action.mirrors.length > 0 ? action.mirrors : host.mirrors,
    bodyLimit,
  };
}

function readBodyLimit(fields: Fields): number | undefined {
  const old = fields.number('per_request_buffer_limit_bytes');
  return fields.number('request_body_buffer_limit') ?? old;
}
