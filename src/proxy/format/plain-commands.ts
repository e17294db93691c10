import { formatHostPort } from '../config/address.ts';
import type { JsonValue } from '../config/fields.ts';
import { requestHeadBytes, responseHeadBytes } from '../http/head-bytes.ts';
import { flagsText, longFlagsText, type Peer, type StreamInfo } from '../http/stream-info.ts';

/** The value of a command for one stream; undefined prints as `-`. */
export type Command = (info: StreamInfo) => JsonValue | undefined;

const since = (from: number, to: number): number | undefined =>
  from === 0 || to === 0 ? undefined : Math.round(to - from);
const endpoint = (peer: Peer | undefined): string | undefined =>
  peer && (peer.port === 0 ? peer.address : formatHostPort(peer.address, peer.port));
const nothing: Command = () => undefined;

const request: Readonly<Record<string, Command>> = {
  PROTOCOL: (info) => info.protocol,
  BYTES_RECEIVED: (info) => info.bytesReceived,
  REQUEST_DURATION: (info) => since(info.startedAt, info.requestEndAt),
  REQUEST_HEADERS_BYTES: (info) => (info.request ? requestHeadBytes(info.request) : 0),
  ROUTE_NAME: (info) => info.routeName || undefined,
  STREAM_ID: (info) => info.requestId || undefined,
};

const response: Readonly<Record<string, Command>> = {
  RESPONSE_CODE: (info) => info.status,
  RESPONSE_FLAGS: (info) => flagsText(info.flags),
  RESPONSE_FLAGS_LONG: (info) => longFlagsText(info.flags),
  BYTES_SENT: (info) => info.bytesSent,
  DURATION: (info) => since(info.startedAt, info.responseEndAt),
  RESPONSE_DURATION: (info) => since(info.startedAt, info.upstreamFirstByteAt),
  RESPONSE_TX_DURATION: (info) => since(info.upstreamFirstByteAt, info.responseEndAt),
  RESPONSE_HEADERS_BYTES: (info) => (info.response ? responseHeadBytes(info.response) : 0),
  CONNECTION_TERMINATION_DETAILS: (info) => info.terminationDetails || undefined,
  LOCAL_REPLY_BODY: (info) => info.localReplyBody,
  ACCESS_LOG_TYPE: (info) => info.accessLogType,
};

const upstream: Readonly<Record<string, Command>> = {
  UPSTREAM_CLUSTER: (info) => info.clusterName || undefined,
  UPSTREAM_CLUSTER_RAW: (info) => info.clusterName || undefined,
  UPSTREAM_HOST: (info) => info.upstreamHost?.name,
  UPSTREAM_HOST_NAME: (info) => info.upstreamHost?.hostname || info.upstreamHost?.name,
  UPSTREAM_HOST_NAME_WITHOUT_PORT: (info) => info.upstreamHost?.hostname || info.upstreamHost?.peer.address,
  UPSTREAM_PROTOCOL: (info) => (info.upstreamLocal && info.protocol !== undefined ? 'HTTP/1.1' : undefined),
  UPSTREAM_REMOTE_ADDRESS: (info) => info.upstreamLocal && info.upstreamHost?.name,
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (info) => info.upstreamLocal && info.upstreamHost?.peer.address,
  UPSTREAM_REMOTE_PORT: (info) => info.upstreamLocal && info.upstreamHost?.peer.port,
  UPSTREAM_LOCAL_ADDRESS: (info) => endpoint(info.upstreamLocal),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (info) => info.upstreamLocal?.address,
  UPSTREAM_LOCAL_PORT: (info) => info.upstreamLocal?.port,
  UPSTREAM_REQUEST_ATTEMPT_COUNT: (info) => info.attempts,
  UPSTREAM_TRANSPORT_FAILURE_REASON: (info) => info.upstreamFailure.replaceAll(' ', '_') || undefined,
};

const downstream: Readonly<Record<string, Command>> = {
  CONNECTION_ID: (info) => info.peers.connectionId,
  DOWNSTREAM_REMOTE_ADDRESS: (info) => endpoint(info.peers.remote),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (info) => info.peers.remote.address,
  DOWNSTREAM_REMOTE_PORT: (info) => info.peers.remote.port,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: (info) => endpoint(info.peers.directRemote),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: (info) => info.peers.directRemote.address,
  DOWNSTREAM_DIRECT_REMOTE_PORT: (info) => info.peers.directRemote.port,
  DOWNSTREAM_LOCAL_ADDRESS: (info) => endpoint(info.peers.local),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (info) => info.peers.local.address,
  DOWNSTREAM_LOCAL_PORT: (info) => info.peers.local.port,
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: nothing,
};

/** What only a TLS connection, a tracer or QUIC has: always absent here. */
const absent: readonly string[] = [
  ...['CIPHER', 'GROUP', 'SESSION_ID', 'VERSION'].flatMap((name) => [`DOWNSTREAM_TLS_${name}`, `UPSTREAM_TLS_${name}`]),
  ...['CERT', 'SUBJECT', 'ISSUER', 'URI_SAN', 'DNS_SAN', 'IP_SAN'].flatMap((name) => [
    `DOWNSTREAM_PEER_${name}`,
    `UPSTREAM_PEER_${name}`,
  ]),
  ...['SUBJECT', 'URI_SAN', 'DNS_SAN', 'IP_SAN', 'EMAIL_SAN'].map((name) => `DOWNSTREAM_LOCAL_${name}`),
  ...['FINGERPRINT_1', 'FINGERPRINT_256', 'SERIAL', 'EMAIL_SAN'].map((name) => `DOWNSTREAM_PEER_${name}`),
  ...['URI_SAN', 'DNS_SAN', 'IP_SAN'].map((name) => `UPSTREAM_LOCAL_${name}`),
  ...['TLS_JA3_FINGERPRINT', 'TLS_JA4_FINGERPRINT', 'REQUESTED_SERVER_NAME'],
  ...['TRACE_ID', 'SPAN_ID', 'ROUNDTRIP_DURATION', 'DOWNSTREAM_HANDSHAKE_DURATION'],
];

/** Commands without argument. Names and meaning as in Envoy's access log documentation. */
export const plainCommands: Readonly<Record<string, Command>> = {
  ...request,
  ...response,
  ...upstream,
  ...downstream,
  ...Object.fromEntries(absent.map((name) => [name, nothing])),
};
