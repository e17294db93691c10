import type { JsonValue } from '../config/fields.ts';
import { allNoted, type Noted } from '../http/dynamic-metadata.ts';
import type { HeaderMap } from '../http/headers.ts';
import { FLAG, FLAG_TEXTS, type Peer, type StreamInfo } from '../http/stream-info.ts';
import type { CustomTag } from '../tracing/custom-tags.ts';
import { textOfTag } from '../tracing/span.ts';
import { putStruct } from './struct.ts';
import { WireWriter } from './wire.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** The headers an entry shows beside the fixed ones, lower case. `*` of request or response stands for all: an extension of ours, as Envoy knows no header of that name. No other header stands beside it, `:method` and its like may. */
export interface LoggedHeaders {
  readonly request: readonly string[];
  readonly response: readonly string[];
  readonly trailers: readonly string[];
}

/** Numbers of `HTTPAccessLogEntry.HTTPVersion`. */
const PROTOCOLS = { 'HTTP/1.0': 1, 'HTTP/1.1': 2, 'HTTP/2': 3 } as const;

/** Writes an `envoy.data.accesslog.v3.HTTPAccessLogEntry` as the field with this number. Numbers are those of the published API. */
export function putHttpEntry(
  out: WireWriter,
  field: number,
  info: StreamInfo,
  logged: LoggedHeaders,
  tags: readonly CustomTag[] = [],
): void {
  const start = out.begin(field);
  putCommon(out, 1, info, tags);
  out.integer(2, PROTOCOLS[info.protocol ?? 'HTTP/1.1']);
  putRequest(out, 3, info, logged);
  putResponse(out, 4, info, logged);
  out.end(start);
}

/** The same for an `envoy.data.accesslog.v3.TCPAccessLogEntry`. */
export function putTcpEntry(out: WireWriter, field: number, info: StreamInfo, tags: readonly CustomTag[] = []): void {
  const start = out.begin(field);
  putCommon(out, 1, info, tags);
  const connection = out.begin(2);
  out.nonZero(1, info.bytesReceived);
  out.nonZero(2, info.bytesSent);
  out.end(connection);
  out.end(start);
}

/** Numbers of `envoy.data.accesslog.v3.AccessLogType`. */
const LOG_TYPES = {
  NotSet: 0,
  TcpUpstreamConnected: 1,
  TcpPeriodic: 2,
  TcpConnectionEnd: 3,
  DownstreamStart: 4,
  DownstreamPeriodic: 5,
  DownstreamEnd: 6,
  DownstreamTunnelSuccessfullyEstablished: 10,
  TcpConnectionStart: 14,
} as const;

function putCommon(out: WireWriter, field: number, info: StreamInfo, tags: readonly CustomTag[]): void {
  const { peers, upstreamHost, upstreamLocal, startTime } = info;
  const start = out.begin(field);
  out.message(2, addressOf(peers.remote));
  out.message(3, addressOf(peers.local));
  putServerName(out, 4, info);
  const seconds = Math.floor(startTime / 1000);
  out.time(5, seconds, (startTime - seconds * 1000) * 1e6);
  putSince(out, 6, info, info.requestEndAt);
  putSince(out, 9, info, info.upstreamFirstByteAt);
  putSince(out, 10, info, info.upstreamLastByteAt);
  putSince(out, 11, info, info.responseStartAt);
  putSince(out, 12, info, info.responseEndAt);
  if (upstreamHost) out.message(13, addressOf(info.upstreamRemote ?? upstreamHost.peer));
  if (upstreamLocal) out.message(14, addressOf(upstreamLocal));
  out.nonEmpty(15, info.clusterName);
  putFlags(out, 16, info.flags);
  out.message(17, info.noted ? metadataOf(info.noted) : nothing);
  out.nonEmpty(18, info.upstreamFailure);
  out.nonEmpty(19, info.routeName);
  out.message(20, addressOf(peers.directRemote));
  putTags(out, 22, info, tags);
  putSince(out, 23, info, info.responseEndAt);
  out.nonZero(24, info.attempts);
  out.nonEmpty(25, info.terminationDetails);
  out.nonEmpty(26, info.requestId);
  out.nonZero(33, LOG_TYPES[info.accessLogType]);
  out.end(start);
}

/** Those that have a value. */
function putTags(out: WireWriter, field: number, info: StreamInfo, tags: readonly CustomTag[]): void {
  for (const { name, value } of tags) {
    const found = value(info);
    if (found === undefined) continue;
    const entry = out.begin(field);
    out.bytesText(1, name);
    out.bytesText(2, textOfTag(found));
    out.end(entry);
  }
}

/** `TLSProperties` of a connection that is not decrypted: the name that its hello asks for. */
function putServerName(out: WireWriter, field: number, { peers }: StreamInfo): void {
  if (!peers.hello?.serverName) return;
  const start = out.begin(field);
  out.string(3, peers.hello.serverName);
  out.end(start);
}

/** A point of time as the duration since the start; left out when it is not known. */
function putSince(out: WireWriter, field: number, info: StreamInfo, at: number): void {
  if (at === 0) return;
  const milliseconds = Math.max(0, at - info.startedAt);
  const nanoseconds = Math.round(milliseconds * 1e6);
  out.time(field, Math.floor(nanoseconds / 1e9), nanoseconds % 1e9);
}

/** A connection's ends are the same objects for all of its requests. */
const addresses = new WeakMap<Peer, Uint8Array>();

