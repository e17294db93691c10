import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../base/index.ts';
import { until } from '../../base/testing/index.ts';
import type { JsonObject } from '../config/fields.ts';
import { SecretStore } from '../discovery/secrets.ts';
import { StatsStore } from '../stats/store.ts';
import { plainContext } from './balance/testing.ts';
import { ClusterManager } from './manager.ts';

const manager = (self = {}): ClusterManager =>
  new ClusterManager(
    { readFilters: () => undefined, secrets: new SecretStore() },
    new StatsStore(),
    createLogger('manager-test'),
    self,
  );

const eds = (serviceName: string, more: JsonObject = {}): JsonObject => ({
  name: 'c',
  type: 'EDS',
  eds_cluster_config: { eds_config: { ads: {} }, service_name: serviceName },
  ...more,
});

const dns = (name: string): JsonObject => ({
  name: 'c',
  type: 'STRICT_DNS',
  dns_lookup_family: 'V4_ONLY',
  load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [endpoint(name)] }] },
});

function endpoint(address: string): JsonObject {
  return { endpoint: { address: { socket_address: { address, port_value: 80 } } } };
}

const assignment = (name: string, addresses: readonly string[], policy: JsonObject = {}): JsonObject => ({
  cluster_name: name,
  endpoints: [{ lb_endpoints: addresses.map(endpoint) }],
  policy,
});

const hosts = (subject: ClusterManager): readonly string[] | undefined =>
  subject.get('c')?.hosts.map(({ name }) => name);

test('a cluster serves until the one that takes its place has endpoints', () => {
  const subject = manager();
  assert.ok(subject.put(eds('a')).ok);
  assert.ok(subject.putAssignment(assignment('a', ['10.0.0.1'])).ok);
  assert.equal(subject.warming, 0);
  assert.ok(subject.put(eds('b')).ok);
  assert.deepEqual([hosts(subject), subject.warming], [['10.0.0.1:80'], 1]);
  assert.deepEqual([...subject.serviceNames()].sort(), ['a', 'b']);
  assert.ok(subject.putAssignment(assignment('b', ['10.0.0.2'])).ok);
  assert.deepEqual([hosts(subject), subject.warming, subject.serviceNames()], [['10.0.0.2:80'], 0, ['b']]);
  subject.stop();
});

test('of clusters that wait for endpoints the newest counts, and removal ends all', () => {
  const subject = manager();
  subject.put(eds('a'));
  subject.putAssignment(assignment('a', ['10.0.0.1']));
  subject.put(eds('b'));
  subject.put(eds('d'));
  subject.putAssignment(assignment('b', ['10.0.0.2']));
  assert.deepEqual(hosts(subject), ['10.0.0.1:80']);
  subject.remove('c');
  assert.deepEqual([hosts(subject), subject.warming, subject.serviceNames()], [undefined, 0, []]);
  subject.stop();
});

test('known endpoints are taken over at once', () => {
  const subject = manager();
  subject.put(eds('a'));
  subject.putAssignment(assignment('a', ['10.0.0.1']));
  subject.put(eds('a', { connect_timeout: '3s' }));
  assert.deepEqual([subject.get('c')?.config.connectTimeout, hosts(subject)], [3000, ['10.0.0.1:80']]);
  subject.stop();
});

test('the start waits for static clusters whose names are looked up', async () => {
  const subject = manager();
  assert.equal(subject.initialized(), undefined);
  subject.put(dns('localhost'), true);
  assert.deepEqual(hosts(subject), []);
  await subject.initialized();
  assert.deepEqual(hosts(subject), ['127.0.0.1:80']);
  assert.equal(subject.initialized(), undefined);
  assert.equal(subject.grpcTarget('c'), '127.0.0.1:80');
  subject.stop();
});

test('endpoints go when they are stale', async () => {
  const subject = manager();
  subject.put(eds('a'));
  const stale = { endpoint_stale_after: '0.3s' };
  subject.putAssignment(assignment('a', ['10.0.0.1'], stale));
  await sleep(150);
  const again = performance.now();
  subject.putAssignment(assignment('a', ['10.0.0.1'], stale));
  assert.deepEqual(hosts(subject), ['10.0.0.1:80']);
  await until(() => hosts(subject)?.length === 0);
  assert.ok(performance.now() - again >= 299);
  const { assignmentStale, assignmentTimeoutReceived } = subject.get('c')?.stats ?? {};
  assert.deepEqual([assignmentStale, assignmentTimeoutReceived], [1, 2]);
  subject.putAssignment(assignment('a', ['10.0.0.2']));
  await sleep(350);
  assert.deepEqual(hosts(subject), ['10.0.0.2:80']);
  subject.stop();
});

test('an endpoint by name is refused', () => {
  const subject = manager();
  subject.put(eds('a'));
  const result = subject.putAssignment(assignment('a', ['a.test']));
  assert.ok(!result.ok);
  assert.match(result.error[0]?.message ?? '', /malformed IP address: a\.test/);
  subject.stop();
});

test('the hosts of the local cluster decide about zones in the others', () => {
  const zone = (name: string, address: string): JsonObject => ({
    locality: { zone: name },
    lb_endpoints: [endpoint(address)],
  });
  const locality = { region: '', zone: 'z1', subZone: '', key: '\0z1\0' };
  const subject = manager({ locality, localCluster: 'local' });
  subject.put({ ...eds('local'), name: 'local' });
  subject.put({
    name: 'c',
    load_assignment: { cluster_name: 'c', endpoints: [zone('z1', '10.0.0.1'), zone('z2', '10.0.0.2')] },
    common_lb_config: { zone_aware_lb_config: { min_cluster_size: 1 } },
  });
  const chosen = (): number =>
    new Set(Array.from({ length: 20 }, () => subject.get('c')?.choose(plainContext)?.name)).size;
  assert.equal(chosen(), 2, 'nothing is known of the local cluster');
  const endpoints = [zone('z1', '10.0.1.1'), zone('z2', '10.0.1.2')];
  subject.putAssignment({ cluster_name: 'local', endpoints });
  assert.equal(chosen(), 1, 'each zone can bear its own');
  subject.putAssignment({ cluster_name: 'local', endpoints: endpoints.slice(1) });
  assert.equal(chosen(), 2, 'nobody of the local cluster is in the zone');
  subject.stop();
});
