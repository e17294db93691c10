import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../../base/index.ts';
import { formatAddress } from '../../config/address.ts';
import { type JsonObject, readMessage } from '../../config/fields.ts';
import { SecretStore } from '../../discovery/secrets.ts';
import { ClusterManagerStats } from '../../server/stats.ts';
import { StatsStore } from '../../stats/store.ts';
import { seeded } from '../balance/testing.ts';
import { Cluster } from '../cluster.ts';
import { readCluster } from '../config.ts';
import { alone } from '../testing.ts';
import { DnsDiscovery } from './discovery.ts';
import type { DnsAnswer } from './resolver.ts';

const named = (name: string): JsonObject => ({
  endpoint: { address: { socket_address: { address: name, port_value: 80 } } },
});

/** A cluster whose names answer, look-up by look-up, what the script says; the last answer stays, undefined is a failure. */
function start(json: JsonObject, script: Readonly<Record<string, readonly (DnsAnswer | undefined)[]>>) {
  const scope = new StatsStore().scope();
  const lbEndpoints = Object.keys(script).map(named);
  const whole: JsonObject = {
    name: 'c',
    type: 'STRICT_DNS',
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: lbEndpoints }] },
    ...json,
  };
  const config = readMessage(whole, '', [], (fields) =>
    readCluster(fields, { readFilters: () => undefined, secrets: new SecretStore(), stats: scope }),
  );
  const random = seeded();
  const cluster = new Cluster(config, {
    scope,
    merging: new ClusterManagerStats(),
    random,
    local: undefined,
    localSet: () => undefined,
    neighbours: alone,
  });
  const at: number[] = [];
  const rounds = new Map<string, number>();
  const resolve = (name: string): Promise<DnsAnswer> => {
    at.push(performance.now());
    const round = rounds.get(name) ?? 0;
    rounds.set(name, round + 1);
    const answers = script[name] ?? [];
    const answer = answers[Math.min(round, answers.length - 1)];
    return answer ? Promise.resolve(answer) : Promise.reject(new Error('no answer'));
  };
  const discovery = new DnsDiscovery(cluster, { resolve, random, log: createLogger('dns-test') });
  const stop = (): void => {
    discovery.stop();
    cluster.drain();
  };
  return { cluster, at, stop };
}

const found = (addresses: readonly string[], ttl = 0): DnsAnswer => ({ addresses, ttl });
const addresses = (cluster: Cluster): readonly string[] => cluster.hosts.map(({ name }) => name);

test('hosts that stay are the same, one that the name has no more goes', async () => {
  const script = { 'a.test': [found(['10.0.0.1', '10.0.0.2']), found(['10.0.0.2', '10.0.0.3'])] };
  const { cluster, stop } = start({ dns_refresh_rate: '0.05s' }, script);
  await sleep(20);
  const [, second] = cluster.hosts;
  assert.deepEqual(addresses(cluster), ['10.0.0.1:80', '10.0.0.2:80']);
  await sleep(60);
  assert.deepEqual(addresses(cluster), ['10.0.0.2:80', '10.0.0.3:80']);
  assert.equal(cluster.hosts[0], second);
  stop();
});

test('a failure keeps the hosts, an answer without addresses does not', async () => {
  const script = { 'a.test': [found(['10.0.0.1']), undefined, found([])] };
  const { cluster, stop } = start({ dns_refresh_rate: '0.06s' }, script);
  await sleep(90);
  assert.deepEqual([addresses(cluster), cluster.stats.updateFailure], [['10.0.0.1:80'], 1]);
  await sleep(60);
  assert.deepEqual([addresses(cluster), cluster.stats.updateFailure], [[], 1]);
  stop();
});

test('each name is looked up by itself, and the same address by two names is two hosts', async () => {
  const script = { 'a.test': [found(['10.0.0.1'])], 'b.test': [found(['10.0.0.1'])], 'c.test': [undefined] };
  const { cluster, stop } = start({ dns_refresh_rate: '60s' }, script);
  assert.equal(cluster.warm, false);
  await sleep(10);
  assert.equal(cluster.warm, true);
  assert.deepEqual(addresses(cluster), ['10.0.0.1:80', '10.0.0.1:80']);
  const { updateAttempt, updateSuccess, updateFailure } = cluster.stats;
  assert.deepEqual([updateAttempt, updateSuccess, updateFailure], [3, 2, 1]);
  stop();
});

test('a logical host moves to the first address and is never lost', async () => {
  const script = { 'a.test': [found(['10.0.0.1', '10.0.0.2']), found(['10.0.0.3']), found([])] };
  const { cluster, stop } = start({ type: 'LOGICAL_DNS', dns_refresh_rate: '0.04s' }, script);
  await sleep(20);
  const [host] = cluster.hosts;
  assert.deepEqual(addresses(cluster), ['10.0.0.1:80']);
  await sleep(40);
  assert.deepEqual([addresses(cluster), cluster.hosts[0]], [['10.0.0.3:80'], host]);
  assert.deepEqual(host?.peer, { address: '10.0.0.3', port: 80 });
  await sleep(60);
  assert.deepEqual(addresses(cluster), ['10.0.0.3:80']);
  assert.ok(cluster.stats.updateFailure > 0);
  stop();
});

test('a logical host is tried at all of its addresses', async () => {
  const { cluster, stop } = start({ type: 'LOGICAL_DNS' }, { a: [found(['10.0.0.1', '::2', '10.0.0.1'])] });
  await sleep(10);
  const [host] = cluster.hosts;
  assert.deepEqual(
    host?.addresses.map((address) => formatAddress(address)),
    ['10.0.0.1:80', '[::2]:80'],
  );
  stop();
});

test('the time to live of an answer is respected where it is asked for', async () => {
  const script = { 'a.test': [found(['10.0.0.1'], 50), found(['10.0.0.1'], 60_000)] };
  const { at, stop } = start({ dns_refresh_rate: '60s', respect_dns_ttl: true }, script);
  await sleep(150);
  assert.equal(at.length, 2);
  assert.ok((at[1] ?? 0) - (at[0] ?? 0) >= 49);
  stop();
});

test('failures are waited for longer and longer', async () => {
  const wait = { base_interval: '0.01s', max_interval: '0.04s' };
  const { cluster, at, stop } = start({ dns_failure_refresh_rate: wait }, { 'a.test': [undefined] });
  await sleep(200);
  stop();
  assert.ok(at.length > 4 && at.length < 60, `${at.length} look-ups`);
  assert.equal(cluster.stats.updateFailure, at.length);
});
