import { type FileSource, type ResourceSource, readResourceSource } from '../config/config-source.ts';
import type { Fields } from '../config/fields.ts';
import type { FilterChain } from '../filter/chain.ts';
import type { ClientCodec } from '../http/codec-config.ts';
import type { Http2Options } from '../http2/options.ts';
import { type MetadataSource, NO_METADATA, readMetadata } from '../match/metadata.ts';
import type { ClusterRouting } from '../route/cluster-routing.ts';
import { type StatsScope, sanitizeStatName } from '../stats/store.ts';
import type { SecretReader } from '../tls/secret.ts';
import { type BalancerPolicy, PLAIN_HASHING, PLAIN_LOCALITY } from './balance/policy.ts';
import { type BindConfig, readBinding, readConnectionOptions, type UpstreamBinding } from './config/binding.ts';
import { checkAssignment } from './config/check-assignment.ts';
import { type CircuitBreakers, NO_CIRCUIT_BREAKERS, readCircuitBreakers } from './config/circuit-breakers.ts';
import { type ClusterType, type ForwardProxyConfig, readClusterType } from './config/cluster-type.ts';
import { type DnsConfig, readDns } from './config/dns.ts';
import { type Assignment, NO_ASSIGNMENT, readAssignment } from './config/endpoints.ts';
import {
  ALL_AUTO_NAMES,
  type AutoNames,
  type FiltersReader,
  type HttpOptions,
  readHttpOptions,
} from './config/http.ts';
import { type OriginalDstConfig, readOriginalDst } from './config/original-dst.ts';
import { type OutlierConfig, readOutlierDetection } from './config/outlier.ts';
import { type CommonPolicy, readPolicy } from './config/policy.ts';
import { readHashing, readLocalityPolicy, readPercent } from './config/policy-parts.ts';
import { readTransportSockets, type TransportSockets } from './config/transport-socket.ts';
import type { HappyEyeballs } from './happy-eyeballs.ts';
import { type HealthCheckConfig, readHealthChecks } from './health/config.ts';

export type ClusterKind = 'STATIC' | 'STRICT_DNS' | 'LOGICAL_DNS' | 'EDS' | 'ORIGINAL_DST' | ClusterType['kind'];

/** A compiled `envoy.config.cluster.v3.Cluster`; times in milliseconds. */
export interface ClusterConfig {
  readonly name: string;
  /** What stands for the name in stat names. */
  readonly statName: string;
  /** `alt_stat_name`, or the name: what access logs call the cluster. */
  readonly observabilityName: string;
  readonly kind: ClusterKind;
  /** The clusters that an aggregate cluster stands for, in their order. */
  readonly members: readonly string[];
  /** Of a dynamic forward proxy cluster. */
  readonly forwardProxy: ForwardProxyConfig | undefined;
  /** Name of the endpoint assignment of an EDS cluster. */
  readonly serviceName: string;
  /** How long an EDS cluster waits for its first assignment before it counts as one without endpoints; 0: without end. */
  readonly fetchTimeout: number;
  /** Its assignments come from there; undefined: from the stream. */
  readonly file: FileSource | undefined;
  /** The endpoints of the configuration itself; empty where they are discovered. */
  readonly assignment: Assignment;
  readonly policy: BalancerPolicy;
  readonly connectTimeout: number;
  /** Where connections come from and what their sockets are set to; undefined: nothing is said. */
  readonly binding: UpstreamBinding | undefined;
  /** In which order the addresses of a host are tried. */
  readonly eyeballs: HappyEyeballs;
  /** Bytes that may wait on one connection; 0: as many as without a limit of the operator's. */
  readonly bufferLimit: number;
  readonly idleTimeout: number;
  readonly maxRequestsPerConnection: number;
  /** How long a connection may get new requests; 0 for ever. */
  readonly maxConnectionDuration: number;
  /** Connections to have for each request under way or waiting, from 1 to 3. */
  readonly preconnectRatio: number;
  /** Each connection of a client has connections to hosts of its own. */
  readonly poolPerClient: boolean;
  /** Connections of the TCP proxy end when their host fails a health check or is ejected. */
  readonly closeOnHealthFailure: boolean;
  readonly codec: ClientCodec;
  /** How long an attempt at a request may take once it has its connection; 0 for ever. */
  readonly maxStreamDuration: number;
  readonly routing: ClusterRouting;
  readonly thresholds: CircuitBreakers;
  readonly healthCheck: HealthCheckConfig | undefined;
  /** New hosts do not count until their first health check. */
  readonly warmHosts: boolean;
  readonly outlier: OutlierConfig | undefined;
  /** Whole percent of healthy hosts below which all are used. */
  readonly panicThreshold: number;
  /** How long changes of health and weights may be put off to be taken over together; 0: not at all. */
  readonly mergeWindow: number;
  /** Connections to all hosts end with what they carry whenever something changes about one. */
  readonly closeOnChange: boolean;
  /** Hosts that discovery no longer names go at once, even while their health checks pass. */
  readonly ignoreHealthOnRemoval: boolean;
  readonly dns: DnsConfig;
  /** The proxy starts to listen only when the cluster had its first answer. */
  readonly waitForWarm: boolean;
  /** Filters of `HttpProtocolOptions.http_filters`, without the codec. */
  readonly filters: FilterChain | undefined;
  /** What the upstream speaks; `downstream`: what the client does. */
  readonly protocol: HttpOptions['protocol'];
  readonly http2: Http2Options;
  readonly autoNames: AutoNames;
  readonly originalDst: OriginalDstConfig;
  readonly metadata: MetadataSource;
  readonly sockets: TransportSockets;
}

