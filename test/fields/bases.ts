import type { JsonObject } from '../../src/model/envoy/index.ts';
import { authority, server } from '../../src/proxy/testing/certificates.ts';

const TYPE = 'type.googleapis.com/';
const address: JsonObject = { socket_address: { address: '127.0.0.1', port_value: 10_000 } };
const router: JsonObject = {
  name: 'router',
  typed_config: { '@type': `${TYPE}envoy.extensions.filters.http.router.v3.Router` },
};
const manager: JsonObject = {
  stat_prefix: 'in',
  route_config: { name: 'r' },
  http_filters: [router],
};

const HTTP = 'envoy.extensions.filters.http';
const cors: JsonObject = { '@type': `${TYPE}${HTTP}.cors.v3.CorsPolicy` };
const range: JsonObject = { address_prefix: '10.0.0.0', prefix_len: 8 };
const bucket: JsonObject = { max_tokens: 1, fill_interval: '1s' };

const TLS = 'envoy.extensions.transport_sockets.tls.v3';
const certificate: JsonObject = {
  certificate_chain: { inline_string: server.certificate },
  private_key: { inline_string: server.key },
};
const injected: JsonObject = {
  name: 'x',
  typed_config: {
    '@type': `${TYPE}envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig`,
    filename: '/dev/null',
  },
};
const trigger: JsonObject = { name: 'x', threshold: { value: 1 } };

/** Messages whose smallest sensible form the validation rules do not tell. */
export const BASES: Readonly<Record<string, JsonObject>> = {
  'envoy.config.core.v3.Address': address,
  'envoy.config.overload.v3.OverloadManager': { resource_monitors: [injected] },
  'envoy.config.overload.v3.ResourceMonitor': injected,
  'envoy.config.overload.v3.OverloadAction': {
    name: 'envoy.overload_actions.reduce_timeouts',
    triggers: [trigger],
    typed_config: {
      '@type': `${TYPE}envoy.config.overload.v3.ScaleTimersOverloadActionConfig`,
      timer_scale_factors: [{ timer: 'HTTP_DOWNSTREAM_STREAM_IDLE', min_timeout: '1s' }],
    },
  },
  'envoy.config.overload.v3.LoadShedPoint': {
    name: 'envoy.load_shed_points.tcp_listener_accept',
    triggers: [trigger],
  },
  'envoy.config.overload.v3.Trigger': trigger,
  // Files of logs are opened when they are read.
  'envoy.extensions.access_loggers.file.v3.FileAccessLog': { path: '/dev/null' },
  'envoy.config.core.v3.SocketAddress': { address: '127.0.0.1', port_value: 10_000 },
  'envoy.config.core.v3.CidrRange': range,
  'xds.core.v3.CidrRange': range,
  'envoy.config.core.v3.DataSource': { inline_string: 'x' },
  'envoy.config.core.v3.ConfigSource': { ads: {}, resource_api_version: 'V3' },
  'envoy.config.core.v3.HealthCheck.Payload': { text: '00' },
  'envoy.config.core.v3.HealthCheck.HttpHealthCheck': { path: '/', method: 'POST' },
  'envoy.type.v3.Int64Range': { start: '200', end: '300' },
  'envoy.config.cluster.v3.Cluster.EdsClusterConfig': { eds_config: { ads: {}, resource_api_version: 'V3' } },
  'envoy.config.endpoint.v3.LbEndpoint': { endpoint: { address } },
  'envoy.config.endpoint.v3.Endpoint': { address },
  'envoy.config.route.v3.RouteAction': { cluster: 'x' },
  'envoy.config.route.v3.RouteAction.RequestMirrorPolicy': { cluster: 'x' },
  'envoy.config.route.v3.WeightedCluster.ClusterWeight': { name: 'x', weight: 1 },
  'envoy.config.route.v3.VirtualCluster': { name: 'x', headers: [{ name: 'x' }] },
  'envoy.config.route.v3.FilterConfig': { config: cors },
  'envoy.config.route.v3.RateLimit.HitsAddend': { number: '1' },
  'envoy.config.route.v3.RateLimit.Action.RemoteAddressMatch': {
    descriptor_value: 'x',
    address_matcher: { ranges: [range] },
  },
  'envoy.config.core.v3.GrpcService': { envoy_grpc: { cluster_name: 'x' } },
  [`${HTTP}.ext_authz.v3.ExtAuthz`]: { grpc_service: { envoy_grpc: { cluster_name: 'x' } } },
  [`${HTTP}.ext_proc.v3.ExternalProcessor`]: { grpc_service: { envoy_grpc: { cluster_name: 'x' } } },
  [`${HTTP}.ext_authz.v3.HttpService`]: { server_uri: { uri: 'http://x', cluster: 'x', timeout: '1s' } },
  [`${HTTP}.ext_authz.v3.CheckSettings`]: { context_extensions: { x: 'y' } },
  [`${HTTP}.local_ratelimit.v3.LocalRateLimit`]: { stat_prefix: 'x', token_bucket: bucket },
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': manager,
  [`${TLS}.TlsCertificate`]: certificate,
  [`${TLS}.DownstreamTlsContext`]: { common_tls_context: { tls_certificates: [certificate] } },
  [`${TLS}.CertificateValidationContext`]: { trusted_ca: { inline_string: authority } },
  [`${TLS}.SubjectAltNameMatcher`]: { san_type: 'DNS', matcher: { exact: 'x' } },
  [`${TLS}.TlsSessionTicketKeys`]: { keys: [{ inline_string: 'k'.repeat(80) }] },
};

/** Keys of map fields where not any will do. */
export const KEYS: Readonly<Record<string, string>> = {
  'envoy.config.cluster.v3.Cluster.typed_extension_protocol_options':
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
};

const codec: JsonObject = {
  name: 'codec',
  typed_config: { '@type': `${TYPE}${HTTP}.upstream_codec.v3.UpstreamCodec` },
};

/** What follows the item of a list that is tried out. */
export const AFTER: Readonly<Record<string, readonly JsonObject[]>> = {
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.http_filters': [router],
  'envoy.extensions.filters.http.router.v3.Router.upstream_http_filters': [codec],
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.http_filters': [codec],
};

/** Fields whose messages are not walked where they stand: told on as they are, or walked as resources of their own. */
export const OPAQUE: ReadonlySet<string> = new Set([
  // Read when the proxy starts, as those of listeners are.
  'envoy.config.bootstrap.v3.Admin.access_log',
  'envoy.config.bootstrap.v3.Bootstrap.node',
  'envoy.config.bootstrap.v3.Bootstrap.StaticResources.clusters',
  'envoy.config.bootstrap.v3.Bootstrap.StaticResources.listeners',
]);
