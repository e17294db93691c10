import type { AccessLog, AccessLogReader } from '../accesslog/access-log.ts';
import type { ClusterManager } from '../cluster/manager.ts';
import type { NodeName } from '../config/bootstrap.ts';
import { type FileSource, readResourceSource } from '../config/config-source.ts';
import type { Fields } from '../config/fields.ts';
import type { Calls } from '../filter/async/calls.ts';
import type { FilterChain } from '../filter/chain.ts';
import type { ChainContext, DiscoverFilter } from '../filter/context.ts';
import { proxyHealth } from '../filter/health-check/health.ts';
import type { FilterModules } from '../filter/module/modules.ts';
import type { RouterConfig } from '../filter/router/config.ts';
import { readFilterChain } from '../filter/table.ts';
import { type Http2Options, plainHttp2, readHttp2 } from '../http2/options.ts';
import { HTTP2_STATS, type Http2Stats } from '../http2/stats.ts';
import type { Drain } from '../listener/drain.ts';
import type { WorkerOverload } from '../overload/worker.ts';
import type { SharedBuckets } from '../rate-limit/shared.ts';
import type { HeaderMutation } from '../route/mutation.ts';
import { RouteTable } from '../route/table.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type StatsScope, sanitizeStatName } from '../stats/store.ts';
import type { SecretReader } from '../tls/secret.ts';
import type { ClientAddressOptions } from './client-address.ts';
import type { ClientCertificatePolicy } from './client-certificate.ts';
import { PLAIN_COMMON, readCommonOptions, readServerCodec, type ServerCodec } from './codec-config.ts';
import { HTTP1_STATS, type Http1Stats } from './codec-stats.ts';
import type { HostOptions } from './host.ts';
import { type LocalReplyConfig, PLAIN_REPLIES, readLocalReplyConfig } from './local-reply.ts';
import { type LogTimes, readLogTimes } from './log-times.ts';
import type { PathOptions } from './path.ts';
import { type ProxyStatusOptions, readProxyStatus } from './proxy-status.ts';
import type { UserAgent } from './request-headers.ts';
import type { RequestIdOptions } from './request-id.ts';
import { readRequestShaping } from './request-shaping.ts';
import { routeTableContext } from './route-context.ts';
import { type FindTable, readScopedRoutes } from './scoped-routes.ts';
import { HTTP_STATS, type HttpStats, LISTENER_HTTP_STATS, type ListenerHttpStats } from './stats.ts';
import { readTracing, type TracingOptions } from './tracing.ts';
import { type ManagerUpgrade, readManagerUpgrades } from './upgrade.ts';

