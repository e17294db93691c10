import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../../base/index.ts';
import { until } from '../../../base/testing/index.ts';
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

interface LookUp {
  readonly name: string;
  readonly at: number;
  /** Undefined is a failure. */
  answer(answer: DnsAnswer | undefined): Promise<void>;
}

/** A cluster of these names, whose look-ups the test answers one after the other. */
function start(json: JsonObject, names: readonly string[], random = seeded()) {
  const scope = new StatsStore().scope();
  const lbEndpoints = names.map(named);
  const whole: JsonObject = {
    name: 'c',
    type: 'STRICT_DNS',
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: lbEndpoints }] },
    ...json,
  };
  const config = readMessage(whole, '', [], (fields) =>
    readCluster(fields, { readFilters: () => undefined, secrets: new SecretStore(), stats: scope }),
  );
  const cluster = new Cluster(config, {
    scope,
    merging: new ClusterManagerStats(),
    random,
    local: undefined,
    localSet: () => undefined,
    neighbours: alone,
  });
  const lookUps: LookUp[] = [];
  let taken = 0;
  const resolve = async (name: string): Promise<DnsAnswer> =>
    new Promise((found, failed) => {
      const answer = async (is: DnsAnswer | undefined): Promise<void> => {
        if (is) found(is);
        else failed(new Error('no answer'));
        await nextTurn();
      };
      lookUps.push({ name, at: performance.now(), answer });
    });
  const next = async (): Promise<LookUp> => {
    await until(() => lookUps.length > taken);
    return lookUps[taken++] as LookUp;
  };
  const discovery = new DnsDiscovery(cluster, { resolve, random, log: createLogger('dns-test') });
  const stop = (): void => {
    discovery.stop();
    cluster.drain();
  };
  return { cluster, lookUps, next, stop };
}

const found = (addresses: readonly string[], ttl = 0): DnsAnswer => ({ addresses, ttl });
const addresses = (cluster: Cluster): readonly string[] => cluster.hosts.map(({ name }) => name);

test('hosts that stay are the same, one that the name has no more goes', async () => {
  const { cluster, next, stop } = start({ dns_refresh_rate: '0.02s' }, ['a.test']);
  await (await next()).answer(found(['10.0.0.1', '10.0.0.2']));
  const [, second] = cluster.hosts;
  assert.deepEqual(addresses(cluster), ['10.0.0.1:80', '10.0.0.2:80']);
  await (await next()).answer(found(['10.0.0.2', '10.0.0.3']));
  assert.deepEqual(addresses(cluster), ['10.0.0.2:80', '10.0.0.3:80']);
  assert.equal(cluster.hosts[0], second);
  stop();
});

test('a failure keeps the hosts, an answer without addresses does not', async () => {
  const { cluster, next, stop } = start({ dns_refresh_rate: '0.02s' }, ['a.test']);
  await (await next()).answer(found(['10.0.0.1']));
  await (await next()).answer(undefined);
  assert.deepEqual([addresses(cluster), cluster.stats.updateFailure], [['10.0.0.1:80'], 1]);
  await (await next()).answer(found([]));
  assert.deepEqual([addresses(cluster), cluster.stats.updateFailure], [[], 1]);
  stop();
});

test('each name is looked up by itself, and the same address by two names is two hosts', async () => {
  const { cluster, next, stop } = start({ dns_refresh_rate: '60s' }, ['a.test', 'b.test', 'c.test']);
  assert.equal(cluster.warm, false);
  for (let name = 0; name < 3; name++) {
    const lookUp = await next();
    await lookUp.answer(lookUp.name === 'c.test' ? undefined : found(['10.0.0.1']));
  }
  assert.equal(cluster.warm, true);
  assert.deepEqual(addresses(cluster), ['10.0.0.1:80', '10.0.0.1:80']);
  const { updateAttempt, updateSuccess, updateFailure } = cluster.stats;
  assert.deepEqual([updateAttempt, updateSuccess, updateFailure], [3, 2, 1]);
  stop();
});

test('a logical host moves to the first address and is never lost', async () => {
  const { cluster, next, stop } = start({ type: 'LOGICAL_DNS', dns_refresh_rate: '0.02s' }, ['a.test']);
  await (await next()).answer(found(['10.0.0.1', '10.0.0.2']));
  const [host] = cluster.hosts;
  assert.deepEqual(addresses(cluster), ['10.0.0.1:80']);
  await (await next()).answer(found(['10.0.0.3']));
  assert.deepEqual([addresses(cluster), cluster.hosts[0]], [['10.0.0.3:80'], host]);
  assert.deepEqual(host?.peer, { address: '10.0.0.3', port: 80 });
  await (await next()).answer(found([]));
  assert.deepEqual(addresses(cluster), ['10.0.0.3:80']);
  assert.ok(cluster.stats.updateFailure > 0);
  stop();
});

test('a logical host is tried at all of its addresses', async () => {
  const { cluster, next, stop } = start({ type: 'LOGICAL_DNS' }, ['a']);
  await (await next()).answer(found(['10.0.0.1', '::2', '10.0.0.1']));
  const [host] = cluster.hosts;
  assert.deepEqual(
    host?.addresses.map((address) => formatAddress(address)),
    ['10.0.0.1:80', '[::2]:80'],
  );
  stop();
});

test('the time to live of an answer is respected where it is asked for', async () => {
  const { lookUps, next, stop } = start({ dns_refresh_rate: '60s', respect_dns_ttl: true }, ['a.test']);
  const first = await next();
  await first.answer(found(['10.0.0.1'], 50));
  const second = await next();
  assert.ok(second.at - first.at >= 49);
  await second.answer(found(['10.0.0.1'], 60_000));
  await sleep(100);
  assert.equal(lookUps.length, 2);
  stop();
});

test('failures are waited for longer and longer', async () => {
  const wait = { base_interval: '0.01s', max_interval: '0.04s' };
  const { cluster, lookUps, next, stop } = start({ dns_failure_refresh_rate: wait }, ['a.test'], () => 0.999);
  for (let round = 0; round < 5; round++) await (await next()).answer(undefined);
  stop();
  for (const [index, least] of [9, 19, 39, 39].entries()) {
    const between = (lookUps[index + 1]?.at ?? 0) - (lookUps[index]?.at ?? 0);
    assert.ok(between >= least, `${between} ms before look-up ${index + 2}`);
  }
  assert.equal(cluster.stats.updateFailure, 5);
});
