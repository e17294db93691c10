import type { Host } from '../cluster/host.ts';
import type { OverrideHost } from '../cluster/override-host.ts';
import type { JsonObject, JsonValue } from '../config/fields.ts';
import type { MetadataSource } from '../match/metadata.ts';
import type { ClientOfConnection } from '../proxy-protocol/types.ts';
import { now, wallNow } from '../time/clock.ts';
import type { TlsInfo } from '../tls/info.ts';
import type { RequestTrace } from '../tracing/request-trace.ts';
import { findNoted, MetadataNote, type Noted } from './dynamic-metadata.ts';
import type { RequestHead, ResponseHead } from './head.ts';
import type { HeaderMap } from './headers.ts';
import type { TraceReason } from './tracing.ts';
import { written } from './wire.ts';

/** One end of a connection; port 0 and a path as address for a Unix socket. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** What a TLS client asked for in its hello, before anything was encrypted. */
export interface ClientHello {
  /** In lower case; empty: none was named. */
  readonly serverName: string;
  /** Application protocols (ALPN), the preferred one first. */
  readonly protocols: readonly string[];
}

export interface ConnectionPlace {
  readonly chain: string;
  readonly listenerMetadata: MetadataSource;
  readonly chainMetadata: MetadataSource;
}

export interface ConnectionPeers {
  /** Ordinal of the connection in this process. */
  readonly connectionId?: number;
  /** The client: the peer, or what a trusted header says. */
  readonly remote: Peer;
  readonly directRemote: Peer;
  /** What the client connected to. */
  readonly local: Peer;
  /** The filter chain that serves it and its listener; undefined where neither has a name or metadata. */
  readonly place?: ConnectionPlace | undefined;
  /** Where the connection was going before it was redirected; undefined where no listener filter asked. */
  readonly originalDestination?: Peer;
  /** Undefined where no listener filter looked for one, or the client speaks no TLS. */
  readonly hello?: ClientHello;
  /** Undefined: what comes over the connection was not encrypted. */
  readonly tls?: TlsInfo;
  /** Undefined where no listener filter found a header of the PROXY protocol. */
  readonly proxied?: ProxiedConnection;
}

/** What a header of the PROXY protocol said of a connection. */
interface ProxiedConnection {
  /** The client as the connection knows it, and the connection's own end. */
  readonly remote: Peer;
  readonly directLocal: Peer;
  /** What hosts may be told. */
  readonly told: ClientOfConnection;
  /** What of it is kept as dynamic metadata of the connection, and as filter state. */
  readonly noted: Noted | undefined;
  readonly state: JsonObject | undefined;
}

/** What logs say of an upstream connection; times are monotonic milliseconds. */
export interface UpstreamConnectionInfo {
  readonly id: number;
  readonly openedAt: number;
  readonly connectedAt: number;
}

/** What a stream keeps of its cluster. */
interface ClusterNotes {
  readonly observabilityName: string;
  readonly metadata: MetadataSource;
}

/** Envoy's response flags as bits; the names are those of the access log. */
export const FLAG = {
  NO_HEALTHY_UPSTREAM: 1 << 0,
  UPSTREAM_FAILURE: 1 << 1,
  UPSTREAM_OVERFLOW: 1 << 2,
  NO_ROUTE: 1 << 3,
  RETRY_LIMIT: 1 << 4,
  NO_CLUSTER: 1 << 5,
  DOWNSTREAM_CLOSED: 1 << 6,
  UPSTREAM_TIMEOUT: 1 << 7,
  LOCAL_RESET: 1 << 8,
  UPSTREAM_REMOTE_RESET: 1 << 9,
  UPSTREAM_CLOSED: 1 << 10,
  DELAY_INJECTED: 1 << 11,
  FAULT_INJECTED: 1 << 12,
  STREAM_IDLE: 1 << 13,
  DOWNSTREAM_PROTOCOL: 1 << 14,
  UPSTREAM_PROTOCOL: 1 << 15,
  DURATION_TIMEOUT: 1 << 16,
  NO_FILTER_CONFIG: 1 << 17,
  INVALID_ENVOY_HEADERS: 1 << 18,
  UPSTREAM_MAX_DURATION: 1 << 19,
  RATE_LIMITED: 1 << 20,
  FAILED_LOCAL_HEALTH_CHECK: 1 << 21,
  DOWNSTREAM_RESET: 1 << 22,
  UNAUTHORIZED: 1 << 24,
  RATE_LIMIT_SERVICE_ERROR: 1 << 25,
  DNS_FAILED: 1 << 26,
} as const;

