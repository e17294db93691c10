import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEALTH } from '../host.ts';
import { createBalancer } from './create.ts';
import { Edf } from './edf.ts';
import { type BalancerPolicy, PLAIN_LOCALITY, type SlowStart } from './policy.ts';
import { environment, type HostSpec, makeHosts, makeSet, shares } from './testing.ts';

const ROUND_ROBIN = { kind: 'round_robin', slowStart: undefined, locality: PLAIN_LOCALITY } as const;
const LEAST_REQUEST = {
  kind: 'least_request',
  choices: 2,
  bias: 1,
  fullScan: false,
  slowStart: undefined,
  locality: PLAIN_LOCALITY,
} as const;

type Policy = Exclude<BalancerPolicy, { readonly kind: 'cluster_provided' }>;

const table: readonly (readonly [string, Policy, readonly number[], readonly number[], number])[] = [
  ['round robin', ROUND_ROBIN, [1, 1, 1, 1], [0.25, 0.25, 0.25, 0.25], 0],
  ['round robin by weight', ROUND_ROBIN, [90, 10], [0.9, 0.1], 0.001],
  ['round robin by small weights', ROUND_ROBIN, [1, 2, 5], [0.125, 0.25, 0.625], 0.001],
  ['random regards no weights', { kind: 'random', locality: PLAIN_LOCALITY }, [1, 1, 8], [1 / 3, 1 / 3, 1 / 3], 0.02],
  ['least request', LEAST_REQUEST, [1, 1, 1], [1 / 3, 1 / 3, 1 / 3], 0.03],
  ['least request by weight', LEAST_REQUEST, [3, 1], [0.75, 0.25], 0.001],
  ['least request, full scan', { ...LEAST_REQUEST, fullScan: true }, [1, 1, 1], [1 / 3, 1 / 3, 1 / 3], 0.03],
];

for (const [what, policy, weights, wanted, slack] of table) {
  test(`${what}: shares`, () => {
    const hosts = makeHosts(weights.map((weight) => ({ weight })));
    const balancer = createBalancer(policy, environment());
    balancer.update([makeSet(hosts)]);
    const found = shares(balancer);
    for (const [index, host] of hosts.entries()) {
      assert.ok(
        Math.abs((found[host.name] ?? 0) - (wanted[index] ?? 0)) <= slack,
        `${host.name}: ${JSON.stringify(found)}`,
      );
    }
  });
}

/** Picks of Envoy 1.40 among static hosts of these weights, by index, each from a start of its own. */
const ENVOY_ORDERS: readonly (readonly [readonly number[], readonly string[]])[] = [
  [
    [1, 2, 5],
    ['2201222122012221', '1222122012221220', '1220122212201222'],
  ],
  [
    [25, 75],
    ['0111011101110111011101110111', '1011101110111011101110111011', '1110111011101110111011101110'],
  ],
  [
    [1, 1, 3, 7],
    ['301233323323301233323323', '233012333233233012333233', '332330123332332330123332'],
  ],
  [
    [10, 20, 30, 40, 50],
    [
      '234012344324134234012344324134234012344324134234012344324134',
      '012344324134234012344324134234013244324134234013244324134234',
      '344324134234012344324134234012344324134234012344324134234012',
    ],
  ],
  [
    [3, 3, 1, 1, 2],
    ['14012340101401234010', '01014012340101401234', '23401014012340101401'],
  ],
];

test('a schedule that was advanced by some number of picks goes on as Envoy does', () => {
  for (const [weights, orders] of ENVOY_ORDERS) {
    const weightOf = (index: number): number => weights[index] as number;
    const picksFrom = (start: number, count: number): string => {
      const edf = new Edf([...weights.keys()], weightOf, start);
      return Array.from({ length: count }, () => edf.pick(weightOf)).join('');
    };
    for (const order of orders) {
      const starts = Array.from({ length: 5000 }, (_, start) => start);
      assert.ok(
        starts.some((start) => picksFrom(start, order.length) === order),
        `${weights}: ${order}`,
      );
    }
  }
});

