import type { Fields } from '../../config/fields.ts';
import { readHttpStatus } from '../../config/http-status.ts';
import { type GrpcService, NO_GRPC_SERVICE, readGrpcService } from '../async/grpc-service.ts';
import type { FilterContext } from '../context.ts';
import { type HeaderNames, readNames } from '../header-names.ts';
import { DEFAULT_RULES, type MutationRules, readMutationRules } from '../mutation-rules.ts';
import { DEFAULT_MODE, type ProcessMode, readMode } from './mode.ts';
import { PROCESS_STATS, type ProcessStats } from './stats.ts';

/** A compiled `envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor`; times in milliseconds. */
export interface ProcessConfig {
  readonly service: GrpcService;
  readonly failureAllow: boolean;
  readonly mode: ProcessMode;
  readonly timeout: number;
  /** The longest that a server may ask for; 0: it may not. */
  readonly maxTimeout: number;
  readonly rules: MutationRules;
  readonly mayOverride: boolean;
  /** Keys of modes; empty: any. */
  readonly overrides: ReadonlySet<string>;
  readonly immediate: boolean;
  readonly routeCache: 'DEFAULT' | 'CLEAR' | 'RETAIN';
  readonly told: (name: string) => boolean;
  readonly forwarding: readonly string[];
  readonly receiving: ReadonlySet<string>;
  readonly statusOnError: number;
  readonly keepLength: boolean;
  readonly stats: ProcessStats;
  /** The call's span is recorded. */
  readonly recorded: boolean;
}

const DEFAULT_TIMEOUT = 200;
const LONGEST = 3_600_000;

export function readProcess(fields: Fields, context: FilterContext): ProcessConfig {
  const service = fields.message('grpc_service', readGrpcService);
  if (!service) fields.problem('grpc_service', 'value is required');
  const prefix = fields.text('stat_prefix');
  const metadata = fields.message('metadata_options', readMetadata);
  return {
    service: service ?? NO_GRPC_SERVICE,
    failureAllow: fields.flag('failure_mode_allow'),
    mode: fields.message('processing_mode', readMode) ?? DEFAULT_MODE,
    timeout: readTimeout(fields, 'message_timeout') ?? DEFAULT_TIMEOUT,
    maxTimeout: readTimeout(fields, 'max_message_timeout') ?? 0,
    rules: fields.message('mutation_rules', readMutationRules) ?? DEFAULT_RULES,
    mayOverride: fields.flag('allow_mode_override'),
    overrides: new Set(fields.list('allowed_override_modes', readMode).map(({ key }) => key)),
    immediate: !fields.flag('disable_immediate_response'),
    routeCache: readRouteCache(fields),
    told: fields.message('forward_rules', readForwarding) ?? (() => true),
    forwarding: metadata?.forwarding ?? [],
    receiving: new Set(metadata?.receiving),
    statusOnError: fields.message('status_on_error', readHttpStatus) || 500,
    recorded: fields.boolean('emit_client_span') ?? true,
    keepLength: fields.flag('allow_content_length_header'),
    stats: context.stats.get(PROCESS_STATS, `${context.statPrefix}ext_proc.${prefix === '' ? '' : `${prefix}.`}`),
  };
}

function readTimeout(fields: Fields, key: string): number | undefined {
  const time = fields.duration(key);
  if (time !== undefined && time > LONGEST) fields.problem(key, `found ${time} ms`, 'at most 3600s');
  return time === undefined ? undefined : Math.floor(time);
}

function readRouteCache(fields: Fields): ProcessConfig['routeCache'] {
  const action = fields.choice('route_cache_action', ['DEFAULT', 'CLEAR', 'RETAIN']);
  if (!fields.flag('disable_clear_route_cache')) return action;
  if (action !== 'DEFAULT') {
    const message = 'disable_clear_route_cache and route_cache_action can not be set to none-default at the same time.';
    fields.problem('route_cache_action', message);
  }
  return 'RETAIN';
}

/** Reads a `HeaderForwardingRules`. */
function readForwarding(fields: Fields): HeaderNames {
  const allowed = fields.message('allowed_headers', readNames);
  const disallowed = fields.message('disallowed_headers', readNames);
  return (name) => !disallowed?.(name) && (allowed?.(name) ?? true);
}

export interface MetadataNames {
  readonly forwarding: readonly string[] | undefined;
  readonly receiving: readonly string[] | undefined;
}

/** Reads a `MetadataOptions`: namespaces whose metadata the server is told, and those that it may set. */
export function readMetadata(fields: Fields): MetadataNames {
  const names = (inner: Fields): readonly string[] => inner.strings('untyped');
  return {
    forwarding: fields.message('forwarding_namespaces', names),
    receiving: fields.message('receiving_namespaces', names),
  };
}