/** Bit, text of `%RESPONSE_FLAGS%` and of its long form, field of `envoy.data.accesslog.v3.ResponseFlags`; in Envoy's order. */
export const FLAG_TEXTS: readonly (readonly [number, string, string, string])[] = [
  [FLAG.FAILED_LOCAL_HEALTH_CHECK, 'LH', 'FailedLocalHealthCheck', 'failed_local_healthcheck'],
  [FLAG.NO_HEALTHY_UPSTREAM, 'UH', 'NoHealthyUpstream', 'no_healthy_upstream'],
  [FLAG.UPSTREAM_TIMEOUT, 'UT', 'UpstreamRequestTimeout', 'upstream_request_timeout'],
  [FLAG.LOCAL_RESET, 'LR', 'LocalReset', 'local_reset'],
  [FLAG.UPSTREAM_REMOTE_RESET, 'UR', 'UpstreamRemoteReset', 'upstream_remote_reset'],
  [FLAG.UPSTREAM_FAILURE, 'UF', 'UpstreamConnectionFailure', 'upstream_connection_failure'],
  [FLAG.UPSTREAM_CLOSED, 'UC', 'UpstreamConnectionTermination', 'upstream_connection_termination'],
  [FLAG.UPSTREAM_OVERFLOW, 'UO', 'UpstreamOverflow', 'upstream_overflow'],
  [FLAG.NO_ROUTE, 'NR', 'NoRouteFound', 'no_route_found'],
  [FLAG.DELAY_INJECTED, 'DI', 'DelayInjected', 'delay_injected'],
  [FLAG.FAULT_INJECTED, 'FI', 'FaultInjected', 'fault_injected'],
  [FLAG.RATE_LIMITED, 'RL', 'RateLimited', 'rate_limited'],
  [FLAG.UNAUTHORIZED, 'UAEX', 'UnauthorizedExternalService', 'unauthorized_details'],
  [FLAG.RATE_LIMIT_SERVICE_ERROR, 'RLSE', 'RateLimitServiceError', 'rate_limit_service_error'],
  [FLAG.DOWNSTREAM_CLOSED, 'DC', 'DownstreamConnectionTermination', 'downstream_connection_termination'],
  [FLAG.RETRY_LIMIT, 'URX', 'UpstreamRetryLimitExceeded', 'upstream_retry_limit_exceeded'],
  [FLAG.STREAM_IDLE, 'SI', 'StreamIdleTimeout', 'stream_idle_timeout'],
  [FLAG.INVALID_ENVOY_HEADERS, 'IH', 'InvalidEnvoyRequestHeaders', 'invalid_envoy_request_headers'],
  [FLAG.DOWNSTREAM_PROTOCOL, 'DPE', 'DownstreamProtocolError', 'downstream_protocol_error'],
  [FLAG.UPSTREAM_MAX_DURATION, 'UMSDR', 'UpstreamMaxStreamDurationReached', 'upstream_max_stream_duration_reached'],
  [FLAG.NO_FILTER_CONFIG, 'NFCF', 'NoFilterConfigFound', 'no_filter_config_found'],
  [FLAG.DURATION_TIMEOUT, 'DT', 'DurationTimeout', 'duration_timeout'],
  [FLAG.UPSTREAM_PROTOCOL, 'UPE', 'UpstreamProtocolError', 'upstream_protocol_error'],
  [FLAG.NO_CLUSTER, 'NC', 'NoClusterFound', 'no_cluster_found'],
  [FLAG.DNS_FAILED, 'DF', 'DnsResolutionFailed', 'dns_resolution_failure'],
  [FLAG.DOWNSTREAM_RESET, 'DR', 'DownstreamRemoteReset', 'downstream_remote_reset'],
];

/** `%RESPONSE_FLAGS%` and `%RESPONSE_FLAGS_LONG%`. */
export function flagsText(info: StreamInfo, long: boolean): string {
  const flags = info.flagsInOrder();
  if (flags.length === 0) return '-';
  return flags.map(([, short, name]) => (long ? name : short)).join(',');
}

/** What a filter keeps of a request. */
export interface Kept {
  /** The request is over, and not logged yet. */
  onEnd(): void;
}

