import { bootstrap, cluster, endpoint, fileLog, listener, typed } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const format =
  '%ACCESS_LOG_TYPE% %RESPONSE_FLAGS% %CONNECTION_TERMINATION_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"\n';

/** What the TCP proxy says besides its `stat_prefix` and access log. */
const tcpProxy = (places: Places, config: Json): Json => ({
  name: 'tcp',
  typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 'tcp',
    access_log: [fileLog(places, format)],
    ...(config['weighted_clusters'] ? {} : { cluster: 'echo' }),
    ...config,
  }),
});

interface Row {
  readonly name: string;
  readonly config: Json;
  readonly cases: Readonly<Record<string, Omit<Case, 'name'>>>;
}

const echo: Omit<Case, 'name'> = { steps: [{ send: 'hello' }, { awaitBytes: 5 }, { do: 'halfClose' }, { sleep: 50 }] };
const waits = (sleep: number): Omit<Case, 'name'> => ({ steps: [{ sleep }], settleMs: 20 });
const talksAndWaits = (sleep: number): Omit<Case, 'name'> => ({
  steps: [{ send: 'hello' }, { awaitBytes: 5 }, { sleep }],
  settleMs: 20,
});
/** Nothing is answered. */
const speaksFor = (sleep: number): Omit<Case, 'name'> => ({
  steps: [{ send: 'hello' }, { sleep }],
  settleMs: 20,
  without: ['fate'],
});
const fromSeveral = Object.fromEntries(
  ['127.9.9.1', '127.9.9.2', '127.9.9.3', '127.9.9.4'].map((from) => [from, { ...echo, from }]),
);
const weighted = (...clusters: Json[]): Json => ({ weighted_clusters: { clusters } });
const inZone = (zone: string): Json => ({ metadata_match: { filter_metadata: { 'envoy.lb': { zone } } } });

