import { isGrpcType } from '../http/grpc-status.ts';
import type { HeaderMap } from '../http/headers.ts';
import { originalUri } from '../http/original-uri.ts';
import { flagsText, type StreamInfo } from '../http/stream-info.ts';
import type { CustomTag } from './custom-tags.ts';
import type { Span } from './span.ts';

/** What a connection manager says about the tags of its spans. */
export interface TagOptions {
  /** Characters of a path. */
  readonly maxPath: number;
  /** Spans tell when bytes came and went. */
  readonly verbose: boolean;
}

/** Tells what became of a client's request, in the names and the order of Envoy's spans. */
export function tagRequest(span: Span, info: StreamInfo, options: TagOptions, custom: readonly CustomTag[]): void {
  const { tags } = span;
  const { request } = info;
  if (request) {
    const { headers } = request;
    const id = headers.get('x-request-id');
    if (id !== undefined) tags.set('guid:x-request-id', id);
    tags.set('http.url', originalUri(request, options.maxPath));
    tags.set('http.method', request.method);
    tags.set('downstream_cluster', headers.get('x-envoy-downstream-service-cluster') ?? '-');
    tags.set('user_agent', headers.get('user-agent') ?? '-');
    tags.set('http.protocol', info.protocol ?? '-');
    tags.set('peer.address', info.peers.directRemote.address);
    const client = headers.get('x-client-trace-id');
    if (client !== undefined) tags.set('guid:x-client-trace-id', client);
    if (isGrpcType(headers.get('content-type'))) tagGrpcRequest(span, info);
  }
  tags.set('request_size', String(info.bytesReceived));
  tags.set('response_size', String(info.bytesSent));
  tagOutcome(span, info, info.status, flagsText(info, false));
  tagGrpcResponse(span, info.response?.headers, info.responseTrailers);
  if (options.verbose) {
    addEvent(span, info, 'last_downstream_rx_byte_received', info.requestEndAt);
    addUpstreamEvents(span, info);
    addEvent(span, info, 'first_downstream_tx_byte_sent', info.responseStartAt);
    addEvent(span, info, 'last_downstream_tx_byte_sent', info.responseEndAt);
  }
  tagCustom(span, info, custom);
}

function tagGrpcRequest({ tags }: Span, { request }: StreamInfo): void {
  if (!request) return;
  tags.set('grpc.path', request.path);
  tags.set('grpc.authority', request.authority);
  tags.set('grpc.content_type', request.headers.get('content-type') ?? '');
  const timeout = request.headers.get('grpc-timeout');
  if (timeout !== undefined) tags.set('grpc.timeout', timeout);
}

/** The gRPC status of a response, be it called gRPC or not. */
export function tagGrpcResponse(span: Span, head: HeaderMap | undefined, trailers: HeaderMap | undefined): void {
  const status = trailers?.get('grpc-status') ?? head?.get('grpc-status');
  if (status !== undefined) span.setGrpcStatus(status, trailers?.get('grpc-message') ?? head?.get('grpc-message'));
}

/** What spans of requests and of their attempts have in common. */
export function tagOutcome(span: Span, info: StreamInfo, status: number, flags: string): void {
  const { tags } = span;
  tags.set('component', 'proxy');
  if (info.clusterName !== '') {
    tags.set('upstream_cluster', info.clusterName);
    tags.set('upstream_cluster.name', info.observedCluster || info.clusterName);
  }
  span.setStatusCode(status);
  tags.set('response_flags', flags);
  if (status === 0 || (status >= 500 && status < 600)) tags.set('error', 'true');
}

export function tagCustom({ tags }: Span, info: StreamInfo, custom: readonly CustomTag[]): void {
  for (const { name, value } of custom) {
    const found = value(info);
    if (found !== undefined) tags.set(name, found);
  }
}

function addEvent({ events, startTime }: Span, info: StreamInfo, name: string, at: number): void {
  const time = info.startTime + at - info.startedAt;
  // What is older is an earlier attempt's.
  if (at > 0 && time >= startTime) events.push({ name, time });
}

/** When bytes went to a host and came from it. */
export function addUpstreamEvents(span: Span, info: StreamInfo): void {
  addEvent(span, info, 'first_upstream_tx_byte_sent', info.upstreamSendStartAt);
  addEvent(span, info, 'last_upstream_tx_byte_sent', info.upstreamSendEndAt);
  addEvent(span, info, 'first_upstream_rx_byte_received', info.upstreamFirstByteAt);
  addEvent(span, info, 'last_upstream_rx_byte_received', info.upstreamLastByteAt);
}
