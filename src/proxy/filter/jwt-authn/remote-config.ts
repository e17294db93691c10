import type { Fields } from '../../config/fields.ts';
import { RETRY, type RetryPolicy, readCoreRetryPolicy, retryBits } from '../../route/retry.ts';

/** A compiled `envoy.extensions.filters.http.jwt_authn.v3.RemoteJwks`; times in milliseconds. */
export interface RemoteJwksConfig extends JwksUri {
  readonly retry: RetryPolicy | undefined;
  readonly cacheFor: number;
  /** Undefined: keys are fetched when a request needs them. */
  readonly async: { readonly failedRefetch: number } | undefined;
}

interface JwksUri {
  readonly cluster: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  /** 0: none. */
  readonly timeout: number;
}

const NO_URI: JwksUri = { cluster: '', scheme: 'http', authority: '', path: '', timeout: 0 };
const DEFAULT_CACHE = 600_000;
const DEFAULT_REFETCH = 1000;
const RETRY_BITS = retryBits('5xx,gateway-error,connect-failure,reset', RETRY).bits;

export function readRemoteJwks(fields: Fields): RemoteJwksConfig {
  const uri = fields.message('http_uri', readUri);
  if (!uri) fields.problem('http_uri', 'value is required');
  const cacheFor = fields.duration('cache_duration');
  return {
    ...(uri ?? NO_URI),
    retry: fields.message('retry_policy', readRetry),
    cacheFor: cacheFor === undefined ? DEFAULT_CACHE : Math.floor(cacheFor / 1000) * 1000,
    async: fields.message('async_fetch', (inner) => {
      // Listeners here never wait for keys: requests that come before them do.
      inner.ignore('fast_listener');
      return { failedRefetch: inner.duration('failed_refetch_duration') ?? DEFAULT_REFETCH };
    }),
  };
}

/** An `envoy.config.core.v3.HttpUri`: as in Envoy whatever its scheme, and with what stands behind its host as the path. */
function readUri(fields: Fields): JwksUri {
  const text = fields.required('uri');
  const timeout = fields.duration('timeout');
  if (timeout === undefined) fields.problem('timeout', 'value is required');
  const [, scheme = '', authority = '', path = '/'] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#@]+)(\/.*)?$/i.exec(text) ?? [];
  const port = Number(/:(\d+)$/.exec(authority)?.[1] ?? 0);
  if (authority === '' || port > 0xffff || !/^[\x21-\x7e]*$/.test(text))
    fields.problem('uri', `has an invalid URI: '${text}'`);
  fields.oneOf('http_upstream_type', ['cluster']);
  return {
    cluster: fields.required('cluster'),
    scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http',
    authority,
    path,
    timeout: Math.floor(timeout ?? 0),
  };
}

/** As in Envoy what `retry_on` says does not count. */
function readRetry(fields: Fields): RetryPolicy {
  return { ...readCoreRetryPolicy(fields), on: RETRY_BITS };
}
