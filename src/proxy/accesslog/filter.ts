import type { Fields } from '../config/fields.ts';
import { grpcStatusOf } from '../http/grpc-status.ts';
import { FLAG_TEXTS, type StreamInfo } from '../http/stream-info.ts';
import { readEachHeaderMatcher } from '../match/headers.ts';
import { readMetadataMatcher } from '../match/metadata.ts';
import { readFraction } from '../runtime/read.ts';

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
export function readStreamFilter(fields: Fields): StreamTest {
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
      const test = fields.message('status_code_filter', readComparison) ?? (() => false);
      return (info) => test(info.status);
    }
    case 'duration_filter': {
      const test = fields.message('duration_filter', readComparison) ?? (() => false);
      return (info) => test((info.responseEndAt || performance.now()) - info.startedAt);
    }
    case 'and_filter': {
      const tests = fields.message('and_filter', (and) => and.list('filters', (one) => readStreamFilter(one))) ?? [];
      return (info) => tests.every((test) => test(info));
    }
    case 'or_filter': {
      const tests = fields.message('or_filter', (or) => or.list('filters', (one) => readStreamFilter(one))) ?? [];
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
    case 'runtime_filter': {
      const share = fields.message('runtime_filter', readRuntime) ?? 0;
      return () => Math.random() < share;
    }
    case 'not_health_check_filter':
      fields.message('not_health_check_filter', () => undefined);
      return (info) => !info.healthCheck;
    case 'traceable_filter':
      // Without a tracer no request is traced.
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

function readComparison(fields: Fields): (value: number) => boolean {
  return fields.message('comparison', readComparisonOf) ?? (() => false);
}

function readComparisonOf(fields: Fields): (value: number) => boolean {
  const wanted = fields.message('value', (value) => {
    value.ignore('runtime_key');
    return value.number('default_value') ?? 0;
  });
  const limit = wanted ?? 0;
  switch (fields.choice('op', ['EQ', 'GE', 'LE', 'NE'])) {
    case 'EQ':
      return (value) => value === limit;
    case 'GE':
      return (value) => value >= limit;
    case 'LE':
      return (value) => value <= limit;
    case 'NE':
      return (value) => value !== limit;
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

function readRuntime(fields: Fields): number {
  fields.ignore('runtime_key', 'use_independent_randomness');
  const percent = fields.message('percent_sampled', readFraction);
  return percent ? percent.numerator / percent.denominator : 0;
}
