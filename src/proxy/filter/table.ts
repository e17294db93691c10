import { readStreamSource } from '../config/config-source.ts';
import { type Fields, isObject, typeName } from '../config/fields.ts';
import { bandwidthLimitFilter } from './bandwidth-limit/filter.ts';
import { basicAuthFilter } from './basic-auth/filter.ts';
import { bufferFilter } from './buffer/filter.ts';
import { FilterChain } from './chain.ts';
import { compressorFilter } from './compressor/filter.ts';
import type { ChainContext, ChainPlace, FilterContext, FilterSubscription, RouteFilterContext } from './context.ts';
import { corsFilter } from './cors/filter.ts';
import { csrfFilter } from './csrf/filter.ts';
import { decompressorFilter } from './decompressor/filter.ts';
import { forwardProxyFilter } from './dynamic-forward-proxy/filter.ts';
import { extAuthzFilter } from './ext-authz/filter.ts';
import { extProcFilter } from './ext-proc/filter.ts';
import { faultFilter } from './fault/filter.ts';
import type { FilterKind, FilterSlot, HttpFilter, RouteFilter, RouteFilters } from './filter.ts';
import { grpcStatsFilter } from './grpc-stats/filter.ts';
import { grpcWebFilter } from './grpc-web/filter.ts';
import { headerMutationFilter } from './header-mutation/header-mutation.ts';
import { headerToMetadataFilter } from './header-to-metadata/filter.ts';
import { healthCheckFilter } from './health-check/filter.ts';
import { jwtAuthnFilter } from './jwt-authn/filter.ts';
import { localRateLimitFilter } from './local-ratelimit/filter.ts';
import { moduleFilter } from './module/filter.ts';
import { oauth2Filter } from './oauth2/filter.ts';
import { rateLimitFilter } from './ratelimit/filter.ts';
import { rbacFilter } from './rbac/filter.ts';
import { DEFAULT_ROUTER, type RouterConfig, readRouter } from './router/config.ts';
import { setMetadataFilter } from './set-metadata/filter.ts';
import { statefulSessionFilter } from './stateful-session/filter.ts';

/** Every HTTP filter there is, by the full name of its configuration message. The router and the codec end chains. */
const KINDS: ReadonlyMap<string, FilterKind> = new Map(
  [
    bandwidthLimitFilter,
    basicAuthFilter,
    bufferFilter,
    compressorFilter,
    corsFilter,
    csrfFilter,
    decompressorFilter,
    extAuthzFilter,
    extProcFilter,
    forwardProxyFilter,
    faultFilter,
    grpcStatsFilter,
    grpcWebFilter,
    headerMutationFilter,
    headerToMetadataFilter,
    healthCheckFilter,
    jwtAuthnFilter,
    localRateLimitFilter,
    moduleFilter,
    oauth2Filter,
    rateLimitFilter,
    rbacFilter,
    statefulSessionFilter,
    setMetadataFilter,
  ].map((kind) => [kind.type, kind]),
);
const ROUTER = 'envoy.extensions.filters.http.router.v3.Router';
const UPSTREAM_CODEC = 'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec';

export interface FilterChainConfig {
  readonly chain: FilterChain;
  readonly router: RouterConfig;
}

/** Reads `http_filters`: the terminal filter stands last, and only there. */
export function readFilterChain(fields: Fields, key: string, context: ChainContext): FilterChainConfig {
  const { place } = context;
  const terminal = place === 'downstream' ? ROUTER : UPSTREAM_CODEC;
  const count = fields.items(key).length;
  let router = DEFAULT_ROUTER;
  let ended = false;
  const discovered: FilterSlot['cell'][] = [];
  const slots = fields.list(key, (filter, index): FilterSlot | undefined => {
    const name = filter.text('name');
    const optional = filter.flag('is_optional');
    const disabled = filter.flag('disabled');
    const config = filter.raw('typed_config');
    const type = isObject(config) ? typeName(config) : '';
    if (type === terminal) {
      ended = true;
      if (disabled) filter.problem('disabled', 'is not for a terminal filter');
      if (index < count - 1) {
        filter.problem(
          '',
          `terminal filter named ${name} of type ${type} must be the last filter in a http filter chain`,
        );
      }
      router = filter.message('typed_config', (inner) => readTerminal(inner, type, context)) ?? DEFAULT_ROUTER;
      return undefined;
    }
    if (filter.has('config_discovery')) {
      const cell = readDiscovery(filter, name, { ...context, filterName: name });
      discovered.push(cell);
      return { name, disabled, cell };
    }
    if (optional && isStranger(type)) {
      filter.ignore('typed_config');
      return undefined;
    }
    const read = filter.message('typed_config', (inner) => readFilter(inner, { ...context, filterName: name }));
    if (config === undefined) filter.problem('typed_config', 'value is required', filterTypes(place));
    return read && { name, disabled, cell: { filter: read } };
  });
  if (!ended && (count > 0 || place === 'downstream')) {
    fields.problem(key, `the last filter in a http filter chain must be of type ${terminal}`);
  }
  const chain = new FilterChain(
    slots.filter((slot) => slot !== undefined),
    discovered,
  );
  return { chain, router };
}

