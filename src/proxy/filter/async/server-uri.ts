import type { Fields } from '../../config/fields.ts';
import { RETRY, type RetryPolicy, readCoreRetryPolicy, retryBits } from '../../route/retry.ts';

/** A server that a filter asks by a URI, and through which cluster. */
export interface ServerUri {
  readonly cluster: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  /** Milliseconds, 0 for none. */
  readonly timeout: number;
}

export const NO_SERVER: ServerUri = { cluster: '', scheme: 'http', authority: '', path: '', timeout: 0 };

/** Reads an `envoy.config.core.v3.HttpUri`: as in Envoy whatever its scheme, and with what stands behind its host as the path. */
export function readServerUri(fields: Fields): ServerUri {
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

const RETRY_BITS = retryBits('5xx,gateway-error,connect-failure,reset', RETRY).bits;

/** Reads how a filter's request is tried again: as in Envoy what `retry_on` says does not count. */
export function readOwnRetry(fields: Fields): RetryPolicy {
  return { ...readCoreRetryPolicy(fields), on: RETRY_BITS };
}
