import type { Fields } from '../config/fields.ts';
import { randomNumber } from '../runtime/read.ts';
import type { Fraction, Runtime } from '../runtime/runtime.ts';
import type { RequestHead } from './head.ts';
import type { RequestIdOptions } from './request-id.ts';

/**
 * What tracing does without a tracer: it marks request ids with the reason why a request would be traced,
 * by which proxies behind this one decide.
 */
export interface TracingOptions {
  readonly client: Fraction;
  readonly random: Fraction;
  readonly overall: Fraction;
  readonly runtime: Runtime;
}

/** Position of the character that says why a UUID is traced. */
const REASON_AT = 14;
const NOT_TRACED = '4';
const SAMPLED = '9';
const FORCED_BY_SERVICE = 'a';
const FORCED_BY_CLIENT = 'b';

/** Marks the id of a request that has one. */
export function applyTraceReason(
  stream: { readonly head: RequestHead; requestId: string },
  options: TracingOptions,
  ids: RequestIdOptions,
): void {
  const id = markTraceReason(stream.head, stream.requestId, options, ids);
  if (id === stream.requestId) return;
  stream.requestId = id;
  stream.head.headers.set('x-request-id', id);
}

/** Envoy's `mutateTracingRequestHeader` on the request's id, which is no UUID when this leaves it alone. */
function markTraceReason(head: RequestHead, id: string, options: TracingOptions, ids: RequestIdOptions): string {
  if (!ids.decidesSampling) return id;
  const number = idNumber(id);
  if (number < 0) return id;
  const { runtime } = options;
  const result = number % 10_000;
  const before = id.charAt(REASON_AT);
  let reason = before === SAMPLED || before === FORCED_BY_SERVICE || before === FORCED_BY_CLIENT ? before : NOT_TRACED;
  if (reason === NOT_TRACED) {
    const { headers } = head;
    if (headers.has('x-client-trace-id') && hits(runtime, 'client_enabled', options.client, randomNumber())) {
      reason = FORCED_BY_CLIENT;
    } else if (headers.has('x-envoy-force-trace')) reason = FORCED_BY_SERVICE;
    else if (hits(runtime, 'random_sampling', options.random, result)) reason = SAMPLED;
    if (reason === NOT_TRACED) return id;
  }
  if (!hits(runtime, 'global_enabled', options.overall, result)) reason = NOT_TRACED;
  if (reason === before || !ids.packTraceReason) return id;
  return `${id.slice(0, REASON_AT)}${reason}${id.slice(REASON_AT + 1)}`;
}

function hits(runtime: Runtime, key: string, fallback: Fraction, random: number): boolean {
  const { numerator, denominator } = runtime.fraction(`tracing.${key}`, fallback);
  return random % denominator < numerator;
}

/** The first eight hexadecimal digits of a UUID; -1 when the text is none. */
function idNumber(id: string): number {
  if (id.length !== 36) return -1;
  let value = 0;
  for (let at = 0; at < 8; at++) {
    const digit = Number.parseInt(id.charAt(at), 16);
    if (Number.isNaN(digit)) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** Reads `HttpConnectionManager.Tracing`; a provider, which would need a tracer, is refused. */
export function readTracing(fields: Fields, runtime: Runtime): TracingOptions {
  fields.ignore(
    'verbose',
    'max_path_tag_length',
    'custom_tags',
    'spawn_upstream_span',
    'operation',
    'upstream_operation',
  );
  return {
    client: readPercent(fields, 'client_sampling', 100),
    random: readPercent(fields, 'random_sampling', 10_000),
    overall: readPercent(fields, 'overall_sampling', 10_000),
    runtime,
  };
}

function readPercent(fields: Fields, key: string, denominator: number): Fraction {
  const percent = fields.message(key, (inner) => inner.number('value') ?? 0) ?? 100;
  return { numerator: Math.floor((percent * denominator) / 100), denominator };
}
