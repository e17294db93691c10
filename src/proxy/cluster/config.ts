import { type Address, readAddress } from '../config/address.ts';
import { type Fields, isObject, typeName } from '../config/fields.ts';
import type { FilterChain } from '../filter/chain.ts';
import { type StatsScope, sanitizeStatName } from '../stats/store.ts';
import type { BalancerPolicy } from './balancer.ts';
import { type OutlierConfig, readOutlierDetection } from './outlier.ts';
import { DEFAULT_THRESHOLDS, type Thresholds } from './resources.ts';

/** An endpoint as an assignment names it. */
export interface EndpointConfig {
  readonly address: Address;
  readonly hostname: string;
  readonly weight: number;
  readonly health: 'healthy' | 'degraded' | 'unhealthy';
}

export type ClusterKind = 'STATIC' | 'STRICT_DNS' | 'EDS' | 'ORIGINAL_DST';

/** A compiled `envoy.config.cluster.v3.Cluster`; times in milliseconds. */
export interface ClusterConfig {
  readonly name: string;
  /** What stands for the name in stat names. */
  readonly statName: string;
  readonly kind: ClusterKind;
  /** Name of the endpoint assignment of an EDS cluster. */
  readonly serviceName: string;
  readonly endpoints: readonly EndpointConfig[];
  readonly policy: BalancerPolicy;
  readonly connectTimeout: number;
  readonly idleTimeout: number;
  readonly maxRequestsPerConnection: number;
  readonly thresholds: { readonly DEFAULT: Thresholds; readonly HIGH: Thresholds };
  readonly outlier: OutlierConfig | undefined;
  /** Percent of healthy hosts below which all are used. */
  readonly panicThreshold: number;
  readonly dnsRefresh: number;
  readonly dnsFamily: 4 | 6 | 0;
  /** Filters of `HttpProtocolOptions.http_filters`, without the codec. */
  readonly filters: FilterChain | undefined;
  /** The upstream speaks HTTP/2: only the proxy's own gRPC clients can use it. */
  readonly http2: boolean;
  /** ORIGINAL_DST: the request header that may name the host; empty for none. */
  readonly originalHeader: string;
  readonly cleanupInterval: number;
}

export interface ClusterReaderOptions {
  /** Reads the filters of a cluster whose stats stand under `statPrefix` (`cluster.c.`). */
  readonly readFilters: (fields: Fields, key: string, statPrefix: string, stats: StatsScope) => FilterChain | undefined;
  /** Holds what the filters count. */
  readonly stats: StatsScope;
}

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const RAW_BUFFER = 'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';
const POLICIES = 'envoy.extensions.load_balancing_policies.';

export function readCluster(fields: Fields, options: ClusterReaderOptions): ClusterConfig {
  fields.ignore('per_connection_buffer_limit_bytes', 'metadata', 'ignore_health_on_host_removal');
  fields.ignore('upstream_connection_options', 'track_cluster_stats', 'respect_dns_ttl', 'wait_for_warm_on_init');
  fields.ignore('http_protocol_options', 'track_timeout_budgets', 'connection_pool_per_downstream_connection');
  const name = fields.required('name');
  const statName = sanitizeStatName(fields.text('alt_stat_name') || name);
  const kind = fields.choice<ClusterKind>('type', ['STATIC', 'STRICT_DNS', 'EDS', 'ORIGINAL_DST']);
  const serviceName = fields.message('eds_cluster_config', readEds);
  if (kind === 'EDS' && serviceName === undefined) fields.problem('eds_cluster_config', 'value is required');
  readTransportSocket(fields);
  const http = readHttpOptions(fields, options, `cluster.${statName}.`);
  const originalHeader = readOriginalDst(fields);
  const panicThreshold = fields.message('common_lb_config', readCommonLb) ?? 50;
  return {
    name,
    statName,
    kind,
    serviceName: serviceName || name,
    endpoints: fields.message('load_assignment', readLoadAssignment)?.endpoints ?? [],
    policy: readPolicy(fields, kind),
    connectTimeout: fields.duration('connect_timeout') ?? 5000,
    idleTimeout: http.idleTimeout,
    maxRequestsPerConnection: http.maxRequests || (fields.number('max_requests_per_connection') ?? 0),
    thresholds: fields.message('circuit_breakers', readThresholds) ?? {
      DEFAULT: DEFAULT_THRESHOLDS,
      HIGH: DEFAULT_THRESHOLDS,
    },
    outlier: fields.message('outlier_detection', readOutlierDetection),
    panicThreshold,
    dnsRefresh: fields.duration('dns_refresh_rate') ?? 5000,
    dnsFamily: DNS_FAMILY[fields.choice('dns_lookup_family', ['AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL'])],
    filters: http.filters,
    http2: http.http2,
    originalHeader,
    cleanupInterval: fields.duration('cleanup_interval') ?? 5000,
  };
}

