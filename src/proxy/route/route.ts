import type { Fields } from '../config/fields.ts';
import type { RouteFilters } from '../filter/filter.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type MetadataSource, NO_METADATA, readMetadata } from '../match/metadata.ts';
import { type ForwardAction, readForward } from './action.ts';
import type { RouteContext } from './context.ts';
import { type DirectResponse, readDirectResponse } from './direct-response.ts';
import { type RouteMatch, readRouteMatch } from './match.ts';
import { type HeaderMutation, readMutation } from './mutation.ts';
import { type RoutePolicy, readRoutePolicy } from './policy.ts';
import { type RedirectAction, readRedirect } from './redirect.ts';
import { type Decorator, type RouteTracing, readDecorator, readRouteTracing } from './tracing.ts';
import { TRAFFIC_STATS, type TrafficStats } from './traffic.ts';
import type { VirtualHost } from './virtual-host.ts';
import { chooseWeighted, readWeighted, type WeightedChoice, type WeightedCluster } from './weighted.ts';

/** A virtual host wants TLS: the request is sent to the same place with `https`. */
export interface TlsRedirect {
  readonly kind: 'tls';
}

export type RouteAction = ForwardAction | RedirectAction | DirectResponse | TlsRedirect;

/** A route as requests use it. Where it has weighted clusters, each of them is a route of its own derived from it. */
export interface Route {
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  /** Where the action is to forward: the cluster. Empty: `clusterHeader` names it, or there is none. */
  readonly cluster: string;
  readonly clusterHeader: string;
  readonly weighted: WeightedCluster | undefined;
  /** What its levels say about filters, the most specific first; levels that say nothing are left out. */
  readonly filters: readonly RouteFilters[];
  /** Of all levels, in the order in which they are applied. */
  readonly requestMutations: readonly HeaderMutation[];
  readonly responseMutations: readonly HeaderMutation[];
  readonly policy: RoutePolicy;
  /** Counts requests of this route alone. */
  readonly traffic: TrafficStats | undefined;
  readonly virtualHost: VirtualHost;
  readonly metadata: MetadataSource;
  readonly tracing: RouteTracing | undefined;
  readonly decorator: Decorator | undefined;
}

/** A route as it is matched: `choice` leads to the route that is used. */
export interface RouteEntry extends Route {
  readonly choice: { readonly weights: WeightedChoice; readonly routes: readonly Route[] } | undefined;
}

/** What the levels around a route say. */
export interface OuterLevels {
  readonly filters: readonly RouteFilters[];
  /** In the order in which they are applied; the route's own stand between or behind them. */
  readonly mutations: readonly Mutations[];
  readonly specificWins: boolean;
}

export interface Mutations {
  readonly request: HeaderMutation | undefined;
  readonly response: HeaderMutation | undefined;
}

export function readMutations(fields: Fields): Mutations {
  return { request: readMutation(fields, 'request'), response: readMutation(fields, 'response') };
}

interface ClusterChoice {
  readonly cluster: string;
  readonly clusterHeader: string;
  readonly weights: WeightedChoice | undefined;
}

const NO_CLUSTER: ClusterChoice = { cluster: '', clusterHeader: '', weights: undefined };
const NOWHERE: DirectResponse = { kind: 'direct', status: 500, body: '', format: undefined };

/** Reads an `envoy.config.route.v3.Route`. */
export function readRoute(
  fields: Fields,
  virtualHost: VirtualHost,
  outer: OuterLevels,
  context: RouteContext,
): RouteEntry | undefined {
  const name = fields.text('name');
  const match = fields.message('match', (inner) => readRouteMatch(inner, context.runtime));
  if (!match) {
    fields.problem('match', 'value is required');
    return undefined;
  }
  const { action, choice } = readAction(fields, name, match, context);
  const levels = orderLevels(readMutations(fields), outer);
  const route: Route = {
    name,
    match,
    action,
    cluster: choice.cluster,
    clusterHeader: choice.clusterHeader,
    weighted: undefined,
    filters: withLevel(context.readFilters(fields), outer.filters),
    requestMutations: levels.flatMap(({ request }) => request ?? []),
    responseMutations: levels.flatMap(({ response }) => response ?? []),
    policy: readRoutePolicy(fields, action, virtualHost.policy),
    traffic: readTraffic(fields, virtualHost, context),
    virtualHost,
    metadata: fields.message('metadata', readMetadata) ?? NO_METADATA,
    tracing: fields.message('tracing', readRouteTracing),
    decorator: fields.message('decorator', readDecorator),
  };
  const { weights } = choice;
  if (!weights) return { ...route, choice: undefined };
  return { ...route, choice: { weights, routes: weights.clusters.map((weighted) => deriveRoute(route, weighted)) } };
}

