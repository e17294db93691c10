import { cluster, listener, manager, routeConfig, simple, toCluster, typed } from '../config.ts';
import type { Json, Places, Scenario } from '../types.ts';

/** A bootstrap that both must take, or both must refuse. */
const judged = (name: string, bootstrap: (places: Places) => Json): Scenario => ({
  feature: 'validation',
  name,
  bootstrap,
  validateOnly: true,
  cases: [],
});

const withTop = (name: string, more: Json): Scenario => judged(name, (places) => ({ ...simple(places, {}), ...more }));
const withManager = (name: string, more: Json): Scenario => judged(name, (places) => simple(places, { manager: more }));
const withListener = (name: string, more: Json): Scenario =>
  judged(name, (places) => simple(places, { listener: more }));
const withCluster = (name: string, more: Json): Scenario =>
  judged(name, (places) => simple(places, { clusters: [cluster(places, 0, [0], more)] }));
const withRoute = (name: string, route: Json): Scenario =>
  judged(name, (places) => simple(places, { routes: [route] }));
const withHost = (name: string, hosts: readonly Json[]): Scenario =>
  judged(name, (places) => simple(places, { manager: { route_config: { name: 'r', virtual_hosts: hosts } } }));

const host = (name: string, domains: readonly string[]): Json => ({ name, domains, routes: [toCluster()] });
const to = (match: Json, action: Json = { cluster: 'c0' }): Json => ({ match, route: action });

