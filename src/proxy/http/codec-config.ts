import type { Fields } from '../config/fields.ts';
import { readStringMatcher } from '../match/strings.ts';
import type { TrailerOptions } from './body.ts';
import { type HeaderCase, LOWER_CASE, readHeaderCase } from './header-case.ts';
import type { FieldOptions, HeadOptions, RequestOptions, UnderscoreAction } from './options.ts';

/** `envoy.config.core.v3.HttpProtocolOptions`, as far as it is about messages and connections of either side. */
export interface CommonOptions {
  readonly idleTimeout: number;
  readonly maxHeaders: number;
  /** 0: any number. */
  readonly maxRequests: number;
  readonly underscores: UnderscoreAction;
  /** Bytes of a response's head; only a cluster has it. */
  readonly maxResponseBytes: number;
  /** Milliseconds, 0 for ever; likewise below. */
  readonly maxConnectionDuration: number;
  readonly maxStreamDuration: number;
}

const HOUR = 3_600_000;
const MAX_HEADERS = 100;
const MAX_RESPONSE_KB = 80;

export const PLAIN_COMMON: CommonOptions = {
  idleTimeout: HOUR,
  maxHeaders: MAX_HEADERS,
  maxRequests: 0,
  underscores: 'ALLOW',
  maxResponseBytes: MAX_RESPONSE_KB * 1024,
  maxConnectionDuration: 0,
  maxStreamDuration: 0,
};

export function readCommonOptions(fields: Fields): CommonOptions {
  return {
    idleTimeout: fields.duration('idle_timeout') ?? HOUR,
    maxHeaders: fields.number('max_headers_count') ?? MAX_HEADERS,
    maxRequests: fields.number('max_requests_per_connection') ?? 0,
    maxConnectionDuration: fields.duration('max_connection_duration') ?? 0,
    maxStreamDuration: fields.duration('max_stream_duration') ?? 0,
    underscores: fields.choice('headers_with_underscores_action', ['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER']),
    maxResponseBytes: (fields.number('max_response_headers_kb') ?? MAX_RESPONSE_KB) * 1024,
  };
}

/** How a connection manager speaks HTTP/1. */
export interface ServerCodec {
  readonly head: RequestOptions;
  readonly trailers: TrailerOptions;
  /** Trailers are read and written. */
  readonly withTrailers: boolean;
  readonly headerCase: HeaderCase;
  /** Overrides `stream_error_on_invalid_http_message`; undefined when not set. */
  readonly streamErrors: boolean | undefined;
}

/** How a cluster speaks HTTP/1. */
export interface ClientCodec {
  readonly head: HeadOptions;
  readonly trailers: TrailerOptions;
  readonly withTrailers: boolean;
  readonly headerCase: HeaderCase;
  /** Targets are written in absolute form. */
  readonly absoluteTargets: boolean;
}

/** Reads the `envoy.config.core.v3.Http1ProtocolOptions` under `key`, which may be absent, for a listener. */
export function readServerCodec(fields: Fields, key: string, common: CommonOptions, maxBytes: number): ServerCodec {
  return fields.message(key, (inner) => serverCodec(inner, common, maxBytes)) ?? plainServerCodec(common, maxBytes);
}

function serverCodec(fields: Fields, common: CommonOptions, maxBytes: number): ServerCodec {
  const shared = readShared(fields);
  const limits = limitsOf(common, maxBytes, shared.headerCase);
  fields.ignore('send_fully_qualified_url');
  const head = {
    ...limits,
    allowChunkedLength: shared.allowChunkedLength,
    allowAbsoluteUrl: fields.boolean('allow_absolute_url') ?? true,
    allowCustomMethods: fields.flag('allow_custom_methods'),
    acceptHttp10: fields.flag('accept_http_10'),
    defaultHost10: fields.text('default_host_for_http_10'),
    ignoredUpgrades: fields.list('ignore_http_11_upgrade', readStringMatcher),
  };
  return {
    head,
    trailers: trailerOptions(limits, shared.withTrailers),
    withTrailers: shared.withTrailers,
    headerCase: shared.headerCase,
    streamErrors: fields.boolean('override_stream_error_on_invalid_http_message'),
  };
}

export function plainServerCodec(common: CommonOptions, maxBytes: number): ServerCodec {
  const limits = limitsOf(common, maxBytes, LOWER_CASE);
  return {
    head: {
      ...limits,
      allowChunkedLength: false,
      allowAbsoluteUrl: true,
      allowCustomMethods: false,
      acceptHttp10: false,
      defaultHost10: '',
      ignoredUpgrades: [],
    },
    trailers: trailerOptions(limits, false),
    withTrailers: false,
    headerCase: LOWER_CASE,
    streamErrors: undefined,
  };
}

/** Reads the `envoy.config.core.v3.Http1ProtocolOptions` under `key`, which may be absent, for a cluster. */
export function readClientCodec(fields: Fields, key: string, common: CommonOptions): ClientCodec {
  return fields.message(key, (inner) => clientCodec(inner, common)) ?? plainClientCodec(common);
}

function clientCodec(fields: Fields, common: CommonOptions): ClientCodec {
  const { headerCase, withTrailers, allowChunkedLength } = readShared(fields);
  const limits = limitsOf({ ...common, underscores: 'ALLOW' }, common.maxResponseBytes, headerCase);
  // These concern requests that are read.
  fields.ignore('allow_absolute_url', 'allow_custom_methods', 'accept_http_10', 'default_host_for_http_10');
  fields.ignore('ignore_http_11_upgrade', 'override_stream_error_on_invalid_http_message');
  return {
    head: { ...limits, allowChunkedLength },
    trailers: trailerOptions(limits, withTrailers),
    withTrailers,
    headerCase,
    absoluteTargets: fields.flag('send_fully_qualified_url'),
  };
}

export function plainClientCodec(common: CommonOptions): ClientCodec {
  const limits = limitsOf({ ...common, underscores: 'ALLOW' }, common.maxResponseBytes, LOWER_CASE);
  return {
    head: { ...limits, allowChunkedLength: false },
    trailers: trailerOptions(limits, false),
    withTrailers: false,
    headerCase: LOWER_CASE,
    absoluteTargets: false,
  };
}

function readShared(
  fields: Fields,
): Pick<ServerCodec, 'withTrailers' | 'headerCase'> & Pick<HeadOptions, 'allowChunkedLength'> {
  if (fields.boolean('use_balsa_parser') === false)
    fields.problem('use_balsa_parser', 'false is not supported', 'true');
  return {
    withTrailers: fields.flag('enable_trailers'),
    headerCase: fields.message('header_key_format', readHeaderCase) ?? LOWER_CASE,
    allowChunkedLength: fields.flag('allow_chunked_length'),
  };
}

function limitsOf(common: CommonOptions, maxBytes: number, { preserve }: HeaderCase): FieldOptions {
  return { maxBytes, maxHeaders: common.maxHeaders, underscores: common.underscores, preserve };
}

/** How trailers are read by a side whose heads are read with `options`. */
function trailerOptions(options: FieldOptions, keep: boolean): TrailerOptions {
  // Their names are written in lower case always, and those that are dropped need not be counted.
  const base = { ...options, preserve: undefined, keep };
  return keep ? base : { ...base, maxHeaders: Number.POSITIVE_INFINITY, underscores: 'ALLOW' };
}
