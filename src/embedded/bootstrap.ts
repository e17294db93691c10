import { stringify } from 'yaml';

export interface BootstrapOptions {
  readonly nodeName: string;
  readonly clusterName: string;
  /** Unix socket of the agent: discovery and access logs. */
  readonly agentSocket: string;
  readonly adminSocket: string;
}

/** The Envoy bootstrap of a node's data plane: everything else comes from the agent by ADS. */
export function bootstrapText({ nodeName, clusterName, agentSocket, adminSocket }: BootstrapOptions): string {
  const ads = { ads: {}, resource_api_version: 'V3' };
  return stringify({
    node: { id: nodeName, cluster: clusterName },
    admin: { address: { pipe: { path: adminSocket } } },
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
      clusters: [
        {
          name: 'xds-grpc-cilium',
          type: 'STATIC',
          connect_timeout: '2s',
          load_assignment: {
            cluster_name: 'xds-grpc-cilium',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: agentSocket } } } }] }],
          },
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
