import { cluster, listener, manager, routeConfig, simple, socketAddress, toCluster, typed } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

/** One case for each path, asked after nothing else. */
const asked = (...paths: readonly string[]): readonly Case[] =>
  paths.map((path) => ({ name: path, requests: [], admin: [path] }));

/** What a request leaves behind, as one page shows it. */
const after = (name: string, requests: NonNullable<Case['requests']>, ...admin: readonly string[]): Case => ({
  name,
  requests,
  admin,
  settleMs: 60,
});

const usage: readonly Case[] = asked(
  '/nothing-here?x',
  '/stats?format=nope',
  '/stats?type=nope',
  '/stats?histogram_buckets=nope',
  '/stats?filter=(',
  '/clusters?filter=(',
  '/config_dump?resource=nope',
  '/config_dump?resource=bootstrap',
  '/config_dump?mask=nope',
  '/config_dump?mask=static_clusters.cluster.name',
  '/config_dump?name_regex=(',
  '/drain_listeners',
  '/logging',
  '/healthcheck/fail',
  '/healthcheck/ok',
  '/quitquitquit',
  '/reset_counters',
  '/runtime_modify',
  'POST /runtime_modify',
  'POST /runtime_modify?a=1',
).map((one) => (one.name.startsWith('/nothing') ? { ...one, difference: 'admin-paths' } : one));

const names: readonly Case[] = [
  ...asked(
    '/ready',
    '/listeners',
    '/listeners?format=json',
    '/listeners?format=nope',
    '/clusters?filter=^c1$',
    '/clusters?filter=c',
    '/clusters?filter=nothing',
    '/clusters?format=json&filter=^c0$',
    '/clusters?format=json&filter=nothing',
    '/certs',
    '/init_dump',
    '/runtime',
    '/config_dump?resource=static_clusters&mask=cluster.name',
    '/config_dump?resource=static_clusters&mask=cluster.name&name_regex=c1',
    '/config_dump?resource=static_clusters&mask=cluster.load_assignment&name_regex=c0',
    '/config_dump?resource=static_clusters&name_regex=zz',
    '/config_dump?resource=static_listeners&mask=listener.name,listener.address',
    '/config_dump?resource=static_listeners&mask=listener.filter_chains&name_regex=l1',
    '/config_dump?resource=static_route_configs&name_regex=routes',
    '/config_dump?resource=static_route_configs&name_regex=second',
    '/config_dump?resource=static_clusters',
    '/config_dump?resource=static_listeners&name_regex=l1',
    '/config_dump?include_eds&resource=static_endpoint_configs',
    '/config_dump?mask=static_clusters',
    '/config_dump?resource=dynamic_active_clusters',
    '/config_dump?resource=dynamic_listeners',
    '/config_dump?resource=dynamic_route_configs',
    '/config_dump?resource=static_secrets',
    '/config_dump?mask=bootstrap.node.id,bootstrap.node.cluster',
    '/config_dump?mask=bootstrap.admin',
    '/config_dump?include_eds&resource=static_endpoint_configs&name_regex=c0',
    '/config_dump?include_eds&resource=dynamic_endpoint_configs',
  ),
  ...asked(
    '/stats?filter=^server\\.(live|state|concurrency|hot_restart_epoch)$',
    '/stats?filter=^runtime\\.',
    '/stats?filter=^cluster_manager\\.',
    '/stats?filter=^listener_manager\\.(listener|total|workers)',
    '/stats?filter=^cluster\\.c0\\.membership',
    '/stats?filter=^cluster\\.c0\\.circuit_breakers',
    '/stats?filter=^cluster\\.c0\\.upstream_flow',
    '/stats?filter=^cluster\\.c0\\.lb_',
    '/stats?filter=^cluster\\.c1\\.upstream_(cx|rq)_[a-z_]*([^d]|[a-z]aded|yed)$&type=Counters',
    '/stats?filter=^http\\.in\\.passthrough',
    '/stats?filter=^http\\.in\\.tracing',
    '/stats?filter=^listener\\.[^a].*downstream&type=Gauges',
    '/stats?filter=^listener\\.[^a].*downstream&type=Counters',
    '/stats?filter=^cluster\\.c0&type=TextReadouts',
    '/stats?filter=cluster|http|listener|server|workers|main|filesystem|overload|vhost|http1&invert_filter',
    '/stats?filter=membership&format=json',
    '/stats?filter=membership&format=prometheus',
    '/stats/prometheus?filter=membership',
    '/stats/prometheus?filter=server.(live|state)$',
    '/stats/prometheus?filter=^runtime',
    '/stats/prometheus?filter=^listener\\.[^a].*no_filter_chain',
    '/stats?filter=http\\.in.*rq_time$&type=Histograms',
    '/stats?filter=http\\.in.*rq_time$&type=Histograms&format=json',
    '/stats?filter=http\\.in.*rq_time$&histogram_buckets=cumulative',
    '/stats?filter=http\\.in.*rq_time$&histogram_buckets=detailed',
    '/stats?filter=http\\.in.*rq_time$&histogram_buckets=disjoint&format=json',
    '/stats/prometheus?filter=http\\.in.*rq_time$',
  ),
];

