import type { JsonValue } from '../config/fields.ts';
import type { HeaderMap } from '../http/headers.ts';
import { FLAG_TEXTS, type Peer, type StreamInfo } from '../http/stream-info.ts';
import { toStruct } from './struct.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** The headers an entry shows beside the fixed ones, lower case. */
export interface LoggedHeaders {
  readonly request: readonly string[];
  readonly response: readonly string[];
  readonly trailers: readonly string[];
}

type Message = Readonly<Record<string, unknown>>;

/** An `envoy.data.accesslog.v3.HTTPAccessLogEntry` as a protobufjs object with original field names. */
export function httpEntry(info: StreamInfo, logged: LoggedHeaders): Message {
  return {
    common_properties: commonProperties(info),
    protocol_version: info.protocol === 'HTTP/1.0' ? 1 : 2,
    request: requestProperties(info, logged),
    response: responseProperties(info, logged),
  };
}

/** An `envoy.data.accesslog.v3.TCPAccessLogEntry`, likewise. */
export function tcpEntry(info: StreamInfo): Message {
  return {
    common_properties: commonProperties(info),
    connection_properties: { received_bytes: info.bytesReceived, sent_bytes: info.bytesSent },
  };
}

/** Numbers of `envoy.data.accesslog.v3.AccessLogType`. */
const LOG_TYPES = {
  NotSet: 0,
  TcpUpstreamConnected: 1,
  TcpPeriodic: 2,
  TcpConnectionEnd: 3,
  DownstreamEnd: 6,
  TcpConnectionStart: 14,
} as const;

function commonProperties(info: StreamInfo): Message {
  const { peers, upstreamHost, upstreamLocal } = info;
  const seconds = Math.floor(info.startTime / 1000);
  const lasted = since(info, info.responseEndAt);
  // Fields that are undefined are not written.
  return {
    downstream_remote_address: address(peers.remote),
    downstream_local_address: address(peers.local),
    downstream_direct_remote_address: address(peers.directRemote),
    upstream_remote_address: upstreamHost && address(info.upstreamRemote ?? upstreamHost.peer),
    upstream_local_address: upstreamLocal && address(upstreamLocal),
    start_time: { seconds, nanos: (info.startTime - seconds * 1000) * 1e6 },
    time_to_last_rx_byte: since(info, info.requestEndAt),
    time_to_first_upstream_rx_byte: since(info, info.upstreamFirstByteAt),
    time_to_last_upstream_rx_byte: since(info, info.upstreamLastByteAt),
    time_to_first_downstream_tx_byte: since(info, info.responseStartAt),
    time_to_last_downstream_tx_byte: lasted,
    duration: lasted,
    upstream_cluster: info.clusterName,
    route_name: info.routeName,
    response_flags: info.flags === 0 ? NO_FLAGS : responseFlags(info.flags),
    upstream_transport_failure_reason: info.upstreamFailure,
    metadata: { filter_metadata: filterMetadata(info) },
    upstream_request_attempt_count: info.attempts,
    stream_id: info.requestId,
    access_log_type: LOG_TYPES[info.accessLogType],
  };
}

const NO_FLAGS: Message = {};

function since(info: StreamInfo, at: number): Message | undefined {
  return at === 0 ? undefined : duration(at - info.startedAt);
}

function duration(milliseconds: number): Message {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.min(999_999_999, Math.max(0, Math.round((milliseconds - seconds * 1000) * 1e6))) };
}

/** A connection's ends are the same objects for all of its requests. */
const addresses = new WeakMap<Peer, Message>();

function address(peer: Peer): Message {
  const known = addresses.get(peer);
  if (known) return known;
  const made =
    peer.port === 0 && peer.address.startsWith('/')
      ? { pipe: { path: peer.address } }
      : { socket_address: { address: peer.address, port_value: peer.port } };
  addresses.set(peer, made);
  return made;
}

function responseFlags(flags: number): Message {
  const set = FLAG_TEXTS.filter(([bit]) => (flags & bit) !== 0).map(([, , , field]) => [field, true] as const);
  return Object.fromEntries(set);
}

function filterMetadata(info: StreamInfo): Message {
  const all = info.allMetadata();
  const out: Record<string, Message> = {};
  for (const namespace in all) out[namespace] = toStruct(all[namespace] as JsonValue);
  return out;
}

function requestProperties(info: StreamInfo, { request: names }: LoggedHeaders): Message {
  const { request } = info;
  if (!request) return {};
  const { headers } = request;
  const method = METHODS.indexOf(request.method) + 1;
  return {
    request_method: method,
    scheme: request.scheme,
    authority: request.authority,
    path: request.path,
    user_agent: headers.get('user-agent') ?? '',
    referer: headers.get('referer') ?? '',
    forwarded_for: headers.joined('x-forwarded-for') ?? '',
    request_id: info.requestId,
    original_path: info.originalPath ?? headers.get('x-envoy-original-path') ?? '',
    request_headers_bytes: request.size,
    request_body_bytes: info.bytesReceived,
    request_headers: picked(names, (name) => headers.joined(name) ?? info.requestHeader(name)),
  };
}

function responseProperties(info: StreamInfo, { response: names, trailers }: LoggedHeaders): Message {
  const headers: HeaderMap | undefined = info.response?.headers;
  return {
    response_code: info.status === 0 ? undefined : { value: info.status },
    response_body_bytes: info.bytesSent,
    response_headers: picked(names, (name) => headers?.joined(name)),
    response_trailers: picked(trailers, (name) => info.responseTrailers?.joined(name)),
    response_code_details: info.details,
  };
}

const NONE: Message = {};

function picked(names: readonly string[], lookup: (name: string) => string | undefined): Message {
  if (names.length === 0) return NONE;
  const out: Record<string, string> = {};
  for (const name of names) {
    const value = lookup(name);
    if (value !== undefined) out[name] = value;
  }
  return out;
}
