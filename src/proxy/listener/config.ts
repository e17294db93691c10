import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { AccessLog } from '../accesslog/access-log.ts';
import { type Address, readAddress } from '../config/address.ts';
import { type Fields, isObject, type JsonObject, typeName } from '../config/fields.ts';
import { readSocketOptions } from '../config/socket-option.ts';
import { readTcpKeepalive } from '../config/tcp-keepalive.ts';
import type { HttpManagerContext } from '../http/manager.ts';
import type { ConnectionPlace } from '../http/stream-info.ts';
import { type MetadataSource, NO_METADATA, readMetadata } from '../match/metadata.ts';
import { type NetworkChain, readNetworkChain } from '../network/chain.ts';
import type { StatsScope } from '../stats/store.ts';
import { type DownstreamTls, readDownstreamTls } from '../tls/downstream.ts';
import type { SecretReader } from '../tls/secret.ts';
import { ANY_CONNECTION, type ChainMatch, readChainMatch } from './chain-match.ts';
import { overlappingChain } from './chain-overlap.ts';
import { type ChainTree, readChainTree, refuseNameless } from './choose-chain.ts';
import { Drain, type ProcessDrain } from './drain.ts';
import { type ListenerFilters, readListenerFilters } from './listener-filters.ts';
import type { SocketSettings } from './sockets.ts';
import { listenerStatName } from './stats.ts';

export interface FilterChain {
  readonly name: string;
  readonly match: ChainMatch;
  readonly network: NetworkChain;
  /** Undefined: connections are not encrypted. */
  readonly tls: DownstreamTls | undefined;
  /** How long a handshake may take, in milliseconds. */
  readonly handshakeMs: number;
  readonly drain: Drain;
  /** What logs say of it; undefined: nothing. */
  readonly place: ConnectionPlace | undefined;
  readonly json: JsonObject;
}

/** A compiled `envoy.config.listener.v3.Listener`. */
export interface ListenerConfig {
  readonly name: string;
  /** `traffic_direction` is INBOUND. */
  readonly inbound: boolean;
  /** `listener.<address>.` */
  readonly statPrefix: string;
  /** Holds the stats of the listener and its filters. */
  readonly stats: StatsScope;
  /** None for an internal listener. */
  readonly addresses: readonly Address[];
  /** Takes connections from inside the proxy only. */
  readonly internal: boolean;
  readonly sockets: SocketSettings;
  readonly chains: readonly FilterChain[];
  readonly defaultChain: FilterChain | undefined;
  readonly chainTree: ChainTree | undefined;
  /** Take note of every connection when it ends. */
  readonly accessLogs: readonly AccessLog[];
  /** A connection is handed to the listener of its original destination, if there is one. */
  readonly useOriginalDestination: boolean;
  /** False: takes only connections that another listener hands over. */
  readonly bindToPort: boolean;
  readonly listenerFilters: ListenerFilters;
  /** Its connections do not count among all, nor are they closed because there are too many. */
  readonly ignoresConnectionLimit: boolean;
  /** It accepts whatever overload there is, and as many connections as come. */
  readonly bypassOverload: boolean;
}

const RAW_BUFFER = 'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';
const TLS = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
/** Envoy has none; a client that never speaks must not stay for ever. */
const DEFAULT_HANDSHAKE_MS = 15_000;

const DEFAULT_BACKLOG = 1024;
const BUFFER_LIMIT = 1_048_576;
const SOL_TCP = 6;
const TCP_FASTOPEN = 23;

export interface ListenerContext extends Omit<HttpManagerContext, 'statPrefix' | 'bufferLimit' | 'drain' | 'egress'> {
  readonly processDrain: ProcessDrain;
  readonly secrets: SecretReader;
  readonly ticketSeed: Buffer;
}

type ChainContext = Omit<HttpManagerContext, 'drain'> & {
  readonly createDrain: () => Drain;
  readonly metadata: MetadataSource;
  readonly secrets: SecretReader;
  readonly ticketSeed: Buffer;
};

