import type { MetadataCriterion } from '../cluster/context.ts';
import { type Fields, isObject, typeName } from '../config/fields.ts';
import { type HeaderTest, readHeaderMatcher } from '../match/headers.ts';
import { readCriteria } from './metadata-match.ts';

/** Conditions of `retry_on` as bits; the names are those of the tokens. */
export const RETRY = {
  '5xx': 1 << 0,
  'gateway-error': 1 << 1,
  'connect-failure': 1 << 2,
  'envoy-ratelimited': 1 << 3,
  'retriable-4xx': 1 << 4,
  'refused-stream': 1 << 5,
  'retriable-status-codes': 1 << 6,
  'retriable-headers': 1 << 7,
  reset: 1 << 8,
  'reset-before-request': 1 << 9,
  /** Known, and never so: there is no HTTP/3 to upstreams. */
  'http3-post-connect-failure': 1 << 10,
} as const;

export const RETRY_GRPC = {
  cancelled: 1 << 11,
  'deadline-exceeded': 1 << 12,
  'resource-exhausted': 1 << 13,
  unavailable: 1 << 14,
  internal: 1 << 15,
} as const;

/** When to wait until, as a response says it. */
export interface ResetHeader {
  readonly name: string;
  readonly format: 'SECONDS' | 'UNIX_TIMESTAMP';
}

/** `envoy.config.route.v3.RetryPolicy`; times in whole milliseconds, 0 for none. */
export interface RetryPolicy {
  /** Bits of `RETRY` and `RETRY_GRPC`; 0: no retries unless the request asks for them. */
  readonly on: number;
  readonly retries: number;
  readonly perTryTimeout: number;
  readonly perTryIdleTimeout: number;
  readonly statusCodes: readonly number[];
  readonly retriableHeaders: readonly HeaderTest[];
  readonly requestHeaders: readonly HeaderTest[];
  /** Whether the policy says how long retries wait; otherwise the runtime may. */
  readonly backOffSet: boolean;
  readonly baseInterval: number;
  readonly maxInterval: number;
  readonly resetHeaders: readonly ResetHeader[];
  readonly resetMaxInterval: number;
  readonly hostRules: HostRules | undefined;
  /** Attempts after which tried priorities are left out; 0: never. */
  readonly priorityFrequency: number;
  /** How often another host may be picked for one attempt. */
  readonly hostAttempts: number;
}

/** `retry_host_predicate`: hosts that a retry avoids. */
export interface HostRules {
  readonly previous: boolean;
  readonly canary: boolean;
  /** Hosts whose `envoy.lb` metadata has all of one list. */
  readonly metadata: readonly (readonly MetadataCriterion[])[];
}

export const NO_RETRY: RetryPolicy = {
  on: 0,
  retries: 1,
  perTryTimeout: 0,
  perTryIdleTimeout: 0,
  statusCodes: [],
  retriableHeaders: [],
  requestHeaders: [],
  backOffSet: false,
  baseInterval: 25,
  maxInterval: 250,
  resetHeaders: [],
  resetMaxInterval: 300_000,
  hostRules: undefined,
  priorityFrequency: 0,
  hostAttempts: 1,
};

export function readRetryPolicy(fields: Fields): RetryPolicy {
  const tokens = fields.text('retry_on');
  const backOff = fields.message('retry_back_off', readBackOff);
  const rateLimited = fields.message('rate_limited_retry_back_off', readRateLimited);
  return {
    on: retryBits(tokens, RETRY).bits | retryBits(tokens, RETRY_GRPC).bits,
    retries: fields.number('num_retries') ?? NO_RETRY.retries,
    perTryTimeout: Math.floor(fields.duration('per_try_timeout') ?? 0),
    perTryIdleTimeout: Math.floor(fields.duration('per_try_idle_timeout') ?? 0),
    statusCodes: fields.numbers('retriable_status_codes'),
    retriableHeaders: fields.list('retriable_headers', readHeaderMatcher),
    requestHeaders: fields.list('retriable_request_headers', readHeaderMatcher),
    backOffSet: backOff !== undefined,
    baseInterval: backOff?.base ?? NO_RETRY.baseInterval,
    maxInterval: backOff?.max ?? NO_RETRY.maxInterval,
    resetHeaders: rateLimited?.headers ?? NO_RETRY.resetHeaders,
    resetMaxInterval: rateLimited?.max ?? NO_RETRY.resetMaxInterval,
    hostRules: readHostRules(fields),
    priorityFrequency: fields.message('retry_priority', readPriority) ?? NO_RETRY.priorityFrequency,
    hostAttempts: (fields.number('host_selection_retry_max_attempts') ?? 0) || NO_RETRY.hostAttempts,
  };
}

/** Envoy's back-off where an `envoy.config.core.v3.RetryPolicy` has none, in milliseconds. */
const CORE_BACK_OFF = { base: 1000, max: 10_000 };