export interface ClusterReaderOptions {
  readonly secrets: SecretReader;
  /** `upstream_bind_config` of the cluster manager. */
  readonly bindConfig?: BindConfig | undefined;
  /** Reads the filters of a cluster whose stats stand under `statPrefix` (`cluster.c.`). */
  readonly readFilters: (fields: Fields, key: string, statPrefix: string, stats: StatsScope) => FilterChain | undefined;
  /** Holds what the filters count. */
  readonly stats: StatsScope;
}

const KINDS = ['STATIC', 'STRICT_DNS', 'LOGICAL_DNS', 'EDS', 'ORIGINAL_DST'] as const;

export function readCluster(fields: Fields, options: ClusterReaderOptions): ClusterConfig {
  fields.ignore('track_cluster_stats');
  fields.ignore('track_timeout_budgets');
  const name = fields.required('name');
  const observabilityName = fields.text('alt_stat_name') || name;
  const statName = sanitizeStatName(observabilityName);
  const own = fields.message('cluster_type', readClusterType);
  const kind = own?.kind ?? fields.choice<ClusterKind>('type', KINDS);
  const eds = fields.message('eds_cluster_config', readEds);
  if (kind === 'EDS' && eds === undefined) fields.problem('eds_cluster_config', 'value is required');
  const sockets = readTransportSockets(fields, { ...options, statPrefix: `cluster.${statName}.` });
  const readFilters: FiltersReader = (inner, key) =>
    options.readFilters(inner, key, `cluster.${statName}.`, options.stats);
  const forwardProxy = own?.kind === 'FORWARD_PROXY' ? own.forwardProxy : undefined;
  const http = readHttpOptions(fields, readFilters, forwardProxy && ALL_AUTO_NAMES);
  if (http.protocol === 'auto') checkNegotiating(fields, name, sockets);
  if (forwardProxy && !forwardProxy.insecure && !(http.names.serverName && http.names.verified)) {
    const message =
      'dynamic_forward_proxy cluster must have auto_sni and auto_san_validation true unless allow_insecure_cluster_options is set';
    fields.problem('typed_extension_protocol_options', message);
  }
  const common = fields.message('common_lb_config', readCommonLb) ?? PLAIN_COMMON;
  if (common.hashing.useHostname && kind !== 'STRICT_DNS') {
    const path = 'common_lb_config.consistent_hashing_lb_config.use_hostname_for_hashing';
    fields.problem(path, `cannot be used with type ${kind}`, 'STRICT_DNS');
  }
  if (http.protocol === 'http2' && fields.has('upstream_bind_config'))
    fields.problem('upstream_bind_config', 'is not supported for clusters of gRPC clients', 'unset');
  const connections = readConnectionOptions(fields);
  const assignment = fields.message('load_assignment', readAssignment) ?? NO_ASSIGNMENT;
  const policy = readClusterPolicy(fields, kind, common);
  checkAssignment(fields, kind, policy, assignment);
  return {
    name,
    statName,
    observabilityName,
    kind,
    members: own?.kind === 'AGGREGATE' ? own.members : [],
    forwardProxy,
    serviceName: eds?.serviceName || name,
    fetchTimeout: eds?.fetchTimeout ?? 0,
    file: eds?.file,
    assignment,
    policy,
    binding: readBinding(fields, options.bindConfig, connections.keepalive),
    eyeballs: connections.eyeballs,
    connectTimeout: fields.duration('connect_timeout') ?? 5000,
    bufferLimit: fields.number('per_connection_buffer_limit_bytes') ?? 0,
    idleTimeout: http.common.idleTimeout,
    maxConnectionDuration: http.common.maxConnectionDuration,
    preconnectRatio: fields.message('preconnect_policy', readPreconnect) ?? 1,
    poolPerClient: fields.flag('connection_pool_per_downstream_connection'),
    closeOnHealthFailure: fields.flag('close_connections_on_host_health_failure'),
    codec: http.codec,
    maxStreamDuration: http.maxStreamDuration,
    routing: http.routing,
    maxRequestsPerConnection: http.common.maxRequests || (fields.number('max_requests_per_connection') ?? 0),
    thresholds: fields.message('circuit_breakers', readCircuitBreakers) ?? NO_CIRCUIT_BREAKERS,
    healthCheck: readHealthChecks(fields, http.protocol === 'http2' || http.protocol === 'auto'),
    warmHosts: common.warmHosts,
    outlier: fields.message('outlier_detection', readOutlierDetection),
    panicThreshold: common.panicThreshold,
    mergeWindow: common.mergeWindow,
    closeOnChange: common.closeOnChange,
    ignoreHealthOnRemoval: fields.flag('ignore_health_on_host_removal'),
    dns: readDns(fields),
    waitForWarm: fields.boolean('wait_for_warm_on_init') ?? true,
    filters: http.filters,
    protocol: http.protocol,
    http2: http.http2,
    autoNames: http.names,
    originalDst: readOriginalDst(fields),
    metadata: fields.message('metadata', readMetadata) ?? NO_METADATA,
    sockets,
  };
}

