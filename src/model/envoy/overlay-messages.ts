import { filterMessages } from './overlay-filters.ts';
import { overloadMessages } from './overlay-overload.ts';
import { proxyProtocolMessages } from './overlay-proxy-protocol.ts';
import { remoteMessages } from './overlay-remote.ts';
import { telemetryMessages } from './overlay-telemetry.ts';

/** A message or enum that Envoy's API has gained since the published files, or that is ours: where it stands, and its definition with full type names. */
export interface OverlayMessage {
  /** A package, or the message that holds it. */
  readonly parent: string;
  readonly definition: string;
  /** Types of other packages that it names. */
  readonly needs?: readonly string[];
}

/** Those that an overlay field needs. */
export const overlayMessages: readonly OverlayMessage[] = [
  ...proxyProtocolMessages,
  ...remoteMessages,
  ...overloadMessages,
  ...telemetryMessages,
  {
    parent: 'ciliate.filters.http.module.v1',
    needs: ['google.protobuf.Duration', 'google.protobuf.Struct', 'google.protobuf.UInt32Value'],
    definition: `
      message Module {
        string module = 1 [(validate.rules).string = {min_len: 1}];
        google.protobuf.Struct config = 2;
        google.protobuf.Duration timeout = 3;
        google.protobuf.UInt32Value max_body_bytes = 4;
        bool failure_mode_allow = 5;
      }
      message ModulePerRoute {
        google.protobuf.Struct config = 1;
      }`,
  },
  ...filterMessages,
  {
    parent: 'ciliate.rbac.v3',
    definition: `
      message HeaderActions {
        enum Mismatch { FAIL = 0; LOG = 1; ADD = 2; DELETE = 3; REPLACE = 4; }
        message Header {
          string name = 1;
          string value = 2;
          bool sensitive = 3;
          ciliate.rbac.v3.HeaderActions.Mismatch mismatch = 4;
        }
        repeated ciliate.rbac.v3.HeaderActions.Header headers = 1;
      }`,
  },
  {
    parent: 'envoy.config.route.v3',
    needs: ['envoy.type.matcher.v3.StringMatcher'],
    definition: `
      message CookieMatcher {
        string name = 1 [(validate.rules).string = {min_len: 1 max_bytes: 1024}];
        envoy.type.matcher.v3.StringMatcher string_match = 2 [(validate.rules).message = {required: true}];
        bool invert_match = 3;
      }`,
  },
  {
    parent: 'envoy.type.http.v3',
    definition: `
      message CookieAttribute {
        string name = 1 [(validate.rules).string = {min_len: 1 max_bytes: 16384}];
        string value = 2 [(validate.rules).string = {max_bytes: 16384}];
      }`,
  },
  {
    parent: 'envoy.config.rbac.v3',
    needs: ['envoy.type.matcher.v3.MetadataMatcher'],
    definition: `
      enum MetadataSource { DYNAMIC = 0; ROUTE = 1; }
      message SourcedMetadata {
        envoy.type.matcher.v3.MetadataMatcher metadata_matcher = 1 [(validate.rules).message = {required: true}];
        envoy.config.rbac.v3.MetadataSource metadata_source = 2 [(validate.rules).enum = {defined_only: true}];
      }`,
  },
  {
    parent: 'envoy.config.common.mutation_rules.v3.HeaderMutation',
    needs: ['envoy.type.matcher.v3.StringMatcher'],
    definition: `
      message RemoveOnMatch {
        envoy.type.matcher.v3.StringMatcher key_matcher = 1 [(validate.rules).message = {required: true}];
      }`,
  },
  {
    parent: 'envoy.config.core.v3',
    definition: `
      message KeyValuePair {
        string key = 1 [(validate.rules).string = {min_len: 1 max_bytes: 16384}];
        google.protobuf.Value value = 2;
      }`,
  },
  {
    parent: 'envoy.config.route.v3.RateLimit',
    definition: `
      enum XRateLimitOption { UNSPECIFIED = 0; OFF = 1; DRAFT_VERSION_03 = 2; }
      message HitsAddend {
        google.protobuf.UInt64Value number = 1 [(validate.rules).uint64 = {lte: 1000000000}];
        string format = 2 [(validate.rules).string = {prefix: "%" suffix: "%" ignore_empty: true}];
        bool is_negative_hits = 3;
      }`,
  },
  {
    parent: 'envoy.type.matcher.v3',
    needs: ['xds.core.v3.CidrRange'],
    definition: `
      message AddressMatcher {
        repeated xds.core.v3.CidrRange ranges = 1;
        bool invert_match = 2;
      }`,
  },
  {
    parent: 'envoy.config.route.v3.RateLimit.Action',
    needs: ['envoy.type.matcher.v3.AddressMatcher'],
    definition: `
      message QueryParameters {
        string query_parameter_name = 1 [(validate.rules).string = {min_len: 1}];
        string descriptor_key = 2 [(validate.rules).string = {min_len: 1}];
        bool skip_if_absent = 3;
      }
      message RemoteAddressMatch {
        string descriptor_value = 1;
        string descriptor_key = 2;
        string default_value = 3;
        envoy.type.matcher.v3.AddressMatcher address_matcher = 4;
      }`,
  },
  {
    parent: 'envoy.extensions.filters.network.tcp_proxy.v3',
    definition: `
      enum UpstreamConnectMode { IMMEDIATE = 0; ON_DOWNSTREAM_DATA = 1; ON_DOWNSTREAM_TLS_HANDSHAKE = 2; }
      enum ProxyProtocolTlvMergePolicy { ADD_IF_ABSENT = 0; OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD = 1; APPEND_IF_EXISTS_OR_ADD = 2; }`,
  },
  {
    parent: 'envoy.extensions.matching.common_inputs.network.v3',
    definition: `
      message NetworkNamespaceInput {}
      message DynamicMetadataInput {
        message PathSegment {
          oneof segment {
            option (validate.required) = true;
            string key = 1 [(validate.rules).string = {min_len: 1}];
          }
        }
        string filter = 1 [(validate.rules).string = {min_len: 1}];
        repeated PathSegment path = 2 [(validate.rules).repeated = {min_items: 1}];
      }`,
  },
  {
    parent: 'envoy.extensions.matching.input_matchers.metadata.v3',
    needs: ['envoy.type.matcher.v3.ValueMatcher'],
    definition: `
      message Metadata {
        envoy.type.matcher.v3.ValueMatcher value = 1 [(validate.rules).message = {required: true}];
        bool invert = 4;
      }`,
  },
  {
    parent: 'envoy.extensions.rbac.principals.mtls_authenticated.v3',
    needs: ['envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher'],
    definition: `
      message Config {
        envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher san_matcher = 1;
        bool any_validated_client_certificate = 2;
      }`,
  },
  {
    parent: 'envoy.extensions.http.original_ip_detection.xff.v3',
    needs: ['envoy.config.core.v3.CidrRange'],
    definition: `
      message XffTrustedCidrs {
        repeated envoy.config.core.v3.CidrRange cidrs = 1;
      }`,
  },
];
