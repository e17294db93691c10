import { loggedHeaders } from './logged-headers.ts';
import type { JsonObject, JsonValue } from './node-plan.ts';

/** Mark of the proxy's connections to backends, in the name of the pod that asked. */
const upstreamMark = 0xb00;
export const networkRbacType = 'envoy.extensions.filters.network.rbac.v3.RBAC';
const typePrefix = 'type.googleapis.com/';

export const filterName = {
  httpConnectionManager: 'envoy.filters.network.http_connection_manager',
  router: 'envoy.filters.http.router',
  upstreamCodec: 'envoy.filters.http.upstream_codec',
  originalDst: 'envoy.filters.listener.original_dst',
  tlsInspector: 'envoy.filters.listener.tls_inspector',
  tcpProxy: 'envoy.filters.network.tcp_proxy',
  originalSrc: 'envoy.filters.listener.original_src',
} as const;

export const httpProtocolOptionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
export const originalDstCluster = 'cilium-original-dst';

/** Names of the RBAC configurations that travel by extension discovery, in the order in which they judge. */
export const rbacConfigNames = [
  'ciliate/egress-deny',
  'ciliate/egress',
  'ciliate/ingress-deny',
  'ciliate/ingress',
] as const;

/** Names of the network RBAC configurations that travel by extension discovery: what a TLS listener asks of each direction. */
export const tlsConfigNames = { egress: 'ciliate/tls-egress', ingress: 'ciliate/tls-ingress' } as const;

const adsSource: JsonObject = { ads: {}, resource_api_version: 'V3' };

/** `{ "@type": ..., ...body }` */
export function typedConfig(type: string, body: JsonObject = {}): JsonObject {
  return { '@type': `${typePrefix}${type}`, ...body };
}

export function namedConfig(name: string, type: string, body: JsonObject = {}): JsonObject {
  return { name, typed_config: typedConfig(type, body) };
}

export function loopbackAddress(port: number): JsonObject {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

/** A secret that the agent hands out. */
export function secretConfig(name: string): JsonObject {
  return { name, sds_config: adsSource };
}

export const routerFilter: JsonObject = namedConfig(
  filterName.router,
  'envoy.extensions.filters.http.router.v3.Router',
);

/** Takes the address that the client connected to from the redirected socket. */
export const originalDstFilter: JsonObject = namedConfig(
  filterName.originalDst,
  'envoy.extensions.filters.listener.original_dst.v3.OriginalDst',
);

/** Reads what a TLS client asks for. */
export const tlsInspectorFilter: JsonObject = namedConfig(
  filterName.tlsInspector,
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
);

/** Makes upstream connections start from the client's own address. */
export const originalSrcFilter: JsonObject = namedConfig(
  filterName.originalSrc,
  'envoy.extensions.filters.listener.original_src.v3.OriginalSrc',
  { mark: upstreamMark },
);

/** Sends every request of a listener to the agent, which turns it to flows. */
export function agentAccessLog(direction: 'ingress' | 'egress', listener: string): JsonObject {
  const type = 'envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig';
  return namedConfig('envoy.access_loggers.http_grpc', type, {
    ...toAgent(direction, listener),
    additional_request_headers_to_log: loggedHeaders.request,
    additional_response_headers_to_log: loggedHeaders.response,
  });
}

/** The same for connections whose requests are not read. */
export function agentTcpAccessLog(direction: 'ingress' | 'egress', listener: string): JsonObject {
  const type = 'envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig';
  return namedConfig('envoy.access_loggers.tcp_grpc', type, toAgent(direction, listener));
}

function toAgent(direction: 'ingress' | 'egress', listener: string): JsonObject {
  const common_config = {
    log_name: `${direction}:${listener}`,
    transport_api_version: 'V3',
    grpc_service: { envoy_grpc: { cluster_name: 'xds-grpc-cilium' } },
    buffer_flush_interval: '0.020s',
    // Of a busy data plane's 20 ms; each message costs as much as ten entries.
    buffer_size_bytes: 65_536,
  };
  return { common_config };
}

/** Before the keys under which the RBAC filters of the backend's ingress note their verdict; those of egress have none. */
export const ingressVerdictPrefix = 'ingress_';

/**
 * Gives what the RBAC filters refuse the body that users of Cilium know, or `message` in its place; its 403 is the filter's own.
 * As in `cilium.l7policy` the body ends with a line break. Envoy notes the verdict of a filter when the refusal is already on its way, so what
 * counts is that a filter before it has noted one, and that the answer is the proxy's own 403.
 */
export function denialMapper(message: string): JsonObject {
  const text = message === '' ? 'Access denied' : message;
  return {
    filter: { and_filter: { filters: [forbiddenFilter, judgedFilter] } },
    body: { inline_string: text.endsWith('\r\n') ? text : `${text}\r\n` },
  };
}

const forbiddenFilter: JsonObject = {
  status_code_filter: {
    comparison: { op: 'EQ', value: { default_value: 403, runtime_key: 'ciliate.denial_status' } },
  },
};

const judgedFilter: JsonObject = {
  metadata_filter: {
    matcher: {
      filter: 'envoy.filters.http.upstream_rbac',
      path: [{ key: 'enforced_engine_result' }],
      value: { present_match: true },
    },
    match_if_key_not_found: false,
  },
};

/** The upstream filters that judge a request after routing and rewriting, on the chosen host. */
export const policyFilters: readonly JsonObject[] = rbacConfigNames.map((name) => ({
  name,
  config_discovery: {
    config_source: adsSource,
    type_urls: [`${typePrefix}envoy.extensions.filters.http.rbac.v3.RBAC`],
  },
}));

/** The network filter that judges a connection by its server name, when its first bytes have come. */
export function tlsPolicyFilter(direction: 'ingress' | 'egress'): JsonObject {
  return networkPolicyFilter(tlsConfigNames[direction]);
}

/** The name of the rules that rules for a user's listener add to it, where they ask for server names. */
export function listenerConfigName(listener: string): string {
  return `ciliate/listener-names/${listener}`;
}

export function networkPolicyFilter(name: string): JsonObject {
  return {
    name,
    config_discovery: { config_source: adsSource, type_urls: [`${typePrefix}${networkRbacType}`] },
  };
}

export const upstreamCodecFilter: JsonObject = namedConfig(
  filterName.upstreamCodec,
  'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec',
);

/** Cilium's limits for clusters that name none of their own. */
export const defaultCircuitBreakers: JsonObject = {
  thresholds: [{ priority: 'DEFAULT', max_connections: 1024, max_requests: 1024, max_retries: 128 }],
};

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The field's objects when it is a list of objects; else nothing. */
export function objectsAt(object: JsonObject, field: string): readonly JsonObject[] {
  const value = object[field];
  return isList(value) ? value.filter(isObject) : [];
}

export function objectAt(object: JsonObject | undefined, field: string): JsonObject | undefined {
  const value = object?.[field];
  return isObject(value) ? value : undefined;
}

export function textAt(object: JsonObject | undefined, field: string): string {
  const value = object?.[field];
  return typeof value === 'string' ? value : '';
}
