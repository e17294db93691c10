import { typed } from './config.ts';
import type { Behaviour, Case, Fields, Http2HostStep, Http2Step, Json, Request } from './types.ts';

/** Short words for cases with HTTP/2 on either side. */

export const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** What makes a cluster one of HTTP/2: `options` of HTTP/2, `more` of its HTTP options. */
export const http2 = (options: Json = {}, more: Json = {}): Json => ({
  typed_extension_protocol_options: {
    [OPTIONS]: typed(OPTIONS, { explicit_http_config: { http2_protocol_options: options }, ...more }),
  },
});

export const get = (path = '/', more: Fields = []): Fields => [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', path],
  ...more,
];
export const post = (path = '/', more: Fields = []): Fields => [[':method', 'POST'], ...get(path, more).slice(1)];

export const OK: Fields = [[':status', '200']];
export const head = (fields: Fields = OK, end = false): Http2HostStep => ({ head: fields, end });
export const does = (...steps: readonly Http2HostStep[]): Behaviour => ({ http2: steps });

/** A request over HTTP/1.1, and what the host does with it. */
export const asked = (
  name: string,
  request: Request,
  script: readonly Behaviour[] = [],
  more: Partial<Case> = {},
): Case => ({ name, requests: [request], backends: { 0: script }, ...more });

/** Requests over HTTP/2. */
export const plays = (
  name: string,
  steps: readonly Http2Step[],
  script: readonly Behaviour[] = [],
  more: Partial<Case> = {},
): Case => ({ name, http2: steps, backends: { 0: script }, ...more });
