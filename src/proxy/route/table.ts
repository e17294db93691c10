import type { Issue } from '../../base/index.ts';
import { type Fields, type JsonObject, readMessage } from '../config/fields.ts';
import type { RouteFilters } from '../filter/filter.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type HeaderTest, readHeaderMatcher } from '../match/headers.ts';
import { type MetadataSource, NO_METADATA, readMetadata } from '../match/metadata.ts';
import { type ForwardAction, readForward, type WeightedCluster } from './action.ts';
import { buildDomains, type DomainIndex } from './domains.ts';
import { type RouteInput, type RouteMatch, readRouteMatch } from './match.ts';
import { type MirrorPolicy, readMirrors } from './mirror.ts';
import { applyMutation, type HeaderMutation, readMutation } from './mutation.ts';
import { type HostPolicy, type RoutePolicy, readHostPolicy, readRoutePolicy } from './policy.ts';
import { type RedirectAction, readRedirect, splitPort } from './redirect.ts';

export interface DirectResponse {
  readonly kind: 'direct';
  readonly status: number;
  readonly body: string;
}

interface Mutations {
  readonly request: HeaderMutation;
  readonly response: HeaderMutation;
}

export interface Route {
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: ForwardAction | RedirectAction | DirectResponse;
  readonly mutations: Mutations;
  /** What its levels say about filters, the most specific first; levels that say nothing are left out. */
  readonly filters: readonly RouteFilters[];
  readonly policy: RoutePolicy;
  readonly virtualHost: VirtualHost;
  readonly metadata: MetadataSource;
}

export interface VirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
  readonly requireTls: 'NONE' | 'EXTERNAL_ONLY' | 'ALL';
  readonly virtualClusters: readonly { readonly name: string; readonly tests: readonly HeaderTest[] }[];
  readonly mutations: Mutations;
  readonly policy: HostPolicy;
  readonly attemptCountUp: boolean;
  readonly attemptCountDown: boolean;
}

/** Reads `typed_per_filter_config`; given by the filters, so that routes need not know them. */
export type RouteFilterReader = (fields: Fields) => RouteFilters;

export type Resolved =
  | { readonly kind: 'route'; readonly route: Route }
  /** A virtual host that asks for TLS. */
  | { readonly kind: 'redirect'; readonly location: string; readonly status: number };

/** A compiled `envoy.config.route.v3.RouteConfiguration`. */
export class RouteTable {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
  /** Removed from every request before it is matched: none counts as internal. */
  readonly internalHeaders: readonly string[];
  readonly #domains: DomainIndex<VirtualHost>;
  readonly #mutations: Mutations;
  readonly #specificWins: boolean;
  readonly #ignorePort: boolean;

  constructor(fields: Fields, readFilters: RouteFilterReader) {
    fields.ignore('validate_clusters', 'metadata');
    this.name = fields.text('name');
    this.internalHeaders = fields.strings('internal_only_headers').map((name) => name.toLowerCase());
    this.#mutations = readMutations(fields);
    this.#specificWins = fields.flag('most_specific_header_mutations_wins');
    this.#ignorePort = fields.flag('ignore_port_in_host_matching');
    const maxBody = fields.number('max_direct_response_body_size_bytes') ?? 4096;
    const outer = { filters: levels(readFilters(fields), []), mirrors: readMirrors(fields), maxBody };
    this.virtualHosts = fields.list('virtual_hosts', (host) => readVirtualHost(host, readFilters, outer));
    this.#domains = buildDomains(this.virtualHosts, this.name, fields);
  }

  find(info: StreamInfo, random: number): Resolved | undefined {
    const { request } = info;
    if (!request) return undefined;
    const host = this.virtualHost(request.authority);
    if (!host) return undefined;
    info.virtualHostName = host.name;
    if (host.requireTls !== 'NONE' && request.scheme !== 'https') {
      return { kind: 'redirect', status: 301, location: tlsLocation(request.authority, request.path) };
    }
    const route = matchRoute(host, routeInput(info, random));
    return route && { kind: 'route', route };
  }

  virtualHost(authority: string): VirtualHost | undefined {
    const name = this.#ignorePort ? splitPort(authority)[0] : authority;
    return this.#domains.find(name);
  }

  applyRequest(route: Route, weighted: WeightedCluster | undefined, headers: HeaderMap, info: StreamInfo): void {
    const list = [
      weighted?.request,
      route.mutations.request,
      route.virtualHost.mutations.request,
      this.#mutations.request,
    ];
    this.#apply(list, headers, info);
  }

  applyResponse(route: Route, weighted: WeightedCluster | undefined, headers: HeaderMap, info: StreamInfo): void {
    const list = [
      weighted?.response,
      route.mutations.response,
      route.virtualHost.mutations.response,
      this.#mutations.response,
    ];
    this.#apply(list, headers, info);
  }

  #apply(list: (HeaderMutation | undefined)[], headers: HeaderMap, info: StreamInfo): void {
    if (this.#specificWins) list.reverse();
    for (const mutation of list) {
      if (mutation && mutation.add.length + mutation.remove.length > 0) applyMutation(mutation, headers, info);
    }
  }
}

/** Compiles a route configuration; every fault goes to `issues`. */
export function compileRouteTable(
  json: JsonObject,
  path: string,
  issues: Issue[],
  readFilters: RouteFilterReader,
): RouteTable {
  return readMessage(json, path, issues, (fields) => new RouteTable(fields, readFilters));
}

