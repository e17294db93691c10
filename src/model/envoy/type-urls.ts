/** Type URLs of the resources that travel over xDS, and the names without prefix that the decoders take. */
export const typeUrl = {
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  extensionConfig: 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
} as const;

export const typeName = {
  bootstrap: 'envoy.config.bootstrap.v3.Bootstrap',
  httpConnectionManager: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  router: 'envoy.extensions.filters.http.router.v3.Router',
  httpProtocolOptions: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
} as const;

/** Full names of the services that the data plane and the control plane speak; see `grpcService`. */
export const serviceName = {
  aggregatedDiscovery: 'envoy.service.discovery.v3.AggregatedDiscoveryService',
  accessLog: 'envoy.service.accesslog.v3.AccessLogService',
} as const;

/** `type.googleapis.com/a.b.C`, `/a.b.C` or `a.b.C` to `a.b.C`. */
export function typeNameOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

/** The field that names a resource of this type on the wire: `cluster_name` for load assignments, else `name`. */
export function resourceNameField(url: string): 'name' | 'cluster_name' {
  return typeNameOf(url) === 'envoy.config.endpoint.v3.ClusterLoadAssignment' ? 'cluster_name' : 'name';
}