/** A compiled HTTP connection manager; times in milliseconds, 0 for none. */
export interface HttpManager {
  readonly stats: HttpStats;
  /** The same responses, counted for the listener. */
  readonly listenerStats: ListenerHttpStats;
  readonly http1Stats: Http1Stats;
  readonly http2Stats: Http2Stats;
  /** Tells when connections are to end for a drain. */
  readonly drain: Drain;
  /** Undefined where there is no overload manager. */
  readonly overload: WorkerOverload | undefined;
  /** A header tells who is refused for overload why. */
  readonly appendLocalOverload: boolean;
  readonly clusters: ClusterManager;
  /** The cluster of the proxy's own node. */
  readonly localCluster: string;
  readonly filters: FilterChain;
  readonly router: RouterConfig;
  /** The route table in force; undefined until it was discovered. */
  readonly routes: FindTable;
  readonly accessLogs: readonly AccessLog[];
  readonly logTimes: LogTimes | undefined;
  readonly localReplies: LocalReplyConfig;
  /** AUTO: the first bytes of a connection tell. */
  readonly codecType: 'AUTO' | 'HTTP1' | 'HTTP2';
  readonly codec: ServerCodec;
  readonly http2: Http2Options;
  /** A request that cannot be admitted does not end the connection. */
  readonly streamErrors: boolean;
  /** The upstream answers `Expect: 100-continue`, and its 1xx responses are passed on. */
  readonly proxyContinue: boolean;
  readonly idleTimeout: number;
  readonly streamIdleTimeout: number;
  readonly requestTimeout: number;
  readonly headersTimeout: number;
  readonly delayedCloseTimeout: number;
  readonly drainTimeout: number;
  readonly maxStreamDuration: number;
  readonly maxConnectionDuration: number;
  /** A connection that lasted too long ends with its next request only. */
  readonly safeMaxConnectionDuration: boolean;
  readonly maxRequestsPerConnection: number;
  readonly serverName: string;
  readonly serverMode: 'OVERWRITE' | 'APPEND_IF_ABSENT' | 'PASS_THROUGH';
  readonly addresses: ClientAddressOptions;
  /** Applied before anything else looks at the request's headers. */
  readonly earlyMutations: readonly HeaderMutation[] | undefined;
  /** Hosts may be told of clients that came without a header of the PROXY protocol, too. */
  readonly tellsHosts: boolean;
  readonly appendForwardedPort: boolean;
  /** `scheme_to_overwrite`, or empty. */
  readonly scheme: string;
  /** A request that is forwarded has the scheme of the connection it is sent on. */
  readonly matchUpstreamScheme: boolean;
  readonly clientCertificate: ClientCertificatePolicy;
  readonly userAgent: UserAgent | undefined;
  readonly via: string;
  readonly requestIds: RequestIdOptions;
  readonly tracing: TracingOptions | undefined;
  readonly proxyStatus: ProxyStatusOptions | undefined;
  /** By lower-case type. */
  readonly upgrades: ReadonlyMap<string, ManagerUpgrade>;
  /** Undefined: paths and hosts stay as they come. */
  readonly path: PathOptions | undefined;
  readonly host: HostOptions | undefined;
  readonly runtime: Runtime;
  /** Bytes of a body that filters may keep, and the router for another attempt. */
  readonly bufferLimit: number;
}

/** Who wants a route table, and how long it waits for the first answer; 0: without end. */
export interface RouteSubscription {
  readonly statPrefix: string;
  readonly timeoutMs: number;
  /** It comes from there; undefined: from the stream. */
  readonly file: FileSource | undefined;
}

/** What reading a connection manager needs from the rest of the proxy. */
export interface HttpManagerContext {
  readonly clusters: ClusterManager;
  readonly calls: Calls;
  readonly secrets: SecretReader;
  /** The proxy's own name in the mesh. */
  readonly node: NodeName;
  /** Bytes of a body that filters may keep, and the router for another attempt. */
  readonly bufferLimit: number;
  readonly drain: Drain;
  readonly overload?: WorkerOverload | undefined;
  /** The listener's `traffic_direction` is OUTBOUND. */
  readonly egress: boolean;
  readonly stats: StatsScope;
  /** `listener.<address>.` */
  readonly statPrefix: string;
  readonly runtime: Runtime;
  /** Token buckets that filters of several listeners share. */
  readonly sharedBuckets: SharedBuckets;
  /** `statPrefix` is that of the connection manager, `http.<prefix>.`. */
  readonly discoverRoutes: (name: string, subscription: RouteSubscription) => () => RouteTable | undefined;
  readonly discoverFilter: DiscoverFilter;
  readonly modules: FilterModules;
  readonly readAccessLogs: AccessLogReader;
}

