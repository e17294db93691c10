import type { Fields } from '../../config/fields.ts';
import { readHttpStatus } from '../../config/http-status.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { readMetadataMatcher } from '../../match/metadata.ts';
import { type Chance, readRuntimeFlag, readRuntimeFraction } from '../../runtime/read.ts';
import type { StatsScope } from '../../stats/store.ts';
import { type GrpcService, NO_GRPC_SERVICE, readGrpcService } from '../async/grpc-service.ts';
import type { FilterContext } from '../context.ts';
import { type HeaderNames, readNames } from '../header-names.ts';
import { type MutationRules, readMutationRules } from '../mutation-rules.ts';
import { type HttpService, NO_HTTP_SERVICE, readHttpService } from './http-service.ts';
import { AUTHZ_STATS, type AuthzStats } from './stats.ts';

/** How much of a body goes along with a check. */
export interface BufferSettings {
  readonly maxBytes: number;
  readonly partial: boolean;
}

export type Service =
  | { readonly kind: 'grpc'; readonly grpc: GrpcService; readonly timeout: number }
  | { readonly kind: 'http'; readonly http: HttpService };

/** What a check request tells. */
export interface CheckContent {
  readonly namespaces: readonly string[];
  readonly routeNamespaces: readonly string[];
  /** The client's certificate is shown. */
  readonly certificate: boolean;
  readonly tlsSession: boolean;
  readonly allowed: HeaderNames | undefined;
  readonly disallowed: HeaderNames | undefined;
  readonly rawHeaders: boolean;
  readonly rawBody: boolean;
}

/** A compiled `envoy.extensions.filters.http.ext_authz.v3.ExtAuthz`. */
export interface AuthzConfig {
  readonly service: Service;
  readonly content: CheckContent;
  readonly buffer: BufferSettings | undefined;
  readonly failureAllow: boolean;
  readonly failureAllowHeader: boolean;
  readonly clearRouteCache: boolean;
  readonly statusOnError: number;
  readonly validate: boolean;
  readonly rules: MutationRules | undefined;
  readonly takeMetadata: boolean;
  readonly maxDeniedBytes: number;
  readonly chargeCluster: boolean;
  /** Undefined: always. */
  readonly enabled: Chance | undefined;
  readonly enabledMetadata: ((info: StreamInfo) => boolean) | undefined;
  readonly denyAtDisable: () => boolean;
  readonly stats: AuthzStats;
  /** `ext_authz.` and the prefix of the configuration. */
  readonly statPrefix: string;
  readonly scope: StatsScope;
  /** Spans of checks are recorded, those over HTTP at least: Envoy does not heed this for gRPC. */
  readonly recorded: boolean;
}

const DEFAULT_TIMEOUT = 200;
const FORBIDDEN = 403;

export function readAuthz(fields: Fields, context: FilterContext): AuthzConfig {
  const prefix = fields.text('stat_prefix');
  const statPrefix = prefix === '' ? 'ext_authz.' : `ext_authz.${prefix}.`;
  const buffer = fields.message('with_request_body', readBuffer);
  const service = readService(fields);
  return {
    service,
    content: readContent(fields, service, buffer?.bytes ?? false),
    buffer: buffer?.settings,
    failureAllow: fields.flag('failure_mode_allow'),
    failureAllowHeader: fields.flag('failure_mode_allow_header_add'),
    clearRouteCache: fields.flag('clear_route_cache'),
    statusOnError: fields.message('status_on_error', readHttpStatus) || FORBIDDEN,
    validate: fields.flag('validate_mutations'),
    rules: fields.message('decoder_header_mutation_rules', readMutationRules),
    takeMetadata: fields.boolean('enable_dynamic_metadata_ingestion') ?? true,
    maxDeniedBytes: fields.number('max_denied_response_body_bytes') ?? 0,
    chargeCluster: fields.boolean('charge_cluster_response_stats') ?? true,
    enabled: fields.message('filter_enabled', (inner) => readRuntimeFraction(inner, context.runtime)),
    enabledMetadata: fields.message('filter_enabled_metadata', readMetadataMatcher),
    denyAtDisable:
      fields.message('deny_at_disable', (inner) => readRuntimeFlag(inner, context.runtime)) ?? (() => false),
    stats: context.stats.get(AUTHZ_STATS, `${context.statPrefix}${statPrefix}`),
    statPrefix,
    scope: context.stats,
    recorded: fields.boolean('emit_client_span') ?? true,
  };
}

function readService(fields: Fields): Service {
  switch (fields.oneOf('services', ['grpc_service', 'http_service'])) {
    case 'http_service':
      fields.ignore('transport_api_version');
      return { kind: 'http', http: fields.message('http_service', readHttpService) ?? NO_HTTP_SERVICE };
    default: {
      fields.choice('transport_api_version', ['AUTO', 'V3']);
      return readGrpcOf(fields);
    }
  }
}

export function readGrpcOf(fields: Fields): Service {
  const grpc = fields.message('grpc_service', readGrpcService) ?? NO_GRPC_SERVICE;
  return { kind: 'grpc', grpc, timeout: grpc.timeout ?? DEFAULT_TIMEOUT };
}

export function readBuffer(fields: Fields): { readonly settings: BufferSettings; readonly bytes: boolean } {
  const maxBytes = fields.number('max_request_bytes') ?? 0;
  if (maxBytes === 0) fields.problem('max_request_bytes', 'value must be greater than 0');
  return { settings: { maxBytes, partial: fields.flag('allow_partial_message') }, bytes: fields.flag('pack_as_bytes') };
}

function readContent(fields: Fields, service: Service, bytes: boolean): CheckContent {
  const allowed = fields.message('allowed_headers', readNames);
  if (allowed && service.kind === 'http' && service.http.allowed) {
    fields.problem('allowed_headers', 'Invalid duplicate configuration for allowed_headers.');
  }
  return {
    namespaces: fields.strings('metadata_context_namespaces'),
    routeNamespaces: fields.strings('route_metadata_context_namespaces'),
    certificate: fields.flag('include_peer_certificate'),
    tlsSession: fields.flag('include_tls_session'),
    allowed,
    disallowed: fields.message('disallowed_headers', readNames),
    rawHeaders: fields.flag('encode_raw_headers'),
    rawBody: service.kind === 'http' || bytes,
  };
}
