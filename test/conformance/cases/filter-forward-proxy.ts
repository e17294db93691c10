import { assignment, group } from '../clusters.ts';
import { endpoint, fileLog, logFormat, router, simple, socketAddress, toCluster, typed } from '../config.ts';
import type { Behaviour, Case, Json, Places, Scenario } from '../types.ts';

const CLUSTER = 'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig';
const FILTER = 'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig';
const PER_ROUTE = 'envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig';
const RESOLVER = 'envoy.extensions.network.dns_resolver';
const feature = 'dynamic forward proxy';

/** Nobody listens there: an answer is refused at once. */
const silent: Json = {
  typed_dns_resolver_config: {
    name: 'any',
    typed_config: typed(`${RESOLVER}.cares.v3.CaresDnsResolverConfig`, { resolvers: [socketAddress('127.0.0.1', 9)] }),
  },
};
const cache = (more: Json = {}): Json => ({
  name: 'names',
  dns_lookup_family: 'V4_ONLY',
  // Nothing is looked up again while a case is played.
  dns_min_refresh_rate: '60s',
  ...silent,
  ...more,
});
const forwardCluster = (config: Json = { dns_cache_config: cache() }, more: Json = {}): Json => ({
  name: 'c0',
  connect_timeout: '1s',
  lb_policy: 'CLUSTER_PROVIDED',
  cluster_type: { name: 'envoy.clusters.dynamic_forward_proxy', typed_config: typed(CLUSTER, config) },
  ...more,
});
const filter = (config: Json = { dns_cache_config: cache() }): Json => ({
  name: 'forward',
  typed_config: typed(FILTER, config),
});
const perRoute = (config: Json): Json => ({ typed_per_filter_config: { forward: typed(PER_ROUTE, config) } });

/** Where backend 0 listens: requests cannot name it, routes can. */
const own = (places: Places, backend = 0): string => `${places.host}:${places.backend(backend)}`;

interface Parts {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly filters?: readonly Json[];
  readonly clusters?: (places: Places) => readonly Json[];
  /** Before the route of everything else. */
  readonly routes?: (places: Places) => readonly Json[];
  readonly warmUpMs?: number;
  readonly format?: string;
}

const format = logFormat.replace('\n', ' %FILTER_STATE(envoy.stream.upstream_address:PLAIN)%\n');

const scenario = ({
  name,
  cases,
  filters = [filter()],
  clusters = () => [forwardCluster()],
  routes = () => [],
  warmUpMs,
}: Parts): Scenario => ({
  feature,
  name,
  backends: ['http', 'http', 'closed'],
  stats: [
    /^dns_cache\.(?!.*remaining)/,
    /^cluster\.c0\.(membership_.*|upstream_cx_(total|connect_fail|none_healthy))$/,
  ],
  ...(warmUpMs === undefined ? {} : { warmUpMs }),
  bootstrap: (places) =>
    simple(places, {
      routes: [...routes(places), toCluster('c0')],
      clusters: clusters(places),
      manager: { http_filters: [...filters, router()], access_log: [fileLog(places, format)] },
    }),
  cases,
});

const at = (
  prefix: string,
  places: Places,
  config: (address: string) => Json,
  action: Json = {},
  backend = 0,
): Json => ({
  ...toCluster('c0', action, { prefix }),
  ...perRoute(config(own(places, backend))),
});
const literal = (address: string): Json => ({ host_rewrite_literal: address });
const reply = (status: number): Behaviour => ({ raw: `HTTP/1.1 ${status} Any\r\ncontent-length: 0\r\n\r\n` });
const retry: Json = {
  retry_policy: {
    retry_on: '5xx',
    num_retries: 2,
    retry_back_off: { base_interval: '0.001s', max_interval: '0.001s' },
  },
};

const paths = (places: Places): readonly Json[] => [
  at('/own', places, literal),
  at('/closed', places, literal, {}, 2),
  at('/retry', places, literal, retry),
  at('/header', places, () => ({ host_rewrite_header: 'x-host' })),
  at('/empty', places, () => ({ host_rewrite_literal: '' })),
  at('/nothing', places, () => ({})),
  at('/auto', places, literal, { auto_host_rewrite: true }),
  at('/rewritten', places, literal, { host_rewrite_literal: 'a.localhost' }),
  at('/unknown', places, literal, { host_rewrite_literal: 'no.test' }),
  toCluster('c0', { host_rewrite_literal: own(places) }, { prefix: '/late' }),
  { match: { prefix: '/direct' }, direct_response: { status: 200 } },
  { match: { prefix: '/redirect' }, redirect: { path_redirect: '/x' } },
  toCluster('c1', {}, { prefix: '/other' }),
];
const others = (places: Places): Json => ({
  name: 'c1',
  connect_timeout: '1s',
  ...assignment([group([endpoint(places, 1)])]),
});