/** Reads an `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`. */
export function readHttpManager(fields: Fields, context: HttpManagerContext): HttpManager {
  // It bounds what waits for the window of an HTTP/2 stream; over HTTP/1.1 nothing does.
  fields.ignore('stream_flush_timeout');
  const codecType = fields.choice('codec_type', ['AUTO', 'HTTP1', 'HTTP2']);
  const common = fields.message('common_http_protocol_options', readCommonOptions) ?? PLAIN_COMMON;
  const maxBytes = (fields.number('max_request_headers_kb') ?? 60) * 1024;
  const streamErrors = fields.flag('stream_error_on_invalid_http_message');
  const codec = readServerCodec(fields, 'http_protocol_options', common, maxBytes);
  const limits = {
    maxHeadBytes: maxBytes,
    maxHeaders: common.maxHeaders,
    underscores: common.underscores,
    streamErrors,
  };
  const http2 = fields.message('http2_protocol_options', (inner) => readHttp2(inner, limits)) ?? plainHttp2(limits);
  const name = sanitizeStatName(fields.required('stat_prefix'));
  const chainContext: ChainContext = {
    place: 'downstream',
    statPrefix: `http.${name}.`,
    stats: context.stats,
    runtime: context.runtime,
    discover: context.discoverFilter,
    health: proxyHealth(context.drain, context.clusters),
    modules: context.modules,
    calls: context.calls,
    clusters: context.clusters,
    secrets: context.secrets,
  };
  const chain = readFilterChain(fields, 'http_filters', chainContext);
  const serverName = fields.text('server_name') || 'envoy';
  let http2Stats: Http2Stats | undefined;
  return {
    codecType,
    codec,
    http2,
    streamErrors: codec.streamErrors ?? streamErrors,
    proxyContinue: fields.flag('proxy_100_continue'),
    idleTimeout: common.idleTimeout,
    maxRequestsPerConnection: common.maxRequests,
    maxStreamDuration: common.maxStreamDuration,
    maxConnectionDuration: common.maxConnectionDuration,
    safeMaxConnectionDuration: fields.flag('http1_safe_max_connection_duration'),
    stats: context.stats.get(HTTP_STATS, `http.${name}.`),
    drain: context.drain,
    overload: context.overload,
    appendLocalOverload: fields.flag('append_local_overload'),
    http1Stats: context.stats.get(HTTP1_STATS, 'http1.'),
    // As in Envoy they are there from the first connection on.
    get http2Stats() {
      http2Stats ??= context.stats.get(HTTP2_STATS, 'http2.');
      return http2Stats;
    },
    listenerStats: context.stats.get(LISTENER_HTTP_STATS, `${context.statPrefix}http.${name}.`),
    clusters: context.clusters,
    localCluster: context.node.cluster,
    filters: chain.chain,
    router: chain.router,
    routes: readRoutes(fields, context),
    accessLogs: context.readAccessLogs(fields),
    logTimes: readLogTimes(fields),
    localReplies:
      fields.message('local_reply_config', (inner) => readLocalReplyConfig(inner, context.runtime)) ?? PLAIN_REPLIES,
    streamIdleTimeout: fields.duration('stream_idle_timeout') ?? 300_000,
    requestTimeout: fields.duration('request_timeout') ?? 0,
    headersTimeout: fields.duration('request_headers_timeout') ?? 0,
    drainTimeout: fields.duration('drain_timeout') ?? 5000,
    delayedCloseTimeout: fields.duration('delayed_close_timeout') ?? 1000,
    serverName,
    serverMode: fields.choice('server_header_transformation', ['OVERWRITE', 'APPEND_IF_ABSENT', 'PASS_THROUGH']),
    ...readRequestShaping(fields, context),
    tracing: fields.message('tracing', (inner) => readTracing(inner, context)),
    proxyStatus: fields.message('proxy_status_config', (inner) => readProxyStatus(inner, serverName, context.node.id)),
    upgrades: readManagerUpgrades(fields, (own) => readFilterChain(own, 'filters', chainContext)),
    runtime: context.runtime,
    tellsHosts: fields.boolean('add_proxy_protocol_connection_state') ?? true,
    bufferLimit: context.bufferLimit,
  };
}

function readRoutes(fields: Fields, context: HttpManagerContext): HttpManager['routes'] {
  const readTable = (inner: Fields): RouteTable =>
    new RouteTable(inner, routeTableContext(context.clusters, context.runtime, context.stats, true));
  switch (fields.oneOf('route_specifier', ['rds', 'route_config', 'scoped_routes'])) {
    case 'route_config': {
      const table = fields.message('route_config', readTable);
      return () => table;
    }
    case 'scoped_routes':
      return fields.message('scoped_routes', (inner) => readScopedRoutes(inner, readTable)) ?? (() => undefined);
    case 'rds': {
      const rds = fields.message('rds', (inner) => ({
        source: inner.message('config_source', readResourceSource),
        name: inner.required('route_config_name'),
      }));
      return context.discoverRoutes(rds?.name ?? '', {
        statPrefix: `http.${sanitizeStatName(fields.text('stat_prefix'))}.`,
        timeoutMs: rds?.source?.fetchTimeout ?? 0,
        file: rds?.source?.file,
      });
    }
    default:
      return () => undefined;
  }
}
