import type { Fields } from '../config/fields.ts';
import { readStringMatcher } from '../match/strings.ts';
import type { TrailerOptions } from './body.ts';
import type { FieldOptions, RequestOptions, UnderscoreAction } from './options.ts';

/** `envoy.config.core.v3.HttpProtocolOptions`, as far as it is about messages and connections of either side. */
export interface CommonOptions {
  readonly idleTimeout: number;
  readonly maxHeaders: number;
  /** 0: any number. */
  readonly maxRequests: number;
  readonly underscores: UnderscoreAction;
}

const HOUR = 3_600_000;
const MAX_HEADERS = 100;

export const PLAIN_COMMON: CommonOptions = {
  idleTimeout: HOUR,
  maxHeaders: MAX_HEADERS,
  maxRequests: 0,
  underscores: 'ALLOW',
};

export function readCommonOptions(fields: Fields): CommonOptions {
  return {
    idleTimeout: fields.duration('idle_timeout') ?? HOUR,
    maxHeaders: fields.number('max_headers_count') ?? MAX_HEADERS,
    maxRequests: fields.number('max_requests_per_connection') ?? 0,
    underscores: fields.choice('headers_with_underscores_action', ['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER']),
  };
}

/** `envoy.config.core.v3.Http1ProtocolOptions` of a listener. */
type RequestHttp1 = Omit<RequestOptions, keyof FieldOptions> & { readonly trailers: boolean };

export const PLAIN_HTTP1: RequestHttp1 = {
  allowAbsoluteUrl: true,
  allowCustomMethods: false,
  allowChunkedLength: false,
  acceptHttp10: false,
  defaultHost10: '',
  ignoredUpgrades: [],
  trailers: false,
};

export function readRequestHttp1(fields: Fields): RequestHttp1 {
  return {
    allowAbsoluteUrl: fields.boolean('allow_absolute_url') ?? true,
    allowCustomMethods: fields.flag('allow_custom_methods'),
    allowChunkedLength: fields.flag('allow_chunked_length'),
    acceptHttp10: fields.flag('accept_http_10'),
    defaultHost10: fields.text('default_host_for_http_10'),
    ignoredUpgrades: fields.list('ignore_http_11_upgrade', readStringMatcher),
    trailers: fields.flag('enable_trailers'),
  };
}

/** How trailers are read by a side whose heads are read with `options`. */
export function trailerOptions(options: FieldOptions, keep: boolean): TrailerOptions {
  // Those that are dropped need not be counted.
  return keep ? { ...options, keep } : { ...options, maxHeaders: Number.POSITIVE_INFINITY, underscores: 'ALLOW', keep };
}