const rows: readonly Row[] = [
  { name: 'plain', config: {}, cases: { echo, waits: waits(30) } },
  { name: 'no such cluster', config: { cluster: 'none' }, cases: { speaks: speaksFor(30) } },
  { name: 'an empty cluster', config: { cluster: 'empty' }, cases: { speaks: speaksFor(30) } },
  { name: 'nobody listens', config: { cluster: 'closed' }, cases: { speaks: speaksFor(30) } },
  {
    name: 'nobody listens, tried twice',
    config: { cluster: 'closed', max_connect_attempts: 2 },
    cases: { speaks: speaksFor(30) },
  },
  {
    name: 'nobody listens, tried five times',
    config: { cluster: 'closed', max_connect_attempts: 5 },
    cases: { speaks: speaksFor(30) },
  },
  {
    name: 'one of two listens',
    config: { cluster: 'half', max_connect_attempts: 3 },
    cases: { echo: { ...echo, without: ['log', 'stats'] }, again: { ...echo, without: ['log', 'stats'] } },
  },
  {
    name: 'nobody listens, with pauses',
    config: {
      cluster: 'closed',
      max_connect_attempts: 3,
      backoff_options: { base_interval: '0.001s', max_interval: '0.002s' },
    },
    cases: { speaks: speaksFor(80) },
  },
  {
    name: 'nobody listens, with a long pause',
    config: {
      cluster: 'closed',
      max_connect_attempts: 2,
      backoff_options: { base_interval: '100s', max_interval: '100s' },
    },
    cases: {
      'the client leaves': { steps: [{ sleep: 30 }, { do: 'close' }], settleMs: 50 },
      'the client resets': { steps: [{ sleep: 30 }, { do: 'reset' }], settleMs: 50 },
    },
  },
  {
    name: 'idle for a moment',
    config: { idle_timeout: '0.1s' },
    cases: { waits: waits(200), talks: talksAndWaits(200) },
  },
  { name: 'never idle', config: { idle_timeout: '0s' }, cases: { waits: waits(60), echo } },
  {
    name: 'a short life',
    config: { max_downstream_connection_duration: '0.1s' },
    cases: { waits: waits(200), talks: talksAndWaits(200), echo },
  },
  {
    name: 'a short life, more or less',
    config: {
      max_downstream_connection_duration: '0.1s',
      max_downstream_connection_duration_jitter_percentage: { value: 10 },
    },
    cases: { waits: waits(250) },
  },
  { name: 'a long life', config: { max_downstream_connection_duration: '100s' }, cases: { echo } },
  {
    name: 'logs when it begins',
    config: { access_log_options: { flush_access_log_on_start: true } },
    cases: { echo, waits: waits(30) },
  },
  {
    name: 'logs when it is connected',
    config: { access_log_options: { flush_access_log_on_connected: true } },
    cases: { echo, waits: waits(30) },
  },
  {
    name: 'logs all it can',
    config: {
      access_log_options: {
        flush_access_log_on_start: true,
        flush_access_log_on_connected: true,
        access_log_flush_interval: '100s',
      },
    },
    cases: { echo },
  },
  {
    name: 'logs when nobody listens',
    config: {
      cluster: 'closed',
      access_log_options: { flush_access_log_on_start: true, flush_access_log_on_connected: true },
    },
    cases: { speaks: speaksFor(30) },
  },
  {
    name: 'logs now and then',
    config: { access_log_options: { access_log_flush_interval: '0.4s' } },
    cases: { talks: talksAndWaits(600) },
  },
  {
    name: 'logs when it is connected, the old way',
    config: { flush_access_log_on_connected: true },
    cases: { echo },
  },
  {
    name: 'logs now and then, the old way',
    config: { access_log_flush_interval: '0.4s' },
    cases: { talks: talksAndWaits(600) },
  },
  { name: 'a weighted cluster', config: weighted({ name: 'echo', weight: 1 }), cases: { echo } },
  {
    name: 'one of weight',
    config: weighted({ name: 'none', weight: 1 }, { name: 'echo', weight: 100000000 }),
    cases: { echo },
  },
  { name: 'a subset', config: { cluster: 'zones', ...inZone('a') }, cases: { echo } },
  {
    name: 'a subset that is not there',
    config: { cluster: 'zones', ...inZone('z') },
    cases: { speaks: speaksFor(30) },
  },
  {
    name: 'a subset of a weighted cluster',
    config: weighted({ name: 'zones', weight: 1, ...inZone('a') }),
    cases: { echo },
  },
  {
    name: 'another subset of a weighted cluster',
    config: { ...weighted({ name: 'zones', weight: 1, ...inZone('a') }), ...inZone('z') },
    cases: { echo },
  },
  {
    name: 'all of a subset of a weighted cluster',
    config: { ...weighted({ name: 'zones', weight: 1 }), ...inZone('z') },
    cases: { speaks: speaksFor(30) },
  },
  { name: 'hashes of addresses', config: { cluster: 'ring', hash_policy: [{ source_ip: {} }] }, cases: fromSeveral },
  {
    name: 'hashes of what is not there',
    config: { hash_policy: [{ filter_state: { key: 'x' } }] },
    cases: { echo },
  },
  {
    name: 'connects at once',
    config: { upstream_connect_mode: 'IMMEDIATE' },
    cases: { echo, waits: waits(30) },
  },
  {
    name: 'connects with data',
    config: { upstream_connect_mode: 'ON_DOWNSTREAM_DATA', max_early_data_bytes: 100 },
    cases: {
      echo,
      waits: waits(50),
      'the client leaves': { steps: [{ sleep: 30 }, { do: 'close' }], settleMs: 50 },
      'the client ends': { steps: [{ sleep: 30 }, { do: 'halfClose' }, { sleep: 50 }] },
      'more than is kept': {
        steps: [{ send: 'x'.repeat(300) }, { awaitBytes: 300 }, { do: 'halfClose' }, { sleep: 50 }],
      },
    },
  },
  {
    name: 'connects with data, nobody listens',
    config: { cluster: 'closed', upstream_connect_mode: 'ON_DOWNSTREAM_DATA', max_early_data_bytes: 100 },
    cases: { speaks: speaksFor(30) },
  },
  {
    name: 'connects with data, for a moment',
    config: { idle_timeout: '0.1s', upstream_connect_mode: 'ON_DOWNSTREAM_DATA', max_early_data_bytes: 100 },
    cases: { waits: waits(200) },
  },
  {
    name: 'early data',
    config: { max_early_data_bytes: 100 },
    cases: { echo: { ...echo, without: ['stats'] }, waits: waits(30) },
  },
  { name: 'connections of a short life', config: { cluster: 'short-lived' }, cases: { waits: talksAndWaits(200) } },
  { name: 'connections for one request', config: { cluster: 'used-once' }, cases: { echo } },
];

