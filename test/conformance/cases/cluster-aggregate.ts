import { assignment, group } from '../clusters.ts';
import { endpoint, routeConfig, simple, toCluster, typed } from '../config.ts';
import { edsCluster, plainListener, type Script, scripted } from '../discovery.ts';
import type { Behaviour, Case, Json, Places, Request, Scenario } from '../types.ts';

const AGGREGATE = 'envoy.extensions.clusters.aggregate.v3.ClusterConfig';

const aggregate = (clusters: readonly string[], more: Json = {}): Json => ({
  connect_timeout: '1s',
  lb_policy: 'CLUSTER_PROVIDED',
  cluster_type: { name: 'envoy.clusters.aggregate', typed_config: typed(AGGREGATE, { clusters }) },
  ...more,
});

/** Endpoints of a member: how many are healthy, degraded and unhealthy, all at the same backend; `null`: the locality has none. */
type Healths = readonly [healthy: number, degraded?: number, unhealthy?: number];

interface Member {
  readonly backend: number;
  /** By priority. */
  readonly healths?: readonly Healths[];
  readonly more?: Json;
  readonly policy?: Json;
}

const states = ['HEALTHY', 'DEGRADED', 'UNHEALTHY'] as const;

function memberCluster(places: Places, name: string, { backend, healths = [[1]], more = {}, policy }: Member): Json {
  const groups = healths.map((counts, priority) =>
    group(
      counts.flatMap((count = 0, state) =>
        Array.from({ length: count }, () => endpoint(places, backend, { health_status: states[state] })),
      ),
      { priority },
    ),
  );
  return {
    name,
    connect_timeout: '1s',
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    ...assignment(groups, policy),
    ...more,
  };
}

interface AggregateCase {
  readonly name: string;
  /** They are called `m<case>a`, `m<case>b`... */
  readonly members: readonly Member[];
  /** What stands in `clusters`, by the members' letters; default all of them in order. */
  readonly order?: readonly string[];
  readonly own?: Json;
  readonly route?: Json;
  readonly play?: Partial<Case>;
}

const letters = 'abcd';

function aggregates(about: Omit<Scenario, 'bootstrap' | 'cases'>, list: readonly AggregateCase[]): Scenario {
  const nameOf = (index: number, letter: string): string => (letter.length === 1 ? `m${index}${letter}` : letter);
  return {
    backends: ['http', 'http', 'http', 'closed', 'echo'],
    stats: [
      /^cluster\.m\d+[a-d]\.upstream_(rq_(total|completed|2xx|5xx|503|504|timeout|retry.*|pending_overflow|pending_total|cancelled|rx_reset|tx_reset|max_duration_reached)|cx_(total|connect_fail|none_healthy|overflow|pool_overflow|rx_bytes_total))$/,
      /^cluster\.[cm]\d+[a-d]?\.(lb_healthy_panic|external\.upstream_rq_\d+|outlier_detection\.ejections_.*|membership_.*|retry_or_shadow_abandoned)$/,
      /^cluster\.[cm]\d+[a-d]?\.circuit_breakers\.default\..*_open$/,
    ],
    ...about,
    bootstrap: (places) =>
      simple(places, {
        routes: list.map((one, index) => toCluster(`c${index}`, one.route ?? {}, { prefix: `/${index}/` })),
        clusters: list.flatMap(({ members, order, own }, index) => [
          {
            name: `c${index}`,
            ...aggregate(
              (order ?? [...letters.slice(0, members.length)]).map((letter) => nameOf(index, letter)),
              own,
            ),
          },
          ...members.map((one, at) => memberCluster(places, nameOf(index, letters[at] ?? ''), one)),
        ]),
      }),
    cases: list.map(({ name, play }, index): Case => {
      const at = (request: Request | string): Request | string =>
        typeof request === 'string' ? request : { ...request, path: `/${index}${request.path ?? '/'}` };
      const requests = (play?.requests ?? [{}]).map(at);
      return { name, ...play, requests };
    }),
  };
}

const shares: Partial<Case> = { repeat: 24, tolerance: 0.09, requests: new Array<Request>(25).fill({}) };
const of = (backend: number, ...healths: readonly Healths[]): Member => ({ backend, healths });
const reply = (status: number): Behaviour => ({ raw: `HTTP/1.1 ${status} Any\r\ncontent-length: 0\r\n\r\n` });

