import type { OverlayField } from './overlay.ts';
import type { OverlayMessage } from './overlay-messages.ts';

const bool = 'google.protobuf.BoolValue';
const uint32 = 'google.protobuf.UInt32Value';
const chance = 'envoy.config.core.v3.RuntimeFractionalPercent';
const authz = 'envoy.extensions.filters.http.ext_authz.v3';
const limit = 'envoy.extensions.filters.http.ratelimit.v3.RateLimit';
const process = 'envoy.extensions.filters.http.ext_proc.v3';
const service = 'envoy.service.ext_proc.v3';
const route = 'envoy.config.route.v3';
const core = 'envoy.config.core.v3';

/** What the filters that ask other servers, and the services that they ask, have gained: as in the descriptors of the 1.40 binary. */
export const remoteFields: readonly OverlayField[] = [
  { message: `${authz}.ExtAuthz`, field: 'clear_route_cache_headers', number: 34, type: 'string', repeated: true },
  { message: `${authz}.ExtAuthz`, field: 'filter_metadata', number: 28, type: 'google.protobuf.Struct' },
  { message: `${authz}.ExtAuthz`, field: 'emit_filter_state_stats', number: 29, type: 'bool' },
  { message: `${authz}.ExtAuthz`, field: 'max_denied_response_body_bytes', number: 30, type: 'uint32' },
  { message: `${authz}.ExtAuthz`, field: 'enforce_response_header_limits', number: 31, type: 'bool' },
  { message: `${authz}.ExtAuthz`, field: 'shadow_mode', number: 32, type: 'bool' },
  { message: `${authz}.ExtAuthz`, field: 'emit_client_span', number: 33, type: bool },
  { message: `${authz}.HttpService`, field: 'retry_policy', number: 9, type: `${core}.RetryPolicy` },
  { message: `${authz}.HttpService`, field: 'path_override', number: 10, type: 'string' },
  { message: `${authz}.CheckSettings`, field: 'grpc_service', number: 4, type: `${core}.GrpcService` },
  { message: `${authz}.CheckSettings`, field: 'http_service', number: 5, type: `${authz}.HttpService` },
  { message: `${authz}.CheckSettings`, field: 'emit_client_span', number: 6, type: bool },
  {
    message: 'envoy.service.auth.v3.CheckResponse',
    field: 'error_response',
    number: 5,
    type: 'envoy.service.auth.v3.DeniedHttpResponse',
    oneof: 'http_response',
  },
  { message: limit, field: 'filter_enabled', number: 14, type: chance },
  { message: limit, field: 'filter_enforced', number: 15, type: chance },
  { message: limit, field: 'failure_mode_deny_percent', number: 16, type: chance },
  { message: limit, field: 'metadata_namespace', number: 18, type: 'string' },
  { message: limit, field: 'enable_retry_after_header', number: 19, type: 'bool' },
  {
    message: `${limit}PerRoute`,
    field: 'rate_limits',
    number: 3,
    type: `${route}.RateLimit`,
    repeated: true,
    replaces: true,
  },
  {
    message: 'envoy.extensions.common.ratelimit.v3.RateLimitDescriptor',
    field: 'hits_addend',
    number: 3,
    type: 'google.protobuf.UInt64Value',
  },
  {
    message: 'envoy.extensions.common.ratelimit.v3.RateLimitDescriptor',
    field: 'is_negative_hits',
    number: 4,
    type: 'bool',
  },
  {
    message: 'envoy.service.ratelimit.v3.RateLimitResponse.RateLimit',
    field: 'unit_multiplier',
    number: 4,
    type: uint32,
  },
  { message: `${process}.ExternalProcessor`, field: 'http_service', number: 20, type: `${process}.ExtProcHttpService` },
  {
    message: `${process}.ExternalProcessor`,
    field: 'send_body_without_waiting_for_header_response',
    number: 21,
    type: 'bool',
  },
  {
    message: `${process}.ExternalProcessor`,
    field: 'allowed_override_modes',
    number: 22,
    type: `${process}.ProcessingMode`,
    repeated: true,
  },
  {
    message: `${process}.ExternalProcessor`,
    field: 'on_processing_response',
    number: 23,
    type: `${core}.TypedExtensionConfig`,
  },
  { message: `${process}.ExternalProcessor`, field: 'status_on_error', number: 24, type: 'envoy.type.v3.HttpStatus' },
  {
    message: `${process}.ExternalProcessor`,
    field: 'processing_request_modifier',
    number: 25,
    type: `${core}.TypedExtensionConfig`,
  },
  { message: `${process}.ExternalProcessor`, field: 'allow_content_length_header', number: 26, type: 'bool' },
  { message: `${process}.ExternalProcessor`, field: 'emit_client_span', number: 27, type: bool },
  { message: `${process}.ExtProcOverrides`, field: 'failure_mode_allow', number: 8, type: bool },
  {
    message: `${process}.ExtProcOverrides`,
    field: 'processing_request_modifier',
    number: 9,
    type: `${core}.TypedExtensionConfig`,
  },
  { message: `${process}.ExtProcOverrides`, field: 'emit_client_span', number: 10, type: bool },
  {
    message: `${process}.MetadataOptions`,
    field: 'cluster_metadata_forwarding_namespaces',
    number: 3,
    type: `${process}.MetadataOptions.MetadataNamespaces`,
  },
  {
    message: `${service}.ProcessingRequest`,
    field: 'protocol_config',
    number: 11,
    type: `${service}.ProtocolConfiguration`,
  },
  { message: `${service}.HttpBody`, field: 'end_of_stream_without_message', number: 3, type: 'bool' },
];

/** Enum values: enum, name, number. */
export const remoteValues: readonly (readonly [string, string, number])[] = [
  ['envoy.service.ratelimit.v3.RateLimitResponse.RateLimit.Unit', 'WEEK', 7],
  [`${process}.ProcessingMode.BodySendMode`, 'FULL_DUPLEX_STREAMED', 4],
  [`${process}.ProcessingMode.BodySendMode`, 'GRPC', 5],
];

export const remoteMessages: readonly OverlayMessage[] = [
  {
    parent: process,
    needs: ['envoy.config.core.v3.HttpService'],
    definition: `
      message ExtProcHttpService {
        envoy.config.core.v3.HttpService http_service = 1;
      }`,
  },
  {
    parent: service,
    needs: [`${process}.ProcessingMode`],
    definition: `
      message ProtocolConfiguration {
        ${process}.ProcessingMode.BodySendMode request_body_mode = 1;
        ${process}.ProcessingMode.BodySendMode response_body_mode = 2;
        bool send_body_without_waiting_for_header_response = 3;
      }`,
  },
];