const counted: readonly Case[] = [
  after(
    'one request, counted for the listener',
    [{}],
    '/stats?filter=^listener\\.[^a].*_(2xx|completed|total|active|destroy)$&usedonly',
  ),
  after(
    'one request, counted for the connection manager',
    [{}],
    '/stats?filter=^http\\.in\\..*_(2xx|completed|rq_total|cx_total|active)$',
  ),
  after(
    'one request, counted for the cluster',
    [{}],
    '/stats?filter=^cluster\\.c0\\.(upstream_rq|external)&type=Counters&usedonly',
  ),
  after(
    'a request that finds no route',
    [{ path: '/none' }],
    '/stats?filter=^http\\.in\\.(no_route|downstream_rq_4xx|rq_total)$',
  ),
  after(
    'a direct response',
    [{ path: '/direct' }],
    '/stats?filter=^http\\.in\\.(rq_direct_response|downstream_rq_2xx|rq_total)$',
  ),
  after('a redirect', [{ path: '/redirect' }], '/stats?filter=^http\\.in\\.(rq_redirect|downstream_rq_3xx|rq_total)$'),
  after(
    'an unknown cluster',
    [{ path: '/unknown' }],
    '/stats?filter=^http\\.in\\.(no_cluster|downstream_rq_5xx|rq_total)$',
  ),
  after(
    'codes as Prometheus labels',
    [{}, { path: '/none' }],
    '/stats/prometheus?filter=^(cluster\\.c0|http\\.in)\\..*_rq_([0-9]xx|200)$',
  ),
  after('labels of a listener', [{}], '/stats/prometheus?filter=^listener\\.[^a].*(2xx|cx_total|completed)$'),
  after(
    'used statistics of a cluster',
    [{}],
    '/stats?usedonly&filter=^cluster\\.c0\\.(upstream_(cx_(active|total|http1)|rq)|membership|circuit|default|warming)',
  ),
  after(
    'used statistics of a connection manager',
    [{}],
    '/stats?usedonly&filter=^http\\.in\\.(downstream_(cx_(active|http1|total)|rq)|rq_total)',
  ),
  after(
    'the backend refuses',
    [{ path: '/refused' }],
    '/stats?filter=^cluster\\.c1\\.upstream_(cx|rq)_[a-z_]*$&type=Counters&usedonly',
    '/clusters?filter=c1',
  ),
  after(
    'the backend resets',
    [{}],
    '/stats?filter=^cluster\\.c0\\.upstream_(cx_destroy|rq_(pending|rx|tx|503|5xx))[a-z_]*$&usedonly',
  ),
  after(
    'bytes of a request',
    [{ path: '/bytes', headers: { 'x-envoy-original-path': 'a' } }],
    '/stats?filter=^http\\.in\\.downstream_cx_rx_bytes_total$',
    '/stats?filter=^cluster\\.c0\\.upstream_cx_rx_bytes_total$',
  ),
  after(
    'a connection that the client asks to close',
    [{ headers: { connection: 'close' } }],
    '/stats?filter=^http\\.in\\.downstream_cx_(destroy|active|delayed)[a-z_]*$',
  ),
  after('hosts count', [{}, {}], '/clusters?filter=^c0$'),
  after('hosts count, as JSON', [{}], '/clusters?format=json&filter=^c0$'),
  {
    name: 'counters are reset',
    requests: [{}],
    settleMs: 60,
    admin: [
      'POST /reset_counters',
      '/stats?filter=^(cluster\\.c0|http\\.in)\\.(up|down)stream_(rq|cx)_total$',
      '/stats?filter=^cluster\\.c0\\.(membership_total|upstream_cx_active)$',
    ],
  },
].map((one) => (one.name === 'the backend resets' ? { ...one, backends: { 0: [{ end: 'reset' as const }] } } : one));

const withRoutes = (places: Places): Json =>
  simple(places, {
    routes: [
      toCluster('c1', {}, { prefix: '/refused' }),
      toCluster('cx', {}, { prefix: '/unknown' }),
      { match: { prefix: '/direct' }, direct_response: { status: 201, body: { inline_string: 'made' } } },
      { match: { prefix: '/redirect' }, redirect: { path_redirect: '/' } },
      { ...toCluster('c0', {}, { path: '/' }) },
      { ...toCluster('c0', {}, { path: '/bytes' }) },
    ],
    clusters: [cluster(places, 0), cluster(places, 1)],
  });

