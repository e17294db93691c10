import type { HttpHeader } from '../../model/flow/index.ts';

const redacted = 'HUBBLE_REDACTED';

/** What is kept out of flows. */
export interface Redaction {
  /** Replace the password of `user:password@host`. */
  readonly httpUserInfo: boolean;
  /** Remove query and fragment. */
  readonly httpUrlQuery: boolean;
  readonly httpHeaders: HeaderRedaction;
}

/** The headers whose values stay: those named, or all others. Names are in lower case; every other value is replaced. */
export interface HeaderRedaction {
  readonly keep: 'named' | 'others';
  readonly names: ReadonlySet<string>;
}

/** Without passwords, and with the values of headers that carry no secrets. */
export const defaultRedaction: Redaction = {
  httpUserInfo: true,
  httpUrlQuery: false,
  httpHeaders: {
    keep: 'named',
    names: new Set([
      'accept',
      'accept-encoding',
      'accept-language',
      'age',
      'allow',
      'cache-control',
      'connection',
      'content-encoding',
      'content-language',
      'content-length',
      'content-type',
      'date',
      'etag',
      'expires',
      'host',
      'last-modified',
      'retry-after',
      'server',
      'traceparent',
      'transfer-encoding',
      'upgrade',
      'user-agent',
      'vary',
      'via',
      'x-envoy-attempt-count',
      'x-envoy-expected-rq-timeout-ms',
      'x-envoy-internal',
      'x-envoy-upstream-service-time',
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-request-id',
    ]),
  },
};

/** What holds while nobody knows what was asked for. */
export const fullRedaction: Redaction = {
  httpUserInfo: true,
  httpUrlQuery: true,
  httpHeaders: { keep: 'named', names: new Set() },
};

export const noRedaction: Redaction = {
  httpUserInfo: false,
  httpUrlQuery: false,
  httpHeaders: { keep: 'others', names: new Set() },
};

export function redactUrl(url: string, redaction: Redaction): string {
  const withoutUser = redaction.httpUserInfo
    ? url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*):[^/?#]*@/i, `$1:${redacted}@`)
    : url;
  return redaction.httpUrlQuery ? withoutUser.replace(/[?#].*$/s, '') : withoutUser;
}

export function redactHeaders(headers: readonly HttpHeader[], { httpHeaders }: Redaction): HttpHeader[] {
  const { keep, names } = httpHeaders;
  return headers.map(({ key = '', value = '' }) => ({
    key,
    value: names.has(key.toLowerCase()) === (keep === 'named') ? value : redacted,
  }));
}
