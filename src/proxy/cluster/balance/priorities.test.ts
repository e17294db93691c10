import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEALTH } from '../host.ts';
import { createBalancer } from './create.ts';
import { PLAIN_LOCALITY } from './policy.ts';
import { planPriorities } from './priority-load.ts';
import { environment, type HostSpec, makeHosts, makeSet, shares } from './testing.ts';

const UNHEALTHY = { health: HEALTH.FAILED_EDS_HEALTH };
const DEGRADED = { health: HEALTH.DEGRADED_EDS_HEALTH };

/** So many hosts, of them healthy and degraded. */
type Level = readonly [number, number, number?];

function sets(levels: readonly Level[]): ReturnType<typeof makeSet>[] {
  return levels.map(([count, healthy, degraded = 0], priority) =>
    makeSet(
      makeHosts(
        Array.from({ length: count }, (_, index) =>
          index < healthy ? {} : index < healthy + degraded ? DEGRADED : UNHEALTHY,
        ),
        priority * 20,
      ),
      {},
      priority,
    ),
  );
}

/** The tables of Envoy's documentation on priority levels, degraded endpoints and panic, and their borders. */
const loads: readonly (readonly [readonly Level[], number, readonly number[], readonly number[], string])[] = [
  [
    [
      [10, 10],
      [10, 10],
    ],
    50,
    [100, 0],
    [0, 0],
    '--',
  ],
  [
    [
      [4, 3],
      [4, 4],
    ],
    50,
    [100, 0],
    [0, 0],
    '--',
  ],
  [
    [
      [100, 72],
      [100, 72],
    ],
    50,
    [100, 0],
    [0, 0],
    '--',
  ],
  [
    [
      [100, 71],
      [100, 71],
    ],
    50,
    [99, 1],
    [0, 0],
    '--',
  ],
  [
    [
      [100, 50],
      [100, 50],
    ],
    50,
    [70, 30],
    [0, 0],
    '--',
  ],
  [
    [
      [100, 25],
      [100, 100],
    ],
    50,
    [35, 65],
    [0, 0],
    '--',
  ],
  [
    [
      [100, 0],
      [100, 100],
    ],
    50,
    [0, 100],
    [0, 0],
    '--',
  ],
  [
    [
      [100, 25],
      [100, 25],
    ],
    50,
    [50, 50],
    [0, 0],
    'pp',
  ],
  [
    [
      [100, 5],
      [100, 65],
    ],
    50,
    [8, 92],
    [0, 0],
    'p-',
  ],
  [
    [
      [100, 0],
      [100, 0],
    ],
    50,
    [50, 50],
    [0, 0],
    'pp',
  ],
  [
    [
      [100, 0],
      [100, 0],
    ],
    0,
    [100, 0],
    [0, 0],
    '--',
  ],
  [
    [
      [10, 0],
      [30, 0],
    ],
    50,
    [25, 75],
    [0, 0],
    'pp',
  ],
  [
    [
      [0, 0],
      [3, 3],
    ],
    50,
    [0, 100],
    [0, 0],
    '--',
  ],
  [
    [
      [0, 0],
      [0, 0],
    ],
    50,
    [100, 0],
    [0, 0],
    'pp',
  ],
  [
    [
      [100, 25],
      [100, 25],
      [100, 10],
    ],
    0,
    [43, 41, 16],
    [0, 0, 0],
    '---',
  ],
  [
    [
      [100, 0, 100],
      [100, 100],
    ],
    50,
    [0, 100],
    [0, 0],
    '--',
  ],
  [
    [
      [100, 0, 60],
      [100, 0],
    ],
    50,
    [0, 0],
    [100, 0],
    '-p',
  ],
  [
    [
      [100, 10, 20],
      [100, 20, 10],
      [100, 10, 0],
    ],
    0,
    [16, 28, 14],
    [28, 14, 0],
    '---',
  ],
];

for (const [levels, threshold, healthy, degraded, panic] of loads) {
  test(`load of ${JSON.stringify(levels)} with threshold ${threshold}`, () => {
    const plan = planPriorities(sets(levels), threshold);
    assert.deepEqual(
      [plan.state.load.healthy, plan.state.load.degraded, plan.panic.map((one) => (one ? 'p' : '-')).join('')],
      [healthy, degraded, panic],
    );
  });
}

test('overprovisioning and weights decide how much a priority can take', () => {
  const hosts = makeHosts([{ weight: 3 }, { weight: 1, ...UNHEALTHY }]);
  const load = (options: Parameters<typeof makeSet>[1]): readonly number[] =>
    planPriorities([makeSet(hosts, options), makeSet(makeHosts([{}], 9), {}, 1)], 50).state.load.healthy;
  assert.deepEqual(load({}), [70, 30]);
  assert.deepEqual(load({ overprovisioning: 100 }), [50, 50]);
  assert.deepEqual(load({ weightedHealth: true, overprovisioning: 100 }), [75, 25]);
  assert.deepEqual(load({ weightedHealth: true }), [100, 0]);
});