/** What is known of a request or connection: read by access logs, formatters and matchers, written while it runs. */
export class StreamInfo {
  peers: ConnectionPeers;
  /** Milliseconds since the epoch. */
  readonly startTime = wallNow();
  /** Monotonic milliseconds; all other times likewise, 0 until they are known. */
  readonly startedAt = now();
  requestEndAt = 0;
  upstreamFirstByteAt = 0;
  upstreamLastByteAt = 0;
  responseStartAt = 0;
  responseEndAt = 0;
  /** That of the request; undefined for a connection that carries no HTTP. */
  protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2' | undefined = undefined;
  /** Undefined until its head was read. */
  request: RequestHead | undefined = undefined;
  response: ResponseHead | undefined = undefined;
  /** Where the side that they come from keeps trailers. */
  requestTrailers: HeaderMap | undefined = undefined;
  responseTrailers: HeaderMap | undefined = undefined;
  /** It is gRPC for its host alone: the proxy's own answers are not. */
  plainReplies = false;
  /** The connection of the last attempt that got one, and its host. */
  upstreamConnection: UpstreamConnectionInfo | undefined = undefined;
  connectedHost: Host | undefined = undefined;
  /** When the last attempt asked for a connection and had the answer, and its first and last bytes were sent. */
  upstreamAskedAt = 0;
  upstreamReadyAt = 0;
  upstreamSendStartAt = 0;
  upstreamSendEndAt = 0;
  /** How often a route was looked for. */
  routeResolutions = 0;
  clusterMetadata: MetadataSource | undefined = undefined;
  originalPath: string | undefined = undefined;
  route:
    | { readonly metadata: MetadataSource; readonly virtualHost: { readonly metadata: MetadataSource } }
    | undefined = undefined;
  requestId = '';
  /** Why it is traced, whether there is a tracer or not. */
  traceReason: TraceReason = 'none';
  /** Undefined: nothing is recorded of it. */
  trace: RequestTrace | undefined = undefined;
  /** The route's name for the work is told on. */
  decorates = false;
  /** 0 when none was sent. */
  status = 0;
  details = '';
  #flags = 0;
  /** Bits in the order in which they were set, once there are several. */
  #flagOrder: number[] | undefined = undefined;
  bytesReceived = 0;
  bytesSent = 0;
  /** Bytes on the connection to the client, and those of them that Envoy counts as header bytes. */
  wireReceived = 0;
  wireSent = 0;
  fieldsReceived = 0;
  fieldsSent = 0;
  /** The same for upstream connections, all attempts together. */
  upstreamWireReceived = 0;
  upstreamWireSent = 0;
  upstreamFieldsReceived = 0;
  upstreamFieldsSent = 0;
  /** What Envoy gives as decompressed header bytes of the upstream: each attempt counts those of the attempts before it again. */
  upstreamFieldsSummed = 0;
  routeName = '';
  clusterName = '';
  /** What logs call the cluster, where that is not its name. */
  observedCluster = '';
  /** The virtual cluster that the request counts for; empty when its virtual host has none. */
  virtualCluster = '';
  virtualHostName = '';
  upstreamHost: Host | undefined = undefined;
  /** Where a filter wants the request to go. */
  overrideHost: OverrideHost | undefined = undefined;
  upstreamLocal: Peer | undefined = undefined;
  /** Of the connection to the host; undefined: it is not encrypted. */
  upstreamTls: TlsInfo | undefined = undefined;
  /** What network filters leave for access logs, by key. */
  filterState: JsonObject | undefined = undefined;
  /** That of the connection to the upstream. */
  upstreamProtocol: 'HTTP/1.1' | 'HTTP/2' = 'HTTP/1.1';
  /** What goes to the upstream is not HTTP. */
  rawUpstream = false;
  /** Which of several addresses of the host it went to; undefined where there is one. */
  upstreamRemote: Peer | undefined = undefined;
  upstreamFailure = '';
  /** Why the client's handshake failed; empty: it did not. */
  downstreamFailure = '';
  /** Set while a local reply is worded. */
  localReplyBody = '';
  /** What the log entry is about, as in `%ACCESS_LOG_TYPE%`. */
  accessLogType:
    | 'NotSet'
    | 'DownstreamStart'
    | 'DownstreamPeriodic'
    | 'DownstreamEnd'
    | 'DownstreamTunnelSuccessfullyEstablished'
    | 'TcpUpstreamConnected'
    | 'TcpPeriodic'
    | 'TcpConnectionStart'
    | 'TcpConnectionEnd' = 'NotSet';
  /** Why a filter closed the connection; empty when none did. */
  terminationDetails = '';
  attempts = 0;
  /** It asks for the proxy's health and counts for no response codes. */
  healthCheck = false;
  /** Name of a header (or `:path`, `:authority`) whose configured value came out as something no header may hold. */
  invalidHeader = '';
  #noted: Noted | undefined = undefined;
  /** By the key of the filter that keeps it. */
  #kept: Map<object, Kept> | undefined = undefined;
  #lookup: ((name: string) => string | undefined) | undefined = undefined;