function readTerminal(fields: Fields, type: string, context: ChainContext): RouterConfig {
  if (type !== ROUTER) return DEFAULT_ROUTER;
  const key = 'upstream_http_filters';
  const upstream = fields.items(key).length > 0;
  return readRouter(
    fields,
    upstream ? readFilterChain(fields, key, { ...context, place: 'upstream' }).chain : undefined,
  );
}

function readFilter(fields: Fields, context: FilterContext): HttpFilter | undefined {
  return kindOf(fields, context.place)?.read(fields, context);
}

/** Whether Envoy does not know the filter either: then it may be optional. */
function isStranger(type: string): boolean {
  return !type.startsWith('envoy.extensions.filters.http.');
}

function kindOf(fields: Fields, place: ChainPlace): FilterKind | undefined {
  const type = typeName(fields.json);
  const kind = KINDS.get(type);
  if (kind && (place === 'downstream' || kind.upstream)) return kind;
  fields.ignore(...Object.keys(fields.json));
  fields.problem(
    '@type',
    `HTTP filter ${JSON.stringify(type)} is not supported by ciliate-proxy here`,
    filterTypes(place),
  );
  return undefined;
}

function filterTypes(place: ChainPlace): string {
  const types = [...KINDS.values()].filter((kind) => place === 'downstream' || kind.upstream).map((kind) => kind.type);
  return [...types, place === 'downstream' ? ROUTER : UPSTREAM_CODEC].sort().join(', ');
}

function readDiscovery(filter: Fields, name: string, context: FilterContext): FilterSlot['cell'] {
  const source = filter.message('config_discovery', (inner) => readExtensionSource(inner, name, context));
  return context.discover(name, {
    place: context.place,
    read: (fields) => readFilter(fields, context),
    fallback: source?.fallback,
    types: source?.types ?? new Set(),
    waits: source?.waits ?? true,
    timeoutMs: source?.timeoutMs ?? 0,
  });
}

type ExtensionSource = Pick<FilterSubscription, 'fallback' | 'types' | 'waits' | 'timeoutMs'>;

/** Reads an `envoy.config.core.v3.ExtensionConfigSource`. */
function readExtensionSource(fields: Fields, name: string, context: FilterContext): ExtensionSource {
  const types = new Set(fields.strings('type_urls').map((url) => url.slice(url.lastIndexOf('/') + 1)));
  for (const [index, type] of [...types].entries()) {
    const kind = KINDS.get(type);
    if (kind && (context.place === 'downstream' || kind.upstream)) continue;
    const message = `HTTP filter ${JSON.stringify(type)} is not supported by ciliate-proxy here`;
    fields.problem(`type_urls[${index}]`, message, filterTypes(context.place));
  }
  const fallback = fields.message('default_config', (config) => {
    const type = typeName(config.json);
    if (!types.has(type)) config.problem('@type', `filter config has type ${type}`, [...types].join(', '));
    return readFilter(config, context);
  });
  const waits = !fields.flag('apply_default_config_without_warming');
  if (!waits && !fields.has('default_config')) {
    const message = `filter config ${name} applied without warming but has no default config`;
    fields.problem('apply_default_config_without_warming', message);
  }
  const source = fields.message('config_source', readStreamSource);
  return { fallback, types, waits, timeoutMs: source?.fetchTimeout ?? 0 };
}

const FILTER_CONFIG = 'envoy.config.route.v3.FilterConfig';

/** Reads `typed_per_filter_config` of one level of a route table. */
export function readRouteFilters(fields: Fields, context: RouteFilterContext): RouteFilters {
  const found = fields.map('typed_per_filter_config', (config): RouteFilter | undefined => {
    if (typeName(config.json) !== FILTER_CONFIG) return readRouteFilter(config, context);
    const optional = config.flag('is_optional');
    const own = config.message('config', (inner) =>
      // No message at all: the filter runs as its chain has it.
      Object.keys(inner.json).length === 0 ? undefined : readRouteFilter(inner, context, { optional, nested: true }),
    );
    if (config.flag('disabled')) return { disabled: true, type: '', value: undefined };
    if (!config.has('config')) config.problem('config', 'value is required');
    return own ?? { disabled: false, type: '', value: undefined };
  });
  return new Map([...found].flatMap(([name, filter]) => (filter === undefined ? [] : [[name, filter] as const])));
}

interface RouteFilterPlace {
  /** What is unknown says nothing. */
  readonly optional: boolean;
  /** It stands in a `FilterConfig`. */
  readonly nested: boolean;
}

const PLAIN_PLACE: RouteFilterPlace = { optional: false, nested: false };

function readRouteFilter(
  fields: Fields,
  context: RouteFilterContext,
  { optional, nested } = PLAIN_PLACE,
): RouteFilter | undefined {
  const type = typeName(fields.json);
  const kind = [...KINDS.values()].find((one) => one.routeType === type);
  if (kind?.readRoute) return { disabled: false, type: kind.type, value: kind.readRoute(fields, context) };
  const allowed = [...KINDS.values()].flatMap((one) => (one.routeType ? [one.routeType] : []));
  fields.ignore(...Object.keys(fields.json));
  if (optional && isStranger(type)) return undefined;
  fields.problem(
    '@type',
    `${JSON.stringify(type)} is not supported by ciliate-proxy`,
    [...allowed, ...(nested ? [] : [FILTER_CONFIG])].join(', '),
  );
  return undefined;
}
