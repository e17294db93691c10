import type { Json, Places } from './types.ts';

/** Short builders for bootstraps. Everything they make can be overridden by what is handed in. */

const prefix = 'type.googleapis.com/';
export const typed = (name: string, config: Json = {}): Json => ({ '@type': `${prefix}${name}`, ...config });

export const router = (config: Json = {}): Json => ({
  name: 'envoy.filters.http.router',
  typed_config: typed('envoy.extensions.filters.http.router.v3.Router', config),
});

/** The line compared for every request: what Envoy says of it, without times, addresses and ids. */
export const logFormat =
  '%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %ROUTE_NAME% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"\n';

export const fileLog = ({ folder }: Places, format = logFormat): Json => ({
  name: 'envoy.access_loggers.file',
  typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
    path: `${folder}/access.log`,
    log_format: { text_format_source: { inline_string: format } },
  }),
});

export const socketAddress = (host: string, port: number): Json => ({
  socket_address: { address: host, port_value: port },
});

/** An HTTP connection manager with prefix `in`, a file access log, the given route configuration and the router as only filter. */
export function manager(places: Places, config: Json): Json {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
      stat_prefix: 'in',
      access_log: [fileLog(places)],
      http_filters: [router()],
      ...config,
    }),
  };
}

/** One virtual host `all` for every domain. */
export const routeConfig = (routes: readonly Json[], more: Json = {}, host: Json = {}): Json => ({
  name: 'routes',
  virtual_hosts: [{ name: 'all', domains: ['*'], routes, ...host }],
  ...more,
});

/** All of a prefix to a cluster. */
export const toCluster = (cluster = 'c0', action: Json = {}, match: Json = { prefix: '/' }): Json => ({
  match,
  route: { cluster, ...action },
});

export const listener = (places: Places, index: number, filters: readonly Json[], more: Json = {}): Json => ({
  name: `l${index}`,
  address: socketAddress(places.host, places.listener(index)),
  filter_chains: [{ filters }],
  ...more,
});

export const endpoint = (places: Places, backend: number, more: Json = {}): Json => ({
  endpoint: { address: socketAddress(places.host, places.backend(backend)) },
  ...more,
});

/** A STATIC cluster `c<index>` with one endpoint for each of the backends. */
export const cluster = (
  places: Places,
  index: number,
  backends: readonly number[] = [index],
  more: Json = {},
): Json => ({
  name: `c${index}`,
  connect_timeout: '1s',
  load_assignment: {
    cluster_name: `c${index}`,
    endpoints: [{ lb_endpoints: backends.map((backend) => endpoint(places, backend)) }],
  },
  ...more,
});

export const bootstrap = (
  { host, admin }: Places,
  listeners: readonly Json[],
  clusters: readonly Json[],
  more: Json = {},
): Json => ({
  node: { id: 'conformance', cluster: 'conformance' },
  admin: { address: socketAddress(host, admin) },
  static_resources: { listeners, clusters },
  ...more,
});

/** The usual case: one listener, one connection manager, cluster `c0` (and more on demand). */
export function simple(
  places: Places,
  config: {
    readonly routes?: readonly Json[];
    readonly manager?: Json;
    readonly clusters?: readonly Json[];
    readonly listener?: Json;
  },
): Json {
  const inline = { route_config: routeConfig(config.routes ?? [toCluster()]) };
  const hcm = manager(places, { ...(config.manager?.['rds'] ? {} : inline), ...config.manager });
  return bootstrap(places, [listener(places, 0, [hcm], config.listener)], config.clusters ?? [cluster(places, 0)]);
}
