import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLearntNames, type LearntNames } from './learnt-names.ts';

const limits = { addressesPerName: 3, deferredPerEndpoint: 4, addressesPerEndpoint: 6 };
const [a, b] = ['10.0.0.1', '10.0.0.2'];
const nobody = () => false;

function learn(
  names: LearntNames,
  name: string,
  addresses: readonly string[],
  ttlSeconds: number,
  nowMs = 0,
  endpoint = a,
) {
  return names.learn({ endpoint, name, addresses, ttlSeconds, nowMs });
}

const known = (names: LearntNames): Record<string, readonly string[]> => Object.fromEntries(names.names());

test('an address lasts as long as the longest answer that gave it, and at least the minimum', () => {
  let minimum = 0;
  const names = createLearntNames(limits, () => minimum);
  assert.equal(learn(names, 'A.Example', ['1.1.1.1'], 10), true);
  assert.equal(learn(names, 'a.example.', ['1.1.1.1'], 5), false);
  assert.equal(names.expire(9_999), false);
  assert.deepEqual(known(names), { 'a.example.': ['1.1.1.1'] });
  assert.equal(names.expire(10_000), true);
  assert.equal(names.release(nobody), true);
  assert.deepEqual(known(names), {});
  minimum = 60;
  learn(names, 'b.', ['1.1.1.1'], 5, 10_000);
  assert.equal(names.expire(69_999), false);
  assert.equal(names.expire(70_000), true);
});

test('the map of names is the same one until something changes', () => {
  const names = createLearntNames(limits, () => 0);
  learn(names, 'a.', ['1.1.1.1'], 10);
  const before = names.names();
  learn(names, 'a.', ['1.1.1.1'], 20);
  names.expire(1);
  names.release(nobody);
  names.keepEndpoints(new Set([a]));
  assert.equal(names.names(), before);
});

test('what has run out stays while its own endpoint is connected to it', () => {
  const names = createLearntNames(limits, () => 0);
  learn(names, 'a.', ['1.1.1.1', '2.2.2.2'], 1);
  learn(names, 'a.', ['2.2.2.2'], 1, 0, b);
  assert.equal(names.expire(1_000), true);
  assert.deepEqual([...names.deferred()], [`${a} 1.1.1.1`, `${a} 2.2.2.2`, `${b} 2.2.2.2`]);
  assert.equal(
    names.release((endpoint, address) => endpoint === a && address === '2.2.2.2'),
    true,
  );
  assert.deepEqual(known(names), { 'a.': ['2.2.2.2'] });
  assert.equal(learn(names, 'a.', ['2.2.2.2'], 1, 1_000), false, 'asked again, it is current');
  assert.deepEqual([...names.deferred()], []);
  names.expire(2_000);
  assert.equal(names.release(nobody), true);
  assert.deepEqual(known(names), {});
});

test('every limit holds, whatever is learnt', () => {
  const names = createLearntNames(limits, () => 0);
  learn(names, 'a.', ['1.1.1.1'], 5);
  learn(names, 'a.', ['1.1.1.2'], 1);
  learn(names, 'a.', ['1.1.1.3', '1.1.1.4'], 9);
  assert.deepEqual(
    [...names.deferred()],
    [`${a} 1.1.1.2`],
    'the one that runs out first goes, as far as nothing uses it',
  );
  names.release(nobody);
  assert.deepEqual(known(names), { 'a.': ['1.1.1.1', '1.1.1.3', '1.1.1.4'] });
  learn(names, 'b.', ['2.1.1.1', '2.1.1.2', '2.1.1.3'], 9);
  learn(names, 'c.', ['3.1.1.1'], 9);
  names.release(nobody);
  assert.deepEqual(Object.keys(known(names)), ['b.', 'c.'], 'the name learnt longest ago goes');
  for (let at = 0; at < 50; at++) learn(names, `n${at}.`, [`4.1.1.${at}`, `4.1.2.${at}`], 9);
  assert.ok(names.deferred().size <= limits.deferredPerEndpoint);
  assert.ok([...names.names().values()].flat().length <= limits.addressesPerEndpoint + limits.deferredPerEndpoint);
});

test('what an endpoint has learnt goes with it', () => {
  const names = createLearntNames(limits, () => 0);
  learn(names, 'a.', ['1.1.1.1', '2.2.2.2'], 9);
  learn(names, 'a.', ['2.2.2.2'], 9, 0, b);
  assert.equal(names.keepEndpoints(new Set([b])), true);
  assert.deepEqual(known(names), { 'a.': ['2.2.2.2'] });
  assert.equal(names.keepEndpoints(new Set([b])), false);
});

test('records carry everything over a restart', () => {
  const names = createLearntNames(limits, () => 0);
  learn(names, 'a.', ['1.1.1.1'], 10, 1_000);
  learn(names, 'b.', ['2.2.2.2'], 1, 1_000, b);
  names.expire(2_000);
  const records = names.records(3_000);
  assert.deepEqual(records, [
    { endpoint: a, name: 'a.', address: '1.1.1.1', leftMs: 8_000 },
    { endpoint: b, name: 'b.', address: '2.2.2.2', leftMs: 0 },
  ]);
  const restored = createLearntNames(limits, () => 0);
  restored.restore(records, 500);
  assert.deepEqual(known(restored), known(names));
  restored.expire(500);
  assert.deepEqual([...restored.deferred()], [`${b} 2.2.2.2`]);
  restored.expire(8_500);
  assert.equal(restored.release(nobody), true);
  assert.deepEqual(known(restored), {});
});

test('an endpoint has the names that it was given itself, as long as it knows them', () => {
  const names = createLearntNames(limits, () => 0);
  const of = (endpoint: string, address: string): string => names.namesOf(endpoint, address).join(' ');
  learn(names, 'b.example.', ['1.1.1.1'], 10);
  learn(names, 'A.example', ['1.1.1.1', '2.2.2.2'], 1);
  learn(names, 'b.example.', ['2.2.2.2'], 10, 0, b);
  assert.equal(of(a, '1.1.1.1'), 'a.example b.example');
  assert.equal(of(a, '2.2.2.2'), 'a.example');
  assert.equal(of(b, '2.2.2.2'), 'b.example');
  assert.equal(of(b, '1.1.1.1'), '');
  names.expire(1_000);
  assert.equal(of(a, '2.2.2.2'), 'a.example', 'set aside, it is known');
  names.release((_endpoint, address) => address === '2.2.2.2');
  assert.equal(of(a, '1.1.1.1'), 'b.example');
  assert.equal(of(a, '2.2.2.2'), 'a.example');
  names.keepEndpoints(new Set([b]));
  assert.equal(of(a, '1.1.1.1'), '');
});

test('names that had to go for want of room are not known by address either', () => {
  const names = createLearntNames(limits, () => 0);
  const addresses = Array.from({ length: 20 }, (_, index) => `1.1.1.${index}`);
  for (const [index, address] of addresses.entries()) learn(names, `n${index}.`, [address], 10);
  const known = names.records(0).map(({ name, address }) => `${address} ${name.replace(/\.$/, '')}`);
  const indexed = addresses.flatMap((address) => names.namesOf(a, address).map((name) => `${address} ${name}`));
  assert.deepEqual(indexed.sort(), known.sort());
  assert.equal(known.length, limits.addressesPerEndpoint + limits.deferredPerEndpoint);
});