/** Routes to a cluster that is not there are refused where they are written in full, unless told otherwise. */
const lenient = (places: Places, more: Json = {}): Json => {
  const made = withRoutes(places);
  const resources = made['static_resources'] as { listeners: Json[] };
  const second = listener(places, 1, [
    manager(places, { stat_prefix: 'second', route_config: routeConfig([toCluster()], { name: 'second' }) }),
  ]);
  const text = JSON.stringify(resources.listeners).replace(
    '"name":"routes"',
    '"name":"routes","validate_clusters":false',
  );
  return { ...made, ...more, static_resources: { ...resources, listeners: [...JSON.parse(text), second] } };
};

const logged = 'POST /logging?';
const levels: readonly Case[] = asked(
  `${logged}level=error`,
  'POST /logging',
  `${logged}level=nope`,
  `${logged}level=debug`,
  `${logged}upstream=info`,
  `${logged}nope=info`,
  `${logged}upstream=nope`,
  `${logged}paths=upstream:info,config:error`,
  `${logged}paths=upstream:info,config:nope`,
  `${logged}paths=nope:info`,
  `${logged}level=info&upstream=info`,
  `${logged}level=warn`,
  `${logged}level=off`,
);

const health: readonly Case[] = [
  {
    name: 'failing health',
    requests: [],
    admin: ['POST /healthcheck/fail', '/ready', '/stats?filter=^server\\.live$'],
  },
  {
    name: 'connections close while health fails',
    requests: [{}],
    admin: ['/stats?filter=^http\\.in\\.downstream_cx_drain_close$'],
  },
  {
    name: 'passing again',
    requests: [],
    admin: ['POST /healthcheck/ok', '/ready', '/stats?filter=^server\\.live$'],
  },
  {
    name: 'connections stay open again',
    requests: [{}, {}],
    admin: ['/stats?filter=^http\\.in\\.downstream_cx_drain_close$'],
  },
];

const runtimeLayers = {
  layered_runtime: {
    layers: [
      {
        name: 'base',
        static_layer: { 'a.b': 5, c: { d: true, e: 'text' }, 'f.g': 2.5 },
      },
      { name: 'operator', admin_layer: {} },
    ],
  },
};

const runtime: readonly Case[] = [
  ...asked('/runtime', '/stats?filter=^runtime\\.(num|admin)'),
  { name: 'a value is changed', requests: [], admin: ['POST /runtime_modify?a.b=6', '/runtime'] },
  { name: 'a value is added', requests: [], admin: ['POST /runtime_modify?new=x&other=1', '/runtime'] },
  { name: 'a value is taken out', requests: [], admin: ['POST /runtime_modify?new=', '/runtime'] },
  { name: 'a value of a static layer cannot go', requests: [], admin: ['POST /runtime_modify?c.d=', '/runtime'] },
];

const draining: readonly Case[] = [
  { name: 'before', requests: [{}], admin: ['/ready'] },
  { name: 'gracefully, without end', requests: [], admin: ['POST /drain_listeners?graceful&skip_exit', '/ready'] },
  { name: 'listeners stop', requests: [], admin: ['POST /drain_listeners', '/ready', '/listeners'] },
];

const named = (places: Places): Json =>
  simple(places, {
    listener: { stat_prefix: 'front' },
    clusters: [cluster(places, 0, [0], { alt_stat_name: 'alt:name' })],
    manager: { stat_prefix: 'my:prefix' },
  });

const tcp = (places: Places): Json => ({
  node: { id: 'conformance', cluster: 'conformance' },
  admin: { address: socketAddress(places.host, places.admin) },
  static_resources: {
    listeners: [
      listener(places, 0, [
        {
          name: 'tcp',
          typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
            stat_prefix: 'pipe',
            cluster: 'c0',
          }),
        },
      ]),
    ],
    clusters: [cluster(places, 0)],
  },
});

const configured = (places: Places, stats_config: Json): Json => ({ ...simple(places, {}), stats_config });