const cases: readonly Case[] = [
  { name: 'an address with a port', requests: [{ path: '/own' }] },
  { name: 'the same again', requests: [{ path: '/own' }, { path: '/own' }] },
  { name: 'nobody listens', requests: [{ path: '/closed' }] },
  { name: 'nobody listens at localhost', requests: [{ host: 'localhost:9' }] },
  { name: 'a name without a port', requests: [{ host: 'localhost' }] },
  { name: 'a name in capitals', requests: [{ host: 'LOCALHOST:9' }] },
  { name: 'a name below localhost', requests: [{ host: 'a.localhost:9' }] },
  { name: 'no such name', requests: [{ host: 'no.test' }] },
  { name: 'no such name, with a port', requests: [{ host: 'no.test:81' }] },
  { name: 'no such name, again', requests: [{ host: 'no.test' }, { host: 'no.test' }] },
  { name: 'no such name, HEAD', requests: [{ host: 'no.test', method: 'HEAD' }] },
  { name: 'no such name, with a body', requests: [{ host: 'no.test', method: 'POST', body: 'abc' }] },
  { name: 'an IPv6 address, with IPv4 alone', requests: [{ host: '[::1]:9' }] },
  { name: 'an IPv4 address', requests: [{ host: '127.0.0.1' }] },
  { name: 'an empty host', requests: [{ host: '' }] },
  { name: 'a port of 0', requests: [{ host: 'localhost:0' }] },
  { name: 'a port alone', requests: [{ host: ':80' }] },
  { name: 'a trailing dot', requests: [{ host: 'localhost.:9' }] },
  { name: 'a body that waits for the look-up', requests: [{ path: '/own', method: 'POST', body: 'x'.repeat(5000) }] },
  { name: 'tried again', requests: [{ path: '/retry' }], backends: { 0: [reply(503), reply(503)] } },
  { name: 'host of a header', requests: [{ path: '/header', headers: { 'x-host': 'localhost:9' } }] },
  {
    name: 'host of a header that comes twice',
    requests: [
      {
        path: '/header',
        headers: [
          ['x-host', 'localhost:9'],
          ['x-host', 'no.test'],
        ],
      },
    ],
  },
  { name: 'host of a header that is not there', requests: [{ path: '/header', host: 'localhost:9' }] },
  { name: 'host of an empty header', requests: [{ path: '/header', headers: { 'x-host': '' } }] },
  { name: 'an empty rewrite', requests: [{ path: '/empty', host: 'localhost:9' }] },
  { name: 'a rewrite of nothing', requests: [{ path: '/nothing', host: 'localhost:9' }] },
  { name: 'rewritten to the name of the host', requests: [{ path: '/auto' }] },
  { name: 'the route rewrites the host to another', requests: [{ path: '/rewritten' }] },
  { name: 'the route rewrites the host to no name', requests: [{ path: '/unknown' }] },
  { name: 'the route rewrites a host without a name', requests: [{ path: '/late', host: 'no.test' }] },
  { name: 'the route rewrites the host', requests: [{ path: '/late', host: 'localhost' }] },
  { name: 'a direct response', requests: [{ path: '/direct', host: 'no.test' }] },
  { name: 'a redirect', requests: [{ path: '/redirect', host: 'no.test' }] },
  { name: 'another cluster', requests: [{ path: '/other', host: 'no.test' }] },
  { name: 'outlier, then others', requests: [{ path: '/own' }, { host: 'no.test' }, { path: '/own' }] },
];

const few = (more: Json): Pick<Parts, 'filters' | 'clusters'> => ({
  filters: [filter({ dns_cache_config: cache(more) })],
  clusters: (places) => [forwardCluster({ dns_cache_config: cache(more) }), others(places)],
});

/** A scenario that asks only whether the configuration is accepted. */
const check = (
  name: string,
  clusters: (places: Places) => readonly Json[],
  filters: readonly Json[] = [],
): Scenario => ({
  feature,
  name: `forward proxy configuration: ${name}`,
  validateOnly: true,
  cases: [],
  bootstrap: (places) =>
    simple(places, { clusters: clusters(places), manager: { http_filters: [...filters, router()] } }),
});
const cached = (more: Json) => () => [forwardCluster({ dns_cache_config: cache(more) })];
const host = (address: string, port: number): Json => ({ address, port_value: port });