const DNS_FAMILY = { AUTO: 0, V4_ONLY: 4, V6_ONLY: 6, V4_PREFERRED: 0, ALL: 0 } as const;

function readEds(fields: Fields): string {
  fields.message('eds_config', readConfigSource);
  if (!fields.has('eds_config')) fields.problem('eds_config', 'value is required');
  return fields.text('service_name');
}

/** Reads an `envoy.config.core.v3.ConfigSource`: here all discovery goes over the one aggregated stream. */
export function readConfigSource(fields: Fields): { readonly initialFetchTimeout: number } {
  fields.choice('resource_api_version', ['AUTO', 'V3', 'V2']);
  const initialFetchTimeout = fields.duration('initial_fetch_timeout') ?? 15_000;
  const kind = fields.oneOf('config_source_specifier', ['ads', 'self']);
  if (kind) fields.message(kind, (inner) => inner.ignore('transport_api_version'));
  return { initialFetchTimeout };
}

function readTransportSocket(fields: Fields): void {
  fields.message('transport_socket', (socket) => {
    socket.ignore('name');
    const config = socket.raw('typed_config');
    const type = isObject(config) ? typeName(config) : '';
    if (type !== RAW_BUFFER) socket.problem('typed_config', `${type || 'nothing'} is not supported`, RAW_BUFFER);
  });
}

interface HttpOptions {
  readonly idleTimeout: number;
  readonly maxRequests: number;
  readonly filters: FilterChain | undefined;
  readonly http2: boolean;
}

const HOUR = 3_600_000;

function readHttpOptions(fields: Fields, options: ClusterReaderOptions, statPrefix: string): HttpOptions {
  const http2 = fields.message('http2_protocol_options', ignoreAll) !== undefined;
  const read = fields.map('typed_extension_protocol_options', (inner, key) => {
    if (key !== HTTP_OPTIONS) {
      inner.problem('', `${key} is not supported`, HTTP_OPTIONS);
      ignoreAll(inner);
      return undefined;
    }
    return readHttpProtocolOptions(inner, options, statPrefix);
  });
  const found = read.get(HTTP_OPTIONS);
  return found ?? { idleTimeout: HOUR, maxRequests: 0, filters: undefined, http2 };
}

function readHttpProtocolOptions(fields: Fields, options: ClusterReaderOptions, statPrefix: string): HttpOptions {
  const common = fields.message('common_http_protocol_options', (inner) => {
    inner.ignore('max_headers_count', 'headers_with_underscores_action');
    return { idle: inner.duration('idle_timeout'), requests: inner.number('max_requests_per_connection') };
  });
  fields.ignore('upstream_http_protocol_options');
  const kind = fields.oneOf('upstream_protocol_options', ['explicit_http_config', 'use_downstream_protocol_config']);
  let http2 = false;
  if (kind === 'explicit_http_config') {
    fields.message(kind, (inner) => {
      http2 =
        inner.oneOf('protocol_config', ['http_protocol_options', 'http2_protocol_options'])?.startsWith('http2') ??
        false;
      inner.ignore('http_protocol_options', 'http2_protocol_options');
    });
  } else if (kind) fields.message(kind, ignoreAll);
  const filters = options.readFilters(fields, 'http_filters', statPrefix, options.stats);
  return { idleTimeout: common?.idle ?? HOUR, maxRequests: common?.requests ?? 0, filters, http2 };
}

function ignoreAll(fields: Fields): true {
  fields.ignore(...Object.keys(fields.json));
  return true;
}

function readOriginalDst(fields: Fields): string {
  const found = fields.message('original_dst_lb_config', (inner) => {
    const use = inner.flag('use_http_header');
    const name = inner.text('http_header_name').toLowerCase();
    return use ? name || 'x-envoy-original-dst-host' : '';
  });
  return found ?? '';
}

function readCommonLb(fields: Fields): number {
  fields.ignore('close_connections_on_host_set_change', 'ignore_new_hosts_until_first_hc', 'update_merge_window');
  return fields.message('healthy_panic_threshold', (percent) => percent.number('value') ?? 0) ?? 50;
}

