import type { UpstreamExchange } from '../cluster/exchange.ts';
import type { Fields, JsonObject } from '../config/fields.ts';
import { compileFormat, type Formatter } from '../format/substitution.ts';
import { isHeaderValue, isTarget } from '../http/bytes.ts';
import { RequestHead, type ResponseHead } from '../http/head.ts';
import type { HeaderMap } from '../http/headers.ts';
import { newRequestId, readRequestIdExtension } from '../http/request-id.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { applyMutation, type HeaderMutation, readHeaderOption } from '../route/mutation.ts';

/** A compiled `TunnelingConfig` of the TCP proxy: how a proxy upstream is asked for a tunnel. */
export interface Tunneling {
  readonly method: 'CONNECT' | 'POST';
  readonly host: Formatter;
  /** Empty for CONNECT. */
  readonly path: string;
  readonly headers: HeaderMutation;
  /** Access logs may show the head of the answer, and its trailers. */
  readonly keepHeaders: boolean;
  readonly keepTrailers: boolean;
  readonly requestId: boolean;
}

export function readTunneling(fields: Fields): Tunneling {
  const usePost = fields.flag('use_post');
  const path = fields.text('post_path');
  if (path !== '' && !usePost) fields.problem('post_path', "Can't set a post path when POST method isn't used");
  if (!isTarget(path))
    fields.problem('post_path', `found ${JSON.stringify(path)}`, 'visible ASCII, as in a request target');
  const add = fields
    .list('headers_to_add', (option) => readHeaderOption(option, 'request'))
    .filter((one) => one !== undefined);
  return {
    method: usePost ? 'POST' : 'CONNECT',
    host: readHost(fields),
    path: usePost ? path || '/' : '',
    headers: { add, remove: [] },
    keepHeaders: fields.flag('propagate_response_headers'),
    keepTrailers: fields.flag('propagate_response_trailers'),
    requestId: fields.message('request_id_extension', readRequestIdExtension) !== undefined,
  };
}

function readHost(fields: Fields): Formatter {
  const text = fields.required('hostname');
  const compiled = compileFormat(Buffer.from(text, 'utf8').toString('latin1'));
  if (compiled.ok) return compiled.value;
  fields.problem('hostname', compiled.error);
  return () => '';
}

const NAMESPACE = 'envoy.filters.network.tcp_proxy';

/** The request for a tunnel; undefined: its host came out as what no request may name. */
export function tunnelRequest(tunneling: Tunneling, info: StreamInfo): RequestHead | undefined {
  const host = tunneling.host(info);
  if (host === '' || !isTarget(host) || !isHeaderValue(host)) return undefined;
  const head = new RequestHead();
  head.method = tunneling.method;
  head.authority = host;
  head.hasAuthority = true;
  head.path = tunneling.path;
  applyMutation(tunneling.headers, head.headers, info);
  if (tunneling.requestId) {
    const id = newRequestId();
    head.headers.set('x-request-id', id);
    info.setMetadata(NAMESPACE, 'tunnel_request_id', id);
  }
  return head;
}

/** Over HTTP/1.1 any 2xx makes a tunnel, over HTTP/2 only 200 as in Envoy, and none that ends the answer: POST has no other way to carry bytes. */
export function isEstablished(
  { status }: ResponseHead,
  done: boolean,
  protocol: UpstreamExchange['protocol'],
): boolean {
  return !done && (protocol === 'HTTP/2' ? status === 200 : status >= 200 && status < 300);
}

export function keepResponseHead(info: StreamInfo, { status, headers }: ResponseHead): void {
  keep(info, 'envoy.tcp_proxy.propagate_response_headers', [
    { key: ':status', value: String(status) },
    ...fieldsOf(headers),
  ]);
}

export function keepResponseTrailers(info: StreamInfo, trailers: HeaderMap): void {
  keep(info, 'envoy.tcp_proxy.propagate_response_trailers', fieldsOf(trailers));
}

function fieldsOf(headers: HeaderMap): JsonObject[] {
  return headers.list().map(([key, value]) => ({ key, value }));
}

function keep(info: StreamInfo, key: string, headers: JsonObject[]): void {
  info.filterState = { ...info.filterState, [key]: { headers } };
}