test('excluded hosts do not count', () => {
  const pending = { health: HEALTH.FAILED_ACTIVE_HC | HEALTH.PENDING_ACTIVE_HC };
  const plan = planPriorities([makeSet(makeHosts([{}, pending, pending]))], 50);
  assert.deepEqual(plan.panic, [false]);
});

const WEIGHTED = { ...PLAIN_LOCALITY, weighted: true };

function localityShares(specs: readonly HostSpec[], weights: Readonly<Record<string, number>>, overprovisioning = 140) {
  const localityWeights = new Map(Object.entries(weights).map(([zone, weight]) => [`\0${zone}\0`, weight]));
  const balancer = createBalancer({ kind: 'round_robin', slowStart: undefined, locality: WEIGHTED }, environment());
  balancer.update([makeSet(makeHosts(specs), { localityWeights, overprovisioning })]);
  const found = shares(balancer);
  return specs.map((_, index) => Math.round((found[`10.0.0.${index + 1}:80`] ?? 0) * 1000) / 1000);
}

test('locality weights spread the load over localities', () => {
  const a = { zone: 'a' };
  const b = { zone: 'b' };
  assert.deepEqual(localityShares([a, b], { a: 1, b: 2 }), [0.333, 0.667]);
  assert.deepEqual(localityShares([a, a, b], { a: 1, b: 1 }), [0.25, 0.25, 0.5]);
  assert.deepEqual(localityShares([a, b], { a: 0, b: 2 }), [0, 1]);
  assert.deepEqual(localityShares([a, b], { b: 2 }), [0, 1]);
  // Half of the hosts of a can take 70 % of its weight.
  assert.deepEqual(localityShares([a, { zone: 'a', ...UNHEALTHY }, b], { a: 1, b: 1 }), [0.412, 0, 0.588]);
  assert.deepEqual(localityShares([a, { zone: 'a', ...UNHEALTHY }, b], { a: 1, b: 1 }, 200), [0.5, 0, 0.5]);
  // Without any weight all hosts are equal.
  assert.deepEqual(localityShares([a, a, b], {}), [0.333, 0.333, 0.333]);
});

test('zone aware routing keeps what the own zone can take', () => {
  const local = (zones: readonly string[]) => makeSet(makeHosts(zones.map((zone) => ({ zone }))), { local: '\0a\0' });
  const run = (upstream: readonly string[], proxies: readonly string[], more: Partial<typeof PLAIN_LOCALITY> = {}) => {
    const surroundings = environment({ localSet: () => local(proxies) });
    const locality = { ...PLAIN_LOCALITY, minClusterSize: 1, ...more };
    const balancer = createBalancer({ kind: 'round_robin', slowStart: undefined, locality }, surroundings);
    balancer.update([makeSet(makeHosts(upstream.map((zone) => ({ zone }))), { local: '\0a\0' })]);
    const found = shares(balancer);
    const byZone = { a: 0, b: 0, c: 0 };
    for (const [index, zone] of upstream.entries()) byZone[zone as 'a'] += found[`10.0.0.${index + 1}:80`] ?? 0;
    return { byZone, stats: surroundings.stats };
  };
  const direct = run(['a', 'b'], ['a', 'b']);
  assert.deepEqual([direct.byZone.a, direct.stats.zoneRoutingAllDirectly], [1, 8000]);
  const sampled = run(['a', 'b', 'b', 'b'], ['a', 'b']);
  assert.ok(Math.abs(sampled.byZone.a - 0.5) < 0.02 && sampled.stats.zoneRoutingSampled > 3800);
  const cross = run(['b', 'b', 'c'], ['a', 'b', 'c', 'c']);
  assert.ok(cross.byZone.a === 0 && cross.stats.zoneRoutingCrossZone === 8000);
  assert.ok(Math.abs(cross.byZone.b - 1) < 0.02, 'c has less than its share already');
  const small = run(['a', 'b'], ['a', 'b'], { minClusterSize: 3 });
  assert.deepEqual([small.stats.zoneClusterTooSmall, small.byZone.a], [1, 0.5]);
  const forced = run(['a', 'b', 'b', 'b'], ['a', 'b'], { forceLocalZone: 1 });
  assert.equal(forced.byZone.a, 1);
  const off = run(['a', 'b'], ['a', 'b'], { routingEnabled: 0 });
  assert.equal(off.byZone.a, 0.5);
  const foreign = run(['a', 'b'], ['b', 'c']);
  assert.deepEqual([foreign.stats.localClusterNotOk, foreign.byZone.a], [1, 0.5]);
});
