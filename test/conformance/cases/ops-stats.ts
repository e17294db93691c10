import {
  bootstrap,
  cluster,
  listener,
  manager,
  routeConfig,
  router,
  socketAddress,
  toCluster,
  typed,
} from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const httpFilter = (name: string, type: string, config: Json = {}): Json => ({
  name: `envoy.filters.http.${name}`,
  typed_config: typed(`envoy.extensions.filters.http.${type}`, config),
});
const networkFilter = (type: string, config: Json): Json => ({
  name: type,
  typed_config: typed(`envoy.extensions.filters.network.${type}`, config),
});

const anybody: Json = { policies: { p: { permissions: [{ any: true }], principals: [{ any: true }] } } };
const always: Json = { default_value: { numerator: 100 } };

const filters: readonly Json[] = [
  httpFilter('fault', 'fault.v3.HTTPFault', { delay: { fixed_delay: '0.001s', percentage: { numerator: 0 } } }),
  httpFilter('cors', 'cors.v3.Cors'),
  httpFilter('rbac', 'rbac.v3.RBAC', { rules: anybody, shadow_rules: anybody, track_per_rule_stats: true }),
  httpFilter('local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', {
    stat_prefix: 'lr',
    token_bucket: { max_tokens: 1000, fill_interval: '1s' },
    filter_enabled: always,
    filter_enforced: always,
  }),
  httpFilter('health_check', 'health_check.v3.HealthCheck', {
    pass_through_mode: false,
    headers: [{ name: ':path', string_match: { exact: '/healthz' } }],
  }),
  httpFilter('header_mutation', 'header_mutation.v3.HeaderMutation'),
  httpFilter('grpc_stats', 'grpc_stats.v3.FilterConfig', { stats_for_all_methods: true, enable_upstream_stats: true }),
  router(),
];

const routes = routeConfig(
  [
    {
      ...toCluster('c0', { retry_policy: { retry_on: '5xx' } }, { prefix: '/retry' }),
      stat_prefix: 'with-retries',
    },
    { match: { prefix: '/direct' }, direct_response: { status: 200 } },
    toCluster('c1', {}, { prefix: '/checked' }),
    toCluster('c2', {}, { prefix: '/named' }),
    toCluster('none', {}, { prefix: '/none' }),
    toCluster(),
  ],
  { validate_clusters: false },
  { virtual_clusters: [{ name: 'v', headers: [{ name: ':path', string_match: { prefix: '/v' } }] }] },
);

const http = (places: Places): Json =>
  listener(
    places,
    0,
    [
      manager(places, {
        http_filters: filters,
        route_config: routes,
        upgrade_configs: [{ upgrade_type: 'websocket' }],
        common_http_protocol_options: { headers_with_underscores_action: 'DROP_HEADER' },
      }),
    ],
    {
      listener_filters: [
        { name: 'inspector', typed_config: typed('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector') },
      ],
    },
  );

const tcp = (places: Places): Json =>
  listener(
    places,
    1,
    [
      networkFilter('connection_limit.v3.ConnectionLimit', { stat_prefix: 'limit', max_connections: 100 }),
      networkFilter('local_ratelimit.v3.LocalRateLimit', {
        stat_prefix: 'rate',
        token_bucket: { max_tokens: 100, fill_interval: '1s' },
      }),
      networkFilter('rbac.v3.RBAC', { stat_prefix: 'rules.', rules: anybody }),
      networkFilter('tcp_proxy.v3.TcpProxy', { stat_prefix: 'tcp', cluster: 'c3' }),
    ],
    { stat_prefix: 'bytes' },
  );

const clusters = (places: Places): readonly Json[] => [
  cluster(places, 0, [0], {
    outlier_detection: {},
    circuit_breakers: { thresholds: [{ track_remaining: true, retry_budget: {} }] },
  }),
  cluster(places, 1, [1], {
    health_checks: [
      {
        timeout: '1s',
        interval: '60s',
        unhealthy_threshold: 1,
        healthy_threshold: 1,
        http_health_check: { path: '/' },
      },
    ],
  }),
  {
    ...cluster(places, 2, [0]),
    type: 'STRICT_DNS',
    load_assignment: {
      cluster_name: 'c2',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress('localhost', places.backend(0)) } }] }],
    },
  },
  cluster(places, 3, [2], {
    lb_policy: 'RING_HASH',
    lb_subset_config: { fallback_policy: 'ANY_ENDPOINT', subset_selectors: [{ keys: ['a'] }] },
  }),
  cluster(places, 4, [2], { lb_policy: 'MAGLEV' }),
  cluster(places, 5, [2], { lb_policy: 'LEAST_REQUEST' }),
  { name: 'od', type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', connect_timeout: '1s' },
];

const layers: Json = {
  layered_runtime: {
    layers: [
      { name: 'fixed', static_layer: { a: 1 } },
      { name: 'admin', admin_layer: {} },
    ],
  },
};

const server = { raw: 'HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n' };
const grpc = { method: 'POST', path: '/a.B/c', headers: { 'Content-Type': 'application/grpc' }, body: '\0\0\0\0\x01a' };

const cases: readonly Case[] = [
  { name: 'before any request', requests: [], statNames: true },
  {
    name: 'requests of all kinds',
    requests: [
      ...['/', '/v', '/retry', '/direct', '/checked', '/none', '/healthz', '/500'].map((path) => ({ path })),
      { path: '/', headers: { a_b: 'dropped' } },
      grpc,
    ],
    backends: {
      0: ['a', 'b'].flatMap(() => [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n' }]).concat([server]),
    },
    without: ['backends', 'log', 'connections'],
    statNames: true,
    admin: [
      '/stats?filter=^(cluster\\.c0\\.)?http1\\.',
      '/stats?filter=maglev',
      '/stats?filter=max_host_weight',
      '/stats?filter=remaining_retries',
      '/stats?filter=tracing.health_check',
      '/stats?filter=clusters_inflated',
    ],
  },
  {
    name: 'a TCP connection',
    listener: 1,
    tcp: true,
    steps: [{ send: 'hello' }, { awaitBytes: 5 }, { do: 'halfClose' }, { sleep: 50 }],
    without: ['backends', 'log', 'fate'],
    statNames: true,
  },
];

export const scenarios: readonly Scenario[] = [
  {
    feature: 'statistics',
    name: 'names and types',
    backends: ['http', 'http', 'echo'],
    warmUpMs: 300,
    bootstrap: (places) => bootstrap(places, [http(places), tcp(places)], clusters(places), layers),
    cases,
  },
];