/** What is spoken can be agreed on in handshakes alone. */
function checkNegotiating(fields: Fields, name: string, { general, matches }: TransportSockets): void {
  const fault = `ALPN configured for cluster ${name} which has a non-ALPN transport socket`;
  if (!general) fields.problem('transport_socket', fault);
  else if (matches.some(({ tls }) => !tls)) fields.problem('transport_socket_matches', `${fault} matcher`);
}

/** Gives `per_upstream_preconnect_ratio`. */
function readPreconnect(fields: Fields): number {
  const predictive = fields.number('predictive_preconnect_ratio') ?? 1;
  if (predictive !== 1) fields.problem('predictive_preconnect_ratio', `found ${predictive}`, '1');
  const ratio = fields.number('per_upstream_preconnect_ratio') ?? 1;
  if (ratio < 1 || ratio > 3) fields.problem('per_upstream_preconnect_ratio', `found ${ratio}`, '1 to 3');
  return ratio;
}

interface EdsConfig extends ResourceSource {
  readonly serviceName: string;
}

function readEds(fields: Fields): EdsConfig {
  const source = fields.message('eds_config', readResourceSource);
  if (!source) fields.problem('eds_config', 'value is required');
  return { serviceName: fields.text('service_name'), fetchTimeout: source?.fetchTimeout ?? 0, file: source?.file };
}

interface CommonLb extends CommonPolicy {
  readonly panicThreshold: number;
  readonly mergeWindow: number;
  readonly closeOnChange: boolean;
  readonly warmHosts: boolean;
}

const PLAIN_COMMON: CommonLb = {
  warmHosts: false,
  panicThreshold: 50,
  mergeWindow: 1000,
  closeOnChange: false,
  locality: PLAIN_LOCALITY,
  hashing: PLAIN_HASHING,
  clashes: [],
};

const CLASHES = ['zone_aware_lb_config', 'locality_weighted_lb_config', 'consistent_hashing_lb_config'];

function readCommonLb(fields: Fields): CommonLb {
  return {
    panicThreshold: Math.trunc(fields.message('healthy_panic_threshold', readPercent) ?? 50),
    mergeWindow: fields.duration('update_merge_window') ?? 1000,
    closeOnChange: fields.flag('close_connections_on_host_set_change'),
    warmHosts: fields.flag('ignore_new_hosts_until_first_hc'),
    locality: readLocalityPolicy(fields),
    hashing: fields.message('consistent_hashing_lb_config', readHashing) ?? PLAIN_HASHING,
    clashes: CLASHES.filter((name) => fields.has(name)),
  };
}

function readClusterPolicy(fields: Fields, kind: ClusterKind, common: CommonLb): BalancerPolicy {
  const policy = readPolicy(fields, common);
  const provided = kind === 'ORIGINAL_DST' || kind === 'AGGREGATE' || kind === 'FORWARD_PROXY';
  if (provided !== (policy.kind === 'cluster_provided')) {
    fields.problem('lb_policy', `found ${policy.kind} with type ${kind}`, ALLOWED_POLICY[String(provided)]);
  }
  return policy;
}

const ALLOWED_POLICY: Readonly<Record<string, string>> = {
  true: 'CLUSTER_PROVIDED',
  false: 'any but CLUSTER_PROVIDED',
};