/** An `envoy.config.core.v3.Address`. */
function addressOf(peer: Peer): Uint8Array {
  const known = addresses.get(peer);
  if (known) return known;
  const out = new WireWriter(64);
  const isPath = peer.port === 0 && peer.address.startsWith('/');
  const start = out.begin(isPath ? 2 : 1);
  out.string(isPath ? 1 : 2, peer.address);
  if (!isPath) out.integer(3, peer.port);
  out.end(start);
  return keep(addresses, peer, out);
}

/** Fields of `envoy.data.accesslog.v3.ResponseFlags`, the first of which has number 1. */
const FLAG_FIELDS = (
  'failed_local_healthcheck no_healthy_upstream upstream_request_timeout local_reset upstream_remote_reset ' +
  'upstream_connection_failure upstream_connection_termination upstream_overflow no_route_found delay_injected ' +
  'fault_injected rate_limited unauthorized_details rate_limit_service_error downstream_connection_termination ' +
  'upstream_retry_limit_exceeded stream_idle_timeout invalid_envoy_request_headers downstream_protocol_error ' +
  'upstream_max_stream_duration_reached response_from_cache_filter no_filter_config_found duration_timeout ' +
  'upstream_protocol_error no_cluster_found overload_manager dns_resolution_failure downstream_remote_reset'
).split(' ');
/** The one that is a message: `Unauthorized` with its only reason, an external service. */
const UNAUTHORIZED = Uint8Array.of(8, 1);
const FLAGS = FLAG_TEXTS.map(([bit, , , name]) => [bit, FLAG_FIELDS.indexOf(name) + 1] as const);

function putFlags(out: WireWriter, field: number, flags: number): void {
  const start = out.begin(field);
  if (flags !== 0) {
    for (const [bit, number] of FLAGS) {
      if ((flags & bit) === 0) continue;
      if (bit === FLAG.UNAUTHORIZED) out.message(number, UNAUTHORIZED);
      else out.integer(number, 1);
    }
  }
  out.end(start);
}

const nothing = new Uint8Array();
/** What policy notes of a request it notes of the next as well. */
const metadata = new WeakMap<Noted, Uint8Array>();

/** An `envoy.config.core.v3.Metadata`. */
function metadataOf(noted: Noted): Uint8Array {
  const known = metadata.get(noted);
  if (known) return known;
  const out = new WireWriter(512);
  const all = allNoted(noted);
  for (const namespace in all) {
    const entry = out.begin(1);
    out.string(1, namespace);
    putStruct(out, 2, all[namespace] as JsonValue);
    out.end(entry);
  }
  return keep(metadata, noted, out);
}

/** A copy of what was written, found again under its key. */
function keep<Key extends object>(known: WeakMap<Key, Uint8Array>, key: Key, out: WireWriter): Uint8Array {
  const made = Uint8Array.from(out.bytes.subarray(0, out.length));
  known.set(key, made);
  return made;
}

function putRequest(out: WireWriter, field: number, info: StreamInfo, { request: names }: LoggedHeaders): void {
  const start = out.begin(field);
  const { request } = info;
  if (request) {
    const { headers } = request;
    out.nonZero(1, METHODS.indexOf(request.method) + 1);
    out.nonEmpty(2, request.scheme);
    out.nonEmpty(3, request.authority);
    out.nonEmpty(5, request.path);
    out.nonEmpty(6, headers.get('user-agent') ?? '');
    out.nonEmpty(7, headers.get('referer') ?? '');
    out.nonEmpty(8, headers.joined('x-forwarded-for') ?? '');
    out.nonEmpty(9, info.requestId);
    out.nonEmpty(10, info.originalPath ?? headers.get('x-envoy-original-path') ?? '');
    out.nonZero(11, request.size);
    out.nonZero(12, info.bytesReceived);
    for (const name of names) {
      if (name === EVERY_HEADER) putAll(out, 13, headers, toldOtherwise);
      else putPicked(out, 13, name, headers.joined(name) ?? info.requestHeader(name));
    }
  }
  out.end(start);
}

function putResponse(out: WireWriter, field: number, info: StreamInfo, logged: LoggedHeaders): void {
  const start = out.begin(field);
  if (info.status !== 0) {
    const code = out.begin(1);
    out.integer(1, info.status);
    out.end(code);
  }
  out.nonZero(3, info.bytesSent);
  const headers = info.response?.headers;
  for (const name of logged.response) {
    if (name !== EVERY_HEADER) putPicked(out, 4, name, headers?.joined(name));
    else if (headers) putAll(out, 4, headers, []);
  }
  for (const name of logged.trailers) putPicked(out, 5, name, info.responseTrailers?.joined(name));
  out.nonEmpty(6, info.details);
  out.end(start);
}

/** Stands for all headers in a list of names. */
export const EVERY_HEADER = '*';
/** Characters of names and values together; entries wait by number, so that one may not take the room of many. */
const mostCharacters = 4096;

/** Request headers that have fields of their own; the scheme is one, too. */
const toldOtherwise: readonly string[] = [
  'user-agent',
  'referer',
  'x-forwarded-for',
  'x-request-id',
  'x-forwarded-proto',
];

/** All headers but some while there is room; one that has none is left out as a whole. */
function putAll(out: WireWriter, field: number, headers: HeaderMap, except: readonly string[]): void {
  let room = mostCharacters;
  for (let at = 0; at < headers.size; at++) {
    const name = headers.nameAt(at);
    if (except.includes(name) || headers.find(name) !== at) continue;
    const value = headers.joined(name) ?? '';
    if (name.length + value.length > room) continue;
    room -= name.length + value.length;
    putPicked(out, field, name, value);
  }
}

function putPicked(out: WireWriter, field: number, name: string, value: string | undefined): void {
  if (value === undefined) return;
  const start = out.begin(field);
  out.string(1, name);
  out.string(2, value);
  out.end(start);
}
