import type { LocalReply } from '../filter/filter.ts';
import { splitPort } from '../route/redirect.ts';
import { isAuthority } from './bytes.ts';
import type { RequestHead } from './head.ts';
import type { HttpManager } from './manager.ts';
import { normalizePath } from './path.ts';
import { newRequestId } from './request-id.ts';
import type { HttpStream } from './stream.ts';
import { FLAG } from './stream-info.ts';

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
  if (head.minor === 0 && !manager.acceptHttp10) {
    return refuse(426, 'Upgrade Required', 'low_version', FLAG.DOWNSTREAM_PROTOCOL);
  }
  const target = resolveTarget(head, manager);
  if (target) return target;
  if (head.authority === '') {
    if (head.minor === 0 && manager.defaultHost10 !== '') head.authority = manager.defaultHost10;
    else return refuse(400, '', 'missing_host_header');
  }
  if (!isAuthority(head.authority)) {
    return refuse(400, 'Bad Request', 'http1.invalid_authority', FLAG.DOWNSTREAM_PROTOCOL);
  }
  stripPort(head, manager);
  const path = checkPath(head, manager);
  if (path) return path;
  const upgrade = admitUpgrade(stream);
  if (upgrade) return upgrade;
  const underscores = checkUnderscores(head, manager);
  if (underscores) return underscores;
  shapeHeaders(stream);
  return undefined;
}

/** Turns an absolute-form target into its parts. */
function resolveTarget(head: RequestHead, manager: HttpManager): LocalReply | undefined {
  head.scheme = 'http';
  const { path } = head;
  if (path.startsWith('/') || (path === '*' && head.method === 'OPTIONS') || head.method === 'CONNECT')
    return undefined;
  const absolute = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)(.*)$/.exec(path);
  if (!absolute) return refuse(400, 'Bad Request', 'http1.codec_error', FLAG.DOWNSTREAM_PROTOCOL);
  if (!manager.allowAbsoluteUrl) return undefined;
  const [, scheme = '', authority = '', rest = ''] = absolute;
  head.scheme = scheme.toLowerCase() === 'https' ? 'https' : 'http';
  head.authority = authority;
  head.path = rest.startsWith('/') ? rest : `/${rest}`;
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

function admitUpgrade(stream: HttpStream): LocalReply | undefined {
  const { head, manager } = stream;
  const wanted = head.framing.upgrade?.toLowerCase();
  if (wanted === undefined) {
    head.headers.remove('upgrade');
    return undefined;
  }
  if (wanted === 'h2c') {
    head.headers.remove('upgrade');
    return undefined;
  }
  // A route may allow what the connection manager does not, so the decision waits for the route.
  stream.upgrade = manager.upgrades.get(wanted) === false ? undefined : wanted;
  return undefined;
}

function checkUnderscores(head: RequestHead, manager: HttpManager): LocalReply | undefined {
  if (manager.underscores === 'ALLOW' || !head.headers.names.some((name) => name.includes('_'))) return undefined;
  if (manager.underscores === 'REJECT_REQUEST') {
    return refuse(400, 'Bad Request', 'http1.unexpected_underscore', FLAG.DOWNSTREAM_PROTOCOL);
  }
  head.headers.removeWhere((name) => name.includes('_'));
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