export function readListener(fields: Fields, context: ListenerContext): ListenerConfig {
  const metadata = fields.message('metadata', readMetadata) ?? NO_METADATA;
  fields.ignore('max_connections_to_accept_per_socket_event');
  const name = fields.text('name') || randomUUID();
  const internal = fields.message('internal_listener', () => true) ?? false;
  const address = internal
    ? ({ kind: 'internal', listener: name, endpointId: '' } as const)
    : fields.message('address', readAddress);
  if (internal) refuseForInternal(fields, name);
  if (!address) fields.problem('address', `error adding listener named '${name}': address is necessary`);
  const more = fields.list('additional_addresses', (one) => one.message('address', readAddress));
  for (const one of [address, ...more]) {
    if (one?.kind !== 'socket' || net.isIP(one.host) !== 0) continue;
    fields.problem('address.socket_address.address', `malformed IP address: ${one.host}`, 'an IPv4 or IPv6 address');
  }
  const statPrefix = `listener.${listenerStatName(fields.text('stat_prefix'), address)}.`;
  const bufferLimit = fields.number('per_connection_buffer_limit_bytes') ?? BUFFER_LIMIT;
  const direction = fields.choice('traffic_direction', ['UNSPECIFIED', 'INBOUND', 'OUTBOUND']);
  const inbound = direction === 'INBOUND';
  const egress = direction === 'OUTBOUND';
  const followsHealth = fields.choice('drain_type', ['DEFAULT', 'MODIFY_ONLY']) === 'DEFAULT';
  const createDrain = (): Drain => new Drain(context.processDrain, { followsHealth, inbound });
  const inner = { ...context, statPrefix, bufferLimit, createDrain, egress, metadata };
  const chains = fields.list('filter_chains', (chain) => readChain(chain, inner));
  const chainTree = readChainTree(fields, context);
  const known = chains.filter((chain) => chain !== undefined);
  if (chainTree) refuseNameless(known, name, fields);
  else refuseOverlap(chains, name, fields);
  const defaultChain = fields.message('default_filter_chain', (chain) => readChain(chain, inner));
  if (chains.length === 0 && !defaultChain) {
    fields.problem('filter_chains', `error adding listener named '${name}': no filter chains specified`);
  }
  return {
    name,
    inbound,
    statPrefix,
    stats: context.stats,
    addresses: [...(address && !internal ? [address] : []), ...more.filter((one) => one !== undefined)],
    internal,
    sockets: readSocketSettings(fields),
    accessLogs: context.readAccessLogs(fields),
    useOriginalDestination: fields.flag('use_original_dst'),
    bindToPort: fields.boolean('bind_to_port') ?? true,
    chains: known,
    defaultChain,
    chainTree,
    listenerFilters: readListenerFilters(fields, context.stats),
    ignoresConnectionLimit: fields.flag('ignore_global_conn_limit'),
    bypassOverload: fields.flag('bypass_overload_manager'),
  };
}

/** What has no meaning without a socket of its own. */
function refuseForInternal(fields: Fields, name: string): void {
  const alone = ['address', 'additional_addresses', 'transparent', 'freebind', 'socket_options', 'tcp_backlog_size'];
  for (const key of [...alone, 'tcp_fast_open_queue_length', 'enable_reuse_port', 'use_original_dst']) {
    if (fields.has(key)) fields.problem(key, `error adding listener named '${name}': not for an internal listener`);
  }
}

function readSocketSettings(fields: Fields): SocketSettings {
  const fastOpen = fields.number('tcp_fast_open_queue_length');
  return {
    transparent: fields.flag('transparent'),
    freebind: fields.flag('freebind'),
    reusePort: fields.boolean('enable_reuse_port') ?? true,
    backlog: fields.number('tcp_backlog_size') ?? DEFAULT_BACKLOG,
    options: [
      ...(fastOpen === undefined
        ? []
        : [{ level: SOL_TCP, name: TCP_FASTOPEN, value: fastOpen, state: 'STATE_LISTENING' as const }]),
      ...(fields.message('tcp_keepalive', readTcpKeepalive) ?? []),
      ...readSocketOptions(fields, 'socket_options'),
    ],
  };
}

function refuseOverlap(chains: readonly (FilterChain | undefined)[], name: string, fields: Fields): void {
  const matches = chains.map((chain) => chain?.match ?? ANY_CONNECTION);
  const found = overlappingChain(matches);
  if (!found) return;
  const twin = chains.slice(0, found.index).find((other) => isDeepStrictEqual(other?.match, matches[found.index]));
  const why =
    found.kind === 'too many'
      ? 'the filter chains have too many combinations of criteria'
      : twin
        ? `filter chain '${chains[found.index]?.name}' has the same matching rules defined as '${twin.name}'`
        : 'multiple filter chains with overlapping matching rules are defined';
  fields.problem(`filter_chains[${found.index}].filter_chain_match`, `error adding listener '${name}': ${why}`);
}

/** Undefined where there is nothing to tell of a filter chain. */
function placeOf(place: ConnectionPlace): ConnectionPlace | undefined {
  const { chain, listenerMetadata, chainMetadata } = place;
  return chain === '' && listenerMetadata === NO_METADATA && chainMetadata === NO_METADATA ? undefined : place;
}

function readChain(fields: Fields, outer: ChainContext): FilterChain | undefined {
  const handshakeMs = fields.duration('transport_socket_connect_timeout') ?? DEFAULT_HANDSHAKE_MS;
  const match = fields.message('filter_chain_match', readChainMatch) ?? ANY_CONNECTION;
  const tls = fields.message('transport_socket', (socket) => {
    socket.ignore('name');
    const type = typeOf(socket);
    if (type === TLS) return socket.message('typed_config', (config) => readDownstreamTls(config, outer));
    socket.ignore('typed_config');
    if (type !== RAW_BUFFER)
      socket.problem('typed_config', `${type || 'nothing'} is not supported`, `${RAW_BUFFER}, ${TLS}`);
    return undefined;
  });
  const drain = outer.createDrain();
  const network = readNetworkChain(fields, { ...outer, drain });
  const name = fields.text('name');
  const chainMetadata = fields.message('metadata', readMetadata) ?? NO_METADATA;
  const place = placeOf({ chain: name, listenerMetadata: outer.metadata, chainMetadata });
  return network && { name, match, network, tls, handshakeMs, drain, place, json: fields.json };
}

function typeOf(fields: Fields): string {
  const config = fields.raw('typed_config');
  return isObject(config) ? typeName(config) : '';
}