const retrying = (retries: number, more: Json = {}): Json => ({
  retry_policy: {
    retry_on: '5xx',
    num_retries: retries,
    retry_back_off: { base_interval: '0.001s', max_interval: '0.001s' },
    ...more,
  },
});
const priorities = (update_frequency: number): Json => ({
  retry_priority: {
    name: 'priorities',
    typed_config: typed('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', {
      update_frequency,
    }),
  },
});
const otherHosts: Json = {
  retry_host_predicate: [
    {
      name: 'hosts',
      typed_config: typed('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate'),
    },
  ],
  host_selection_retry_max_attempts: 3,
};
const failing = { 0: [reply(503), reply(503), reply(503), reply(503)] };
const allFailing = { ...failing, 1: failing[0], 2: failing[0] };
const breaker = (thresholds: Json): Json => ({ circuit_breakers: { thresholds: [thresholds] } });
const http2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      {
        explicit_http_config: { http_protocol_options: {} },
        common_http_protocol_options: { max_requests_per_connection: 1 },
      },
    ),
  },
};
const panic = (value: number): Json => ({ common_lb_config: { healthy_panic_threshold: { value } } });

const given = (places: Places, name: string, backend: number, health = 'HEALTHY'): Json => ({
  cluster_name: `service-${name}`,
  endpoints: [{ lb_endpoints: [endpoint(places, backend, { health_status: health })] }],
});
const top = { name: 'top', ...aggregate(['a', 'b']) };
const eager = { common_lb_config: { update_merge_window: '0s' } };
const listening = (places: Places): { readonly listeners: readonly Json[] } => ({
  listeners: [
    plainListener(places, 0, 'top', { route_config: routeConfig([toCluster('top')], { validate_clusters: false }) }),
  ],
});
const clusters = (version: string, ...names: readonly string[]): Script['steps'][number] => ({
  send: 'cluster',
  version,
  resources: () => [top, ...names.map((name) => edsCluster(name, eager))],
});
/** Members with endpoints of their own, which nothing has to be waited for: `a` at backend 0, `b` at 1. */
const fixed = (
  version: string,
  names: readonly string[],
  removed: readonly string[] = [],
): Script['steps'][number] => ({
  send: 'cluster',
  version,
  removed,
  resources: (places) => [top, ...names.map((name) => memberCluster(places, name, { backend: name === 'a' ? 0 : 1 }))],
});
const endpoints = (version: string, resources: (places: Places) => readonly Json[]): Script['steps'][number] => ({
  send: 'endpoint',
  version,
  resources,
});

const scripts: readonly Script[] = [
  {
    name: 'aggregate: members come and go',
    own: listening,
    forms: ['sotw', 'delta'],
    steps: [
      fixed('1', []),
      { sleep: 300 },
      { get: '/none' },
      fixed('2', ['b']),
      { sleep: 200 },
      { get: '/second' },
      fixed('3', ['a', 'b']),
      { sleep: 200 },
      { get: '/first' },
      fixed('4', ['b'], ['a']),
      { sleep: 200 },
      { get: '/second-again' },
      fixed('5', [], ['b']),
      { sleep: 200 },
      { get: '/none-again' },
      fixed('6', ['a']),
      { sleep: 200 },
      { get: '/first-again' },
    ],
  },
  {
    name: 'aggregate: members change their health',
    own: listening,
    forms: ['sotw'],
    steps: [
      clusters('1', 'a', 'b'),
      endpoints('1', (places) => [given(places, 'a', 0), given(places, 'b', 1)]),
      { sleep: 300 },
      { get: '/first' },
      endpoints('2', (places) => [given(places, 'a', 0, 'UNHEALTHY'), given(places, 'b', 1)]),
      { sleep: 200 },
      { get: '/second' },
      endpoints('3', (places) => [given(places, 'a', 0, 'DEGRADED'), given(places, 'b', 1)]),
      { sleep: 200 },
      { get: '/healthy-before-degraded' },
      endpoints('4', (places) => [given(places, 'a', 0, 'DEGRADED'), given(places, 'b', 1, 'UNHEALTHY')]),
      { sleep: 200 },
      { get: '/degraded' },
      endpoints('5', (places) => [given(places, 'a', 2), given(places, 'b', 1)]),
      { sleep: 200 },
      { get: '/another' },
    ],
  },
  {
    name: 'aggregate: its list changes',
    own: listening,
    forms: ['sotw'],
    steps: [
      clusters('1', 'a', 'b'),
      endpoints('1', (places) => [given(places, 'a', 0), given(places, 'b', 1)]),
      { sleep: 300 },
      { get: '/first' },
      {
        send: 'cluster',
        version: '2',
        resources: () => [
          { name: 'top', ...aggregate(['b', 'a']) },
          ...['a', 'b'].map((name) => edsCluster(name, eager)),
        ],
      },
      { sleep: 200 },
      { get: '/other-order' },
    ],
  },
];