export const scenarios: readonly Scenario[] = [
  scenario({ name: 'forward proxy', cases, routes: paths, clusters: (places) => [forwardCluster(), others(places)] }),
  scenario({
    name: 'forward proxy without the filter',
    filters: [],
    routes: paths,
    clusters: (places) => [forwardCluster(), others(places)],
    cases: [
      { name: 'the route rewrites the host', requests: [{ path: '/late' }] },
      { name: 'again', requests: [{ path: '/late' }] },
      { name: 'a body', requests: [{ path: '/late', method: 'POST', body: 'abc' }] },
      { name: 'nobody listens', requests: [{ host: 'localhost:9' }] },
      { name: 'no such name', requests: [{ host: 'no.test' }] },
      { name: 'an empty host', requests: [{ host: '' }] },
    ],
  }),
  scenario({
    name: 'forward proxy with another cache',
    filters: [filter({ dns_cache_config: cache({ name: 'mine' }) })],
    routes: paths,
    cases: [
      { name: 'known to both', requests: [{ path: '/own' }] },
      { name: 'known to none', requests: [{ host: 'no.test' }] },
    ],
    clusters: (places) => [forwardCluster(), others(places)],
  }),
  scenario({
    name: 'forward proxy with few hosts',
    ...few({ max_hosts: 1 }),
    routes: paths,
    cases: [
      { name: 'the first', requests: [{ path: '/own' }] },
      { name: 'one too many', requests: [{ host: 'localhost:9' }] },
      { name: 'the first again', requests: [{ path: '/own' }] },
    ],
  }),
  scenario({
    name: 'forward proxy without the filter, with few hosts',
    ...few({ max_hosts: 1 }),
    filters: [],
    routes: paths,
    cases: [
      { name: 'the first', requests: [{ path: '/late' }] },
      { name: 'one too many', requests: [{ host: 'localhost:9' }] },
    ],
  }),
  scenario({
    name: 'forward proxy without pending requests',
    ...few({ dns_cache_circuit_breaker: { max_pending_requests: 0 } }),
    routes: paths,
    cases: [
      { name: 'refused', requests: [{ path: '/own' }] },
      { name: 'not asked', requests: [{ path: '/other' }] },
    ],
  }),
  scenario({
    name: 'forward proxy that knows names before',
    ...few({ preresolve_hostnames: [host('localhost', 9), host('no.test', 80)] }),
    routes: paths,
    warmUpMs: 300,
    cases: [
      {
        name: 'statistics',
        requests: [{ path: '/direct' }],
        admin: ['/stats?filter=dns_cache', '/clusters?filter=c0'],
      },
      { name: 'known before', requests: [{ host: 'localhost:9' }] },
      { name: 'known before as none', requests: [{ host: 'no.test' }] },
    ],
  }),
  scenario({
    name: 'forward proxy that leaves addresses out',
    ...few({ resolved_address_filter: { ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] } }),
    routes: paths,
    cases: [
      { name: 'a name', requests: [{ host: 'localhost:9' }] },
      { name: 'an address', requests: [{ path: '/own' }] },
    ],
  }),
  scenario({
    name: 'forward proxy that leaves addresses of both kinds out',
    ...few({
      dns_lookup_family: 'ALL',
      resolved_address_filter: {
        ranges: [
          { address_prefix: '127.0.0.0', prefix_len: 8 },
          { address_prefix: '::1', prefix_len: 128 },
        ],
      },
    }),
    routes: paths,
    cases: [{ name: 'a name', requests: [{ host: 'localhost:9' }] }],
  }),
  scenario({
    name: 'forward proxy that leaves other addresses out',
    ...few({
      resolved_address_filter: { ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }], invert_match: true },
    }),
    routes: paths,
    cases: [{ name: 'an address', requests: [{ path: '/own' }] }],
  }),
  scenario({
    name: 'forward proxy that rests after a failure',
    ...few({ disable_dns_refresh_on_failure: true }),
    routes: paths,
    cases: [{ name: 'no such name', requests: [{ host: 'no.test' }, { host: 'no.test' }] }],
  }),
  scenario({
    name: 'forward proxy with short lives',
    ...few({ host_ttl: '0.2s', dns_refresh_rate: '1s', dns_min_refresh_rate: '1s' }),
    routes: paths,
    cases: [{ name: 'a host goes', requests: [{ path: '/own' }], settleMs: 1500 }],
  }),
  scenario({
    name: 'forward proxy that saves addresses',
    filters: [filter({ dns_cache_config: cache(), save_upstream_address: true })],
    routes: paths,
    clusters: (places) => [forwardCluster(), others(places)],
    cases: [
      { name: 'an address', requests: [{ path: '/own' }, { path: '/own' }] },
      { name: 'no such name', requests: [{ host: 'no.test' }] },
    ],
  }),
  scenario({
    name: 'forward proxy by filter state',
    filters: [filter({ dns_cache_config: cache(), allow_dynamic_host_from_filter_state: true })],
    routes: paths,
    clusters: (places) => [forwardCluster(), others(places)],
    cases: [{ name: 'nothing is noted', requests: [{ path: '/own' }] }],
  }),
  scenario({
    name: 'forward proxy whose cluster is called otherwise',
    clusters: (places) => [
      {
        ...forwardCluster(),
        cluster_type: { name: 'any', typed_config: typed(CLUSTER, { dns_cache_config: cache() }) },
      },
      others(places),
    ],
    routes: paths,
    cases: [{ name: 'the filter does nothing', requests: [{ path: '/own' }, { host: 'localhost:9' }] }],
  }),
  check('plain', cached({}), [filter()]),
  check('another policy', () => [forwardCluster(undefined, { lb_policy: 'ROUND_ROBIN' })]),
  check('without a cache', () => [forwardCluster({})]),
  check('a cache without a name', cached({ name: '' })),
  check('a filter without a cache', cached({}), [filter({})]),
  check('a cache with other settings', cached({}), [filter({ dns_cache_config: cache({ max_hosts: 3 }) })]),
  check('two clusters with one cache', () => [forwardCluster(), { ...forwardCluster(), name: 'c1' }]),
  check('two clusters with other settings', () => [
    forwardCluster(),
    { ...forwardCluster({ dns_cache_config: cache({ max_hosts: 3 }) }), name: 'c1' },
  ]),
  check('no hosts at all', cached({ max_hosts: 0 })),
  check('no time for hosts', cached({ host_ttl: '0s' })),
  check('refreshed without a break', cached({ dns_refresh_rate: '0s' })),
  check('refreshed each millisecond', cached({ dns_refresh_rate: '0.001s' })),
  check('refreshed too often', cached({ dns_min_refresh_rate: '0.9s' })),
  check('refreshed each second', cached({ dns_min_refresh_rate: '1s' })),
  check('queries without time', cached({ dns_query_timeout: '0s' })),
  check('failures without a base', cached({ dns_failure_refresh_rate: { max_interval: '1s' } })),
  check('failures with a base of 0', cached({ dns_failure_refresh_rate: { base_interval: '0s' } })),
  check(
    'failures with a base above the limit',
    cached({ dns_failure_refresh_rate: { base_interval: '2s', max_interval: '1s' } }),
  ),
  check(
    'more known before than there may be',
    cached({ max_hosts: 1, preresolve_hostnames: [host('a', 1), host('b', 1)] }),
  ),
  check('known before without a port', cached({ preresolve_hostnames: [{ address: 'a' }] })),
  check('coalesced connections', () => [
    forwardCluster({ dns_cache_config: cache(), allow_coalesced_connections: true }),
  ]),
  check('insecure options', () => [
    forwardCluster({ dns_cache_config: cache(), allow_insecure_cluster_options: true }),
  ]),
  check('endpoints beside it', (places) => [forwardCluster(undefined, assignment([group([endpoint(places, 0)])]))]),
  check('options without automatic SNI', () => [
    forwardCluster(undefined, {
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
          { explicit_http_config: { http_protocol_options: {} } },
        ),
      },
    }),
  ]),
  check('options with automatic SNI', () => [
    forwardCluster(undefined, {
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
          {
            explicit_http_config: { http_protocol_options: {} },
            upstream_http_protocol_options: { auto_sni: true, auto_san_validation: true },
          },
        ),
      },
    }),
  ]),
  check('options without automatic SNI, insecure', () => [
    forwardCluster(
      { dns_cache_config: cache(), allow_insecure_cluster_options: true },
      {
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            { explicit_http_config: { http_protocol_options: {} } },
          ),
        },
      },
    ),
  ]),
];
