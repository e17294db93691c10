import type { Fields } from '../config/fields.ts';
import { grpcStatusOf } from '../http/grpc-status.ts';
import { FLAG_TEXTS, type StreamInfo } from '../http/stream-info.ts';
import { readEachHeaderMatcher } from '../match/headers.ts';
import { readMetadataMatcher } from '../match/metadata.ts';
import { randomNumber, readFraction } from '../runtime/read.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** Names of gRPC's status codes, by number, as `grpc_status_filter` writes them. */
const GRPC_CODES: readonly string[] = [
  'OK',
  'CANCELED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

export type StreamTest = (info: StreamInfo) => boolean;

/** Reads an `envoy.config.accesslog.v3.AccessLogFilter`. */
export function readStreamFilter(fields: Fields, runtime: Runtime): StreamTest {
  switch (
    fields.oneOf('filter_specifier', [
      'status_code_filter',
      'duration_filter',
      'and_filter',
      'or_filter',
      'header_filter',
      'response_flag_filter',
      'metadata_filter',
      'runtime_filter',
      'not_health_check_filter',
      'traceable_filter',
      'grpc_status_filter',
      'log_type_filter',
    ])
  ) {
    case 'status_code_filter': {
      const test = fields.message('status_code_filter', (inner) => readComparison(inner, runtime)) ?? (() => false);
      return (info) => test(info.status);
    }
    case 'duration_filter': {
      const test = fields.message('duration_filter', (inner) => readComparison(inner, runtime)) ?? (() => false);
      return (info) => test((info.responseEndAt || performance.now()) - info.startedAt);
    }
    case 'and_filter': {
      const tests =
        fields.message('and_filter', (and) => and.list('filters', (one) => readStreamFilter(one, runtime))) ?? [];
      return (info) => tests.every((test) => test(info));
    }
    case 'or_filter': {
      const tests =
        fields.message('or_filter', (or) => or.list('filters', (one) => readStreamFilter(one, runtime))) ?? [];
      return (info) => tests.some((test) => test(info));
    }
    case 'header_filter': {
      const test = fields.message('header_filter', (one) => one.message('header', readEachHeaderMatcher));
      return test ? (info) => test(info, info.request) : () => false;
    }
    case 'response_flag_filter':
      return readFlags(fields);
    case 'metadata_filter':
      return fields.message('metadata_filter', readMetadataFilter) ?? (() => false);
    case 'runtime_filter':
      return fields.message('runtime_filter', (inner) => readSample(inner, runtime)) ?? (() => false);
    case 'not_health_check_filter':
      fields.message('not_health_check_filter', () => undefined);
      return (info) => !info.healthCheck;
    case 'traceable_filter':
      // Envoy 1.40 passes nothing, traced or not.
      fields.message('traceable_filter', () => undefined);
      return () => false;
    case 'grpc_status_filter':
      return fields.message('grpc_status_filter', readGrpcStatuses) ?? (() => false);
    case 'log_type_filter':
      return fields.message('log_type_filter', readLogTypes) ?? (() => false);
    default:
      return () => false;
  }
}

/** By the `grpc-status` of the response, else by what its HTTP status stands for. */
function readGrpcStatuses(fields: Fields): StreamTest {
  const codes = new Set(fields.strings('statuses').map((name) => GRPC_CODES.indexOf(name)));
  const exclude = fields.flag('exclude');
  return (info) => codes.has(grpcStatusOf(info) ?? -1) !== exclude;
}

function readLogTypes(fields: Fields): StreamTest {
  const types = new Set(fields.strings('types'));
  const exclude = fields.flag('exclude');
  return (info) => types.has(info.accessLogType) !== exclude;
}

type NumberTest = (value: number) => boolean;

function readComparison(fields: Fields, runtime: Runtime): NumberTest {
  return fields.message('comparison', (inner) => readComparisonOf(inner, runtime)) ?? (() => false);
}

/** An operator may change what is compared with. */
function readComparisonOf(fields: Fields, runtime: Runtime): NumberTest {
  const { key, fallback } = fields.message('value', readRuntimeNumber) ?? { key: '', fallback: 0 };
  const compare = readOperator(fields);
  return (value) => compare(value, runtime.integer(key, fallback));
}

function readRuntimeNumber(fields: Fields): { readonly key: string; readonly fallback: number } {
  return { key: fields.required('runtime_key'), fallback: fields.number('default_value') ?? 0 };
}

function readOperator(fields: Fields): (value: number, limit: number) => boolean {
  switch (fields.choice('op', ['EQ', 'GE', 'LE', 'NE'])) {
    case 'EQ':
      return (value, limit) => value === limit;
    case 'GE':
      return (value, limit) => value >= limit;
    case 'LE':
      return (value, limit) => value <= limit;
    case 'NE':
      return (value, limit) => value !== limit;
  }
}

function readFlags(fields: Fields): StreamTest {
  const names = fields.message('response_flag_filter', (one) => one.strings('flags')) ?? [];
  let bits = 0;
  for (const name of names) bits |= FLAG_TEXTS.find(([, text]) => text === name)?.[0] ?? 0;
  return names.length === 0 ? (info) => info.flags !== 0 : (info) => (info.flags & bits) !== 0;
}

function readMetadataFilter(fields: Fields): StreamTest {
  const matcher = fields.raw('matcher') as { filter?: string; path?: { key?: string }[] } | undefined;
  const test = fields.message('matcher', readMetadataMatcher);
  const otherwise = fields.boolean('match_if_key_not_found') ?? true;
  const path = (matcher?.path ?? []).map((segment) => segment.key ?? '');
  return (info) => {
    if (!test || info.metadata(matcher?.filter ?? '', path) === undefined) return otherwise;
    return test(info);
  };
}

/** A share of all; requests with the same `x-request-id` are logged together unless they are told apart. */
function readSample(fields: Fields, runtime: Runtime): StreamTest {
  const key = fields.required('runtime_key');
  const independent = fields.flag('use_independent_randomness');
  const { numerator, denominator } = fields.message('percent_sampled', readFraction) ?? {
    numerator: 0,
    denominator: 100,
  };
  return (info) => {
    const random = (independent ? undefined : idNumber(info)) ?? randomNumber();
    return random % denominator < runtime.integer(key, numerator);
  };
}

/** The number in the first eight digits of a request id. */
function idNumber({ request }: StreamInfo): number | undefined {
  const digits = request?.headers.get('x-request-id')?.slice(0, 8);
  return digits !== undefined && /^[0-9a-f]{8}$/i.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