export const scenarios: readonly Scenario[] = [
  judged('plain', (places) => simple(places, {})),
  withTop('an unknown field', { nope: 1 }),
  withTop('a node without an id', { node: { cluster: 'c' } }),
  withTop('an empty runtime', { layered_runtime: {} }),
  withTop('two runtime layers of one name', {
    layered_runtime: {
      layers: [
        { name: 'a', static_layer: {} },
        { name: 'a', static_layer: {} },
      ],
    },
  }),
  withTop('two admin layers', {
    layered_runtime: {
      layers: [
        { name: 'a', admin_layer: {} },
        { name: 'b', admin_layer: {} },
      ],
    },
  }),
  withTop('a layer of nothing', { layered_runtime: { layers: [{ name: 'a' }] } }),
  withTop('a layer without a name', { layered_runtime: { layers: [{ static_layer: {} }] } }),
  withTop('a tag without a name', { stats_config: { stats_tags: [{ fixed_value: 'x' }] } }),
  withTop('a tag with a broken expression', { stats_config: { stats_tags: [{ tag_name: 't', regex: '(' }] } }),
  withTop('an empty inclusion list', { stats_config: { stats_matcher: { inclusion_list: {} } } }),
  withTop('a bucket of 0', { stats_config: { histogram_bucket_settings: [{ match: { exact: 'a' }, buckets: [0] }] } }),
  withTop('stats flushed too often', { stats_flush_interval: '0.0001s' }),
  judged('two clusters of one name', (places) =>
    simple(places, { clusters: [cluster(places, 0), cluster(places, 0)] }),
  ),
  judged('a listener without an address', (places) => {
    const made = simple(places, {});
    const { address: _address, ...rest } = (made['static_resources'] as { listeners: Json[] }).listeners[0] ?? {};
    return { ...made, static_resources: { ...(made['static_resources'] as Json), listeners: [rest] } };
  }),
  withListener('no filter chains', { filter_chains: [] }),
  withListener('an address that is a name', { address: { socket_address: { address: 'localhost', port_value: 1 } } }),
  withListener('a port too high', { address: { socket_address: { address: '127.0.0.1', port_value: 65_536 } } }),
  withListener('an unknown drain type', { drain_type: 'NEVER' }),
  withListener('a number where text belongs', { stat_prefix: 5 }),
  withListener('an unknown listener filter', {
    listener_filters: [{ name: 'x', typed_config: { '@type': 'type.googleapis.com/no.such.Type' } }],
  }),
  withListener('a listener filter without a configuration', { listener_filters: [{ name: 'x' }] }),
  withManager('no stat prefix', { stat_prefix: '' }),
  withManager('an unknown codec', { codec_type: 'HTTP9' }),
  withManager('a negative duration', { stream_idle_timeout: '-1s' }),
  withManager('a duration without a unit', { stream_idle_timeout: '5' }),
  withManager('headers too large', { max_request_headers_kb: 8193 }),
  withManager('headers of nothing', { max_request_headers_kb: 0 }),
  withManager('too many trusted hops', { xff_num_trusted_hops: -1 }),
  withManager('an unknown server header mode', { server_header_transformation: 'SOMETIMES' }),
  withManager('a filter without a configuration', { http_filters: [{ name: 'envoy.filters.http.router' }] }),
  withManager('the router twice', {
    http_filters: [0, 1].map(() => ({
      name: 'r',
      typed_config: typed('envoy.extensions.filters.http.router.v3.Router'),
    })),
  }),
  withManager('camelCase', { streamIdleTimeout: '5s' }),
  withCluster('no connect timeout', { connect_timeout: '0s' }),
  withCluster('an unknown policy', { lb_policy: 'BEST' }),
  withCluster('an unknown type', { type: 'MAGIC' }),
  withCluster('EDS without a source', { type: 'EDS', load_assignment: undefined }),
  withCluster('a colon in its other name', { alt_stat_name: 'a:b' }),
  withCluster('ejection of more than all', { outlier_detection: { max_ejection_percent: 101 } }),
  withCluster('an ejection time of 0', { outlier_detection: { base_ejection_time: '0s' } }),
  withCluster('a ring too large', { lb_policy: 'RING_HASH', ring_hash_lb_config: { maximum_ring_size: 8_388_609 } }),
  withCluster('a ring turned over', {
    lb_policy: 'RING_HASH',
    ring_hash_lb_config: { minimum_ring_size: 100, maximum_ring_size: 10 },
  }),
  withCluster('a table that is no prime', { lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 65_536 } }),
  withHost('no virtual hosts', []),
  withHost('one domain twice', [host('a', ['x.com']), host('b', ['x.com'])]),
  withHost('one domain twice in other case', [host('a', ['x.com']), host('b', ['X.com'])]),
  withHost('two wildcards', [host('a', ['*']), host('b', ['*'])]),
  withHost('two hosts of one name', [host('a', ['x.com']), host('a', ['y.com'])]),
  withHost('no domains', [host('a', [])]),
  withHost('no name', [host('', ['*'])]),
  withRoute('an unknown cluster', to({ prefix: '/' }, { cluster: 'nowhere' })),
  withRoute('no match', { route: { cluster: 'c0' } }),
  withRoute('no action', { match: { prefix: '/' } }),
  withRoute('two kinds of match', to({ prefix: '/', path: '/' })),
  withRoute('an expression that is none', to({ safe_regex: { regex: '(' } })),
  withRoute('an expression that looks back', to({ safe_regex: { regex: '(a)\\1' } })),
  withRoute('a prefix that ends with a slash', to({ path_separated_prefix: '/a/' })),
  withRoute(
    'two rewrites',
    to(
      { prefix: '/' },
      { cluster: 'c0', prefix_rewrite: '/a', regex_rewrite: { pattern: { regex: 'a' }, substitution: 'b' } },
    ),
  ),
  withRoute('a status that is none', { match: { prefix: '/' }, direct_response: { status: 99 } }),
  withRoute(
    'weights of nothing',
    to({ prefix: '/' }, { weighted_clusters: { clusters: [{ name: 'c0', weight: 0 }] } }),
  ),
  withRoute(
    'a retry policy of unknown words',
    to({ prefix: '/' }, { cluster: 'c0', retry_policy: { retry_on: 'sometimes' } }),
  ),
  withRoute(
    'a back-off turned over',
    to(
      { prefix: '/' },
      { cluster: 'c0', retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '2s', max_interval: '1s' } } },
    ),
  ),
  withRoute('a header that may not be added', {
    ...to({ prefix: '/' }),
    request_headers_to_add: [{ header: { key: ':path', value: 'x' } }],
  }),
  withRoute('an unknown command', {
    ...to({ prefix: '/' }),
    request_headers_to_add: [{ header: { key: 'x', value: '%NOPE%' } }],
  }),
  judged('a cluster that is used before it stands', (places) => ({
    ...simple(places, { clusters: [cluster(places, 1), cluster(places, 0)] }),
  })),
  judged('two managers of one prefix', (places) => {
    const made = simple(places, {});
    const resources = made['static_resources'] as { listeners: Json[] };
    const more = listener(places, 1, [manager(places, { route_config: routeConfig([toCluster()]) })]);
    return { ...made, static_resources: { ...resources, listeners: [...resources.listeners, more] } };
  }),
];