function readPolicy(fields: Fields, kind: ClusterKind): BalancerPolicy {
  const choices = fields.message('least_request_lb_config', readChoices);
  fields.message('round_robin_lb_config', () => undefined);
  const modern = fields.message('load_balancing_policy', (inner) => inner.list('policies', readPolicyExtension));
  const written = fields.choice('lb_policy', [
    'ROUND_ROBIN',
    'LEAST_REQUEST',
    'RANDOM',
    'CLUSTER_PROVIDED',
    'LOAD_BALANCING_POLICY_CONFIG',
  ]);
  if (kind === 'ORIGINAL_DST' && written !== 'CLUSTER_PROVIDED' && written !== 'ROUND_ROBIN') {
    fields.problem('lb_policy', `found ${written} with type ORIGINAL_DST`, 'CLUSTER_PROVIDED');
  }
  const [first] = modern ?? [];
  if (first) return first;
  if (written === 'LEAST_REQUEST') return { kind: 'least_request', choices: choices ?? 2 };
  return written === 'RANDOM' ? { kind: 'random' } : { kind: 'round_robin' };
}

function readChoices(fields: Fields): number {
  return fields.number('choice_count') ?? 2;
}

function readPolicyExtension(fields: Fields): BalancerPolicy {
  const found = fields.message('typed_extension_config', (extension) => {
    extension.ignore('name');
    return extension.message('typed_config', (config): BalancerPolicy => {
      switch (typeName(config.json)) {
        case `${POLICIES}round_robin.v3.RoundRobin`:
          return { kind: 'round_robin' };
        case `${POLICIES}random.v3.Random`:
          return { kind: 'random' };
        case `${POLICIES}least_request.v3.LeastRequest`:
          return { kind: 'least_request', choices: readChoices(config) };
        default:
          config.problem('@type', `${typeName(config.json)} is not supported`, 'RoundRobin, Random, LeastRequest');
          ignoreAll(config);
          return { kind: 'round_robin' };
      }
    });
  });
  return found ?? { kind: 'round_robin' };
}

function readThresholds(fields: Fields): ClusterConfig['thresholds'] {
  const out = { DEFAULT: DEFAULT_THRESHOLDS, HIGH: DEFAULT_THRESHOLDS };
  fields.list('thresholds', (inner) => {
    const priority = inner.choice('priority', ['DEFAULT', 'HIGH']);
    inner.ignore('track_remaining');
    out[priority] = {
      connections: inner.number('max_connections') ?? 1024,
      pending: inner.number('max_pending_requests') ?? 1024,
      requests: inner.number('max_requests') ?? 1024,
      retries: inner.number('max_retries') ?? 3,
    };
    return true;
  });
  return out;
}

const HEALTH = {
  UNKNOWN: 'healthy',
  HEALTHY: 'healthy',
  DEGRADED: 'degraded',
  UNHEALTHY: 'unhealthy',
  DRAINING: 'unhealthy',
  TIMEOUT: 'unhealthy',
} as const;

/** Reads an `envoy.config.endpoint.v3.ClusterLoadAssignment`. */
export function readLoadAssignment(fields: Fields): {
  readonly name: string;
  readonly endpoints: readonly EndpointConfig[];
} {
  fields.message('policy', (policy) => policy.ignore('overprovisioning_factor', 'endpoint_stale_after'));
  const localities = fields.list('endpoints', (locality) => {
    locality.ignore('locality', 'load_balancing_weight', 'metadata');
    if ((locality.number('priority') ?? 0) > 0) locality.problem('priority', 'priorities are not supported', '0');
    return locality.list('lb_endpoints', readEndpoint).filter((one) => one !== undefined);
  });
  return { name: fields.text('cluster_name'), endpoints: localities.flat() };
}

function readEndpoint(fields: Fields): EndpointConfig | undefined {
  fields.ignore('metadata');
  const health =
    HEALTH[fields.choice('health_status', ['UNKNOWN', 'HEALTHY', 'UNHEALTHY', 'DRAINING', 'TIMEOUT', 'DEGRADED'])];
  const weight = fields.number('load_balancing_weight') ?? 1;
  const found = fields.message('endpoint', (endpoint) => ({
    address: endpoint.message('address', readAddress),
    hostname: endpoint.text('hostname'),
  }));
  if (!found?.address) {
    fields.problem('endpoint', 'an address is required');
    return undefined;
  }
  return { address: found.address, hostname: found.hostname, weight, health };
}
