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

/** The listener that policy redirects connections of one direction to; it sends each request on to where it was going. */
export function httpListener(direction: 'ingress' | 'egress', port: number, deniedMessage: string): JsonObject {
  const name = direction === 'egress' ? policyListener.httpEgress : policyListener.httpIngress;
  return {
    name,
    address: loopbackAddress(port),
    transparent: true,
    traffic_direction: direction === 'egress' ? 'OUTBOUND' : 'INBOUND',
    listener_filters: [originalDstFilter, originalSrcFilter],
    filter_chains: [
      {
        filters: [
          namedConfig(
            filterName.httpConnectionManager,
            'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
            {
              stat_prefix: name,
              use_remote_address: true,
              skip_xff_append: true,
              // A path rule must see the path that the backend will act on.
              normalize_path: true,
              merge_slashes: true,
              route_config: passThroughRoutes(name),
              http_filters: [routerFilter],
              upgrade_configs: [{ upgrade_type: 'websocket' }],
              access_log: [agentAccessLog(direction, name)],
              local_reply_config: { mappers: [denialMapper(deniedMessage)] },
            },
          ),
        ],
      },
    ],
  };
}

function passThroughRoutes(name: string): JsonObject {
  const route = { match: { prefix: '/' }, route: { cluster: originalDstCluster, timeout: '0s' } };
  return { name, virtual_hosts: [{ name, domains: ['*'], routes: [route] }] };
}

/** A cluster whose host is where the client's connection was going before it was redirected. */
export function originalDestinationCluster(name: string): JsonObject {
  return {
    name,
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    connect_timeout: '2s',
    circuit_breakers: defaultCircuitBreakers,
    typed_extension_protocol_options: {
      [httpProtocolOptionsName]: typedConfig(httpProtocolOptionsName, {
        use_downstream_protocol_config: {},
        http_filters: [...policyFilters, upstreamCodecFilter],
      }),
    },
  };
}
