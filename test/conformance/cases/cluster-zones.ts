import { type ClusterCase, clusterScenario, group, policy } from '../clusters.ts';
import { endpoint } from '../config.ts';
import type { Json, Places, Scenario } from '../types.ts';

/** Zones by name; each host is `h`ealthy, `u`nhealthy or `d`egraded. Backends count through all of them. */
type Zones = Readonly<Record<string, string>>;

const HEALTH: Readonly<Record<string, Json>> = {
  h: {},
  u: { health_status: 'UNHEALTHY' },
  d: { health_status: 'DEGRADED' },
};

function zoned(places: Places, zones: Zones, priority = 0, first = 0): Json[] {
  let backend = first;
  return Object.entries(zones).map(([zone, hosts]) =>
    group(
      [...hosts].map((letter) => endpoint(places, backend++, HEALTH[letter])),
      { locality: { zone }, priority },
    ),
  );
}

const aware = (config: Json = {}): Json => ({
  zone_aware_lb_config: { routing_enabled: { value: 100 }, min_cluster_size: 1, ...config },
});

const upstream =
  (zones: Zones, common: Json = aware(), more: Json = {}): ClusterCase['cluster'] =>
  (places) => ({
    load_assignment: { cluster_name: 'any', endpoints: zoned(places, zones) },
    common_lb_config: common,
    ...more,
  });

const typedAware = (name: string, config: Json = {}): Json => ({
  load_balancing_policy: policy(name, { locality_lb_config: aware(config) }),
});

const cases: readonly (readonly [string, ClusterCase['cluster']])[] = [
  ['the same shares stay in the zone', upstream({ z1: 'hh', z2: 'hh' })],
  ['a larger share stays in the zone', upstream({ z1: 'hhh', z2: 'h' })],
  ['a smaller share sends the rest elsewhere', upstream({ z1: 'h', z2: 'hhh' })],
  ['a third of the hosts', upstream({ z1: 'h', z2: 'hh' })],
  ['the own zone comes last', upstream({ z2: 'hh', z1: 'hh' })],
  ['three zones of which one is the own', upstream({ z1: 'h', z2: 'h', z3: 'hh' })],
  ['no host in the own zone', upstream({ z2: 'h', z3: 'h' })],
  ['no zone of the local cluster', upstream({ z3: 'h', z4: 'h' })],
  ['one zone only', upstream({ z1: 'hh' })],
  ['unhealthy hosts in the own zone', upstream({ z1: 'uh', z2: 'hh' })],
  ['all of the own zone unhealthy', upstream({ z1: 'u', z2: 'hh' })],
  ['panic', upstream({ z1: 'uu', z2: 'uh' })],
  ['panic that fails traffic', upstream({ z1: 'uu', z2: 'uh' }, aware({ fail_traffic_on_panic: true }))],
  ['degraded hosts in the own zone', upstream({ z1: 'd', z2: 'h' })],
  ['only degraded hosts', upstream({ z1: 'dd', z2: 'dd' })],
  ['routing for none', upstream({ z1: 'hh', z2: 'hh' }, aware({ routing_enabled: { value: 0 } }))],
  ['routing for half', upstream({ z1: 'hh', z2: 'hh' }, aware({ routing_enabled: { value: 50 } }))],
  ['as many hosts as the least number', upstream({ z1: 'hh', z2: 'hh' }, aware({ min_cluster_size: 4 }))],
  ['fewer hosts than the least number', upstream({ z1: 'hh', z2: 'hh' }, aware({ min_cluster_size: 5 }))],
  ['the least number by default', upstream({ z1: 'hh', z2: 'hh' }, { zone_aware_lb_config: {} })],
  ['nothing said', upstream({ z1: 'hh', z2: 'hh' }, {})],
  ['locality weights instead', upstream({ z1: 'hh', z2: 'hh' }, { locality_weighted_lb_config: {} })],
  ['RANDOM', upstream({ z1: 'h', z2: 'hhh' }, aware(), { lb_policy: 'RANDOM' })],
  ['LEAST_REQUEST', upstream({ z1: 'hh', z2: 'hh' }, aware(), { lb_policy: 'LEAST_REQUEST' })],
  ['MAGLEV does not look at zones', upstream({ z1: 'h', z2: 'h' }, aware(), { lb_policy: 'MAGLEV' })],
  ['typed round robin', upstream({ z1: 'hhh', z2: 'h' }, {}, typedAware('round_robin.v3.RoundRobin'))],
  ['typed random', upstream({ z1: 'h', z2: 'hhh' }, {}, typedAware('random.v3.Random'))],
  ['typed least request', upstream({ z1: 'hhh', z2: 'h' }, {}, typedAware('least_request.v3.LeastRequest'))],
  [
    'typed, fewer hosts than the least number',
    upstream({ z1: 'hhh', z2: 'h' }, {}, typedAware('round_robin.v3.RoundRobin', { min_cluster_size: 5 })),
  ],
  [
    'a second priority',
    (places) => ({
      load_assignment: {
        cluster_name: 'any',
        endpoints: [...zoned(places, { z1: 'u', z2: 'u' }), ...zoned(places, { z1: 'h', z2: 'h' }, 1, 2)],
      },
      common_lb_config: aware(),
    }),
  ],
];

