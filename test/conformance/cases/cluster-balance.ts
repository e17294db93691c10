import { assignment, clusterScenario, endpoints, group, policy } from '../clusters.ts';
import type { Json, Places, Scenario } from '../types.ts';

const three = ['http', 'http', 'http', 'http'] as const;

const weighted =
  (weights: readonly number[], more: Json = {}) =>
  (places: Places): Json => ({
    ...assignment([group(endpoints(places, [...weights.keys()], weights))]),
    ...more,
  });
const equal = (more: Json): ((places: Places) => Json) => weighted([1, 1, 1], more);

const wide = { tolerance: 0.14, repeat: 10 };

/** An endpoint of each health, by letter: healthy, unhealthy, degraded, draining, timed out. */
const HEALTHS: Readonly<Record<string, string>> = {
  h: 'HEALTHY',
  u: 'UNHEALTHY',
  d: 'DEGRADED',
  r: 'DRAINING',
  t: 'TIMEOUT',
  '?': 'UNKNOWN',
};

/** Groups such as `hhu`: an endpoint per letter, backends counted through. */
function levels(places: Places, groups: readonly (readonly [string, Json?])[], rules?: Json): Json {
  let backend = 0;
  return assignment(
    groups.map(([letters, more = {}], priority) =>
      group(
        [...letters].map((letter) => ({ ...endpoints(places, [backend++])[0], health_status: HEALTHS[letter] })),
        { priority, ...more },
      ),
    ),
    rules,
  );
}

const priorities =
  (groups: readonly (readonly [string, Json?])[], more: Json = {}, rules?: Json) =>
  (places: Places): Json => ({ ...levels(places, groups, rules), ...more });

const panic = (value: number): Json => ({ common_lb_config: { healthy_panic_threshold: { value } } });
const priorityPlay = { tolerance: 0.13, repeat: 10 };

const zone = (name: string, weight?: number, more: Json = {}): Json => ({
  priority: 0,
  locality: { zone: name },
  ...(weight === undefined ? {} : { load_balancing_weight: weight }),
  ...more,
});
const byLocality = { common_lb_config: { locality_weighted_lb_config: {} } };