/** Options with a filter of the cluster that adds a header to its requests. */
const filtered = (value: string): Json => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      {
        explicit_http_config: { http_protocol_options: {} },
        http_filters: [
          {
            name: 'mutation',
            typed_config: typed('envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', {
              mutations: { request_mutations: [{ append: { header: { key: 'x-filtered', value } } }] },
            }),
          },
          {
            name: 'codec',
            typed_config: typed('envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'),
          },
        ],
      },
    ),
  },
});

const longest = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      {
        explicit_http_config: { http_protocol_options: {} },
        common_http_protocol_options: { max_stream_duration: '0.1s' },
      },
    ),
  },
};

/** A scenario that asks only whether the configuration is accepted. */
const check = (name: string, clusters: (places: Places) => readonly Json[]): Scenario => ({
  feature: 'aggregate clusters',
  name: `aggregate configuration: ${name}`,
  validateOnly: true,
  cases: [],
  bootstrap: (places) => simple(places, { clusters: clusters(places) }),
});

const plain = (places: Places): Json => memberCluster(places, 'm', { backend: 0 });
const alone = (config: Json): ((places: Places) => readonly Json[]) => {
  return (places) => [{ name: 'c0', ...config }, plain(places)];
};

export const scenarios: readonly Scenario[] = [
  aggregates({ feature: 'aggregate clusters', name: 'aggregate' }, [
    { name: 'one member', members: [of(0, [1])] },
    { name: 'the first of two', members: [of(0, [1]), of(1, [1])] },
    { name: 'in the order of the list', members: [of(0, [1]), of(1, [1])], order: ['b', 'a'] },
    { name: 'the second where the first is unhealthy', members: [of(0, [0, 0, 1]), of(1, [1])] },
    { name: 'the second where the first has no hosts', members: [{ backend: 0, healths: [] }, of(1, [1])] },
    { name: 'a member that is not there', members: [of(0, [1])], order: ['none', 'a'] },
    { name: 'no member is there', members: [], order: ['none', 'other'] },
    { name: 'no member has hosts', members: [{ backend: 0, healths: [] }] },
    { name: 'a member twice', members: [of(0, [1])], order: ['a', 'a'] },
    { name: 'itself', members: [of(0, [1])], order: ['c8', 'a'] },
    { name: 'another aggregate is passed over', members: [of(1, [1])], order: ['c0', 'a'] },
    { name: 'another aggregate alone', members: [], order: ['c0'] },
    { name: 'a degraded member before a healthy one', members: [of(0, [0, 1]), of(1, [1])] },
    { name: 'degraded members alone', members: [of(0, [0, 1]), of(1, [0, 1])] },
    {
      name: 'all unhealthy',
      members: [of(0, [0, 0, 1]), of(0, [0, 0, 1])],
      own: panic(0),
    },
    { name: 'all unhealthy, in panic', members: [of(0, [0, 0, 1]), of(0, [0, 0, 1])] },
    {
      name: 'a member in panic by itself',
      members: [{ backend: 0, healths: [[0, 0, 1]], more: panic(50) }],
    },
    {
      name: 'a member in panic by itself, not the aggregate',
      members: [{ backend: 0, healths: [[0, 0, 1]], more: panic(50) }],
      own: panic(0),
    },
    { name: 'priorities of members in one line', members: [of(0, [0, 0, 1], [1]), of(1, [1])] },
    { name: 'a priority without hosts is left out', members: [of(0, [0], [1]), of(1, [1])] },
    { name: 'its own stat name', members: [of(0, [1])], own: { alt_stat_name: 'c20' } },
    { name: 'limits of the aggregate do not hold', members: [of(0, [1])], own: breaker({ max_requests: 0 }) },
    { name: 'limits of a member hold: requests', members: [{ backend: 0, more: breaker({ max_requests: 0 }) }] },
    {
      name: 'limits of a member hold: pending requests',
      members: [{ backend: 0, more: breaker({ max_pending_requests: 0 }) }, of(1, [1])],
    },
    {
      name: 'limits of a member hold: connections',
      members: [{ backend: 0, more: breaker({ max_connections: 0 }) }],
    },
    {
      name: 'limits of a member hold: pools',
      members: [{ backend: 0, more: breaker({ max_connection_pools: 0 }) }],
    },
    { name: 'options of a member hold', members: [{ backend: 0, more: http2 }], play: { requests: [{}, {}] } },
    { name: 'options of the aggregate do not hold', members: [of(0, [1])], own: http2, play: { requests: [{}, {}] } },
    { name: 'nobody listens', members: [of(3, [1]), of(1, [1])] },
    { name: 'nobody listens, tried again', members: [of(3, [1]), of(1, [1])], route: retrying(2) },
    {
      name: 'retries stay with the first',
      members: [of(0, [1]), of(1, [1])],
      route: retrying(2),
      play: { backends: failing },
    },
    {
      name: 'retries leave tried priorities out',
      members: [of(0, [1]), of(1, [1]), of(2, [1])],
      route: retrying(3, priorities(1)),
      play: { backends: allFailing },
    },
    {
      name: 'retries leave tried priorities out, each second',
      members: [of(0, [1]), of(1, [1]), of(2, [1])],
      route: retrying(4, priorities(2)),
      play: { backends: allFailing },
    },
    {
      name: 'retries leave tried priorities out, within a member',
      members: [of(0, [1], [1]), of(1, [1])],
      route: retrying(2, priorities(1)),
      play: { backends: allFailing },
    },
    {
      name: 'retries at hosts not tried yet',
      members: [of(0, [1]), of(1, [1])],
      route: retrying(2, otherHosts),
      play: { backends: failing },
    },
    {
      name: 'retries count at the aggregate',
      members: [of(0, [1])],
      own: breaker({ max_retries: 0 }),
      route: retrying(2),
      play: { backends: failing },
    },
    {
      name: 'retries of a member are not limited',
      members: [{ backend: 0, more: breaker({ max_retries: 0 }) }],
      route: retrying(2),
      play: { backends: failing },
    },
    {
      name: 'too slow',
      members: [of(0, [1])],
      route: { timeout: '0.2s' },
      play: { backends: { 0: ['hang'] } },
    },
    {
      name: 'too slow, each attempt',
      members: [of(0, [1]), of(1, [1])],
      route: retrying(1, { per_try_timeout: '0.1s', retry_on: '5xx' }),
      play: { backends: { 0: ['hang', 'hang'] } },
    },
    {
      name: 'a stream too long by the aggregate',
      members: [of(0, [1])],
      own: longest,
      play: { backends: { 0: ['hang'] }, timeoutMs: 600 },
      route: { timeout: '0.4s' },
    },
    {
      name: 'a stream too long by the member',
      members: [{ backend: 0, more: longest }],
      play: { backends: { 0: ['hang'] } },
      route: { timeout: '0.4s' },
    },
    {
      name: 'hedged attempts',
      members: [of(0, [1]), of(1, [1])],
      route: {
        ...retrying(1, { per_try_timeout: '0.1s', retry_on: '5xx' }),
        hedge_policy: { hedge_on_per_try_timeout: true },
      },
      play: { backends: { 0: ['hang'] } },
    },
    {
      name: 'a mirror of it',
      members: [of(0, [1])],
      route: { request_mirror_policies: [{ cluster: 'c0' }] },
      play: { sideBySide: true },
    },
    {
      name: 'a stat name of the request',
      members: [of(0, [1])],
      play: { requests: [{ headers: { 'x-envoy-upstream-alt-stat-name': 'alt' } }] },
    },
    {
      name: 'outlier detection of a member',
      members: [
        {
          backend: 0,
          more: {
            outlier_detection: { consecutive_5xx: 1, max_ejection_percent: 100, interval: '60s' },
            common_lb_config: { update_merge_window: '0s', healthy_panic_threshold: { value: 0 } },
          },
        },
        of(1, [1]),
      ],
      play: { requests: [{}, {}], backends: { 0: [reply(500)] } },
    },
    {
      name: 'outlier detection of the aggregate does nothing',
      members: [of(0, [1]), of(1, [1])],
      own: { outlier_detection: { consecutive_5xx: 1, max_ejection_percent: 100, interval: '60s' } },
      play: { requests: [{}, {}], backends: { 0: [reply(500)] } },
    },
    {
      name: 'ring hash in a member',
      members: [{ backend: 0, more: { lb_policy: 'RING_HASH' } }, of(1, [1])],
      route: { hash_policy: [{ header: { header_name: 'x-key' } }] },
      play: { requests: [{ headers: { 'x-key': 'a' } }] },
    },
    {
      name: 'Maglev in a second priority of a member',
      members: [{ backend: 0, healths: [[0, 0, 1], [1]], more: { lb_policy: 'MAGLEV' } }, of(1, [1])],
    },
    { name: 'host name of the endpoint', members: [of(0, [1])], route: { auto_host_rewrite: true } },
    {
      name: 'filters of the aggregate are run',
      members: [of(0, [1])],
      own: filtered('top'),
    },
    {
      name: 'filters of a member are not run',
      members: [{ backend: 0, more: filtered('member') }],
    },
    {
      name: 'its statistics',
      members: [of(0, [1]), of(1, [1])],
      play: { admin: ['/clusters?filter=cluster.x'], requests: [{}, {}, {}] },
    },
  ]),
  aggregates({ feature: 'aggregate clusters', name: 'aggregate: shares', backends: ['http', 'http', 'http', 'http'] }, [
    { name: 'half of the first healthy', members: [of(0, [1, 0, 1]), of(1, [1])], play: shares },
    { name: 'a quarter of each healthy', members: [of(0, [1, 0, 3]), of(1, [1, 0, 3]), of(2, [1])], play: shares },
    { name: 'less than all available', members: [of(0, [1, 0, 4]), of(1, [1, 0, 4])], own: panic(0), play: shares },
    { name: 'in panic', members: [of(0, [0, 0, 3]), of(1, [0, 0, 1])], play: shares },
    {
      name: 'all in panic by count',
      members: [
        { backend: 0, healths: [[0, 0, 3]], more: panic(50) },
        { backend: 1, healths: [[0, 0, 1]], more: panic(50) },
      ],
      play: shares,
    },
    { name: 'degraded hosts of the first', members: [of(0, [1, 1, 2]), of(1, [1])], play: shares },
    {
      name: 'overprovisioning of a member',
      members: [{ backend: 0, healths: [[1, 0, 1]], policy: { overprovisioning_factor: 100 } }, of(1, [1])],
      play: shares,
    },
    {
      name: 'priorities of members, in part healthy',
      members: [of(0, [1, 0, 3]), { backend: 1, healths: [[1, 0, 3], [1]] }],
      play: shares,
    },
  ]),
  check('another policy', alone(aggregate(['m'], { lb_policy: 'ROUND_ROBIN' }))),
  check('without a policy', alone({ ...aggregate(['m']), lb_policy: undefined })),
  check('no clusters', alone(aggregate([]))),
  check('an empty name', alone(aggregate(['']))),
  check('a cluster that is not there', alone(aggregate(['none']))),
  check('a type beside it', alone(aggregate(['m'], { type: 'STATIC' }))),
  check('endpoints beside it', (places) => [
    { name: 'c0', ...aggregate(['m']), ...assignment([group([endpoint(places, 0)])]) },
    plain(places),
  ]),
  check(
    'an unknown name',
    alone(aggregate(['m'], { cluster_type: { name: 'any', typed_config: typed(AGGREGATE, { clusters: ['m'] }) } })),
  ),
  check(
    'without a name',
    alone(aggregate(['m'], { cluster_type: { typed_config: typed(AGGREGATE, { clusters: ['m'] }) } })),
  ),
  check('without a configuration', alone(aggregate(['m'], { cluster_type: { name: 'envoy.clusters.aggregate' } }))),
  check(
    'an unknown field',
    alone(
      aggregate(['m'], {
        cluster_type: {
          name: 'envoy.clusters.aggregate',
          typed_config: typed(AGGREGATE, { clusters: ['m'], nope: 1 }),
        },
      }),
    ),
  ),
  check(
    'health checks',
    alone(
      aggregate(['m'], {
        health_checks: [
          { timeout: '1s', interval: '1s', unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {} },
        ],
      }),
    ),
  ),
  check(
    'subsets',
    alone(
      aggregate(['m'], { lb_subset_config: { fallback_policy: 'ANY_ENDPOINT', subset_selectors: [{ keys: ['a'] }] } }),
    ),
  ),
  check('CLUSTER_PROVIDED without such a type', (places) => [
    memberCluster(places, 'c0', { backend: 0, more: { lb_policy: 'CLUSTER_PROVIDED' } }),
  ]),
  ...scripts
    .flatMap((one) => scripted('aggregate clusters', one))
    .map((one) => ({ ...one, backends: ['http', 'http', 'http'] as const })),
];
