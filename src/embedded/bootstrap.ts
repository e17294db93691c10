import { stringify } from 'yaml';

export interface BootstrapOptions {
  readonly nodeName: string;
  readonly clusterName: string;
  /** Unix socket of the agent: discovery and access logs. */
  readonly agentSocket: string;
  readonly adminSocket: string;
  /** Where `/metrics` has the data plane's statistics. */
  readonly metrics: { readonly address: string; readonly port: number };
}

/** Envoy refuses expressions of more than 100 instructions, which paths of policies easily have, and all that comes with them. What memory they take it bounds by itself. */
const regexSizeMax = 1_000_000;

/** The Envoy bootstrap of a node's data plane: everything else comes from the agent by ADS. */
export function bootstrapText({ nodeName, clusterName, agentSocket, adminSocket, metrics }: BootstrapOptions): string {
  const ads = { ads: {}, resource_api_version: 'V3' };
  return stringify({
    node: { id: nodeName, cluster: clusterName },
    admin: { address: { pipe: { path: adminSocket } } },
    layered_runtime: {
      layers: [
        { name: 'static', static_layer: { 're2.max_program_size.error_level': regexSizeMax } },
        { name: 'admin', admin_layer: {} },
      ],
    },
    dynamic_resources: {
      ads_config: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc-cilium' } }],
      },
      cds_config: ads,
      lds_config: ads,
    },
    static_resources: {
      listeners: [metricsListener(metrics)],
      clusters: [
        socketCluster('envoy-admin', adminSocket),
        {
          ...socketCluster('xds-grpc-cilium', agentSocket),
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    },
  });
}

function socketCluster(name: string, path: string): object {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }];
  return { name, type: 'STATIC', connect_timeout: '2s', load_assignment: { cluster_name: name, endpoints } };
}

/** As Cilium's `envoy-prometheus-metrics-listener`: of the admin interface it reaches nothing but the statistics. */
function metricsListener({ address, port }: BootstrapOptions['metrics']): object {
  const name = 'envoy-prometheus-metrics-listener';
  const type = 'type.googleapis.com/envoy.extensions.filters';
  const route = { match: { path: '/metrics' }, route: { cluster: 'envoy-admin', prefix_rewrite: '/stats/prometheus' } };
  const manager = {
    '@type': `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    use_remote_address: true,
    skip_xff_append: true,
    stream_idle_timeout: '0s',
    route_config: { virtual_hosts: [{ name: 'prometheus_metrics_route', domains: ['*'], routes: [route] }] },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${type}.http.router.v3.Router` } }],
  };
  return {
    name,
    address: { socket_address: { address, port_value: port } },
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
  };
}