export const scenarios: readonly Scenario[] = [
  clusterScenario({ feature: 'load balancing', name: 'policies', backends: three }, [
    { name: 'round robin is the default', cluster: equal({}) },
    { name: 'round robin by weight', cluster: weighted([1, 2, 5]) },
    { name: 'round robin by weights that are far apart', cluster: weighted([1, 19]) },
    { name: 'round robin by large weights', cluster: weighted([100_000, 300_000]) },
    { name: 'round robin with weights that are all the same', cluster: weighted([7, 7, 7]) },
    {
      name: 'round robin written as an extension',
      cluster: equal({ load_balancing_policy: policy('round_robin.v3.RoundRobin') }),
    },
    {
      name: 'round robin extension by weight',
      cluster: weighted([1, 3], { load_balancing_policy: policy('round_robin.v3.RoundRobin') }),
    },
    { name: 'random', cluster: equal({ lb_policy: 'RANDOM' }), play: wide },
    { name: 'random regards no weights', cluster: weighted([1, 1, 18], { lb_policy: 'RANDOM' }), play: wide },
    {
      name: 'random extension regards no weights',
      cluster: weighted([1, 18], { load_balancing_policy: policy('random.v3.Random') }),
      play: wide,
    },
    { name: 'least request', cluster: equal({ lb_policy: 'LEAST_REQUEST' }), play: wide },
    { name: 'least request by weight', cluster: weighted([1, 3], { lb_policy: 'LEAST_REQUEST' }) },
    {
      name: 'least request with bias 0 by weight',
      cluster: weighted([1, 4], {
        lb_policy: 'LEAST_REQUEST',
        least_request_lb_config: { active_request_bias: { default_value: 0, runtime_key: 'bias' } },
      }),
    },
    {
      name: 'least request with four choices',
      cluster: equal({ lb_policy: 'LEAST_REQUEST', least_request_lb_config: { choice_count: 4 } }),
      play: wide,
    },
    {
      name: 'least request extension',
      cluster: weighted([1, 4], {
        load_balancing_policy: policy('least_request.v3.LeastRequest', { choice_count: 3 }),
      }),
    },
    {
      name: 'least request extension, full scan',
      cluster: equal({
        load_balancing_policy: policy('least_request.v3.LeastRequest', { enable_full_scan: true }),
      }),
      play: wide,
    },
    {
      name: 'load_balancing_policy goes before lb_policy',
      cluster: weighted([1, 19], { lb_policy: 'RANDOM', load_balancing_policy: policy('round_robin.v3.RoundRobin') }),
    },
    {
      name: 'the same endpoint twice has two turns',
      cluster: (places) => assignment([group(endpoints(places, [0, 0, 1]))]),
    },
    { name: 'one endpoint', cluster: weighted([5]) },
    {
      name: 'slow start of hosts that have been there from the start',
      cluster: equal({ round_robin_lb_config: { slow_start_config: { slow_start_window: '60s' } } }),
    },
    {
      name: 'slow start keeps the weights of hosts that started together',
      cluster: weighted([1, 3], {
        lb_policy: 'LEAST_REQUEST',
        least_request_lb_config: {
          slow_start_config: { slow_start_window: '60s', aggression: { default_value: 2, runtime_key: 'a' } },
        },
      }),
      // A weight grows between the turns of its host: the more so the slower the requests come.
      play: { tolerance: 0.05, repeat: 6 },
    },
  ]),
  clusterScenario({ feature: 'load balancing', name: 'health of endpoints', backends: three }, [
    { name: 'an unhealthy endpoint is not used', cluster: priorities([['hhu']]) },
    { name: 'nor one that drains', cluster: priorities([['hhr']]) },
    { name: 'nor one that timed out', cluster: priorities([['hht']]) },
    { name: 'unknown health counts as healthy', cluster: priorities([['?hu']]) },
    { name: 'half of two is enough', cluster: priorities([['hu']]) },
    { name: 'panic below the threshold', cluster: priorities([['huu']]) },
    { name: 'panic with none healthy', cluster: priorities([['uu']]) },
    { name: 'draining endpoints do not count for panic', cluster: priorities([['hrr']]) },
    { name: 'draining endpoints are used in panic', cluster: priorities([['hruu']]) },
    { name: 'draining endpoints alone', cluster: priorities([['rr']]) },
    { name: 'no panic with threshold 0', cluster: priorities([['huu']], panic(0)) },
    {
      name: 'no host with threshold 0 and none healthy',
      cluster: priorities([['uu']], panic(0)),
      play: { requests: [{}] },
    },
    { name: 'panic with threshold 100', cluster: priorities([['hhhu']], panic(100)) },
    { name: 'panic just below the threshold', cluster: priorities([['huuu']], panic(26)) },
    { name: 'the threshold is cut to whole percents', cluster: priorities([['huuu']], panic(25.9)) },
    { name: 'degraded endpoints are not used while healthy ones suffice', cluster: priorities([['hhhd']]) },
    { name: 'degraded endpoints take the rest', cluster: priorities([['hdd']]), play: priorityPlay },
    { name: 'degraded endpoints alone', cluster: priorities([['dd']]) },
    { name: 'degraded and unhealthy ones', cluster: priorities([['duu']]) },
    {
      name: 'traffic fails in panic',
      cluster: priorities([['huu']], { common_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } } }),
      play: { requests: [{}] },
    },
    {
      name: 'traffic fails in panic, written as an extension',
      cluster: priorities([['huu']], {
        load_balancing_policy: policy('random.v3.Random', {
          locality_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } },
        }),
      }),
      play: { requests: [{}] },
    },
    {
      name: 'no panic with enough healthy ones although traffic would fail',
      cluster: priorities([['hhu']], { common_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } } }),
    },
    { name: 'panic of a random policy', cluster: priorities([['huu']], { lb_policy: 'RANDOM' }), play: wide },
    {
      name: 'panic of a least request policy',
      cluster: priorities([['huu']], { lb_policy: 'LEAST_REQUEST' }),
      play: wide,
    },
  ]),
  clusterScenario(
    { feature: 'load balancing', name: 'priorities', backends: [...three, 'http', 'http', 'http', 'http'] },
    [
      { name: 'the first priority takes all', cluster: priorities([['hh'], ['hh']]) },
      { name: 'three of four are enough', cluster: priorities([['hhhu'], ['hh']]) },
      { name: 'half of them take 70 %', cluster: priorities([['hu'], ['h']]), play: priorityPlay },
      { name: 'a quarter of them takes 35 %', cluster: priorities([['huuu'], ['hh']]), play: priorityPlay },
      { name: 'none of them', cluster: priorities([['uu'], ['hh']]) },
      {
        name: 'a priority without endpoints',
        cluster: (places) => assignment([group(endpoints(places, [0, 1]), { priority: 1 })]),
      },
      {
        name: 'a gap between priorities',
        cluster: (places) => assignment([group([], { priority: 0 }), group(endpoints(places, [0]), { priority: 2 })]),
      },
      { name: 'both in panic share by number', cluster: priorities([['uuu'], ['u']]), play: priorityPlay },
      { name: 'one in panic', cluster: priorities([['huuuu'], ['hu']]), play: priorityPlay },
      {
        name: 'the second takes the rest with degraded ones of the first',
        cluster: priorities([['du'], ['h']]),
        play: priorityPlay,
      },
      {
        name: 'overprovisioning 100',
        cluster: priorities([['hu'], ['h']], {}, { overprovisioning_factor: 100 }),
        play: priorityPlay,
      },
      { name: 'overprovisioning 200', cluster: priorities([['hu'], ['h']], {}, { overprovisioning_factor: 200 }) },
      {
        name: 'health by weight',
        cluster: (places) =>
          assignment(
            [
              group([
                ...endpoints(places, [0], [4]),
                { ...endpoints(places, [1], [1])[0], health_status: 'UNHEALTHY' },
                { ...endpoints(places, [2], [1])[0], health_status: 'UNHEALTHY' },
              ]),
              group(endpoints(places, [3]), { priority: 1 }),
            ],
            { weighted_priority_health: true, overprovisioning_factor: 100 },
          ),
        play: priorityPlay,
      },
      {
        name: 'no host in any priority with threshold 0',
        cluster: priorities([['u'], ['u']], panic(0)),
        play: { requests: [{}] },
      },
      { name: 'three priorities', cluster: priorities([['huuu'], ['huuu'], ['']]), play: priorityPlay },
    ],
  ),
  clusterScenario({ feature: 'load balancing', name: 'localities', backends: [...three, 'http', 'http'] }, [
    {
      name: 'weights of localities',
      cluster: priorities(
        [
          ['h', zone('a', 1)],
          ['h', zone('b', 3)],
        ],
        byLocality,
      ),
    },
    {
      name: 'weights do nothing unless asked for',
      cluster: priorities([
        ['h', zone('a', 1)],
        ['h', zone('b', 3)],
      ]),
    },
    {
      name: 'a locality shares its weight among its endpoints',
      cluster: priorities(
        [
          ['h', zone('a', 1)],
          ['hhh', zone('b', 1)],
        ],
        byLocality,
      ),
    },
    {
      name: 'a locality without a weight gets nothing',
      cluster: priorities(
        [
          ['h', zone('a')],
          ['h', zone('b', 3)],
        ],
        byLocality,
      ),
    },
    {
      name: 'no weights at all',
      cluster: priorities(
        [
          ['h', zone('a')],
          ['hh', zone('b')],
        ],
        byLocality,
      ),
    },
    {
      name: 'an unhealthy endpoint lowers the weight',
      cluster: priorities(
        [
          ['hu', zone('a', 1)],
          ['hh', zone('b', 1)],
        ],
        byLocality,
      ),
    },
    {
      name: 'with overprovisioning 200 it does not',
      cluster: priorities(
        [
          ['hu', zone('a', 1)],
          ['hh', zone('b', 1)],
        ],
        byLocality,
        { overprovisioning_factor: 200 },
      ),
    },
    {
      name: 'a locality without healthy endpoints',
      cluster: priorities(
        [
          ['u', zone('a', 5)],
          ['hh', zone('b', 1)],
        ],
        byLocality,
      ),
    },
    {
      name: 'panic regards no localities',
      cluster: priorities(
        [
          ['hu', zone('a', 9)],
          ['uuu', zone('b', 1)],
        ],
        byLocality,
      ),
    },
    {
      name: 'the same locality twice',
      cluster: priorities(
        [
          ['h', zone('a', 1)],
          ['h', zone('b', 1)],
          ['h', zone('a', 1)],
        ],
        byLocality,
      ),
    },
    {
      name: 'region and sub-zone make a locality too',
      cluster: priorities(
        [
          ['h', zone('a', 1)],
          ['h', { ...zone('a', 3), locality: { region: 'r', zone: 'a', sub_zone: 's' } }],
        ],
        byLocality,
      ),
    },
    {
      name: 'least request by locality',
      cluster: priorities(
        [
          ['h', zone('a', 1)],
          ['h', zone('b', 3)],
        ],
        { ...byLocality, lb_policy: 'LEAST_REQUEST' },
      ),
    },
    {
      name: 'random by locality',
      cluster: priorities(
        [
          ['h', zone('a', 1)],
          ['h', zone('b', 3)],
        ],
        { ...byLocality, lb_policy: 'RANDOM' },
      ),
    },
    {
      name: 'localities of a round robin extension',
      cluster: priorities(
        [
          ['h', zone('a', 1)],
          ['h', zone('b', 3)],
        ],
        {
          load_balancing_policy: policy('round_robin.v3.RoundRobin', {
            locality_lb_config: { locality_weighted_lb_config: {} },
          }),
        },
      ),
    },
    {
      name: 'zone aware routing without a local cluster does nothing',
      cluster: priorities(
        [
          ['h', zone('a')],
          ['h', zone('b')],
        ],
        {
          common_lb_config: { zone_aware_lb_config: { routing_enabled: { value: 100 }, min_cluster_size: 1 } },
        },
      ),
    },
    {
      name: 'priorities with weighted localities each',
      cluster: priorities(
        [
          ['u', zone('a', 1)],
          ['h', zone('a', 1, { priority: 1 })],
          ['h', zone('b', 2, { priority: 1 })],
        ],
        byLocality,
      ),
    },
    {
      name: 'degraded localities',
      cluster: priorities(
        [
          ['d', zone('a', 1)],
          ['d', zone('b', 3)],
        ],
        byLocality,
      ),
    },
  ]),
];
