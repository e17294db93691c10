import type { Fields } from '../config/fields.ts';
import type { RouteFilters } from '../filter/filter.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type HeaderTest, readHeaderMatcher } from '../match/headers.ts';
import { type MetadataSource, NO_METADATA, readMetadata } from '../match/metadata.ts';
import type { StatsScope } from '../stats/store.ts';
import type { RouteContext } from './context.ts';
import { ANY_MATCH } from './match.ts';
import type { MirrorPolicy } from './mirror.ts';
import { PathIndex } from './path-index.ts';
import { pathEnd } from './path-match.ts';
import { type HostPolicy, NO_POLICY, readHostPolicy } from './policy.ts';
import {
  chooseRoute,
  type Mutations,
  type Route,
  type RouteEntry,
  readMutations,
  readRoute,
  withLevel,
} from './route.ts';
import { readRouteTree } from './route-tree.ts';
import { TRAFFIC_STATS, type TrafficStats } from './traffic.ts';

interface VirtualCluster {
  readonly name: string;
  readonly tests: readonly HeaderTest[];
  readonly traffic: TrafficStats;
  /** Stands behind the others for what they do not match. */
  readonly isCatchAll: boolean;
}

/** A compiled `envoy.config.route.v3.VirtualHost`. */
export interface VirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly virtualClusters: readonly VirtualCluster[];
  readonly policy: HostPolicy;
  readonly metadata: MetadataSource;
  readonly attemptCountUp: boolean;
  readonly attemptCountDown: boolean;
  /** The route of a request, undefined where none matches: there is no way to another virtual host. */
  readonly find: (info: StreamInfo, random: number) => Route | undefined;
}

/** What a route table says around its virtual hosts. */
export interface TableLevel {
  readonly filters: readonly RouteFilters[];
  readonly mutations: Mutations;
  readonly mirrors: readonly MirrorPolicy[];
  readonly specificWins: boolean;
  readonly ignorePathParameters: boolean;
}

/** Reads an `envoy.config.route.v3.VirtualHost`. */
export function readVirtualHost(fields: Fields, table: TableLevel, context: RouteContext): VirtualHost {
  let find: VirtualHost['find'] = () => undefined;
  const name = fields.required('name');
  const host: VirtualHost = {
    name,
    domains: fields.strings('domains'),
    virtualClusters: readVirtualClusters(fields, name, context.stats),
    policy: readHostPolicy(fields, table.mirrors, context),
    metadata: fields.message('metadata', readMetadata) ?? NO_METADATA,
    attemptCountUp: fields.flag('include_request_attempt_count'),
    attemptCountDown: fields.flag('include_attempt_count_in_response'),
    find: (info, random) => find(info, random),
  };
  if (host.domains.length === 0) fields.problem('domains', 'value must contain at least 1 item(s)');
  const own = readMutations(fields);
  const outer = {
    filters: withLevel(context.readFilters(fields), table.filters),
    mutations: table.specificWins ? [table.mutations, own] : [own, table.mutations],
    specificWins: table.specificWins,
  };
  const routes = fields
    .list('routes', (route) => readRoute(route, host, outer, context))
    .filter((route) => route !== undefined);
  if (routes.length > 0 && fields.has('matcher')) {
    fields.problem('matcher', 'cannot set both matcher and routes on virtual host');
  }
  const among = (list: readonly RouteEntry[]): VirtualHost['find'] => finder(list, table.ignorePathParameters);
  const tree = fields.message('matcher', (inner) => readRouteTree(inner, host, outer, context, among));
  const inner = tree ?? among(routes);
  find = withTls(fields.choice('require_tls', ['NONE', 'EXTERNAL_ONLY', 'ALL']), host, inner);
  return host;
}

function readVirtualClusters(fields: Fields, host: string, stats: StatsScope): readonly VirtualCluster[] {
  const make = (name: string, tests: readonly HeaderTest[], isCatchAll: boolean): VirtualCluster => {
    return { name, tests, isCatchAll, traffic: stats.get(TRAFFIC_STATS, `vhost.${host}.vcluster.${name}.`) };
  };
  const own = fields.list('virtual_clusters', (cluster) => {
    const tests = cluster.list('headers', readHeaderMatcher);
    if (tests.length === 0) cluster.problem('headers', "virtual clusters must define 'headers'");
    return make(cluster.required('name'), tests, false);
  });
  return own.length > 0 ? [...own, make('other', [], true)] : own;
}

function finder(routes: readonly RouteEntry[], ignorePathParameters: boolean): VirtualHost['find'] {
  const index = new PathIndex(routes);
  return (info, random) => {
    const { request } = info;
    if (!request) return undefined;
    const path = request.method === 'CONNECT' ? undefined : matchedPath(request.path, ignorePathParameters);
    const entry = index.find(path, info, random);
    return entry && chooseRoute(entry, info, random);
  };
}

/** What routes match of a path: neither query nor fragment nor, where asked for, what follows a semicolon in a segment. */
function matchedPath(full: string, ignorePathParameters: boolean): string {
  const end = pathEnd(full);
  const path = end === full.length ? full : full.slice(0, end);
  return ignorePathParameters && path.includes(';') ? path.replace(/;[^/]*/g, '') : path;
}

/** Envoy goes by `x-forwarded-proto`, not by the connection. */
function withTls(
  requirement: 'NONE' | 'EXTERNAL_ONLY' | 'ALL',
  virtualHost: VirtualHost,
  find: VirtualHost['find'],
): VirtualHost['find'] {
  if (requirement === 'NONE') return find;
  const redirect: Route = {
    name: '',
    match: ANY_MATCH,
    action: { kind: 'tls' },
    cluster: '',
    clusterHeader: '',
    weighted: undefined,
    filters: [],
    requestMutations: [],
    responseMutations: [],
    policy: NO_POLICY,
    traffic: undefined,
    virtualHost,
    metadata: NO_METADATA,
    tracing: undefined,
    decorator: undefined,
  };
  return (info, random) => {
    const headers = info.request?.headers;
    if (headers?.get('x-forwarded-proto') === 'https') return find(info, random);
    const exempt = requirement === 'EXTERNAL_ONLY' && headers?.get('x-envoy-internal') === 'true';
    return exempt ? find(info, random) : redirect;
  };
}

/** The first virtual cluster whose headers match; undefined where there are none. */
export function virtualClusterOf({ virtualClusters }: VirtualHost, info: StreamInfo): VirtualCluster | undefined {
  return virtualClusters.find(({ tests }) => tests.every((test) => test(info.requestLookup)));
}

/** Where a request counts besides its cluster, if anywhere. Notes the virtual cluster on `info`. */
export function trafficOf({ virtualHost, traffic }: Route, info: StreamInfo): readonly TrafficStats[] | undefined {
  const virtualCluster = virtualHost.virtualClusters.length > 0 ? virtualClusterOf(virtualHost, info) : undefined;
  if (!virtualCluster) return traffic && [traffic];
  info.virtualCluster = virtualCluster.isCatchAll ? '' : virtualCluster.name;
  return traffic ? [virtualCluster.traffic, traffic] : [virtualCluster.traffic];
}
