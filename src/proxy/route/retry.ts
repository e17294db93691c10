import type { ResetReason } from '../cluster/reset.ts';
import type { Fields } from '../config/fields.ts';
import type { HeaderMap } from '../http/headers.ts';
import { type HeaderTest, readHeaderMatcher } from '../match/headers.ts';

/** `envoy.config.route.v3.RetryPolicy`; times in milliseconds. */
export interface RetryPolicy {
  readonly on: ReadonlySet<string>;
  readonly retries: number;
  readonly perTryTimeout: number;
  readonly perTryIdleTimeout: number;
  readonly statusCodes: ReadonlySet<number>;
  readonly retriableHeaders: readonly HeaderTest[];
  readonly requestHeaders: readonly HeaderTest[];
  readonly baseInterval: number;
  readonly maxInterval: number;
  readonly skipPreviousHosts: boolean;
  readonly hostAttempts: number;
}

const PREVIOUS_HOSTS = 'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate';

export function readRetryPolicy(fields: Fields): RetryPolicy {
  const backOff = fields.message('retry_back_off', (inner) => {
    const base = inner.duration('base_interval') ?? 25;
    return { base, max: inner.duration('max_interval') ?? base * 10 };
  });
  const predicates = fields.list('retry_host_predicate', (predicate) => {
    predicate.ignore('name');
    const type = predicate.message('typed_config', (config) => String(config.json['@type'] ?? '')) ?? '';
    if (!type.endsWith(PREVIOUS_HOSTS)) {
      predicate.problem('typed_config', `${JSON.stringify(type)} is not supported`, PREVIOUS_HOSTS);
    }
    return true;
  });
  return {
    on: new Set(
      fields
        .text('retry_on')
        .split(',')
        .map((token) => token.trim())
        .filter((token) => token !== ''),
    ),
    retries: fields.number('num_retries') ?? 1,
    perTryTimeout: fields.duration('per_try_timeout') ?? 0,
    perTryIdleTimeout: fields.duration('per_try_idle_timeout') ?? 0,
    statusCodes: new Set(fields.numbers('retriable_status_codes')),
    retriableHeaders: fields.list('retriable_headers', readHeaderMatcher),
    requestHeaders: fields.list('retriable_request_headers', readHeaderMatcher),
    baseInterval: backOff?.base ?? 25,
    maxInterval: backOff?.max ?? 250,
    skipPreviousHosts: predicates.length > 0,
    hostAttempts: fields.number('host_selection_retry_max_attempts') ?? 1,
  };
}

/** Whether the policy asks for another try after these response headers. */
export function retriesResponse(policy: RetryPolicy, status: number, headers: HeaderMap): boolean {
  const { on } = policy;
  if (headers.has('x-envoy-ratelimited')) return on.has('envoy-ratelimited');
  if (status >= 500 && on.has('5xx')) return true;
  if (status >= 502 && status <= 504 && on.has('gateway-error')) return true;
  if (status === 409 && on.has('retriable-4xx')) return true;
  if (on.has('retriable-status-codes') && policy.statusCodes.has(status)) return true;
  if (on.has('retriable-headers') && policy.retriableHeaders.some((test) => test((name) => headers.joined(name)))) {
    return true;
  }
  return retriesGrpc(on, headers.get('grpc-status'));
}

const GRPC: Readonly<Record<string, string>> = {
  '1': 'cancelled',
  '4': 'deadline-exceeded',
  '8': 'resource-exhausted',
  '13': 'internal',
  '14': 'unavailable',
};

function retriesGrpc(on: ReadonlySet<string>, status: string | undefined): boolean {
  const condition = status === undefined ? undefined : GRPC[status];
  return condition !== undefined && on.has(condition);
}

/** Whether the policy asks for another try after the attempt ended without headers. `sent`: some of the request was written. */
export function retriesReset(policy: RetryPolicy, reason: ResetReason | 'per try timeout', sent: boolean): boolean {
  const { on } = policy;
  if (reason === 'overflow') return false;
  const connect =
    reason === 'remote connection failure' || reason === 'local connection failure' || reason === 'connection timeout';
  if (connect && on.has('connect-failure')) return true;
  if (!sent && on.has('reset-before-request')) return true;
  return on.has('reset') || on.has('5xx') || on.has('gateway-error');
}

/** Milliseconds before retry number `attempt` (from 1): fully jittered, doubling. */
export function retryDelay(policy: RetryPolicy, attempt: number, random: () => number): number {
  const ceiling = Math.min((2 ** Math.min(attempt, 30) - 1) * policy.baseInterval, policy.maxInterval);
  return Math.floor(random() * ceiling);
}
