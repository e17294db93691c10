import { randomUUID } from 'node:crypto';
import net from 'node:net';
import os from 'node:os';
import { fail, formatIp, ok, parseIp } from '../../base/index.ts';
import { formatHostPort } from '../config/address.ts';
import { flagsText, type Peer, type StreamInfo } from '../http/stream-info.ts';
import { now } from '../time/clock.ts';
import { alone, type CommandKind } from './command.ts';
import { hostNameOf, withoutPort } from './names.ts';

const since = (from: number, to: number): number | undefined =>
  from === 0 || to === 0 ? undefined : Math.floor(to - from);
const endpoint = (peer: Peer | undefined): string | undefined =>
  peer && (peer.port === 0 && net.isIP(peer.address) === 0 ? peer.address : formatHostPort(peer.address, peer.port));
const underscored = (text: string): string | undefined => (text === '' ? undefined : text.replaceAll(/\s/g, '_'));
const remotePeer = ({ upstreamRemote, upstreamHost }: StreamInfo): Peer | undefined =>
  upstreamRemote ?? upstreamHost?.peer;
const remoteName = ({ upstreamRemote, upstreamHost }: StreamInfo): string | undefined =>
  upstreamRemote ? endpoint(upstreamRemote) : upstreamHost?.name;
const directLocal = ({ peers }: StreamInfo): Peer => peers.proxied?.directLocal ?? peers.local;
const hostName = ({ upstreamHost }: StreamInfo): string | undefined => upstreamHost && hostNameOf(upstreamHost);

/** An address, as the range of so many bits where the argument is a number. */
function addressKind(peerOf: (info: StreamInfo) => Peer | undefined): CommandKind {
  return {
    argument: 'optional',
    length: false,
    make: (argument) => {
      if (!/^\d+$/.test(argument)) return ok((info) => peerOf(info)?.address);
      return ok((info) => {
        const address = peerOf(info)?.address;
        return address === undefined ? undefined : (rangeText(address, Number(argument)) ?? address);
      });
    },
  };
}

function rangeText(address: string, length: number): string | undefined {
  const ip = parseIp(address);
  if (!ip) return undefined;
  const prefix = Math.min(length, ip.bits);
  const shift = BigInt(ip.bits - prefix);
  return `${formatIp({ ...ip, address: (ip.address >> shift) << shift })}/${prefix}`;
}

/** Where no hello was inspected there is no server name, but the host may stand in for it. */
/** What the client hello asks for, of which Envoy shows only what may stand in the name of a host. */
function helloName({ peers: { hello } }: StreamInfo): string {
  const name = hello?.serverName ?? '';
  const shown = name.replaceAll(/[^a-zA-Z0-9.-]/g, '_');
  return shown === name && !name.includes('_') ? name : `invalid:${shown}`;
}

function serverName(argument: string): ReturnType<CommandKind['make']> {
  switch (argument) {
    case '':
    case 'SNI_ONLY':
      return ok((info) => helloName(info) || undefined);
    case 'SNI_FIRST':
      return ok((info) => helloName(info) || info.request?.authority || undefined);
    case 'HOST_FIRST':
      return ok((info) => info.request?.authority || helloName(info) || undefined);
    default:
      return fail(
        `Invalid REQUESTED_SERVER_NAME option: '${argument}', only 'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST' are allowed`,
      );
  }
}

/** That of an internal address, which ends with it; others have none. */
function endpointId(address: string): string {
  return address.startsWith('envoy://') ? address.slice(address.lastIndexOf('/') + 1) : '';
}

