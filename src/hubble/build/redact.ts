import type { HttpHeader } from '../../model/flow/index.ts';

const redacted = 'HUBBLE_REDACTED';

/** What is kept out of flows. */
export interface Redaction {
  /** Replace the password of `user:password@host`. */
  readonly httpUserInfo: boolean;
  /** Remove query and fragment. */
  readonly httpUrlQuery: boolean;
  /** Lower-case names of the headers whose values stay; every other value is replaced. */
  readonly httpHeadersAllow: ReadonlySet<string>;
}

/** Without user info, and with the values of headers that carry no secrets. */
export const defaultRedaction: Redaction = {
  httpUserInfo: true,
  httpUrlQuery: false,
  httpHeadersAllow: new Set([
    'accept',
    'accept-encoding',
    'accept-language',
    'content-length',
    'content-type',
    'host',
    'traceparent',
    'user-agent',
    'x-envoy-attempt-count',
    'x-forwarded-for',
    'x-forwarded-proto',
    'x-request-id',
  ]),
};

export function redactUrl(url: string, redaction: Redaction): string {
  const withoutUser = redaction.httpUserInfo
    ? url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*):[^/?#@]*@/i, `$1:${redacted}@`)
    : url;
  return redaction.httpUrlQuery ? withoutUser.replace(/[?#].*$/s, '') : withoutUser;
}

export function redactHeaders(headers: readonly HttpHeader[], redaction: Redaction): HttpHeader[] {
  return headers.map(({ key = '', value = '' }) => ({
    key,
    value: redaction.httpHeadersAllow.has(key.toLowerCase()) ? value : redacted,
  }));
}
