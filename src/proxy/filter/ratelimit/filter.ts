import type { FilterKind } from '../filter.ts';
import { type RateLimitOverride, readRateLimitConfig, readRateLimitOverride } from './config.ts';
import { RateLimitRun } from './run.ts';

const TYPE = 'envoy.extensions.filters.http.ratelimit.v3.RateLimit';

/** `envoy.filters.http.ratelimit`: asks a rate limit service whether a request is one too many. */
export const rateLimitFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const config = readRateLimitConfig(fields, context);
    return {
      type: TYPE,
      bind: ([override]) => {
        const plan = { config, override: override as RateLimitOverride | undefined, calls: context.calls };
        return { begin: (stream, control) => new RateLimitRun(stream, control, plan) };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute',
  readRoute: (fields) => readRateLimitOverride(fields),
};
