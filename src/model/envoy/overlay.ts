import { filterFields } from './overlay-filters.ts';
import { proxyProtocolFields } from './overlay-proxy-protocol.ts';
import { remoteFields, remoteValues } from './overlay-remote.ts';
import { telemetryFields } from './overlay-telemetry.ts';

/** A field that Envoy's API has gained since the published files: message, field, number, type. */
export interface OverlayField {
  readonly message: string;
  readonly field: string;
  readonly number: number;
  readonly type: string;
  readonly repeated?: true;
  /** The oneof that the field belongs to. */
  readonly oneof?: string;
  /** It has another type than in the published files. */
  readonly replaces?: true;
}

const bool = 'google.protobuf.BoolValue';
const duration = 'google.protobuf.Duration';
const uint32 = 'google.protobuf.UInt32Value';
const uint64 = 'google.protobuf.UInt64Value';
const headerMutation = 'envoy.config.common.mutation_rules.v3.HeaderMutation';
const stringMatcher = 'envoy.type.matcher.v3.StringMatcher';
const xdsMatcher = 'xds.type.matcher.v3.Matcher';

const core = 'envoy.config.core.v3';
const route = 'envoy.config.route.v3';
const tls = 'envoy.extensions.transport_sockets.tls.v3';
const http = 'envoy.extensions.filters.http';
const network = 'envoy.extensions.filters.network';
const manager = `${network}.http_connection_manager.v3.HttpConnectionManager`;
const upstreamOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Fields whose rules Envoy has dropped since the published files: message and field. */
export const droppedRules: readonly (readonly [string, string])[] = [
  ['envoy.type.v3.TokenBucket', 'max_tokens'],
  ['envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig', 'dns_query_timeout'],
  ['envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry', 'value'],
  ['envoy.config.core.v3.KeyValueAppend', 'entry'],
  ['envoy.config.core.v3.RuntimeFeatureFlag', 'runtime_key'],
  [`${http}.ext_authz.v3.ExtAuthzPerRoute`, 'disabled'],
  ['envoy.extensions.filters.http.jwt_authn.v3.JwtClaimToHeader', 'claim_name'],
  ['envoy.config.trace.v3.ZipkinConfig', 'collector_cluster'],
  ['envoy.config.trace.v3.ZipkinConfig', 'collector_endpoint'],
];

/** Enum values that Envoy has gained since: enum, name, number. */
export const overlayValues: readonly (readonly [string, string, number])[] = [
  ['envoy.config.accesslog.v3.ComparisonFilter.Op', 'NE', 3],
  ['envoy.config.overload.v3.ScaleTimersOverloadActionConfig.TimerType', 'HTTP_DOWNSTREAM_CONNECTION_MAX', 4],
  ['envoy.config.overload.v3.ScaleTimersOverloadActionConfig.TimerType', 'HTTP_DOWNSTREAM_STREAM_FLUSH', 5],
  ...remoteValues,
];

/**
 * Fields of the API of January 2026 that manifests use and whose types the published files already know.
 * A field whose message type is itself new (cookies in RouteMatch, for instance) is refused as unknown.
 */
