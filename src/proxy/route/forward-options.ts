import type { MetadataCriterion } from '../cluster/context.ts';
import type { Fields } from '../config/fields.ts';
import { type RateLimitPolicy, readRateLimits } from '../rate-limit/policy.ts';
import type { RouteContext } from './context.ts';
import { type HashPolicies, readHashPolicies } from './hash-policy.ts';
import { type InternalRedirectPolicy, readInternalRedirect } from './internal-redirect.ts';
import { readCriteria } from './metadata-match.ts';
import { type MirrorPolicy, readMirrors } from './mirror.ts';
import { type RetryPolicy, readRetryPolicy } from './retry.ts';

/** `RouteAction.max_stream_duration`, in milliseconds; undefined where it says nothing, 0 for no limit. */
export interface MaxStreamDuration {
  readonly max: number | undefined;
  readonly grpcMax: number | undefined;
  readonly grpcOffset: number;
}

/** How the router treats requests of a route beyond sending them to a cluster. Times in whole milliseconds. */
export interface ForwardOptions {
  readonly retry: RetryPolicy | undefined;
  /** Undefined: the virtual host's. */
  readonly hedging: boolean | undefined;
  readonly mirrors: readonly MirrorPolicy[];
  readonly hashPolicies: HashPolicies;
  readonly metadataMatch: readonly MetadataCriterion[] | undefined;
  readonly internalRedirect: InternalRedirectPolicy | undefined;
  /** When it is set the route has no timeout. */
  readonly maxStreamDuration: MaxStreamDuration | undefined;
  /** The deprecated `max_grpc_timeout`; 0: as long as the client says. */
  readonly grpcMax: number | undefined;
  readonly grpcOffset: number;
  readonly rateLimits: readonly RateLimitPolicy[];
  /** The deprecated `include_vh_rate_limits`: those of the virtual host count as well. */
  readonly includeHostLimits: boolean;
}

export function readForwardOptions(fields: Fields, context: RouteContext): ForwardOptions {
  // Early data needs TLS: without it no request comes as such.
  fields.ignore('early_data_policy');
  // It bounds what waits for the window of an HTTP/2 stream; over HTTP/1.1 nothing does.
  fields.ignore('flush_timeout');
  return {
    retry: fields.message('retry_policy', readRetryPolicy),
    hedging: readHedging(fields),
    mirrors: readMirrors(fields, context),
    hashPolicies: readHashPolicies(fields),
    metadataMatch: fields.message('metadata_match', readCriteria),
    internalRedirect: readInternalRedirect(fields),
    maxStreamDuration: fields.message('max_stream_duration', readMaxStreamDuration),
    grpcMax: whole(fields, 'max_grpc_timeout'),
    grpcOffset: whole(fields, 'grpc_timeout_offset') ?? 0,
    rateLimits: readRateLimits(fields),
    includeHostLimits: fields.flag('include_vh_rate_limits'),
  };
}

/** Reads `hedge_policy`: Envoy acts on `hedge_on_per_try_timeout` alone, the rest is accepted there and does nothing. */
export function readHedging(fields: Fields): boolean | undefined {
  return fields.message('hedge_policy', (policy) => {
    policy.message('additional_request_chance', (chance) => chance.ignore('numerator', 'denominator'));
    const initial = policy.number('initial_requests');
    if (initial !== undefined && initial < 1)
      policy.problem('initial_requests', 'value must be greater than or equal to 1');
    return policy.flag('hedge_on_per_try_timeout');
  });
}

function readMaxStreamDuration(fields: Fields): MaxStreamDuration {
  return {
    max: whole(fields, 'max_stream_duration'),
    grpcMax: whole(fields, 'grpc_timeout_header_max'),
    grpcOffset: whole(fields, 'grpc_timeout_header_offset') ?? 0,
  };
}

function whole(fields: Fields, key: string): number | undefined {
  const milliseconds = fields.duration(key);
  return milliseconds === undefined ? undefined : Math.floor(milliseconds);
}
