import { decodeBinary, durationNanos } from '../../../model/envoy/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../config/fields.ts';
import { headerText, isField } from '../request-fields.ts';

const RESPONSE = 'envoy.service.ratelimit.v3.RateLimitResponse';

type Field = readonly [name: string, value: string];

/** What is told of the limit that one descriptor counts for. */
export interface LimitStatus {
  readonly over: boolean;
  /** Undefined: nothing is said of it. */
  readonly limit: { readonly requests: number; readonly name: string; readonly windowSeconds: number } | undefined;
  readonly remaining: number;
  /** Whole seconds. */
  readonly reset: number;
}

/** What a rate limit service says. Text is latin1. */
export interface LimitAnswer {
  readonly over: boolean;
  readonly statuses: readonly LimitStatus[];
  readonly responseFields: readonly Field[];
  readonly requestFields: readonly Field[];
  readonly body: string;
  readonly metadata: JsonObject;
}

/** Reads the bytes of an `envoy.service.ratelimit.v3.RateLimitResponse`; undefined: they are none, or hold what no header may hold. */
export function readAnswer(bytes: Buffer): LimitAnswer | undefined {
  let response: JsonObject;
  try {
    response = decodeBinary(RESPONSE, bytes);
  } catch {
    return undefined;
  }
  const responseFields = listOf(response['response_headers_to_add']).map(fieldOf);
  const requestFields = listOf(response['request_headers_to_add']).map(fieldOf);
  if (![...responseFields, ...requestFields].every(mayStand)) return undefined;
  const { raw_body: body, dynamic_metadata: metadata } = response;
  return {
    over: response['overall_code'] === 'OVER_LIMIT',
    statuses: listOf(response['statuses']).map(statusOf),
    responseFields,
    requestFields,
    body: typeof body === 'string' ? Buffer.from(body, 'base64').toString('latin1') : '',
    metadata: isObject(metadata) ? metadata : {},
  };
}

/** Fields of the head are passed over later. */
function mayStand([name, value]: Field): boolean {
  return name.startsWith(':') || isField(name, value);
}

function fieldOf(value: JsonValue): Field {
  const { key, value: text } = isObject(value) ? value : {};
  return [headerText(textOf(key)).toLowerCase(), headerText(textOf(text))];
}

const SECONDS: Readonly<Record<string, number>> = {
  SECOND: 1,
  MINUTE: 60,
  HOUR: 3600,
  DAY: 86_400,
  WEEK: 604_800,
  MONTH: 2_592_000,
  YEAR: 31_536_000,
};

function statusOf(value: JsonValue): LimitStatus {
  const status = isObject(value) ? value : {};
  const current = status['current_limit'];
  const limit = isObject(current)
    ? {
        requests: numberOf(current['requests_per_unit']),
        name: headerText(textOf(current['name'])),
        windowSeconds: (SECONDS[textOf(current['unit'])] ?? 0) * (numberOf(current['unit_multiplier']) || 1),
      }
    : undefined;
  return {
    over: status['code'] === 'OVER_LIMIT',
    limit,
    remaining: numberOf(status['limit_remaining']),
    reset: secondsOf(status['duration_until_reset']),
  };
}

function secondsOf(value: JsonValue | undefined): number {
  const nanos = value === undefined ? undefined : durationNanos(value);
  return nanos === undefined ? 0 : Number(nanos / 1_000_000_000n);
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0;
}
