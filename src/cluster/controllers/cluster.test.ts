import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject } from '../store.ts';
import type { DaemonSet, Namespace, Node, Pod, ReplicaSet } from './kinds.ts';
import { readyNode, type TestCluster, testCluster } from './test-support.ts';

const names = (objects: readonly KubernetesObject[]): string[] => objects.map(({ metadata }) => metadata.name).sort();

function namespace(name: string, more: Partial<Namespace['metadata']> = {}): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...more } };
}

function replicaSet(name: string, more: Partial<ReplicaSet['metadata']> = {}, replicas = 1): ReplicaSet {
  const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'shop', ...more },
    spec: { replicas, selector: { matchLabels: { app: name } }, template },
  };
}

const pods = ({ store }: TestCluster): Pod[] => [...store.list<Pod>('pods', 'shop')];

test('a namespace gets label, phase, account and certificate, and gets them back', () => {
  const cluster = testCluster();
  cluster.store.create('namespaces', namespace('shop'));
  cluster.run();
  const made = cluster.store.get<Namespace>('namespaces', undefined, 'shop');
  assert.deepEqual([made?.metadata.labels, made?.status?.phase], [{ 'kubernetes.io/metadata.name': 'shop' }, 'Active']);
  assert.ok(cluster.store.get('serviceaccounts', 'shop', 'default'));
  cluster.store.delete('configmaps', 'shop', 'kube-root-ca.crt');
  cluster.store.delete('serviceaccounts', 'shop', 'default');
  cluster.run();
  assert.deepEqual(cluster.store.get('configmaps', 'shop', 'kube-root-ca.crt')?.['data'], { 'ca.crt': 'PEM' });
  assert.ok(cluster.store.get('serviceaccounts', 'shop', 'default'));
});

for (const { name, finalizers } of [
  { name: 'held by its finalizer', finalizers: ['kubernetes'] },
  { name: 'gone before it is empty', finalizers: [] },
]) {
  test(`deleting a namespace empties it: ${name}`, () => {
    const cluster = testCluster();
    cluster.store.create('namespaces', namespace('shop', { finalizers }));
    cluster.store.create('replicasets.apps', replicaSet('web', {}, 3));
    cluster.run();
    assert.equal(pods(cluster).length, 3);
    cluster.store.delete('namespaces', undefined, 'shop');
    cluster.run();
    cluster.clock.advance(2000);
    cluster.run();
    assert.equal(cluster.store.get('namespaces', undefined, 'shop'), undefined);
    for (const resource of ['pods', 'replicasets.apps', 'configmaps', 'serviceaccounts', 'events']) {
      assert.deepEqual(names(cluster.store.list(resource, 'shop')), [], resource);
    }
  });
}

test('dependents go with their last owner, whenever it goes', () => {
  const cluster = testCluster();
  const first = cluster.store.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'first', namespace: 'shop' },
  });
  const second = cluster.store.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'second', namespace: 'shop' },
  });
  const references = (...owners: KubernetesObject[]) =>
    owners.map(({ metadata }) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: metadata.name,
      uid: metadata.uid ?? '',
    }));
  const make = (name: string, ownerReferences: ReturnType<typeof references>): void => {
    cluster.store.create('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'shop', ownerReferences },
      spec: {},
    });
  };
  make('of-both', references(first, second));
  make('of-first', references(first));
  make('of-nobody', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'first', uid: 'of an earlier one' }]);
  make('of-unknown-kind', [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'w' }]);
  cluster.run();
  const left = (): string[] => names(cluster.store.list('services', 'shop'));
  assert.deepEqual(left(), ['of-both', 'of-first', 'of-unknown-kind']);
  cluster.store.delete('configmaps', 'shop', 'first');
  cluster.run();
  assert.deepEqual(left(), ['of-both', 'of-unknown-kind']);
  cluster.store.delete('configmaps', 'shop', 'second');
  cluster.run();
  assert.deepEqual(left(), ['of-unknown-kind']);
});

