import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { SecretStore } from '../discovery/secrets.ts';
import { ClusterManagerStats } from '../server/stats.ts';
import { StatsStore } from '../stats/store.ts';
import { NO_NAMES } from '../tls/upstream.ts';
import { plainContext, seeded } from './balance/testing.ts';
import { Cluster } from './cluster.ts';
import { type Assignment, readAssignment } from './config/endpoints.ts';
import { readCluster } from './config.ts';
import { alone } from './testing.ts';

function cluster(more: JsonObject): Cluster {
  const json: JsonObject = { name: 'c', type: 'EDS', eds_cluster_config: { eds_config: { ads: {} } }, ...more };
  const scope = new StatsStore().scope();
  const config = readMessage(json, '', [], (fields) =>
    readCluster(fields, { readFilters: () => undefined, secrets: new SecretStore(), stats: scope }),
  );
  return new Cluster(config, {
    scope,
    merging: new ClusterManagerStats(),
    random: seeded(),
    local: undefined,
    localSet: () => undefined,
    neighbours: alone,
  });
}

interface Spec {
  readonly at?: number;
  readonly health?: string;
  readonly weight?: number;
  readonly hostname?: string;
  readonly priority?: number;
  readonly zone?: string;
  readonly metadata?: JsonObject;
}

function assignment(specs: readonly Spec[]): Assignment {
  const json: JsonObject = {
    cluster_name: 'c',
    endpoints: specs.map(
      ({ at = 1, health = 'UNKNOWN', weight = 1, hostname = '', priority = 0, zone = '', metadata }) => ({
        priority,
        locality: { zone },
        lb_endpoints: [
          {
            endpoint: { address: { socket_address: { address: `10.0.0.${at}`, port_value: 80 } }, hostname },
            health_status: health,
            load_balancing_weight: weight,
            ...(metadata ? { metadata: { filter_metadata: metadata } } : {}),
          },
        ],
      }),
    ),
  };
  const issues: [] = [];
  const read = readMessage(json, '', issues, readAssignment);
  assert.deepEqual(issues, []);
  return read;
}

const healths = (...list: readonly string[]): Assignment =>
  assignment(list.map((health, index) => ({ at: index + 1, health })));

const names = (subject: Cluster): readonly string[] => subject.hosts.map((host) => host.name.slice(7, -3));

test('an update keeps the host of an address with what it knows', () => {
  const subject = cluster({});
  subject.setAssignment(assignment([{ at: 1 }, { at: 2 }]));
  const [first] = subject.hosts;
  subject.setAssignment(assignment([{ at: 1, health: 'UNHEALTHY', weight: 5, metadata: { a: { b: 1 } } }]));
  assert.equal(subject.hosts[0], first);
  assert.deepEqual([first?.health, first?.weight, first?.metadata], ['unhealthy', 5, { a: { b: 1 } }]);
  assert.deepEqual([subject.stats.membershipTotal, subject.stats.membershipHealthy], [1, 0]);
  subject.setAssignment(assignment([{ at: 1, priority: 1 }]));
  assert.equal(subject.hosts[0], first, 'also in another priority');
  assert.deepEqual([subject.sets.length, first?.priority, subject.stats.membershipChange], [2, 1, 2]);
});

test('another hostname or locality makes another host', () => {
  const subject = cluster({});
  for (const spec of [{}, { hostname: 'a' }, { hostname: 'b' }, { hostname: 'b', zone: 'z' }]) {
    const [before] = subject.hosts;
    subject.setAssignment(assignment([spec]));
    assert.equal(subject.hosts.length, 1);
    assert.notEqual(subject.hosts[0], before, JSON.stringify(spec));
  }
});

test('of discovered endpoints with the same address the first counts, of written ones all', () => {
  const subject = cluster({});
  subject.setAssignment(assignment([{ at: 1, weight: 2 }, { at: 1, weight: 3 }, { at: 2 }, { at: 2, priority: 1 }]));
  assert.deepEqual([names(subject), subject.hosts[0]?.weight, subject.sets.length], [['1', '2'], 2, 2]);
  const address = { socket_address: { address: '10.0.0.1', port_value: 80 } };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }, { endpoint: { address } }] }];
  const fixed = cluster({ type: 'STATIC', load_assignment: { cluster_name: 'c', endpoints } });
  assert.equal(fixed.hosts.length, 2);
});

test('an assignment that says the same changes nothing', () => {
  const subject = cluster({});
  const same = [{ at: 1, metadata: { 'envoy.lb': { a: 'b' } } }];
  subject.setAssignment(assignment(same));
  const { sets } = subject;
  subject.setAssignment(assignment(same));
  assert.equal(subject.sets, sets);
  assert.equal(subject.stats.updateNoRebuild, 1);
});

test('members count at once, health within the merge window only after it', () => {
  const used = (subject: Cluster): number =>
    new Set(Array.from({ length: 20 }, () => subject.choose(plainContext)?.name)).size;
  const subject = cluster({});
  // The first hosts are the cluster's beginning and no update.
  subject.setAssignment(healths('HEALTHY'));
  subject.setAssignment(healths('HEALTHY', 'HEALTHY', 'HEALTHY'));
  assert.equal(used(subject), 3);
  subject.setAssignment(healths('HEALTHY', 'HEALTHY', 'UNHEALTHY'));
  assert.deepEqual([subject.stats.membershipHealthy, used(subject)], [2, 3]);
  subject.setAssignment(healths('HEALTHY', 'HEALTHY', 'UNHEALTHY', 'UNHEALTHY'));
  assert.equal(used(subject), 2);
  const eager = cluster({ common_lb_config: { update_merge_window: '0s' } });
  eager.setAssignment(healths('HEALTHY', 'HEALTHY'));
  eager.setAssignment(healths('HEALTHY', 'UNHEALTHY'));
  assert.equal(used(eager), 1);
  subject.drain();
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
    subject.setAssignment(healths(...new Array<string>(count).fill('HEALTHY')));
    for (const host of subject.hosts)
      for (let failure = 0; failure < 5; failure++) subject.outlier?.onStatus(host, 500);
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
    subject.setAssignment(healths('HEALTHY', 'HEALTHY'));
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

test('connections to all hosts end when something changes about one, where that is asked for', () => {
  for (const asked of [true, false]) {
    const subject = cluster({ common_lb_config: { close_connections_on_host_set_change: asked } });
    subject.setAssignment(healths('HEALTHY', 'HEALTHY'));
    const [first] = subject.hosts;
    assert.ok(first);
    subject.pool(first, subject.resources.DEFAULT, {
      source: undefined,
      client: undefined,
      raw: false,
      downstream: 'HTTP/1.1',
      names: NO_NAMES,
    });
    assert.equal(first.pools.size, 1);
    subject.setAssignment(healths('HEALTHY', 'HEALTHY', 'HEALTHY'));
    assert.equal(first.pools.size, asked ? 0 : 1);
    subject.drain();
  }
});