const limitedConnections = (common: Json): Json => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      { explicit_http_config: { http_protocol_options: {} }, common_http_protocol_options: common },
    ),
  },
});

const table: Scenario = {
  feature: 'TCP proxy',
  name: 'options',
  backends: ['echo', 'closed', 'echo'],
  stats: [/^tcp\./, /connect_attempts/, /upstream_cx_(connect_fail|none_healthy|max_)/],
  bootstrap: (places) =>
    bootstrap(
      places,
      rows.map(({ config }, index) => listener(places, index, [tcpProxy(places, config)])),
      [
        { ...cluster(places, 0), name: 'echo' },
        { ...cluster(places, 1), name: 'closed' },
        { ...cluster(places, 0, [0, 1]), name: 'half' },
        { ...cluster(places, 0, []), name: 'empty' },
        { ...cluster(places, 0, [0], limitedConnections({ max_connection_duration: '0.1s' })), name: 'short-lived' },
        { ...cluster(places, 0, [0], limitedConnections({ max_requests_per_connection: 1 })), name: 'used-once' },
        {
          ...cluster(places, 0, [], { lb_policy: 'RING_HASH' }),
          name: 'ring',
          load_assignment: {
            cluster_name: 'ring',
            endpoints: [
              {
                lb_endpoints: [0, 2].map((backend) =>
                  endpoint(places, backend, {
                    metadata: { filter_metadata: { 'envoy.lb': { hash_key: `key ${backend}` } } },
                  }),
                ),
              },
            ],
          },
        },
        {
          ...cluster(places, 0, [], {
            lb_subset_config: { fallback_policy: 'NO_FALLBACK', subset_selectors: [{ keys: ['zone'] }] },
          }),
          name: 'zones',
          load_assignment: {
            cluster_name: 'zones',
            endpoints: [
              {
                lb_endpoints: ['b', 'a', 'c'].map((zone) =>
                  endpoint(places, zone === 'a' ? 0 : 1, { metadata: { filter_metadata: { 'envoy.lb': { zone } } } }),
                ),
              },
            ],
          },
        },
      ],
    ),
  cases: rows.flatMap((row, index) =>
    Object.entries(row.cases).map(([what, one]) => ({
      tcp: true,
      ...one,
      name: `${row.name}: ${what}`,
      listener: index,
    })),
  ),
};

const refusals: readonly (readonly [string, Json])[] = [
  ['no stat_prefix', { stat_prefix: '' }],
  ['no cluster', { cluster: undefined }],
  ['no attempts', { max_connect_attempts: 0 }],
  ['too short a life', { max_downstream_connection_duration: '0.0001s' }],
  ['weights that are 0', weighted({ name: 'echo', weight: 0 })],
  ['no weights', weighted({ name: 'echo' })],
  ['no weighted clusters', weighted()],
  ['a short flush interval', { access_log_options: { access_log_flush_interval: '0.0001s' } }],
  [
    'log options and the old ones',
    { access_log_options: { flush_access_log_on_start: true }, flush_access_log_on_connected: true },
  ],
  ['a pause without a base', { backoff_options: { max_interval: '1s' } }],
  ['a pause that shrinks', { backoff_options: { base_interval: '2s', max_interval: '1s' } }],
  ['two hash policies', { hash_policy: [{ source_ip: {} }, { source_ip: {} }] }],
  ['an empty hash policy', { hash_policy: [{}] }],
  ['data without a limit', { upstream_connect_mode: 'ON_DOWNSTREAM_DATA' }],
  ['a mode that is none', { upstream_connect_mode: 'NEVER' }],
  ['a jitter of more than all', { max_downstream_connection_duration_jitter_percentage: { value: 101 } }],
];

export const scenarios: readonly Scenario[] = [
  table,
  ...refusals.map(
    ([name, config]): Scenario => ({
      feature: 'TCP proxy',
      name: `refusal: ${name}`,
      validateOnly: true,
      bootstrap: (places) =>
        bootstrap(places, [listener(places, 0, [tcpProxy(places, config)])], [{ ...cluster(places, 0), name: 'echo' }]),
      cases: [],
    }),
  ),
];