  constructor(peers: ConnectionPeers) {
    this.peers = peers;
    if (peers.proxied) this.filterState = peers.proxied.state;
  }

  /** Begins with what a listener filter noted: that of a connection, not of its requests. */
  noteConnection(): void {
    this.#noted = this.peers.proxied?.noted;
  }

  /** Goes on with a request that another stream began. */
  takeOver(before: StreamInfo): void {
    this.requestId = before.requestId;
    this.peers = before.peers;
    this.bytesReceived = before.bytesReceived;
    this.wireReceived = before.wireReceived;
  }

  /** Notes the cluster that the request goes to, undefined when there is none of the name. */
  takeCluster(name: string, config: ClusterNotes | undefined): void {
    this.clusterName = config ? name : '';
    this.observedCluster = config?.observabilityName ?? '';
    this.clusterMetadata = config?.metadata;
  }

  /** Counts what was just written to the client. */
  countSent(): void {
    this.wireSent += written.bytes;
    this.fieldsSent += written.fields;
  }

  /** Counts what was just written to the upstream. */
  countUpstreamSent(): void {
    this.upstreamWireSent += written.bytes;
    this.upstreamFieldsSent += written.fields;
  }

  /** Keeps something of the request's until its end, which may have been. */
  keep(key: object, value: Kept): void {
    if (this.responseEndAt !== 0) {
      value.onEnd();
      return;
    }
    this.#kept ??= new Map();
    this.#kept.set(key, value);
  }

  kept(key: object): Kept | undefined {
    return this.#kept?.get(key);
  }

  /** Tells what was kept that the request is over. */
  protected endKept(): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#kept = undefined;
    for (const value of kept.values()) value.onEnd();
  }

  /** Bits of `FLAG`. */
  get flags(): number {
    return this.#flags;
  }

  set flags(flags: number) {
    const before = this.#flags;
    const added = flags & ~before;
    this.#flags = flags;
    if (added === 0 || before === 0) return;
    this.#flagOrder ??= [before];
    this.#flagOrder.push(added);
  }

  /** Entries of `FLAG_TEXTS` in the order in which the flags were set, which is how Envoy prints them. */
  flagsInOrder(): readonly (typeof FLAG_TEXTS)[number][] {
    const order = this.#flagOrder ?? [this.#flags];
    return order.flatMap((bits) => FLAG_TEXTS.filter(([bit]) => (bits & bit) !== 0));
  }

  setMetadata(namespace: string, key: string, value: JsonValue): void {
    this.noteMetadata(new MetadataNote(namespace, key, value));
  }

  /** The same for a value that many requests have in common. */
  noteMetadata(note: MetadataNote): void {
    this.#noted = note.addTo(this.#noted);
  }

  metadata(namespace: string, path: readonly string[]): JsonValue | undefined {
    return this.#noted && findNoted(this.#noted, namespace, path);
  }

  /** All dynamic metadata; requests of which the same was noted have the same object. */
  get noted(): Noted | undefined {
    return this.#noted;
  }

  /** Request headers as header matchers ask for them; made once a request when one does. */
  get requestLookup(): (name: string) => string | undefined {
    this.#lookup ??= (name) =>
      name.startsWith(':') || name === 'host' ? this.requestHeader(name) : this.request?.headers.lines(name);
    return this.#lookup;
  }

  /** The first value of a request header by lower-case name, pseudo headers included. */
  requestHeader(name: string): string | undefined {
    const { request } = this;
    if (!request) return undefined;
    if (!name.startsWith(':')) return name === 'host' ? request.authority : request.headers.get(name);
    switch (name) {
      case ':path':
        return request.path === '' ? undefined : request.path;
      case ':method':
        return request.method;
      case ':authority':
        return request.hasAuthority ? request.authority : undefined;
      case ':scheme':
        return request.scheme === '' ? undefined : request.scheme;
      default:
        return undefined;
    }
  }

  /** The first value of a response header by lower-case name, `:status` included. */
  responseHeader(name: string): string | undefined {
    if (name === ':status') return this.status === 0 ? undefined : String(this.status);
    return this.response?.headers.get(name);
  }
}