test('foreground deletion: the owner stays until its pods are gone', () => {
  const cluster = testCluster();
  cluster.store.create('replicasets.apps', replicaSet('web', { finalizers: ['foregroundDeletion'] }, 2));
  cluster.run();
  let ownerSeen = true;
  cluster.store.watch<Pod>('pods', ({ type }) => {
    if (type === 'DELETED') ownerSeen &&= cluster.store.get('replicasets.apps', 'shop', 'web') !== undefined;
  });
  cluster.store.delete('replicasets.apps', 'shop', 'web');
  cluster.run();
  assert.deepEqual(
    [ownerSeen, pods(cluster).length, cluster.store.get('replicasets.apps', 'shop', 'web')],
    [true, 0, undefined],
  );
});

test('orphan deletion: the pods stay without an owner', () => {
  const cluster = testCluster();
  cluster.store.create('replicasets.apps', replicaSet('web', { finalizers: ['orphan'] }, 2));
  cluster.run();
  cluster.store.delete('replicasets.apps', 'shop', 'web');
  cluster.run();
  assert.equal(cluster.store.get('replicasets.apps', 'shop', 'web'), undefined);
  assert.deepEqual(
    pods(cluster).map(({ metadata }) => metadata.ownerReferences),
    [[], []],
  );
});

test('pods of a node that went away are given up after a while', () => {
  const cluster = testCluster();
  cluster.store.create('replicasets.apps', replicaSet('web', {}, 2));
  cluster.run();
  cluster.store.delete('nodes', undefined, 'node-2');
  cluster.clock.advance(30_000);
  assert.ok(pods(cluster).some(({ spec }) => spec.nodeName === 'node-2'));
  cluster.clock.advance(40_000);
  cluster.run();
  assert.deepEqual(
    pods(cluster).map(({ spec }) => spec.nodeName),
    ['node-1', 'node-1'],
  );
});

function daemonSet(image: string): DaemonSet {
  const template = { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'c', image }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'agent' } }, template },
  };
}

test('a DaemonSet runs one pod a node, follows nodes, and rolls to a new template', () => {
  const cluster = testCluster([
    readyNode('a'),
    readyNode('b', { spec: { unschedulable: true } }),
    readyNode('t', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }),
  ]);
  const placed = (): string[] =>
    pods(cluster)
      .map(({ spec }) => `${spec.nodeName} ${spec.containers[0]?.image}`)
      .sort();
  cluster.store.create('daemonsets.apps', daemonSet('i:1'));
  cluster.run();
  assert.deepEqual(placed(), ['a i:1', 'b i:1']);
  cluster.store.create<Node>('nodes', readyNode('c'));
  cluster.run();
  assert.deepEqual(placed(), ['a i:1', 'b i:1', 'c i:1']);
  const set = cluster.store.get<DaemonSet>('daemonsets.apps', 'shop', 'agent');
  assert.deepEqual([set?.status?.desiredNumberScheduled, set?.status?.numberAvailable], [3, 3]);
  assert.ok(set);
  let fewest = 3;
  cluster.store.watch<Pod>('pods', () => {
    fewest = Math.min(
      fewest,
      pods(cluster).filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.podIP).length,
    );
  });
  cluster.store.update<DaemonSet>('daemonsets.apps', { ...set, spec: daemonSet('i:2').spec });
  cluster.run();
  assert.deepEqual(placed(), ['a i:2', 'b i:2', 'c i:2']);
  assert.equal(fewest, 2);
  assert.equal(cluster.store.get<DaemonSet>('daemonsets.apps', 'shop', 'agent')?.status?.updatedNumberScheduled, 3);
});

test('stop ends all work', async () => {
  const cluster = testCluster();
  await cluster.controllers.stop();
  cluster.store.create('replicasets.apps', replicaSet('web'));
  cluster.run();
  assert.equal(pods(cluster).length, 0);
});