/** Commands about a stream and its connections. Names and meaning as in Envoy's access log documentation. */
export const STREAM_COMMANDS: Readonly<Record<string, CommandKind>> = {
  TRACE_ID: alone((info) => info.trace?.span.traceId),
  SPAN_ID: alone((info) => info.trace?.loggedSpanId),
  PROTOCOL: alone((info) => info.protocol),
  RESPONSE_CODE: alone((info) => info.status),
  RESPONSE_CODE_DETAILS: {
    argument: 'optional',
    length: false,
    make: (argument) =>
      ok(argument === 'ALLOW_WHITESPACES' ? (info) => info.details || undefined : (info) => underscored(info.details)),
  },
  RESPONSE_FLAGS: alone((info) => flagsText(info, false)),
  RESPONSE_FLAGS_LONG: alone((info) => flagsText(info, true)),
  DURATION: alone((info) => since(info.startedAt, info.responseEndAt || now())),
  REQUEST_DURATION: alone((info) => since(info.startedAt, info.requestEndAt)),
  REQUEST_TX_DURATION: alone((info) => since(info.startedAt, info.upstreamSendEndAt)),
  UPSTREAM_CONNECTION_POOL_READY_DURATION: alone((info) => since(info.upstreamAskedAt, info.upstreamReadyAt)),
  RESPONSE_DURATION: alone((info) => since(info.startedAt, info.upstreamFirstByteAt)),
  RESPONSE_TX_DURATION: alone((info) => since(info.upstreamFirstByteAt, info.responseEndAt)),
  ROUTE_NAME: alone((info) => info.routeName || undefined),
  VIRTUAL_CLUSTER_NAME: alone((info) => info.virtualCluster || undefined),
  UPSTREAM_CLUSTER: alone((info) => info.observedCluster || info.clusterName || undefined),
  UPSTREAM_CLUSTER_RAW: alone((info) => info.clusterName || undefined),
  UPSTREAM_HOST: alone((info) => info.upstreamHost?.name),
  UPSTREAM_HOST_NAME: alone(hostName),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: alone((info) => {
    const name = hostName(info);
    return name === undefined ? undefined : withoutPort(name);
  }),
  UPSTREAM_REMOTE_ADDRESS: alone((info) => info.upstreamLocal && remoteName(info)),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: addressKind((info) => info.upstreamLocal && remotePeer(info)),
  UPSTREAM_REMOTE_PORT: alone((info) => info.upstreamLocal && remotePeer(info)?.port),
  UPSTREAM_LOCAL_ADDRESS: alone((info) => endpoint(info.upstreamLocal)),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: addressKind((info) => info.upstreamLocal),
  UPSTREAM_LOCAL_PORT: alone((info) => info.upstreamLocal?.port),
  UPSTREAM_PROTOCOL: alone((info) =>
    info.upstreamLocal && info.protocol !== undefined && !info.rawUpstream ? info.upstreamProtocol : undefined,
  ),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: alone((info) => info.attempts),
  UPSTREAM_TRANSPORT_FAILURE_REASON: alone((info) => underscored(info.upstreamFailure)),
  DOWNSTREAM_REMOTE_ADDRESS: alone((info) => endpoint(info.peers.remote)),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: addressKind((info) => info.peers.remote),
  DOWNSTREAM_REMOTE_PORT: alone((info) => info.peers.remote.port),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: alone((info) => endpoint(info.peers.directRemote)),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: addressKind((info) => info.peers.directRemote),
  DOWNSTREAM_DIRECT_REMOTE_PORT: alone((info) => info.peers.directRemote.port),
  DOWNSTREAM_LOCAL_ADDRESS: alone((info) => endpoint(info.peers.local)),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: addressKind((info) => info.peers.local),
  DOWNSTREAM_LOCAL_PORT: alone((info) => info.peers.local.port),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS: alone((info) => endpoint(directLocal(info))),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT: addressKind(directLocal),
  DOWNSTREAM_DIRECT_LOCAL_PORT: alone((info) => directLocal(info).port),
  DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID: alone((info) => endpointId(info.peers.local.address)),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID: alone((info) => endpointId(directLocal(info).address)),
  UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID: alone((info) => info.upstreamLocal && endpointId(info.upstreamHost?.name ?? '')),
  FILTER_CHAIN_NAME: alone((info) => info.peers.place?.chain || undefined),
  ROUTE_RESOLUTION_COUNT: alone((info) => info.routeResolutions),
  // Filters of Envoy's can add some; none here does.
  CUSTOM_FLAGS: alone(() => ''),
  CONNECTION_TERMINATION_DETAILS: alone((info) => info.terminationDetails || undefined),
  CONNECTION_ID: alone((info) => info.peers.connectionId),
  ACCESS_LOG_TYPE: alone((info) => info.accessLogType),
  REQUESTED_SERVER_NAME: { argument: 'optional', length: false, make: serverName },
  STREAM_ID: alone((info) => info.requestId || undefined),
  UNIQUE_ID: alone(() => randomUUID()),
  HOSTNAME: alone(() => os.hostname()),
  ENVIRONMENT: {
    argument: 'required',
    length: true,
    make: (name) => {
      const value = process.env[name];
      const text = value === undefined ? '-' : Buffer.from(value, 'utf8').toString('latin1');
      return ok(() => text);
    },
  },
};