export const overlayFields: readonly OverlayField[] = [
  ...remoteFields,
  ...telemetryFields,
  ...filterFields,
  ...proxyProtocolFields,
  { message: 'envoy.config.cluster.v3.Cluster', field: 'dns_jitter', number: 58, type: duration },
  { message: 'envoy.config.cluster.v3.Cluster', field: 'transport_socket_matcher', number: 59, type: xdsMatcher },
  { message: `${core}.SocketAddress`, field: 'network_namespace_filepath', number: 7, type: 'string' },
  { message: `${core}.HttpProtocolOptions`, field: 'max_response_headers_kb', number: 7, type: uint32 },
  {
    message: `${core}.Http1ProtocolOptions`,
    field: 'ignore_http_11_upgrade',
    number: 11,
    type: stringMatcher,
    repeated: true,
  },
  { message: `${core}.Http2ProtocolOptions`, field: 'max_metadata_size', number: 17, type: uint64 },
  { message: `${core}.Http2ProtocolOptions`, field: 'enable_huffman_encoding', number: 18, type: bool },
  { message: 'envoy.config.bootstrap.v3.Admin', field: 'allow_paths', number: 7, type: stringMatcher, repeated: true },
  { message: `${route}.VirtualHost`, field: 'request_body_buffer_limit', number: 25, type: uint64 },
  { message: `${route}.Route`, field: 'request_body_buffer_limit', number: 20, type: uint64 },
  {
    message: `${route}.WeightedCluster`,
    field: 'use_hash_policy',
    number: 5,
    type: bool,
    oneof: 'random_value_specifier',
  },
  {
    message: `${route}.RouteMatch`,
    field: 'filter_state',
    number: 16,
    type: 'envoy.type.matcher.v3.FilterStateMatcher',
    repeated: true,
  },
  {
    message: `${route}.RouteMatch`,
    field: 'cookies',
    number: 17,
    type: `${route}.CookieMatcher`,
    repeated: true,
  },
  {
    message: `${route}.RedirectAction`,
    field: 'path_rewrite',
    number: 10,
    type: 'string',
    oneof: 'path_rewrite_specifier',
  },
  { message: `${route}.RouteAction`, field: 'flush_timeout', number: 42, type: duration },
  {
    message: `${route}.RouteAction`,
    field: 'host_rewrite',
    number: 44,
    type: 'string',
    oneof: 'host_rewrite_specifier',
  },
  { message: `${route}.RouteAction`, field: 'path_rewrite', number: 45, type: 'string' },
  {
    message: `${route}.RouteAction.RequestMirrorPolicy`,
    field: 'request_headers_mutations',
    number: 7,
    type: headerMutation,
    repeated: true,
  },
  { message: `${route}.RouteAction.RequestMirrorPolicy`, field: 'host_rewrite_literal', number: 8, type: 'string' },
  {
    message: `${route}.DirectResponseAction`,
    field: 'body_format',
    number: 3,
    type: `${core}.SubstitutionFormatString`,
  },
  { message: `${route}.Tracing`, field: 'operation', number: 5, type: 'string' },
  { message: `${route}.Tracing`, field: 'upstream_operation', number: 6, type: 'string' },
  { message: `${route}.RateLimit`, field: 'apply_on_stream_done', number: 6, type: 'bool' },
  { message: `${route}.RateLimit.Action.GenericKey`, field: 'default_value', number: 3, type: 'string' },
  { message: `${route}.RateLimit.Action.HeaderValueMatch`, field: 'default_value', number: 5, type: 'string' },
  { message: `${route}.RateLimit.Action.QueryParameterValueMatch`, field: 'default_value', number: 5, type: 'string' },
  { message: `${route}.RouteConfiguration`, field: 'vhost_header', number: 18, type: 'string' },
  { message: 'envoy.config.common.matcher.v3.Matcher.OnMatch', field: 'keep_matching', number: 3, type: 'bool' },
  {
    message: 'envoy.config.listener.v3.AdditionalAddress',
    field: 'tcp_keepalive',
    number: 3,
    type: `${core}.TcpKeepalive`,
  },
  { message: 'envoy.config.listener.v3.Listener', field: 'tcp_keepalive', number: 37, type: `${core}.TcpKeepalive` },
  {
    message: 'envoy.config.rbac.v3.Principal',
    field: 'custom',
    number: 14,
    type: `${core}.TypedExtensionConfig`,
    oneof: 'identifier',
  },
  { message: 'envoy.type.tracing.v3.CustomTag', field: 'value', number: 6, type: 'string', oneof: 'type' },
  { message: `${tls}.UpstreamTlsContext`, field: 'auto_host_sni', number: 6, type: 'bool' },
  { message: `${tls}.UpstreamTlsContext`, field: 'auto_sni_san_validation', number: 7, type: 'bool' },
  { message: `${tls}.DownstreamTlsContext`, field: 'prefer_client_ciphers', number: 11, type: 'bool' },
  {
    message: `${tls}.CommonTlsContext`,
    field: 'custom_tls_certificate_selector',
    number: 16,
    type: `${core}.TypedExtensionConfig`,
  },
  {
    message: `${http}.compressor.v3.Compressor.ResponseDirectionConfig`,
    field: 'uncompressible_response_codes',
    number: 4,
    type: 'uint32',
    repeated: true,
  },
  {
    message: `${http}.compressor.v3.Compressor.ResponseDirectionConfig`,
    field: 'status_header_enabled',
    number: 5,
    type: 'bool',
  },
  {
    message: `${http}.header_mutation.v3.Mutations`,
    field: 'query_parameter_mutations',
    number: 3,
    type: `${core}.KeyValueMutation`,
    repeated: true,
  },
  {
    message: `${http}.header_mutation.v3.Mutations`,
    field: 'response_trailers_mutations',
    number: 4,
    type: headerMutation,
    repeated: true,
  },
  {
    message: `${http}.header_mutation.v3.Mutations`,
    field: 'request_trailers_mutations',
    number: 5,
    type: headerMutation,
    repeated: true,
  },
  { message: `${http}.header_to_metadata.v3.Config`, field: 'stat_prefix', number: 3, type: 'string' },
  { message: `${http}.jwt_authn.v3.JwtAuthentication`, field: 'stat_prefix', number: 7, type: 'string' },
  {
    message: `${http}.local_ratelimit.v3.LocalRateLimit`,
    field: 'rate_limits',
    number: 17,
    type: `${route}.RateLimit`,
    repeated: true,
  },
  { message: `${http}.local_ratelimit.v3.LocalRateLimit`, field: 'max_dynamic_descriptors', number: 18, type: uint32 },
  { message: `${http}.lua.v3.Lua`, field: 'clear_route_cache', number: 5, type: bool },
  { message: `${http}.lua.v3.LuaPerRoute`, field: 'filter_context', number: 4, type: 'google.protobuf.Struct' },
  {
    message: `${http}.ratelimit.v3.RateLimit`,
    field: 'rate_limits',
    number: 17,
    type: `${route}.RateLimit`,
    repeated: true,
  },
  { message: `${http}.router.v3.Router`, field: 'reject_connect_request_early_data', number: 10, type: bool },
  {
    message: 'envoy.extensions.http.original_ip_detection.xff.v3.XffConfig',
    field: 'xff_trusted_cidrs',
    number: 2,
    type: 'envoy.extensions.http.original_ip_detection.xff.v3.XffTrustedCidrs',
  },
  {
    message: 'envoy.extensions.http.original_ip_detection.xff.v3.XffConfig',
    field: 'skip_xff_append',
    number: 3,
    type: bool,
  },
  { message: manager, field: 'http1_safe_max_connection_duration', number: 58, type: 'bool' },
  { message: manager, field: 'stream_flush_timeout', number: 59, type: duration },
  { message: manager, field: 'forward_client_cert_matcher', number: 60, type: xdsMatcher },
  { message: `${manager}.Tracing`, field: 'operation', number: 11, type: 'string' },
  { message: `${manager}.Tracing`, field: 'upstream_operation', number: 12, type: 'string' },
  { message: `${network}.rbac.v3.RBAC`, field: 'delay_deny', number: 8, type: duration },
  {
    message: `${network}.tcp_proxy.v3.TcpProxy`,
    field: 'backoff_options',
    number: 18,
    type: `${core}.BackoffStrategy`,
  },
  {
    message: `${network}.tcp_proxy.v3.TcpProxy.TcpAccessLogOptions`,
    field: 'flush_access_log_on_start',
    number: 3,
    type: 'bool',
  },
  {
    message: 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
    field: 'enable_ja4_fingerprinting',
    number: 3,
    type: bool,
  },
  {
    message: 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
    field: 'close_connection_on_client_hello_parsing_errors',
    number: 4,
    type: 'bool',
  },
  {
    message: 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
    field: 'max_client_hello_size',
    number: 5,
    type: uint32,
  },
  {
    message: upstreamOptions,
    field: 'request_mirror_policies',
    number: 9,
    type: `${route}.RouteAction.RequestMirrorPolicy`,
    repeated: true,
  },
  {
    message: upstreamOptions,
    field: 'hash_policy',
    number: 10,
    type: `${route}.RouteAction.HashPolicy`,
    repeated: true,
  },
  { message: upstreamOptions, field: 'retry_policy', number: 11, type: `${route}.RetryPolicy` },
  {
    message: 'envoy.config.rbac.v3.Permission',
    field: 'sourced_metadata',
    number: 14,
    type: 'envoy.config.rbac.v3.SourcedMetadata',
    oneof: 'rule',
  },
  {
    message: 'envoy.config.rbac.v3.Principal',
    field: 'sourced_metadata',
    number: 13,
    type: 'envoy.config.rbac.v3.SourcedMetadata',
    oneof: 'identifier',
  },
  {
    message: headerMutation,
    field: 'remove_on_match',
    number: 3,
    type: `${headerMutation}.RemoveOnMatch`,
    oneof: 'action',
  },
  { message: `${core}.KeyValueAppend`, field: 'record', number: 3, type: `${core}.KeyValuePair` },
  { message: `${route}.RateLimit`, field: 'hits_addend', number: 5, type: `${route}.RateLimit.HitsAddend` },
  {
    message: `${route}.RateLimit`,
    field: 'x_ratelimit_option',
    number: 7,
    type: `${route}.RateLimit.XRateLimitOption`,
  },
  {
    message: `${route}.RateLimit.Action`,
    field: 'query_parameters',
    number: 12,
    type: `${route}.RateLimit.Action.QueryParameters`,
    oneof: 'action_specifier',
  },
  {
    message: `${route}.RateLimit.Action`,
    field: 'remote_address_match',
    number: 13,
    type: `${route}.RateLimit.Action.RemoteAddressMatch`,
    oneof: 'action_specifier',
  },
  {
    message: 'envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor',
    field: 'shadow_mode',
    number: 3,
    type: 'bool',
  },
  { message: `${xdsMatcher}.OnMatch`, field: 'keep_matching', number: 3, type: 'bool' },
  {
    message: 'envoy.extensions.matching.common_inputs.network.v3.FilterStateInput',
    field: 'field',
    number: 2,
    type: 'string',
  },
  { message: `${http}.fault.v3.FaultAbort`, field: 'response_body', number: 6, type: 'string' },
  {
    message: `${http}.header_mutation.v3.Mutations`,
    field: 'formatters',
    number: 6,
    type: `${core}.TypedExtensionConfig`,
    repeated: true,
  },
  {
    message: `${http}.local_ratelimit.v3.LocalRateLimit`,
    field: 'enable_retry_after_header',
    number: 19,
    type: 'bool',
  },
  {
    message: 'envoy.type.matcher.v3.FilterStateMatcher',
    field: 'address_match',
    number: 3,
    type: 'envoy.type.matcher.v3.AddressMatcher',
    oneof: 'matcher',
  },
  {
    message: `${network}.tcp_proxy.v3.TcpProxy`,
    field: 'max_downstream_connection_duration_jitter_percentage',
    number: 20,
    type: 'envoy.type.v3.Percent',
  },
  {
    message: `${network}.tcp_proxy.v3.TcpProxy`,
    field: 'upstream_connect_mode',
    number: 21,
    type: `${network}.tcp_proxy.v3.UpstreamConnectMode`,
  },
  { message: `${network}.tcp_proxy.v3.TcpProxy`, field: 'max_early_data_bytes', number: 22, type: uint32 },
  {
    message: `${network}.tcp_proxy.v3.TcpProxy`,
    field: 'proxy_protocol_tlv_merge_policy',
    number: 23,
    type: `${network}.tcp_proxy.v3.ProxyProtocolTlvMergePolicy`,
  },
  { message: `${network}.tcp_proxy.v3.TcpProxy`, field: 'check_drain_close', number: 24, type: bool },
  {
    message: `${network}.tcp_proxy.v3.TcpProxy.TunnelingConfig`,
    field: 'request_id_extension',
    number: 7,
    type: `${network}.http_connection_manager.v3.RequestIDExtension`,
  },
];
