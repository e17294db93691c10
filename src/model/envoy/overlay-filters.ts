import type { OverlayField } from './overlay.ts';
import type { OverlayMessage } from './overlay-messages.ts';

const text = 'string';
const flag = 'bool';
const session = 'envoy.extensions.filters.http.stateful_session.v3.StatefulSession';
const basicAuth = 'envoy.extensions.filters.http.basic_auth.v3';
const oauth = 'envoy.extensions.filters.http.oauth2.v3';
const duration = 'google.protobuf.Duration';
const jwt = 'envoy.extensions.filters.http.jwt_authn.v3';

const compressor = 'envoy.extensions.filters.http.compressor.v3';
const directed = `${compressor}.Compressor.ResponseDirectionConfig`;

const dnsCache = 'envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig';
const forwardProxy = (name: string): string => `envoy.extensions.filters.${name}.v3.FilterConfig`;

/** Fields that filters have gained. */
export const filterFields: readonly OverlayField[] = [
  { message: `${basicAuth}.BasicAuth`, field: 'authentication_header', number: 3, type: text },
  { message: `${basicAuth}.BasicAuth`, field: 'allow_missing', number: 4, type: flag },
  { message: `${basicAuth}.BasicAuth`, field: 'emit_dynamic_metadata', number: 5, type: flag },
  { message: `${basicAuth}.BasicAuth`, field: 'realm', number: 6, type: text },
  { message: directed, field: 'uncompressible_response_codes', number: 4, type: 'uint32', repeated: true },
  { message: directed, field: 'status_header_enabled', number: 5, type: flag },
  { message: directed, field: 'weaken_etag_on_compress', number: 6, type: flag },
  {
    message: `${compressor}.CompressorOverrides`,
    field: 'compressor_library',
    number: 2,
    type: 'envoy.config.core.v3.TypedExtensionConfig',
  },
  { message: `${basicAuth}.BasicAuthPerRoute`, field: 'realm', number: 2, type: text },
  {
    message: 'envoy.extensions.filters.http.header_to_metadata.v3.Config',
    field: 'stat_prefix',
    number: 3,
    type: text,
  },
  { message: `${jwt}.JwtCacheConfig`, field: 'jwt_max_token_size', number: 2, type: 'uint32' },
  {
    message: `${jwt}.JwtRequirement`,
    field: 'extract_only_without_validation',
    number: 7,
    type: `${jwt}.ExtractOnlyWithoutValidation`,
    oneof: 'requires_type',
  },
  {
    message: `${jwt}.JwtClaimToHeader`,
    field: 'claim_path',
    number: 3,
    type: `${jwt}.JwtClaimToHeader.PathSegment`,
    repeated: true,
  },
  {
    message: forwardProxy('http.dynamic_forward_proxy'),
    field: 'allow_dynamic_host_from_filter_state',
    number: 4,
    type: flag,
  },
  { message: forwardProxy('network.sni_dynamic_forward_proxy'), field: 'save_upstream_address', number: 3, type: flag },
  { message: dnsCache, field: 'disable_dns_refresh_on_failure', number: 15, type: flag },
  { message: dnsCache, field: 'resolved_address_filter', number: 16, type: 'envoy.type.matcher.v3.AddressMatcher' },
  { message: `${oauth}.OAuth2Credentials`, field: 'cookie_domain', number: 5, type: text },
  { message: `${oauth}.OAuth2Credentials.CookieNames`, field: 'oauth_nonce', number: 6, type: text },
  { message: `${oauth}.OAuth2Credentials.CookieNames`, field: 'code_verifier', number: 7, type: text },
  { message: `${oauth}.OAuth2Config`, field: 'retry_policy', number: 18, type: 'envoy.config.core.v3.RetryPolicy' },
  { message: `${oauth}.OAuth2Config`, field: 'disable_access_token_set_cookie', number: 19, type: flag },
  { message: `${oauth}.OAuth2Config`, field: 'disable_refresh_token_set_cookie', number: 20, type: flag },
  { message: `${oauth}.OAuth2Config`, field: 'cookie_configs', number: 21, type: `${oauth}.CookieConfigs` },
  { message: `${oauth}.OAuth2Config`, field: 'stat_prefix', number: 22, type: text },
  { message: `${oauth}.OAuth2Config`, field: 'end_session_endpoint', number: 23, type: text },
  { message: `${oauth}.OAuth2Config`, field: 'csrf_token_expires_in', number: 24, type: duration },
  { message: `${oauth}.OAuth2Config`, field: 'code_verifier_token_expires_in', number: 25, type: duration },
  { message: `${oauth}.OAuth2Config`, field: 'disable_token_encryption', number: 26, type: flag },
  { message: session, field: 'stat_prefix', number: 3, type: text },
  { message: session, field: 'status_on_strict_destination_not_found', number: 4, type: 'uint32' },
  {
    message: 'envoy.type.http.v3.Cookie',
    field: 'attributes',
    number: 4,
    type: 'envoy.type.http.v3.CookieAttribute',
    repeated: true,
  },
];

/** Messages that these are of. */
export const filterMessages: readonly OverlayMessage[] = [
  { parent: jwt, definition: 'message ExtractOnlyWithoutValidation { string verification_status_header = 1; }' },
  { parent: `${jwt}.JwtClaimToHeader`, definition: 'message PathSegment { string key = 1; }' },
  {
    parent: oauth,
    definition: `
      message CookieConfig {
        enum SameSite { DISABLED = 0; STRICT = 1; LAX = 2; NONE = 3; }
        ${oauth}.CookieConfig.SameSite same_site = 1;
        string path = 2;
        bool partitioned = 3;
      }
      message CookieConfigs {
        ${oauth}.CookieConfig bearer_token_cookie_config = 1;
        ${oauth}.CookieConfig oauth_hmac_cookie_config = 2;
        ${oauth}.CookieConfig oauth_expires_cookie_config = 3;
        ${oauth}.CookieConfig id_token_cookie_config = 4;
        ${oauth}.CookieConfig refresh_token_cookie_config = 5;
        ${oauth}.CookieConfig oauth_nonce_cookie_config = 6;
        ${oauth}.CookieConfig code_verifier_cookie_config = 7;
      }`,
  },
];
