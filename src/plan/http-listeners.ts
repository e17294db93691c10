import {
  agentAccessLog,
  defaultCircuitBreakers,
  denialMapper,
  filterName,
  httpProtocolOptionsName,
  loopbackAddress,
  namedConfig,
  originalDstCluster,
  originalDstFilter,
  originalSrcFilter,
  policyFilters,
  routerFilter,
  typedConfig,
  upstreamCodecFilter,
} from './envoy-json.ts';
import type { JsonObject } from './node-plan.ts';

/** Listener names, which are also the keys of their ports. */
export const policyListener = {
  httpEgress: 'cilium-http-egress',
  httpIngress: 'cilium-http-ingress',
  tlsEgress: 'cilium-tls-egress',
  tlsIngress: 'cilium-tls-ingress',
  dns: 'cilium-dns-egress',
} as const;

/**
 * The listener that policy redirects connections of one direction to; it sends each request on to where it was going. Its options are those
 * that Cilium gives its own (`pkg/envoy`, `getHttpFilterChainProto`).
 */
export function httpListener(direction: 'ingress' | 'egress', port: number, deniedMessage: string): JsonObject {
  const name = httpListenerName(direction);
  return redirectListener(name, direction, port, {
    listener_filters: [originalDstFilter, originalSrcFilter],
    filter_chains: [{ filters: [httpFilter(direction, { cluster: originalDstCluster, deniedMessage })] }],
  });
}

export function httpListenerName(direction: 'ingress' | 'egress'): string {
  return direction === 'egress' ? policyListener.httpEgress : policyListener.httpIngress;
}

export function redirectListener(
  name: string,
  direction: 'ingress' | 'egress',
  port: number,
  rest: JsonObject,
): JsonObject {
  return {
    name,
    address: loopbackAddress(port),
    transparent: true,
    traffic_direction: direction === 'egress' ? 'OUTBOUND' : 'INBOUND',
    ...rest,
  };
}

/** The connection manager of a policy's listener; flows and statistics do not tell these apart. */
export function httpFilter(
  direction: 'ingress' | 'egress',
  { cluster, deniedMessage }: { readonly cluster: string; readonly deniedMessage: string },
): JsonObject {
  const name = httpListenerName(direction);
  return namedConfig(
    filterName.httpConnectionManager,
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: name,
      use_remote_address: true,
      skip_xff_append: true,
      internal_address_config: { cidr_ranges: internalRanges },
      stream_idle_timeout: '0s',
      // A path rule must see the path that the backend will act on.
      normalize_path: true,
      merge_slashes: true,
      path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT',
      route_config: passThroughRoutes(name, cluster),
      http_filters: [routerFilter],
      upgrade_configs: [{ upgrade_type: 'websocket' }],
      access_log: [agentAccessLog(direction, name)],
      local_reply_config: { mappers: [denialMapper(deniedMessage)] },
    },
  );
}

const internalRanges: readonly JsonObject[] = [
  { address_prefix: '10.0.0.0', prefix_len: 8 },
  { address_prefix: '172.16.0.0', prefix_len: 12 },
  { address_prefix: '192.168.0.0', prefix_len: 16 },
  { address_prefix: '127.0.0.1', prefix_len: 32 },
  { address_prefix: '::1', prefix_len: 128 },
];

/** With the defaults of `http-request-timeout` and `http-retry-count`. What policy refuses is no 5xx, and not tried again. */
function passThroughRoutes(name: string, cluster: string): JsonObject {
  const action = {
    cluster,
    timeout: '3600s',
    retry_policy: { retry_on: '5xx', num_retries: 3 },
  };
  const route = { match: { prefix: '/' }, route: action };
  return { name, virtual_hosts: [{ name, domains: ['*'], routes: [route] }] };
}

/** How a cluster begins TLS. */
export interface ClusterTls {
  readonly socket: JsonObject;
  /** `envoy.config.core.v3.UpstreamHttpProtocolOptions` */
  readonly names: JsonObject;
}

/** A cluster whose host is where the client's connection was going before it was redirected. */
export function originalDestinationCluster(name: string, tls?: ClusterTls): JsonObject {
  return {
    name,
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    connect_timeout: '2s',
    circuit_breakers: defaultCircuitBreakers,
    typed_extension_protocol_options: {
      [httpProtocolOptionsName]: typedConfig(httpProtocolOptionsName, {
        use_downstream_protocol_config: {},
        ...(tls && { upstream_http_protocol_options: tls.names }),
        http_filters: [...policyFilters, upstreamCodecFilter],
      }),
    },
    ...(tls && { transport_socket: tls.socket }),
  };
}
