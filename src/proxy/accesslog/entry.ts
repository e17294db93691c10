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
  return {
    ...addresses(info),
    ...times(info),
    upstream_cluster: info.clusterName,
    route_name: info.routeName,
    response_flags: responseFlags(info.flags),
    upstream_transport_failure_reason: info.upstreamFailure,
    metadata: { filter_metadata: filterMetadata(info) },
    upstream_request_attempt_count: info.attempts,
    stream_id: info.requestId,
    access_log_type: LOG_TYPES[info.accessLogType],
  };
}

function addresses(info: StreamInfo): Message {
  return {
    downstream_remote_address: address(info.peers.remote),
    downstream_local_address: address(info.peers.local),
    downstream_direct_remote_address: address(info.peers.directRemote),
    ...(info.upstreamHost ? { upstream_remote_address: address(info.upstreamHost.peer) } : {}),
    ...(info.upstreamLocal ? { upstream_local_address: address(info.upstreamLocal) } : {}),
  };
}

function times(info: StreamInfo): Message {
  const since = (at: number): Message | undefined => (at === 0 ? undefined : duration(at - info.startedAt));
  const optional = {
    time_to_last_rx_byte: since(info.requestEndAt),
    time_to_first_upstream_rx_byte: since(info.upstreamFirstByteAt),
    time_to_last_upstream_rx_byte: since(info.upstreamLastByteAt),
    time_to_first_downstream_tx_byte: since(info.responseStartAt),
    time_to_last_downstream_tx_byte: since(info.responseEndAt),
    duration: since(info.responseEndAt),
  };
  const seconds = Math.floor(info.startTime / 1000);
  return {
    start_time: { seconds, nanos: (info.startTime - seconds * 1000) * 1e6 },
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

function duration(milliseconds: number): Message {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.min(999_999_999, Math.max(0, Math.round((milliseconds - seconds * 1000) * 1e6))) };
}

function address(peer: Peer): Message {
  if (peer.port === 0 && peer.address.startsWith('/')) return { pipe: { path: peer.address } };
  return { socket_address: { address: peer.address, port_value: peer.port } };
}

function responseFlags(flags: number): Message {
  const set = FLAG_TEXTS.filter(([bit]) => (flags & bit) !== 0).map(([, , , field]) => [field, true] as const);
  return Object.fromEntries(set);
}

function filterMetadata(info: StreamInfo): Message {
  return Object.fromEntries(
    Object.entries(info.allMetadata()).map(([namespace, values]) => [namespace, toStruct(values)]),
  );
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
    request_headers: picked(names, (name) => info.requestHeader(name)),
  };
}

function responseProperties(info: StreamInfo, { response: names, trailers }: LoggedHeaders): Message {
  const headers: HeaderMap | undefined = info.response?.headers;
  return {
    ...(info.status === 0 ? {} : { response_code: { value: info.status } }),
    response_body_bytes: info.bytesSent,
    response_headers: picked(names, (name) => headers?.joined(name)),
    response_trailers: picked(trailers, (name) => info.responseTrailers?.joined(name)),
    response_code_details: info.details,
  };
}

function picked(names: readonly string[], lookup: (name: string) => string | undefined): Message {
  const out: Record<string, string> = {};
  for (const name of names) {
    const value = lookup(name);
    if (value !== undefined) out[name] = value;
  }
  return out;
}