/** Reads an `envoy.config.core.v3.RetryPolicy` of requests of the proxy's own: as in Envoy, no try takes longer than the longest wait between tries. */
export function readCoreRetryPolicy(fields: Fields): RetryPolicy {
  const tokens = fields.text('retry_on');
  const { base, max } = fields.message('retry_back_off', readBackOff) ?? CORE_BACK_OFF;
  return {
    ...NO_RETRY,
    on: retryBits(tokens, RETRY).bits | retryBits(tokens, RETRY_GRPC).bits,
    retries: fields.number('num_retries') ?? NO_RETRY.retries,
    perTryTimeout: max,
    backOffSet: true,
    baseInterval: base,
    maxInterval: max,
  };
}

/** Bits of a comma-separated list; `valid` tells whether each token was one of `table`. */
export function retryBits(
  text: string,
  table: Readonly<Record<string, number>>,
): { readonly bits: number; readonly valid: boolean } {
  let bits = 0;
  let valid = true;
  for (const part of text.split(',')) {
    const token = part.trim();
    if (token === '') continue;
    const bit = Object.hasOwn(table, token) ? table[token] : undefined;
    if (bit === undefined) valid = false;
    else bits |= bit;
  }
  return { bits, valid };
}

function readBackOff(fields: Fields): { readonly base: number; readonly max: number } {
  const written = fields.duration('base_interval');
  if (written === undefined) fields.problem('base_interval', 'value is required');
  else if (written <= 0) fields.problem('base_interval', 'value must be greater than 0s');
  const most = fields.duration('max_interval');
  if (most !== undefined && most <= 0) fields.problem('max_interval', 'value must be greater than 0s');
  const base = Math.max(1, Math.floor(written ?? NO_RETRY.baseInterval));
  const max = most === undefined ? base * 10 : Math.max(1, Math.floor(most));
  if (max < base) {
    fields.problem('', 'retry_policy.max_interval must greater than or equal to the base_interval');
  }
  return { base, max };
}

function readRateLimited(fields: Fields): { readonly headers: readonly ResetHeader[]; readonly max: number } {
  const headers = fields.list('reset_headers', (header): ResetHeader => {
    return {
      name: header.required('name').toLowerCase(),
      format: header.choice('format', ['SECONDS', 'UNIX_TIMESTAMP']),
    };
  });
  if (headers.length === 0) fields.problem('reset_headers', 'value must contain at least 1 item(s)');
  const max = fields.duration('max_interval');
  if (max !== undefined && max <= 0) fields.problem('max_interval', 'value must be greater than 0s');
  return { headers, max: max === undefined ? NO_RETRY.resetMaxInterval : Math.max(1, Math.floor(max)) };
}

const PREVIOUS_HOSTS = 'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate';
const OMIT_CANARY = 'envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate';
const OMIT_METADATA = 'envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig';
const PREVIOUS_PRIORITIES = 'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig';

function readHostRules(fields: Fields): HostRules | undefined {
  let previous = false;
  let canary = false;
  const metadata: (readonly MetadataCriterion[])[] = [];
  const all = fields.list('retry_host_predicate', (predicate) => {
    const type = extensionType(predicate);
    predicate.message('typed_config', (config) => {
      if (type === PREVIOUS_HOSTS) previous = true;
      else if (type === OMIT_CANARY) canary = true;
      else if (type === OMIT_METADATA) {
        const criteria = config.message('metadata_match', readCriteria) ?? [];
        if (criteria.length > 0) metadata.push(criteria);
      } else unsupported(config, type, `${OMIT_CANARY}, ${OMIT_METADATA}, ${PREVIOUS_HOSTS}`);
    });
    return true;
  });
  return all.length === 0 ? undefined : { previous, canary, metadata };
}

function readPriority(fields: Fields): number {
  const type = extensionType(fields);
  const frequency = fields.message('typed_config', (config) => {
    if (type === PREVIOUS_PRIORITIES) return config.number('update_frequency') ?? 0;
    unsupported(config, type, PREVIOUS_PRIORITIES);
    return 0;
  });
  return frequency ?? 0;
}

/** Type of an extension's `typed_config`, which Envoy finds extensions by; its name says nothing. */
function extensionType(fields: Fields): string {
  const name = fields.text('name');
  const config = fields.raw('typed_config');
  if (config === undefined) {
    fields.problem('typed_config', `Didn't find a registered implementation for '${name}' with type URL: ''`);
  }
  return isObject(config) ? typeName(config) : '';
}

function unsupported(fields: Fields, type: string, allowed: string): void {
  fields.ignore(...Object.keys(fields.json));
  fields.problem('@type', `${JSON.stringify(type)} is not supported by ciliate-proxy`, allowed);
}