const shaped: readonly Scenario[] = [
  {
    feature: 'stats',
    name: 'own tags',
    bootstrap: (places) =>
      configured(places, {
        stats_tags: [
          { tag_name: 'place', fixed_value: 'here' },
          { tag_name: 'who', regex: '^http(?:\\.)((.+?)\\.)downstream' },
          { tag_name: 'kind', regex: '_(rq)_total$' },
        ],
      }),
    stats: false,
    cases: [
      after(
        'in Prometheus',
        [{}],
        '/stats/prometheus?filter=^(http\\.in|cluster\\.c0)\\..*(rq_total|_2xx|membership_total)$',
      ),
      after('names in text stay whole', [{}], '/stats?filter=^(http\\.in|cluster\\.c0)\\..*rq_total$'),
    ],
  },
  {
    feature: 'stats',
    name: 'no default tags',
    bootstrap: (places) => configured(places, { use_all_default_tags: false }),
    stats: false,
    cases: [
      after(
        'in Prometheus',
        [{}],
        '/stats/prometheus?filter=^(http\\.in|cluster\\.c0)\\..*(rq_total|_2xx|membership_total)$',
      ),
    ],
  },
  {
    feature: 'stats',
    name: 'an exclusion list',
    bootstrap: (places) =>
      configured(places, {
        stats_matcher: {
          exclusion_list: {
            patterns: [{ prefix: 'cluster.' }, { suffix: '_total' }, { safe_regex: { regex: 'http\\.in\\.no_.*' } }],
          },
        },
      }),
    stats: false,
    cases: asked('/stats?filter=^(http\\.in|cluster\\.c0)\\..*(rq_total|no_route|membership_total|rq_active)$'),
  },
  {
    feature: 'stats',
    name: 'an inclusion list',
    bootstrap: (places) =>
      configured(places, {
        stats_matcher: { inclusion_list: { patterns: [{ contains: 'membership' }, { exact: 'server.live' }] } },
      }),
    stats: false,
    cases: asked('/stats', '/stats/prometheus', '/stats?format=json'),
  },
  {
    feature: 'stats',
    name: 'nothing at all',
    bootstrap: (places) => configured(places, { stats_matcher: { reject_all: true } }),
    stats: false,
    cases: asked('/stats', '/stats/prometheus', '/stats?format=json'),
  },
  {
    feature: 'stats',
    name: 'buckets of its own',
    bootstrap: (places) =>
      configured(places, {
        histogram_bucket_settings: [{ match: { suffix: 'rq_time' }, buckets: [1, 100.5, 1000000] }],
      }),
    stats: false,
    cases: asked(
      '/stats?filter=http\\.in.*(rq_time|length_ms)$&histogram_buckets=cumulative',
      '/stats/prometheus?filter=http\\.in.*(rq_time|length_ms)$',
    ),
  },
];

export const scenarios: readonly Scenario[] = [
  ...shaped,
  { feature: 'admin', name: 'refusals', bootstrap: (places) => lenient(places), stats: false, cases: usage },
  { feature: 'admin', name: 'what there is', bootstrap: (places) => lenient(places), stats: false, cases: names },
  {
    feature: 'stats',
    name: 'what traffic counts',
    backends: ['http', 'closed'],
    bootstrap: (places) => lenient(places),
    cases: counted,
  },
  { feature: 'admin', name: 'log levels', bootstrap: (places) => simple(places, {}), stats: false, cases: levels },
  {
    feature: 'admin',
    name: 'health',
    bootstrap: (places) => simple(places, {}),
    flags: ['--drain-strategy', 'immediate'],
    cases: health,
  },
  {
    feature: 'admin',
    name: 'health, for a listener that drains on change only',
    bootstrap: (places) => simple(places, { listener: { drain_type: 'MODIFY_ONLY' } }),
    cases: health,
  },
  {
    feature: 'admin',
    name: 'runtime',
    bootstrap: (places) => lenient(places, runtimeLayers),
    stats: false,
    cases: runtime,
  },
  { feature: 'admin', name: 'draining', bootstrap: (places) => simple(places, {}), stats: false, cases: draining },
  {
    feature: 'stats',
    name: 'names and prefixes',
    bootstrap: named,
    stats: false,
    cases: [
      after(
        'a prefix for the listener',
        [{}],
        '/stats?filter=^listener\\.front&usedonly&type=Counters',
        '/stats/prometheus?filter=^listener\\.front.*total$',
      ),
      after(
        'another name for the cluster',
        [{}],
        '/stats?filter=^cluster\\.alt.*rq_2xx$',
        '/stats/prometheus?filter=^cluster\\.alt.*rq_2xx$',
        '/clusters?filter=c0',
      ),
      after(
        'a prefix with a colon',
        [{}],
        '/stats?filter=^http\\.my.*rq_2xx$',
        '/stats/prometheus?filter=^http\\.my.*rq_2xx$',
      ),
    ],
  },
  {
    feature: 'stats',
    name: 'TCP proxy',
    backends: ['echo'],
    bootstrap: tcp,
    stats: false,
    cases: [
      {
        name: 'bytes both ways',
        tcp: true,
        steps: [{ send: 'hello' }, { awaitBytes: 5 }, { do: 'close' }],
        settleMs: 100,
        without: ['log'],
        admin: [
          '/stats?filter=^tcp\\.pipe.*(total|route|close|timeout|duration|active)$',
          '/stats/prometheus?filter=^tcp\\.pipe.*total$',
          '/stats?filter=^cluster\\.c0\\.upstream_cx_(total|http1_total|active|[rt]x_bytes_total|connect_fail)$',
        ],
      },
    ],
  },
];
