import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Issue } from '../../../base/index.ts';
import { until } from '../../../base/testing/index.ts';
import { readMessage } from '../../config/fields.ts';
import { type DnsCacheConfig, PLAIN_CACHE, readDnsCache } from '../config/dns-cache.ts';
import { type CachedHost, DnsCache, type Loaded } from './cache.ts';
import { DnsCacheStats } from './cache-stats.ts';
import { hostKey, splitHostPort } from './host-key.ts';
import type { DnsAnswer } from './resolver.ts';

type Answers = Readonly<Record<string, DnsAnswer | Error | 'never'>>;

function subject(answers: Answers, more: Partial<DnsCacheConfig> = {}) {
  const stats = new DnsCacheStats();
  const asked: string[] = [];
  const resolve = (name: string): Promise<DnsAnswer> => {
    asked.push(name);
    const answer = answers[name] ?? new Error('unknown');
    if (answer === 'never') return new Promise(() => undefined);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const cache = new DnsCache({ ...PLAIN_CACHE, name: 'test', ...more }, { resolve, stats, random: () => 0.5 });
  return { cache, stats, asked };
}

const load = (cache: DnsCache, name: string): Promise<CachedHost | 'overflow'> =>
  new Promise((done) => {
    const loaded: Loaded = cache.load(name, 80, done);
    if (loaded.kind === 'known') done(loaded.host);
    if (loaded.kind === 'overflow') done('overflow');
  });

const found = (...addresses: readonly string[]): DnsAnswer => ({ addresses, ttl: 0 });

test('a name is looked up once for all who wait, and known afterwards', async () => {
  const { cache, asked, stats } = subject({ a: found('10.0.0.1', '10.0.0.2') });
  const [first, second] = await Promise.all([load(cache, 'a'), load(cache, 'a:80')]);
  assert.equal(first, second);
  assert.deepEqual(first !== 'overflow' && [first.key, first.port, first.addresses], [
    'a:80',
    80,
    ['10.0.0.1', '10.0.0.2'],
  ]);
  assert.equal(cache.load('a', 80, () => assert.fail('it is known')).kind, 'known');
  assert.deepEqual(asked, ['a']);
  assert.deepEqual([stats.attempt, stats.success, stats.hosts, stats.addressChanged], [1, 1, 1, 1]);
  cache.stop();
});

test('who gives up waiting hears nothing', async () => {
  const { cache } = subject({ a: found('10.0.0.1') });
  const loaded = cache.load('a', 80, () => assert.fail('it was cancelled'));
  assert.ok(loaded.kind === 'pending');
  loaded.pending.cancel();
  await load(cache, 'a');
  cache.stop();
});

test('a failure is remembered with its reason, unless the cache rests after it', async () => {
  const failure = Object.assign(new Error('no'), { code: 'ESERVFAIL' });
  const { cache, asked } = subject({ a: failure });
  const host = await load(cache, 'a');
  assert.equal(
    host !== 'overflow' && host.details,
    'dns_resolution_failure{cares_failure:DNS_server_returned_general_failure}',
  );
  await load(cache, 'a');
  assert.equal(asked.length, 1);
  cache.stop();
  const resting = subject({ a: failure }, { restsAfterFailure: true });
  await load(resting.cache, 'a');
  await load(resting.cache, 'a');
  assert.equal(resting.asked.length, 2);
  assert.deepEqual([resting.stats.hosts, resting.stats.removed], [1, 1]);
  resting.cache.stop();
});

test('a look-up that takes too long fails, and its late answer is not taken', async () => {
  const { cache, stats } = subject({ a: 'never' }, { queryTimeout: 20 });
  const host = await load(cache, 'a');
  assert.equal(host !== 'overflow' && host.details, 'dns_resolution_failure{resolve_timeout}');
  assert.deepEqual([stats.timeout, stats.failure], [1, 1]);
  cache.stop();
});

test('there are no more hosts than may be', async () => {
  const { cache, stats } = subject({ a: found('10.0.0.1'), b: found('10.0.0.2') }, { maxHosts: 1 });
  await load(cache, 'a');
  assert.equal(await load(cache, 'b'), 'overflow');
  assert.equal(stats.overflow, 1);
  assert.notEqual(await load(cache, 'a'), 'overflow');
  cache.stop();
});

test('a host keeps its addresses while it is used, and goes when nobody asks for it', async () => {
  const { cache, stats } = subject({ a: found('10.0.0.1') }, { hostTtl: 60, minRefresh: 0 });
  const changes: string[] = [];
  cache.follow({
    onAddresses: ({ addresses }) => changes.push(`${addresses}`),
    onRemoved: ({ key }) => changes.push(`${key} gone`),
  });
  await load(cache, 'a');
  await sleep(20);
  cache.touch('a:80');
  assert.equal(cache.hosts().length, 1);
  await until(() => changes.length > 1);
  assert.deepEqual(changes, ['10.0.0.1', 'a:80 gone']);
  assert.ok(stats.attempt > 1);
  assert.deepEqual([stats.hosts, stats.removed, cache.hosts().length], [0, 1, 0]);
  cache.stop();
});

test('addresses that are excluded are left out, and a name without others has none', async () => {
  const { cache, stats } = subject(
    { a: found('10.0.0.1', '127.0.0.1'), b: found('127.0.0.1') },
    { excludes: (address) => address.startsWith('127.') },
  );
  const [a, b] = [await load(cache, 'a'), await load(cache, 'b')];
  assert.deepEqual(a !== 'overflow' && a.addresses, ['10.0.0.1']);
  assert.equal(b !== 'overflow' && b.details, 'dns_resolution_failure{address_denied}');
  assert.equal(stats.filteredOut, 2);
  cache.stop();
});

test('places among those who wait are counted', () => {
  const { cache, stats } = subject({}, { maxPending: 1 });
  assert.ok(cache.takePlace());
  assert.equal(stats.pendingOpen, 1);
  assert.ok(!cache.takePlace());
  cache.leavePlace();
  assert.deepEqual([stats.pendingOverflow, stats.pendingOpen, stats.pendingRemaining], [1, 0, 1]);
});

test('names with and without ports are told apart', () => {
  const split = (text: string): string => {
    const { host, port } = splitHostPort(text);
    return `${host} ${port}`;
  };
  assert.deepEqual(['a', 'a:1', '[::1]:2', '[::1]', '::1', 'a:', 'a:x', 'a:70000'].map(split), [
    'a undefined',
    'a 1',
    '::1 2',
    '::1 undefined',
    '::1 undefined',
    'a: undefined',
    'a:x undefined',
    'a:70000 undefined',
  ]);
  assert.deepEqual(
    ['a', 'a:1', '[::1]'].map((name) => hostKey(name, 80)),
    ['a:80', 'a:1', '[::1]:80'],
  );
});

test('what a cache cannot be is told by field', () => {
  const issues: Issue[] = [];
  const json = { name: 'x', max_hosts: 1, preresolve_hostnames: [{ address: 'a' }, { address: 'b' }], host_ttl: '0s' };
  readMessage(json, '', issues, readDnsCache);
  assert.deepEqual(
    issues.map(({ path }) => path),
    ['host_ttl', 'preresolve_hostnames'],
  );
});