/** Where every request goes to the same zone, the hosts take turns: 120 requests tell it. Others are left to chance and need more of them. */
const CERTAIN = { repeat: 6, tolerance: 0.02 };
const CHANCE = { repeat: 20, tolerance: 0.13 };

const zoneCase = (name: string, cluster: ClusterCase['cluster'], index: number, certain: boolean): ClusterCase => ({
  name,
  cluster,
  play: {
    ...(certain ? CERTAIN : CHANCE),
    requests: new Array(20).fill({}),
    without: ['log', 'connections'],
    // How often a zone was chosen is left to chance, so are counts that grow with it.
    admin: [
      `/stats?filter=cluster.c${index}.lb_(zone_(cluster_too_small|no_capacity_left)|local_cluster_not_ok|healthy_panic)`,
    ],
  },
});

const some = (names: readonly string[], certain: readonly string[] = []): readonly ClusterCase[] =>
  cases
    .filter(([name]) => names.includes(name))
    .map(([name, cluster], index) => zoneCase(name, cluster, index, certain.includes(name)));

/** The proxy runs in zone z1; its own cluster has hosts in these zones. */
const scenario = (name: string, local: Zones, more: readonly ClusterCase[], node: Json = { zone: 'z1' }): Scenario => {
  const base = clusterScenario(
    { feature: 'zone aware routing', name, backends: ['http', 'http', 'http', 'http'] },
    more,
    (places) => ({
      node: { id: 'n', cluster: 'local', locality: node },
      cluster_manager: { local_cluster_name: 'local' },
      localAssignment: zoned(places, local),
    }),
  );
  return {
    ...base,
    bootstrap: (places) => {
      const { localAssignment, static_resources: resources, ...rest } = base.bootstrap(places);
      const { clusters, ...others } = resources as { clusters: Json[] };
      const own = {
        name: 'local',
        connect_timeout: '1s',
        load_assignment: { cluster_name: 'local', endpoints: localAssignment },
      };
      return { ...rest, static_resources: { ...others, clusters: [own, ...clusters] } };
    },
  };
};

const same = 'the same shares stay in the zone';
const larger = 'a larger share stays in the zone';
const smaller = 'a smaller share sends the rest elsewhere';
const third = 'a third of the hosts';
const certain = [
  same,
  larger,
  'the own zone comes last',
  'one zone only',
  'routing for none',
  'fewer hosts than the least number',
  'as many hosts as the least number',
  'the least number by default',
  'nothing said',
  'typed round robin',
  'typed, fewer hosts than the least number',
];

export const scenarios: readonly Scenario[] = [
  scenario(
    'zones: halves',
    { z1: 'hh', z2: 'hh' },
    some(
      cases.map(([name]) => name),
      certain,
    ),
  ),
  scenario('zones: mostly the own', { z1: 'hhh', z2: 'h' }, some([same, larger, smaller, third], [larger])),
  scenario(
    'zones: mostly another',
    { z1: 'h', z2: 'hhh' },
    some([same, larger, smaller, third], [same, larger, smaller, third]),
  ),
  scenario('zones: the own without healthy hosts', { z1: 'uu', z2: 'hh' }, some([same, smaller])),
  scenario('zones: one zone', { z1: 'hh' }, some([same, smaller], [same, smaller])),
  scenario('zones: not the own', { z2: 'h', z3: 'h' }, some([same, smaller], [same, smaller])),
  scenario('zones: proxy elsewhere', { z1: 'hh', z2: 'hh' }, some([same, smaller], [same, smaller]), { zone: 'z9' }),
];