test('least request with bias 0 is round robin by weight; with more bias load counts more', () => {
  const load = (bias: number): Readonly<Record<string, number>> => {
    const hosts = makeHosts([{ weight: 1 }, { weight: 2 }]);
    const [first] = hosts;
    if (first) first.activeRequests = 3;
    const balancer = createBalancer({ ...LEAST_REQUEST, bias }, environment());
    balancer.update([makeSet(hosts)]);
    return shares(balancer, 3000);
  };
  assert.ok(Math.abs((load(0)['10.0.0.1:80'] ?? 0) - 1 / 3) < 0.01);
  // 1/4 against 2, and 1/16 against 2.
  assert.ok(Math.abs((load(1)['10.0.0.1:80'] ?? 0) - 1 / 9) < 0.01);
  assert.ok(Math.abs((load(2)['10.0.0.1:80'] ?? 0) - 1 / 33) < 0.01);
});

test('least request takes the less loaded of two', () => {
  const hosts = makeHosts([{}, {}]);
  const [first] = hosts;
  if (first) first.activeRequests = 5;
  const balancer = createBalancer({ ...LEAST_REQUEST, choices: 8 }, environment());
  balancer.update([makeSet(hosts)]);
  assert.ok((shares(balancer)['10.0.0.2:80'] ?? 0) > 0.99);
  const scan = createBalancer({ ...LEAST_REQUEST, fullScan: true }, environment());
  scan.update([makeSet(hosts)]);
  assert.deepEqual(shares(scan), { '10.0.0.2:80': 1 });
});

test('slow start: a new host gets its share as time passes', () => {
  const slowStart: SlowStart = { window: 1000, aggression: 1, minWeight: 0.1 };
  let now = 10_000;
  const balancer = createBalancer({ ...ROUND_ROBIN, slowStart }, environment({ now: () => now }));
  const [old, fresh] = makeHosts([{}, {}]);
  assert.ok(old && fresh);
  balancer.update([makeSet([old])]);
  now += 5000;
  balancer.update([makeSet([old, fresh])]);
  const share = (): number => shares(balancer, 2000)['10.0.0.2:80'] ?? 0;
  assert.ok(Math.abs(share() - 0.1 / 1.1) < 0.01, 'the least weight at first');
  now += 500;
  assert.ok(Math.abs(share() - 0.5 / 1.5) < 0.01, 'half of it after half of the window');
  now += 600;
  assert.ok(Math.abs(share() - 0.5) < 0.01, 'all of it after the window');
});

const UNHEALTHY = { health: HEALTH.FAILED_EDS_HEALTH };
const DEGRADED = { health: HEALTH.DEGRADED_EDS_HEALTH };

const usedHosts: readonly (readonly [string, readonly HostSpec[], number, readonly number[]])[] = [
  ['healthy hosts', [{}, {}, UNHEALTHY], 50, [1, 2]],
  ['all in panic', [{}, UNHEALTHY, UNHEALTHY], 50, [1, 2, 3]],
  ['healthy ones without panic', [{}, UNHEALTHY, UNHEALTHY], 0, [1]],
  ['just enough', [{}, UNHEALTHY], 50, [1]],
  ['degraded hosts when none is healthy', [DEGRADED, DEGRADED, UNHEALTHY], 50, [1, 2]],
  ['degraded hosts take what healthy ones cannot', [{}, DEGRADED, DEGRADED], 50, [1, 2, 3]],
  ['an unhealthy host alone', [UNHEALTHY], 50, [1]],
  ['nothing without panic', [UNHEALTHY], 0, []],
  ['nothing', [], 50, []],
  ['a draining host is not used', [{}, { health: HEALTH.EDS_STATUS_DRAINING }], 50, [1]],
];

for (const [what, specs, panicThreshold, wanted] of usedHosts) {
  test(`which hosts are used: ${what}`, () => {
    for (const policy of [ROUND_ROBIN, LEAST_REQUEST, { kind: 'random', locality: PLAIN_LOCALITY } as const]) {
      const balancer = createBalancer(policy, environment({ panicThreshold }));
      balancer.update([makeSet(makeHosts(specs))]);
      const used = Object.keys(shares(balancer, 300))
        .filter((name) => name !== 'none')
        .map((name) => Number(name.slice(7, -3)));
      assert.deepEqual(
        used.sort((left, right) => left - right),
        wanted,
        policy.kind,
      );
    }
  });
}
