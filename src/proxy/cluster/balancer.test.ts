import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { StatsStore } from '../stats/store.ts';
import { createBalancer } from './balancer.ts';
import { Cluster } from './cluster.ts';
import type { ClusterConfig } from './config.ts';
import { readCluster } from './config.ts';
import { Host } from './host.ts';

const PEER = { address: '10.0.0.1', port: 1 };
const info = new StreamInfo({ remote: PEER, directRemote: PEER, local: PEER });

/** A repeatable random source. */
function seeded(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

function hosts(weights: readonly number[]): readonly Host[] {
  return weights.map((weight, index) => {
    const host = new Host({ kind: 'socket', host: `10.0.0.${index + 1}`, port: 80 });
    host.weight = weight;
    return host;
  });
}

const table = [
  ['round_robin', { kind: 'round_robin' }, [1, 1, 1, 1], 0],
  ['round_robin by weight', { kind: 'round_robin' }, [90, 10], 0.001],
  ['round_robin by small weights', { kind: 'round_robin' }, [1, 2, 5], 0.001],
  ['random', { kind: 'random' }, [1, 1, 2], 0.02],
  ['least_request', { kind: 'least_request', choices: 2 }, [1, 1, 1], 0.03],
  ['least_request by weight', { kind: 'least_request', choices: 2 }, [3, 1], 0.001],
] as const;

for (const [what, policy, weights, slack] of table) {
  test(`${what}: shares follow the weights`, () => {
    const all = hosts(weights);
    const balancer = createBalancer(policy, seeded());
    balancer.update(all);
    const counts = new Map<Host | undefined, number>();
    const picks = 8000;
    for (let count = 0; count < picks; count++) {
      const host = balancer.pick();
      counts.set(host, (counts.get(host) ?? 0) + 1);
    }
    const total = weights.reduce((sum: number, weight) => sum + weight, 0);
    for (const [index, host] of all.entries()) {
      const share = (counts.get(host) ?? 0) / picks;
      const wanted = (weights[index] ?? 0) / total;
      assert.ok(Math.abs(share - wanted) <= slack + 1 / picks, `${host.name}: ${share} instead of ${wanted}`);
    }
  });
}

function cluster(more: JsonObject): Cluster {
  const json: JsonObject = { name: 'c', type: 'STATIC', ...more };
  const stats = new StatsStore().scope();
  const config: ClusterConfig = readMessage(json, '', [], (fields) =>
    readCluster(fields, { readFilters: () => undefined, stats }),
  );
  return new Cluster(config, stats, seeded());
}

function endpoints(healths: readonly ('healthy' | 'degraded' | 'unhealthy')[]): Parameters<Cluster['setEndpoints']>[0] {
  return healths.map((health, index) => ({
    address: { kind: 'socket', host: `10.0.0.${index + 1}`, port: 80 },
    hostname: '',
    weight: 1,
    health,
  }));
}

function picked(subject: Cluster): readonly string[] {
  const names = new Set<string>();
  for (let count = 0; count < 50; count++) {
    const host = subject.choose(info);
    if (host) names.add(host.peer.address.slice(7));
  }
  return [...names].sort();
}

test('which hosts are used: healthy, else degraded, all of them in panic, none when there is none', () => {
  const cases: readonly (readonly [Parameters<typeof endpoints>[0], JsonObject, readonly string[]])[] = [
    [['healthy', 'healthy', 'unhealthy'], {}, ['1', '2']],
    [['healthy', 'unhealthy', 'unhealthy'], {}, ['1', '2', '3']],
    [['healthy', 'unhealthy', 'unhealthy'], { common_lb_config: { healthy_panic_threshold: { value: 0 } } }, ['1']],
    [['degraded', 'degraded', 'unhealthy'], {}, ['1', '2']],
    [['unhealthy'], {}, ['1']],
    [['unhealthy'], { common_lb_config: { healthy_panic_threshold: { value: 0 } } }, []],
    [[], {}, []],
  ];
  for (const [healths, more, expected] of cases) {
    const subject = cluster(more);
    subject.setEndpoints(endpoints(healths));
    assert.deepEqual(picked(subject), expected, JSON.stringify([healths, more]));
  }
});

test('an update keeps hosts that stay', () => {
  const subject = cluster({});
  subject.setEndpoints(endpoints(['healthy', 'healthy']));
  const [first] = subject.hosts;
  subject.setEndpoints(endpoints(['unhealthy']));
  assert.equal(subject.hosts[0], first);
  assert.equal(first?.health, 'unhealthy');
});

test('outlier detection: ejection limits', () => {
  const cases: readonly (readonly [JsonObject, number, number])[] = [
    [{}, 4, 0],
    [{ max_ejection_percent: 50 }, 4, 2],
    [{ max_ejection_percent: 100 }, 2, 2],
    [{ always_eject_one_host: true }, 4, 1],
    [{ enforcing_consecutive_5xx: 0, max_ejection_percent: 100 }, 4, 0],
  ];
  for (const [outlier, count, ejected] of cases) {
    const subject = cluster({ outlier_detection: outlier });
    subject.setEndpoints(endpoints(new Array(count).fill('healthy')));
    for (const host of subject.hosts) for (let failure = 0; failure < 5; failure++) subject.onStatus(host, 500);
    assert.equal(subject.hosts.filter((host) => host.ejected).length, ejected, JSON.stringify(outlier));
    subject.drain();
  }
});

test('outlier detection: local failures count on their own when split', () => {
  for (const split of [true, false]) {
    const subject = cluster({
      outlier_detection: {
        split_external_local_origin_errors: split,
        consecutive_local_origin_failure: 2,
        consecutive_5xx: 3,
        max_ejection_percent: 100,
      },
    });
    subject.setEndpoints(endpoints(['healthy', 'healthy']));
    const [host] = subject.hosts;
    assert.ok(host);
    subject.outlier?.onLocalFailure(host, 503);
    subject.outlier?.onLocalFailure(host, 503);
    assert.equal(host.ejected, split);
    subject.outlier?.onLocalFailure(host, 504);
    assert.equal(host.ejected, true);
    subject.drain();
  }
});
