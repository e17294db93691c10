import type { Fields } from '../../config/fields.ts';
import { type HeaderMutation, readHeaderValue } from '../../route/mutation.ts';
import { type RetryPolicy, readCoreRetryPolicy } from '../../route/retry.ts';
import { type HeaderNames, readNames } from '../header-names.ts';

/** A compiled `envoy.extensions.filters.http.ext_authz.v3.HttpService`. */
export interface HttpService {
  readonly cluster: string;
  /** Milliseconds, 0 for none. */
  readonly timeout: number;
  /** Stands before the path of the request; or takes its place. */
  readonly pathPrefix: string;
  readonly pathOverride: string;
  /** Undefined: those that the filter allows. */
  readonly allowed: HeaderNames | undefined;
  readonly headersToAdd: HeaderMutation;
  readonly retry: RetryPolicy | undefined;
  /** Which headers of an answer go on, and where to. */
  readonly upstream: HeaderNames;
  readonly upstreamAppended: HeaderNames;
  readonly clientDenied: HeaderNames;
  readonly clientAllowed: HeaderNames;
  readonly metadata: HeaderNames;
}

const NONE: HeaderNames = () => false;
const NOTHING: HeaderMutation = { add: [], remove: [] };
const NO_REQUEST = { allowed: undefined, headersToAdd: NOTHING };
const NO_RESPONSE = {
  upstream: NONE,
  upstreamAppended: NONE,
  clientDenied: (name: string) => name !== 'host',
  clientAllowed: NONE,
  metadata: NONE,
};
export const NO_HTTP_SERVICE: HttpService = {
  cluster: '',
  timeout: 0,
  pathPrefix: '',
  pathOverride: '',
  retry: undefined,
  ...NO_REQUEST,
  ...NO_RESPONSE,
};
/** What a denied client gets besides the headers that are allowed. */
const ALWAYS_DENIED: ReadonlySet<string> = new Set(['content-length', 'www-authenticate', 'location']);

export function readHttpService(fields: Fields): HttpService {
  const uri = fields.message('server_uri', readUri);
  if (!uri) fields.problem('server_uri', 'value is required');
  const pathPrefix = readPath(fields, 'path_prefix');
  const pathOverride = readPath(fields, 'path_override');
  if (pathPrefix !== '' && pathOverride !== '') {
    fields.problem('path_override', 'only one of path_prefix and path_override may be set');
  }
  return {
    ...(uri ?? { cluster: '', timeout: 0 }),
    pathPrefix,
    pathOverride,
    ...(fields.message('authorization_request', readRequest) ?? NO_REQUEST),
    ...(fields.message('authorization_response', readResponse) ?? NO_RESPONSE),
    retry: fields.message('retry_policy', readCoreRetryPolicy),
  };
}

/** Reads an `envoy.config.core.v3.HttpUri`: the request goes to its cluster, and has the host of the client's. */
function readUri(fields: Fields): Pick<HttpService, 'cluster' | 'timeout'> {
  fields.required('uri');
  const timeout = fields.duration('timeout');
  if (timeout === undefined) fields.problem('timeout', 'value is required');
  fields.oneOf('http_upstream_type', ['cluster']);
  return { cluster: fields.required('cluster'), timeout: Math.floor(timeout ?? 0) };
}

function readPath(fields: Fields, key: string): string {
  const path = fields.text(key);
  if (path !== '' && !path.startsWith('/')) fields.problem(key, `${key} should start with '/'`);
  if (!/^[\x21-\x7e]*$/.test(path)) fields.problem(key, 'only visible ASCII is allowed in a path');
  return path;
}

function readRequest(fields: Fields): Pick<HttpService, 'allowed' | 'headersToAdd'> {
  return {
    allowed: fields.message('allowed_headers', readNames),
    headersToAdd: { add: fields.list('headers_to_add', readHeaderValue), remove: [] },
  };
}

function readResponse(
  fields: Fields,
): Pick<HttpService, 'upstream' | 'upstreamAppended' | 'clientDenied' | 'clientAllowed' | 'metadata'> {
  const names = (key: string): HeaderNames => fields.message(key, readNames) ?? NONE;
  const denied = fields.message('allowed_client_headers', readNames);
  return {
    upstream: names('allowed_upstream_headers'),
    upstreamAppended: names('allowed_upstream_headers_to_append'),
    clientDenied: denied ? (name) => denied(name) || ALWAYS_DENIED.has(name) : NO_RESPONSE.clientDenied,
    clientAllowed: names('allowed_client_headers_on_success'),
    metadata: names('dynamic_metadata_from_headers'),
  };
}
