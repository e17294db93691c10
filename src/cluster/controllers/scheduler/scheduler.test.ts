import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '../kinds.ts';
import { readyNode, type TestCluster, testCluster } from '../test-support.ts';

const besideClient = {
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { name: 'client' } } },
    ],
  },
};

function create({ store }: TestCluster, name: string, spec: Partial<Pod['spec']> = {}): void {
  const metadata = { name, namespace: 'shop', labels: { name } };
  store.create<Pod>('pods', { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [], ...spec } });
}

const nodeOf = ({ store }: TestCluster, name: string): string | undefined =>
  store.get<Pod>('pods', 'shop', name)?.spec.nodeName;

function events({ store }: TestCluster, name: string): string[] {
  const about = store
    .list('events', 'shop')
    .filter((event) => JSON.stringify(event['involvedObject']).includes(`"${name}"`));
  return about.map((event) => `${event['reason']}: ${event['message']}`);
}

test('a pod waits with a reason until its affinity can be met', () => {
  const cluster = testCluster();
  create(cluster, 'follower', { affinity: besideClient });
  cluster.run();
  assert.equal(nodeOf(cluster, 'follower'), undefined);
  const condition = cluster.store.get<Pod>('pods', 'shop', 'follower')?.status?.conditions?.[0];
  assert.deepEqual([condition?.type, condition?.status, condition?.reason], ['PodScheduled', 'False', 'Unschedulable']);
  const message = "0/2 nodes are available: 2 node(s) didn't match pod affinity rules.";
  assert.deepEqual(events(cluster, 'follower'), [`FailedScheduling: ${message}`]);

  create(cluster, 'client');
  cluster.run();
  assert.equal(nodeOf(cluster, 'follower'), nodeOf(cluster, 'client'));
  assert.equal(cluster.store.get<Pod>('pods', 'shop', 'follower')?.status?.conditions?.[0]?.status, 'True');
  assert.equal(events(cluster, 'follower').length, 2);
});

test('pods made together are placed in one pass, whatever their order, without a failure', () => {
  const cluster = testCluster();
  create(cluster, 'a-follower', { affinity: besideClient });
  create(cluster, 'client');
  cluster.run();
  assert.equal(nodeOf(cluster, 'a-follower'), 'node-1');
  assert.ok(!events(cluster, 'a-follower').some((event) => event.startsWith('FailedScheduling')));
});

test('waiting pods are placed when a node comes, becomes ready or is uncordoned', () => {
  const cluster = testCluster([]);
  create(cluster, 'client');
  cluster.run();
  assert.equal(nodeOf(cluster, 'client'), undefined);
  const { status = {}, ...bare } = readyNode('node-1', { spec: { unschedulable: true } });
  cluster.store.create<Node>('nodes', bare);
  cluster.run();
  const change = (more: Partial<Node>, subresource?: 'status'): void => {
    const node = cluster.store.get<Node>('nodes', undefined, 'node-1');
    assert.ok(node);
    cluster.store.update<Node>('nodes', { ...node, ...more }, subresource ? { subresource } : {});
    cluster.run();
  };
  change({ status }, 'status');
  assert.equal(nodeOf(cluster, 'client'), undefined);
  change({ spec: {} });
  assert.equal(nodeOf(cluster, 'client'), 'node-1');
});

test('pods of another scheduler, gated pods and pods with a node are left alone', () => {
  const cluster = testCluster();
  create(cluster, 'other', { schedulerName: 'mine' });
  create(cluster, 'gated', { schedulingGates: [{ name: 'wait' }] });
  create(cluster, 'fixed', { nodeName: 'node-2' });
  cluster.run();
  assert.deepEqual(
    ['other', 'gated', 'fixed'].map((name) => nodeOf(cluster, name)),
    [undefined, undefined, 'node-2'],
  );
});

test('higher priority goes first', () => {
  const full: Node = { ...readyNode('node-1'), status: { ...readyNode('node-1').status, allocatable: { pods: '1' } } };
  const cluster = testCluster([full]);
  create(cluster, 'a-low');
  create(cluster, 'b-high', { priority: 100 });
  cluster.run();
  assert.deepEqual([nodeOf(cluster, 'a-low'), nodeOf(cluster, 'b-high')], [undefined, 'node-1']);
});
