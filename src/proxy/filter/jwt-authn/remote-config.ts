import type { Fields } from '../../config/fields.ts';
import type { RetryPolicy } from '../../route/retry.ts';
import { NO_SERVER, readOwnRetry, readServerUri, type ServerUri } from '../async/server-uri.ts';

/** A compiled `envoy.extensions.filters.http.jwt_authn.v3.RemoteJwks`; times in milliseconds. */
export interface RemoteJwksConfig extends ServerUri {
  readonly retry: RetryPolicy | undefined;
  readonly cacheFor: number;
  /** Undefined: keys are fetched when a request needs them. */
  readonly async: { readonly failedRefetch: number } | undefined;
}

const DEFAULT_CACHE = 600_000;
const DEFAULT_REFETCH = 1000;

export function readRemoteJwks(fields: Fields): RemoteJwksConfig {
  const uri = fields.message('http_uri', readServerUri);
  if (!uri) fields.problem('http_uri', 'value is required');
  const cacheFor = fields.duration('cache_duration');
  return {
    ...(uri ?? NO_SERVER),
    retry: fields.message('retry_policy', readOwnRetry),
    cacheFor: cacheFor === undefined ? DEFAULT_CACHE : Math.floor(cacheFor / 1000) * 1000,
    async: fields.message('async_fetch', (inner) => {
      // Listeners here never wait for keys: requests that come before them do.
      inner.ignore('fast_listener');
      return { failedRefetch: inner.duration('failed_refetch_duration') ?? DEFAULT_REFETCH };
    }),
  };
}
