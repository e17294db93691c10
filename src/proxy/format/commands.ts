import { formatHostPort } from '../config/address.ts';
import type { JsonValue } from '../config/fields.ts';
import { flagsText, type Peer, type StreamInfo } from '../http/stream-info.ts';
import { formatTime } from './time.ts';

/** The value of a command for one stream; undefined prints as `-`. */
export type Command = (info: StreamInfo) => JsonValue | undefined;

const since = (from: number, to: number): number | undefined =>
  from === 0 || to === 0 ? undefined : Math.round(to - from);
const endpoint = (peer: Peer | undefined): string | undefined =>
  peer && (peer.port === 0 ? peer.address : formatHostPort(peer.address, peer.port));

/** Commands without argument. Names and meaning as in Envoy's access log documentation. */
const PLAIN: Readonly<Record<string, Command>> = {
  PROTOCOL: (info) => info.protocol,
  RESPONSE_CODE: (info) => info.status,
  RESPONSE_CODE_DETAILS: (info) => info.details || undefined,
  RESPONSE_FLAGS: (info) => flagsText(info.flags),
  BYTES_RECEIVED: (info) => info.bytesReceived,
  BYTES_SENT: (info) => info.bytesSent,
  DURATION: (info) => since(info.startedAt, info.responseEndAt),
  REQUEST_DURATION: (info) => since(info.startedAt, info.requestEndAt),
  RESPONSE_DURATION: (info) => since(info.startedAt, info.upstreamFirstByteAt),
  RESPONSE_TX_DURATION: (info) => since(info.upstreamFirstByteAt, info.responseEndAt),
  ROUTE_NAME: (info) => info.routeName || undefined,
  VIRTUAL_HOST_NAME: (info) => info.virtualHostName || undefined,
  UPSTREAM_CLUSTER: (info) => info.clusterName || undefined,
  UPSTREAM_CLUSTER_RAW: (info) => info.clusterName || undefined,
  UPSTREAM_HOST: (info) => info.upstreamHost?.name,
  UPSTREAM_REMOTE_ADDRESS: (info) => info.upstreamHost?.name,
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (info) => info.upstreamHost?.peer.address,
  UPSTREAM_REMOTE_PORT: (info) => info.upstreamHost?.peer.port,
  UPSTREAM_LOCAL_ADDRESS: (info) => endpoint(info.upstreamLocal),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (info) => info.upstreamLocal?.address,
  UPSTREAM_LOCAL_PORT: (info) => info.upstreamLocal?.port,
  UPSTREAM_REQUEST_ATTEMPT_COUNT: (info) => info.attempts,
  UPSTREAM_TRANSPORT_FAILURE_REASON: (info) => info.upstreamFailure || undefined,
  DOWNSTREAM_REMOTE_ADDRESS: (info) => endpoint(info.peers.remote),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (info) => info.peers.remote.address,
  DOWNSTREAM_REMOTE_PORT: (info) => info.peers.remote.port,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: (info) => endpoint(info.peers.directRemote),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: (info) => info.peers.directRemote.address,
  DOWNSTREAM_DIRECT_REMOTE_PORT: (info) => info.peers.directRemote.port,
  DOWNSTREAM_LOCAL_ADDRESS: (info) => endpoint(info.peers.local),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (info) => info.peers.local.address,
  DOWNSTREAM_LOCAL_PORT: (info) => info.peers.local.port,
  LOCAL_REPLY_BODY: (info) => info.localReplyBody || undefined,
  STREAM_ID: (info) => info.requestId || undefined,
};

/** Compiles `NAME`, `NAME(argument)`, with the text after `:` cutting the value. Undefined when there is no such command here. */
export function compileCommand(name: string, argument: string | undefined): Command | undefined {
  if (argument === undefined) {
    return name === 'START_TIME' ? (info) => formatTime(info.startTime, undefined) : PLAIN[name];
  }
  switch (name) {
    case 'START_TIME':
      return (info) => formatTime(info.startTime, argument);
    case 'REQ':
      return headerCommand(argument, (info, header) =>
        header === 'x-envoy-original-path' && !info.request?.headers.has(header)
          ? info.originalPath
          : info.requestHeader(header),
      );
    case 'RESP':
      return headerCommand(argument, (info, header) => info.responseHeader(header));
    case 'TRAILER':
      return () => undefined;
    case 'DYNAMIC_METADATA': {
      const [namespace = '', ...path] = argument.split(':');
      return (info) => info.metadata(namespace, path);
    }
    default:
      return undefined;
  }
}

/** `X?Y`: the first header, or the second when the first is absent. */
function headerCommand(argument: string, lookup: (info: StreamInfo, name: string) => string | undefined): Command {
  const [first = '', second] = argument.toLowerCase().split('?', 2);
  if (second === undefined) return (info) => lookup(info, first);
  return (info) => lookup(info, first) ?? lookup(info, second);
}

export function commandNames(): string {
  return [...Object.keys(PLAIN), 'START_TIME', 'REQ(X)', 'RESP(X)', 'TRAILER(X)', 'DYNAMIC_METADATA(NAMESPACE:KEY)']
    .sort()
    .join(', ');
}
