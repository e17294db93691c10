import type { LocalReply } from '../filter/filter.ts';
import { applyMutation } from '../route/mutation.ts';
import { locateClient, located } from './client-address.ts';
import { shapeClientCertificate } from './client-certificate.ts';
import type { RequestHead } from './head.ts';
import type { HeaderMap } from './headers.ts';
import type { HttpManager } from './manager.ts';
import { isReferer } from './referer.ts';
import { newRequestId } from './request-id.ts';
import type { Shaping } from './request-shaping.ts';
import type { HttpStream } from './stream.ts';
import type { StreamInfo } from './stream-info.ts';

/** Always taken away, from internal requests only, and from those at the edge of the own network. */
const ALWAYS = 1;
const FROM_EXTERNAL = 2;
const FROM_EDGE = 3;

const PREFIX = 'x-envoy-';

const SANITIZED: ReadonlyMap<string, number> = new Map([
  ...words('x-envoy-internal', ALWAYS),
  ...words(
    'x-envoy-retriable-status-codes x-envoy-retriable-header-names x-envoy-retry-on x-envoy-retry-grpc-on ' +
      'x-envoy-max-retries x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-timeout-ms ' +
      'x-envoy-upstream-rq-per-try-timeout-ms x-envoy-upstream-rq-timeout-alt-response x-envoy-expected-rq-timeout-ms ' +
      'x-envoy-force-trace x-envoy-ip-tags x-envoy-original-url x-envoy-hedge-on-per-try-timeout ' +
      'x-envoy-upstream-stream-duration-ms',
    FROM_EXTERNAL,
  ),
  ...words(
    'x-envoy-decorator-operation x-envoy-downstream-service-cluster x-envoy-downstream-service-node ' +
      'x-envoy-original-path x-envoy-original-host',
    FROM_EDGE,
  ),
]);

function words(names: string, level: number): readonly (readonly [string, number])[] {
  return names.split(' ').map((name) => [name, level] as const);
}

/** A request that is brought into shape, and what of its connection manager does so. */
export type ShapedStream = StreamInfo &
  Pick<HttpStream, 'head' | 'internal' | 'routable' | 'upgrade'> & {
    readonly manager: Shaping & Pick<HttpManager, 'stats' | 'runtime'>;
  };

/** Brings the headers of a request into shape. The order is that of Envoy's `mutateRequestHeaders`. */
export function shapeRequestHeaders(stream: ShapedStream): LocalReply | undefined {
  const { head, manager, peers } = stream;
  const { headers } = head;
  const { addresses } = manager;
  if (manager.earlyMutations) {
    for (const mutation of manager.earlyMutations) applyMutation(mutation, headers, stream);
  }
  shapeTe(headers);
  if (headers.has('referer') && !isReferer(headers.joined('referer') ?? '')) headers.remove('referer');
  const refusal = locateClient(headers, peers.proxied?.remote ?? peers.directRemote, addresses);
  if (refusal) {
    manager.stats.rqRejectedViaIpDetection++;
    return refusal;
  }
  const { address, internal } = located;
  if (address !== undefined) stream.peers = { ...peers, remote: { address, port: 0 } };
  const edge = addresses.useRemote && !internal;
  forwardProtocol(stream, head, manager);
  sanitize(headers, internal ? ALWAYS : edge ? FROM_EDGE : FROM_EXTERNAL);
  if (internal) headers.add('x-envoy-internal', 'true');
  stream.internal = internal;
  if (manager.userAgent) addUserAgent(headers, manager.userAgent);
  if (manager.via !== '') appendVia(headers, manager.via);
  if (edge && !isPipe(stream.peers.remote.address)) {
    headers.set('x-envoy-external-address', stream.peers.remote.address);
  }
  shapeRequestId(stream, edge);
  shapeClientCertificate(headers, manager.clientCertificate, peers.tls);
  return undefined;
}

/** Only `trailers` may stay of `te`; an empty one does no harm. */
function shapeTe(headers: HeaderMap): void {
  const te = headers.joined('te');
  if (!te || te === 'trailers') return;
  if (te.split(',').some((item) => item.trim() === 'trailers')) headers.set('te', 'trailers');
  else headers.remove('te');
}

/** What goes at each level. */
const GOES: readonly ((name: string) => boolean)[] = [0, ALWAYS, FROM_EXTERNAL, FROM_EDGE].map(
  (level) => (name) => name.startsWith(PREFIX) && (SANITIZED.get(name) ?? level + 1) <= level,
);

function sanitize(headers: HeaderMap, level: number): void {
  headers.remove('keep-alive');
  headers.remove('proxy-connection');
  headers.removeWhere(GOES[level] as (name: string) => boolean);
}

/** `x-forwarded-proto`, `x-forwarded-port` and the scheme that follows from them. */
function forwardProtocol(stream: ShapedStream, head: RequestHead, manager: ShapedStream['manager']): void {
  const { headers } = head;
  const { useRemote, trustedHops } = manager.addresses;
  const overwrite = useRemote && trustedHops === 0;
  if (overwrite || !headers.has('x-forwarded-proto'))
    headers.set('x-forwarded-proto', stream.peers.tls ? 'https' : 'http');
  if (manager.appendForwardedPort && (overwrite || !headers.has('x-forwarded-port'))) {
    headers.set('x-forwarded-port', String(stream.peers.local.port));
  }
  if (manager.scheme !== '') {
    head.scheme = manager.scheme;
    headers.set('x-forwarded-proto', manager.scheme);
  }
  const protocol = headers.get('x-forwarded-proto') ?? '';
  if (protocol === '') stream.routable = false;
  if (head.scheme === '') head.scheme = schemeOf(protocol);
}

function schemeOf(protocol: string): string {
  if (protocol === 'http' || protocol === 'https') return protocol;
  return protocol.toLowerCase() === 'https' ? 'https' : 'http';
}

/** Who this proxy says it is with `add_user_agent`. */
export interface UserAgent {
  readonly cluster: string;
  readonly node: string;
}

function addUserAgent(headers: HeaderMap, { cluster, node }: UserAgent): void {
  headers.set('x-envoy-downstream-service-cluster', cluster);
  if (!headers.get('user-agent')) headers.set('user-agent', cluster);
  if (node !== '') headers.set('x-envoy-downstream-service-node', node);
}

export function appendVia(headers: HeaderMap, via: string): void {
  const before = headers.joined('via');
  headers.set('via', before ? `${before}, ${via}` : via);
}

function isPipe(address: string): boolean {
  return address === '' || address.startsWith('/');
}

function shapeRequestId(stream: ShapedStream, edge: boolean): void {
  const { headers } = stream.head;
  const { requestIds } = stream.manager;
  const sent = headers.joined('x-request-id') ?? '';
  if (!requestIds.generate || (sent !== '' && (!edge || requestIds.preserve))) {
    stream.requestId = sent;
    return;
  }
  stream.requestId = newRequestId();
  headers.set('x-request-id', stream.requestId);
}
