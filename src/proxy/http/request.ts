import type { LocalReply } from '../filter/filter.ts';
import { splitPort } from '../route/redirect.ts';
import type { RequestHead } from './head.ts';
import type { HttpManager } from './manager.ts';
import { normalizePath } from './path.ts';
import { newRequestId } from './request-id.ts';
import type { HttpStream } from './stream.ts';

const refuse = (status: number, body: string, details: string, flags = 0): LocalReply => ({
  status,
  body,
  details,
  flags,
  close: true,
});

/** Client-supplied headers that only Envoy itself may set; every request counts as external. */
const UNTRUSTED = new Set(
  (
    'x-envoy-internal x-envoy-retriable-status-codes x-envoy-retriable-header-names x-envoy-retry-on x-envoy-retry-grpc-on ' +
    'x-envoy-max-retries x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-timeout-ms x-envoy-upstream-rq-per-try-timeout-ms ' +
    'x-envoy-upstream-rq-timeout-alt-response x-envoy-expected-rq-timeout-ms x-envoy-force-trace x-envoy-ip-tags ' +
    'x-envoy-original-url x-envoy-hedge-on-per-try-timeout x-envoy-upstream-stream-duration-ms ' +
    'x-forwarded-client-cert keep-alive proxy-connection http2-settings'
  ).split(' '),
);
const UNTRUSTED_AT_EDGE = new Set([
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
]);

/** Checks a request as Envoy's connection manager does, in its order, then brings its headers into shape. */
export function admitRequest(stream: HttpStream): LocalReply | undefined {
  const { head, manager } = stream;
  if (head.scheme === '') head.scheme = 'http';
  if (!head.hasAuthority) return refuse(400, '', 'missing_host_header');
  stripPort(head, manager);
  const path = checkPath(head, manager);
  if (path) return path;
  // Whether it is allowed waits for the route, which may know better than the connection manager.
  stream.upgrade = head.framing.upgrade?.toLowerCase();
  shapeHeaders(stream);
  return undefined;
}

function stripPort(head: RequestHead, manager: HttpManager): void {
  if (manager.stripPort === 'none') return;
  const [name, port] = splitPort(head.authority);
  if (port !== '' && (manager.stripPort === 'any' || Number(port) === manager.listenerPort)) head.authority = name;
}

function checkPath(head: RequestHead, manager: HttpManager): LocalReply | undefined {
  if (head.method === 'CONNECT') return refuse(403, '', 'upgrade_failed');
  if (head.path === '*') return undefined;
  if (!head.path.startsWith('/')) return refuse(404, '', 'absolute_path_rejected');
  if (head.path.includes('#')) return refuse(400, '', 'path_normalization_failed');
  if (!manager.normalizePath && !manager.mergeSlashes) return undefined;
  const normal = normalizePath(head.path, manager.normalizePath, manager.mergeSlashes);
  if (normal === undefined) return refuse(400, '', 'path_normalization_failed');
  head.path = normal;
  return undefined;
}

/** The order is Envoy's `mutateRequestHeaders`. */
function shapeHeaders(stream: HttpStream): void {
  const { head, manager } = stream;
  const { headers } = head;
  const edge = manager.useRemoteAddress;
  headers.removeWhere((name) => UNTRUSTED.has(name) || (edge && UNTRUSTED_AT_EDGE.has(name)));
  const te = headers.get('te');
  if (te !== undefined) {
    headers.remove('te');
    if (te.split(',').some((item) => item.trim().toLowerCase() === 'trailers')) headers.add('te', 'trailers');
  }
  if (edge && !manager.skipXffAppend) appendForwardedFor(stream);
  const proto = headers.get('x-forwarded-proto');
  if (proto === undefined || (edge && manager.trustedHops === 0)) headers.set('x-forwarded-proto', 'http');
  else if (proto === 'https' || proto === 'http') head.scheme = proto;
  if (manager.via !== '') headers.add('via', manager.via);
  requestId(stream);
}

function appendForwardedFor(stream: HttpStream): void {
  const { headers } = stream.head;
  const peer = stream.peers.directRemote.address;
  const address = peer.startsWith('127.') || peer === '::1' ? stream.peers.local.address : peer;
  const before = headers.joined('x-forwarded-for');
  headers.set('x-forwarded-for', before ? `${before},${address}` : address);
}

function requestId(stream: HttpStream): void {
  const { manager } = stream;
  const { headers } = stream.head;
  const sent = headers.get('x-request-id');
  const keep = sent !== undefined && (!manager.useRemoteAddress || manager.preserveRequestId);
  if (keep || !manager.generateRequestId) {
    stream.requestId = sent ?? '';
    return;
  }
  stream.requestId = newRequestId();
  headers.set('x-request-id', stream.requestId);
}
