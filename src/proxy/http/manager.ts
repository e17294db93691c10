import type { AccessLog, AccessLogReader } from '../accesslog/access-log.ts';
import { readConfigSource } from '../cluster/config.ts';
import type { ClusterManager } from '../cluster/manager.ts';
import type { Fields } from '../config/fields.ts';
import type { FilterChain } from '../filter/chain.ts';
import type { DiscoverFilter } from '../filter/context.ts';
import type { RouterConfig } from '../filter/router/config.ts';
import { readFilterChain } from '../filter/table.ts';
import type { SharedBuckets } from '../rate-limit/shared.ts';
import { readUpgrades } from '../route/action.ts';
import { RouteTable } from '../route/table.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type StatsScope, sanitizeStatName } from '../stats/store.ts';
import type { TrailerOptions } from './body.ts';
import {
  type CommonOptions,
  PLAIN_COMMON,
  PLAIN_HTTP1,
  readCommonOptions,
  readRequestHttp1,
  trailerOptions,
} from './codec-config.ts';
import { type LocalReplyConfig, PLAIN_REPLIES, readLocalReplyConfig } from './local-reply.ts';
import type { RequestOptions } from './options.ts';
import { routeTableContext } from './route-context.ts';
import { HTTP_STATS, type HttpStats, LISTENER_HTTP_STATS, type ListenerHttpStats } from './stats.ts';

/** A compiled HTTP connection manager; times in milliseconds, 0 for none. */
export interface HttpManager {
  readonly stats: HttpStats;
  /** The same responses, counted for the listener. */
  readonly listenerStats: ListenerHttpStats;
  readonly clusters: ClusterManager;
  readonly filters: FilterChain;
  readonly router: RouterConfig;
  /** The route table in force; undefined until it was discovered. */
  readonly routes: () => RouteTable | undefined;
  readonly accessLogs: readonly AccessLog[];
  readonly localReplies: LocalReplyConfig;
  readonly codec: RequestOptions;
  readonly trailers: TrailerOptions;
  readonly idleTimeout: number;
  readonly streamIdleTimeout: number;
  readonly requestTimeout: number;
  readonly headersTimeout: number;
  readonly delayedCloseTimeout: number;
  readonly maxRequestsPerConnection: number;
  readonly serverName: string;
  readonly serverMode: 'OVERWRITE' | 'APPEND_IF_ABSENT' | 'PASS_THROUGH';
  readonly useRemoteAddress: boolean;
  readonly trustedHops: number;
  readonly skipXffAppend: boolean;
  readonly via: string;
  readonly generateRequestId: boolean;
  readonly preserveRequestId: boolean;
  readonly requestIdInResponse: boolean;
  readonly upgrades: ReadonlyMap<string, boolean>;
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly stripPort: 'none' | 'matching' | 'any';
  readonly listenerPort: number;
}

/** What reading a connection manager needs from the rest of the proxy. */
export interface HttpManagerContext {
  readonly clusters: ClusterManager;
  readonly listenerPort: number;
  readonly stats: StatsScope;
  /** `listener.<address>.` */
  readonly statPrefix: string;
  readonly runtime: Runtime;
  /** Token buckets that filters of several listeners share. */
  readonly sharedBuckets: SharedBuckets;
  readonly discoverRoutes: (name: string) => () => RouteTable | undefined;
  readonly discoverFilter: DiscoverFilter;
  readonly readAccessLogs: AccessLogReader;
}

/** Reads an `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`. */
export function readHttpManager(fields: Fields, context: HttpManagerContext): HttpManager {
  fields.ignore('internal_address_config', 'set_current_client_cert_details', 'drain_timeout', 'tracing');
  fields.choice('codec_type', ['AUTO', 'HTTP1']);
  fields.choice('forward_client_cert_details', ['SANITIZE']);
  fields.choice('path_with_escaped_slashes_action', ['IMPLEMENTATION_SPECIFIC_DEFAULT', 'KEEP_UNCHANGED']);
  const common = fields.message('common_http_protocol_options', readCommonOptions) ?? PLAIN_COMMON;
  const codec = readCodec(fields, common);
  const name = sanitizeStatName(fields.required('stat_prefix'));
  const chain = readFilterChain(fields, 'http_filters', {
    place: 'downstream',
    statPrefix: `http.${name}.`,
    stats: context.stats,
    runtime: context.runtime,
    discover: context.discoverFilter,
  });
  const any = fields.flag('strip_any_host_port');
  const matching = fields.flag('strip_matching_host_port');
  return {
    ...codec,
    idleTimeout: common.idleTimeout,
    maxRequestsPerConnection: common.maxRequests,
    stats: context.stats.get(HTTP_STATS, `http.${name}.`),
    listenerStats: context.stats.get(LISTENER_HTTP_STATS, `${context.statPrefix}http.${name}.`),
    clusters: context.clusters,
    filters: chain.chain,
    router: chain.router,
    routes: readRoutes(fields, context),
    accessLogs: context.readAccessLogs(fields),
    localReplies: fields.message('local_reply_config', readLocalReplyConfig) ?? PLAIN_REPLIES,
    streamIdleTimeout: fields.duration('stream_idle_timeout') ?? 300_000,
    requestTimeout: fields.duration('request_timeout') ?? 0,
    headersTimeout: fields.duration('request_headers_timeout') ?? 0,
    delayedCloseTimeout: fields.duration('delayed_close_timeout') ?? 1000,
    serverName: fields.text('server_name') || 'envoy',
    serverMode: fields.choice('server_header_transformation', ['OVERWRITE', 'APPEND_IF_ABSENT', 'PASS_THROUGH']),
    useRemoteAddress: fields.flag('use_remote_address'),
    trustedHops: fields.number('xff_num_trusted_hops') ?? 0,
    skipXffAppend: fields.flag('skip_xff_append'),
    via: fields.text('via'),
    generateRequestId: fields.boolean('generate_request_id') ?? true,
    preserveRequestId: fields.flag('preserve_external_request_id'),
    requestIdInResponse: fields.flag('always_set_request_id_in_response'),
    upgrades: readUpgrades(fields),
    normalizePath: fields.flag('normalize_path'),
    mergeSlashes: fields.flag('merge_slashes'),
    stripPort: any ? 'any' : matching ? 'matching' : 'none',
    listenerPort: context.listenerPort,
  };
}

/** How heads and trailers of requests are read. */
function readCodec(fields: Fields, common: CommonOptions): Pick<HttpManager, 'codec' | 'trailers'> {
  const { trailers, ...http1 } = fields.message('http_protocol_options', readRequestHttp1) ?? PLAIN_HTTP1;
  const limits = {
    maxBytes: (fields.number('max_request_headers_kb') ?? 60) * 1024,
    maxHeaders: common.maxHeaders,
    underscores: common.underscores,
    preserveCase: false,
  };
  return { codec: { ...limits, ...http1 }, trailers: trailerOptions(limits, trailers) };
}

function readRoutes(fields: Fields, context: HttpManagerContext): HttpManager['routes'] {
  switch (fields.oneOf('route_specifier', ['rds', 'route_config'])) {
    case 'route_config': {
      const table = fields.message(
        'route_config',
        (inner) => new RouteTable(inner, routeTableContext(context.clusters, context.runtime, true)),
      );
      return () => table;
    }
    case 'rds': {
      const name = fields.message('rds', (rds) => {
        rds.message('config_source', readConfigSource);
        return rds.required('route_config_name');
      });
      return context.discoverRoutes(name ?? '');
    }
    default:
      return () => undefined;
  }
}