function routeInput(info: StreamInfo, random: number): RouteInput {
  const full = info.request?.path ?? '';
  const end = full.search(/[?#]/);
  return {
    info,
    path: end < 0 ? full : full.slice(0, end),
    query: end >= 0 && full[end] === '?' ? full.slice(end + 1) : undefined,
    method: info.request?.method ?? '',
    header: (name) => info.requestHeader(name),
    random,
  };
}

function matchRoute(host: VirtualHost, input: RouteInput): Route | undefined {
  for (const route of host.routes) {
    const { match } = route;
    if (!match.path.test(input.path, input.method)) continue;
    if (match.conditions.length === 0 || match.conditions.every((condition) => condition(input))) return route;
  }
  return undefined;
}

/** The name Envoy counts the request under: that of the first virtual cluster whose headers match, else `other`. */
export function virtualClusterName(host: VirtualHost, info: StreamInfo): string {
  if (host.virtualClusters.length === 0) return '';
  const header = (name: string): string | undefined => info.requestHeader(name);
  return host.virtualClusters.find(({ tests }) => tests.every((test) => test(header)))?.name ?? 'other';
}

function tlsLocation(authority: string, path: string): string {
  const [host, port] = splitPort(authority);
  return `https://${port === '80' ? host : authority}${path}`;
}

function readMutations(fields: Fields): Mutations {
  return {
    request: readMutation(fields, 'request_headers_to_add', 'request_headers_to_remove'),
    response: readMutation(fields, 'response_headers_to_add', 'response_headers_to_remove'),
  };
}

/** What the levels around a virtual host or route say. */
interface Outer {
  readonly filters: readonly RouteFilters[];
  readonly mirrors: readonly MirrorPolicy[];
  readonly maxBody: number;
}

function readVirtualHost(fields: Fields, readFilters: RouteFilterReader, outer: Outer): VirtualHost {
  const filters = levels(readFilters(fields), outer.filters);
  fields.ignore('metadata');
  const routes: Route[] = [];
  const host: VirtualHost = {
    name: fields.required('name'),
    domains: fields.strings('domains'),
    routes,
    requireTls: fields.choice('require_tls', ['NONE', 'EXTERNAL_ONLY', 'ALL']),
    virtualClusters: fields.list('virtual_clusters', (cluster) => ({
      name: cluster.required('name'),
      tests: cluster.list('headers', readHeaderMatcher),
    })),
    mutations: readMutations(fields),
    policy: readHostPolicy(fields, outer.mirrors),
    attemptCountUp: fields.flag('include_request_attempt_count'),
    attemptCountDown: fields.flag('include_attempt_count_in_response'),
  };
  if (host.domains.length === 0) fields.problem('domains', 'value must contain at least 1 item(s)');
  routes.push(...fields.list('routes', (route) => readRoute(route, host, readFilters, { ...outer, filters })));
  return host;
}

function readRoute(fields: Fields, virtualHost: VirtualHost, readFilters: RouteFilterReader, outer: Outer): Route {
  fields.ignore('decorator', 'tracing', 'stat_prefix');
  const match = fields.message('match', readRouteMatch);
  if (!match) fields.problem('match', 'value is required');
  const action = readAction(fields, outer.maxBody);
  return {
    name: fields.text('name'),
    match: match ?? { path: { kind: 'prefix', text: '', caseSensitive: true, test: () => false }, conditions: [] },
    action,
    policy: readRoutePolicy(fields, action, virtualHost.policy),
    mutations: readMutations(fields),
    filters: levels(readFilters(fields), outer.filters),
    virtualHost,
    metadata: fields.message('metadata', readMetadata) ?? NO_METADATA,
  };
}

function levels(own: RouteFilters, outer: readonly RouteFilters[]): readonly RouteFilters[] {
  return own.size > 0 ? [own, ...outer] : outer;
}

function readAction(fields: Fields, maxBody: number): Route['action'] {
  const nothing: DirectResponse = { kind: 'direct', status: 500, body: '' };
  switch (fields.oneOf('action', ['route', 'redirect', 'direct_response'])) {
    case 'route':
      return fields.message('route', readForward) ?? nothing;
    case 'redirect':
      return fields.message('redirect', readRedirect) ?? nothing;
    case 'direct_response':
      return fields.message('direct_response', (direct) => readDirect(direct, maxBody)) ?? nothing;
    default:
      return nothing;
  }
}

function readDirect(fields: Fields, maxBody: number): DirectResponse {
  const status = fields.number('status') ?? 0;
  if (status < 200 || status > 599) fields.problem('status', `found ${status}`, '200 to 599');
  const body = fields.message('body', readDataSource) ?? '';
  if (body.length > maxBody) {
    fields.problem('body', `response body size is ${body.length} bytes`, `up to ${maxBody} bytes`);
  }
  return { kind: 'direct', status, body };
}

/** Reads an `envoy.config.core.v3.DataSource` given inline, as latin1 text of its bytes. */
export function readDataSource(fields: Fields): string {
  switch (fields.oneOf('specifier', ['inline_string', 'inline_bytes'])) {
    case 'inline_string':
      return Buffer.from(fields.text('inline_string'), 'utf8').toString('latin1');
    case 'inline_bytes':
      return Buffer.from(fields.text('inline_bytes'), 'base64').toString('latin1');
    default:
      return '';
  }
}