function readTraffic(fields: Fields, { name }: VirtualHost, { stats }: RouteContext): TrafficStats | undefined {
  const prefix = fields.text('stat_prefix');
  return prefix === '' ? undefined : stats.get(TRAFFIC_STATS, `vhost.${name}.route.${prefix}.`);
}

/** Route, virtual host, table; the other way round where the most specific wins. */
function orderLevels(own: Mutations, { mutations, specificWins }: OuterLevels): readonly Mutations[] {
  return specificWins ? [...mutations, own] : [own, ...mutations];
}

export function withLevel(own: RouteFilters, outer: readonly RouteFilters[]): readonly RouteFilters[] {
  return own.size > 0 ? [own, ...outer] : outer;
}

/** What a weighted cluster changes comes first, whichever level wins; in requests even before its host. */
function deriveRoute(route: Route, weighted: WeightedCluster): Route {
  return {
    ...route,
    cluster: weighted.name,
    clusterHeader: weighted.header,
    weighted,
    filters: withLevel(weighted.filters, route.filters),
    responseMutations: [...(weighted.response ? [weighted.response] : []), ...route.responseMutations],
  };
}

function readAction(
  fields: Fields,
  name: string,
  match: RouteMatch,
  context: RouteContext,
): { readonly action: RouteAction; readonly choice: ClusterChoice } {
  switch (fields.oneOf('action', ['route', 'redirect', 'direct_response', 'non_forwarding_action'])) {
    case 'route': {
      let choice = NO_CLUSTER;
      const action = fields.message('route', (inner) => {
        choice = readChoice(inner, name, context);
        return readForward(inner, match.path, context);
      });
      return { action: action ?? NOWHERE, choice };
    }
    case 'redirect': {
      const action = fields.message('redirect', (inner) => readRedirect(inner, match.path));
      return { action: action ?? NOWHERE, choice: NO_CLUSTER };
    }
    case 'direct_response': {
      const action = fields.message('direct_response', (inner) => readDirectResponse(inner, context.maxDirectBody));
      return { action: action ?? NOWHERE, choice: NO_CLUSTER };
    }
    case 'non_forwarding_action':
      // Envoy looks for a cluster without a name.
      return {
        action: fields.message('non_forwarding_action', (inner) => readForward(inner, match.path, context)) ?? NOWHERE,
        choice: NO_CLUSTER,
      };
    default:
      return { action: NOWHERE, choice: NO_CLUSTER };
  }
}

function readChoice(fields: Fields, routeName: string, context: RouteContext): ClusterChoice {
  switch (fields.oneOf('cluster_specifier', ['cluster', 'cluster_header', 'weighted_clusters'])) {
    case 'cluster': {
      const cluster = fields.required('cluster');
      checkCluster(fields, 'cluster', cluster, 'unknown cluster', context);
      return { ...NO_CLUSTER, cluster };
    }
    case 'cluster_header':
      return { ...NO_CLUSTER, clusterHeader: fields.required('cluster_header').toLowerCase() };
    case 'weighted_clusters': {
      const weights = fields.message('weighted_clusters', (inner) => readWeighted(inner, routeName, context));
      for (const { name } of weights?.clusters ?? []) {
        checkCluster(fields, 'weighted_clusters', name, 'unknown weighted cluster', context);
      }
      return { ...NO_CLUSTER, weights };
    }
    default:
      return NO_CLUSTER;
  }
}

function checkCluster(fields: Fields, key: string, name: string, fault: string, context: RouteContext): void {
  if (name !== '' && !(context.hasCluster?.(name) ?? true)) fields.problem(key, `route: ${fault} '${name}'`);
}

/** The route that a request uses: of weighted clusters one is chosen. `random`: the request's stable random number. */
export function chooseRoute(entry: RouteEntry, info: StreamInfo, random: number): Route | undefined {
  const { choice, action } = entry;
  if (!choice) return entry;
  const policies = action.kind === 'forward' ? action.hashPolicies : [];
  return choice.routes[chooseWeighted(choice.weights, policies, info, random)];
}

/** The cluster a request of this route goes to; empty when the header that names it is missing. */
export function clusterOf(route: Route, info: StreamInfo): string {
  return route.clusterHeader === '' ? route.cluster : (info.requestHeader(route.clusterHeader) ?? '');
}
