import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testCluster } from './test-support.ts';

const identities = 'ciliumidentities.cilium.io';
const endpoints = 'ciliumendpoints.cilium.io';
const minute = 60_000;

function clusterWith(data: Readonly<Record<string, string>> = {}) {
  const cluster = testCluster();
  const { store } = cluster;
  store.create('configmaps', {
    kind: 'ConfigMap',
    metadata: { name: 'cilium-config', namespace: 'kube-system' },
    data,
  } as never);
  const identity = (name: string) => store.create(identities, { kind: 'CiliumIdentity', metadata: { name } } as never);
  const endpoint = (name: string, id: number) =>
    store.create(endpoints, {
      kind: 'CiliumEndpoint',
      metadata: { name, namespace: 'default' },
      status: { identity: { id } },
    } as never);
  const present = () =>
    store
      .list(identities)
      .map(({ metadata }) => `${metadata.name}${metadata.annotations?.['io.cilium.heartbeat'] ? ' marked' : ''}`);
  return { ...cluster, identity, endpoint, present };
}

test('an identity that nobody uses is marked after the timeout and gone a round later; one that is used stays', () => {
  const { clock, identity, endpoint, present } = clusterWith();
  identity('300');
  identity('400');
  endpoint('a', 300);
  clock.advance(44 * minute);
  assert.deepEqual(present(), ['300', '400']);
  clock.advance(minute);
  assert.deepEqual(present(), ['300', '400 marked']);
  clock.advance(15 * minute);
  assert.deepEqual(present(), ['300']);
});

test('an identity loses its last endpoint, and lives for the timeout from when it was last seen used', () => {
  const { clock, store, identity, endpoint, present } = clusterWith();
  identity('300');
  endpoint('a', 300);
  clock.advance(61 * minute);
  store.delete(endpoints, 'default', 'a');
  clock.advance(28 * minute);
  assert.deepEqual(present(), ['300']);
  clock.advance(minute);
  assert.deepEqual(present(), ['300 marked']);
  clock.advance(15 * minute);
  assert.deepEqual(present(), []);
});

test('a marked identity that is used again loses the mark and stays', () => {
  const { clock, identity, endpoint, present } = clusterWith();
  identity('300');
  clock.advance(45 * minute);
  assert.deepEqual(present(), ['300 marked']);
  endpoint('a', 300);
  clock.advance(15 * minute);
  assert.deepEqual(present(), ['300']);
  clock.advance(120 * minute);
  assert.deepEqual(present(), ['300']);
});

test('an identity that was changed counts as used at that time', () => {
  const { clock, store, identity, present } = clusterWith();
  identity('300');
  clock.advance(31 * minute);
  store.update(identities, { kind: 'CiliumIdentity', metadata: { name: '300', labels: { a: 'b' } } } as never);
  clock.advance(43 * minute);
  assert.deepEqual(present(), ['300']);
  clock.advance(minute);
  assert.deepEqual(present(), ['300 marked']);
});

test('interval and timeout come from cilium-config, at once', () => {
  const { clock, store, identity, present } = clusterWith();
  identity('300');
  const data = { 'identity-gc-interval': '1s', 'identity-heartbeat-timeout': '1m30s' };
  store.update('configmaps', {
    kind: 'ConfigMap',
    metadata: { name: 'cilium-config', namespace: 'kube-system' },
    data,
  } as never);
  clock.advance(90_000);
  assert.deepEqual(present(), ['300']);
  clock.advance(1000);
  assert.deepEqual(present(), ['300 marked']);
  clock.advance(1000);
  assert.deepEqual(present(), []);
});

/** Settings, and whether anything is collected in two hours. */
const odd: readonly (readonly [interval: string, collected: boolean])[] = [
  ['0', false],
  ['0s', false],
  ['soon', true],
  ['-1m', true],
  ['', true],
];

for (const [interval, collected] of odd) {
  test(`identity-gc-interval "${interval}" ${collected ? 'keeps the default' : 'switches it off'}`, () => {
    const { clock, identity, present } = clusterWith({ 'identity-gc-interval': interval });
    identity('300');
    clock.advance(120 * minute);
    assert.equal(present().length === 0, collected);
  });
}
