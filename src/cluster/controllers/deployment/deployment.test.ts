import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject } from '../../store.ts';
import type { Deployment, Pod, ReplicaSet } from '../kinds.ts';
import { conditionOf, type TestCluster, testCluster } from '../test-support.ts';

const namespace = 'shop';

function web(more: Partial<Deployment['spec']> = {}, image = 'web:1'): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
      ...more,
    },
  };
}

const get = ({ store }: TestCluster): Deployment => {
  const found = store.get<Deployment>('deployments.apps', namespace, 'web');
  assert.ok(found);
  return found;
};

function change(cluster: TestCluster, alter: (spec: Deployment['spec']) => Partial<Deployment['spec']>): void {
  const deployment = get(cluster);
  cluster.store.update<Deployment>('deployments.apps', {
    ...deployment,
    spec: { ...deployment.spec, ...alter(deployment.spec) },
  });
}

const withImage = (image: string) => (spec: Deployment['spec']) => ({
  template: { ...spec.template, spec: { containers: [{ name: 'web', image }] } },
});

const pods = ({ store }: TestCluster): Pod[] => [...store.list<Pod>('pods', namespace)];
const images = (cluster: TestCluster): string[] => pods(cluster).map((pod) => pod.spec.containers[0]?.image ?? '');
const sets = ({ store }: TestCluster): ReplicaSet[] => [...store.list<ReplicaSet>('replicasets.apps', namespace)];
const reasons = ({ store }: TestCluster): string[] =>
  store.list('events', namespace).map((event) => String(event['reason']));

test('create, scale, update, roll back, delete', () => {
  const cluster = testCluster();
  cluster.store.create('deployments.apps', web());
  cluster.run();
  assert.equal(pods(cluster).length, 3);
  for (const pod of pods(cluster)) assert.match(pod.metadata.name, /^web-[b-z2-9]{6,10}-[b-z2-9]{5}$/);
  const first = get(cluster);
  assert.deepEqual(
    [
      first.status?.replicas,
      first.status?.updatedReplicas,
      first.status?.availableReplicas,
      first.status?.observedGeneration,
    ],
    [3, 3, 3, first.metadata.generation],
  );
  assert.equal(conditionOf(first, 'Available'), 'True MinimumReplicasAvailable');
  assert.equal(conditionOf(first, 'Progressing'), 'True NewReplicaSetAvailable');
  assert.equal(first.metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  assert.ok(
    ['ScalingReplicaSet', 'SuccessfulCreate', 'Scheduled'].every((reason) => reasons(cluster).includes(reason)),
  );

  change(cluster, () => ({ replicas: 5 }));
  cluster.run();
  assert.equal(pods(cluster).length, 5);
  change(cluster, () => ({ replicas: 2 }));
  cluster.run();
  assert.equal(pods(cluster).length, 2);
  assert.equal(sets(cluster).length, 1);

  change(cluster, withImage('web:2'));
  cluster.run();
  assert.deepEqual(images(cluster), ['web:2', 'web:2']);
  assert.equal(sets(cluster).length, 2);
  assert.equal(get(cluster).metadata.annotations?.['deployment.kubernetes.io/revision'], '2');

  change(cluster, withImage('web:1'));
  cluster.run();
  assert.deepEqual(images(cluster), ['web:1', 'web:1']);
  assert.equal(sets(cluster).length, 2);
  assert.equal(get(cluster).metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
  const again = sets(cluster).find(({ spec }) => spec.replicas === 2);
  assert.equal(again?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');

  cluster.store.delete('deployments.apps', namespace, 'web');
  cluster.run();
  assert.deepEqual([sets(cluster).length, pods(cluster).length], [0, 0]);
});

test('a rolling update never has more than maxSurge too many or maxUnavailable too few', () => {
  const cluster = testCluster();
  cluster.store.create(
    'deployments.apps',
    web({ replicas: 4, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }),
  );
  cluster.run();
  let most = 0;
  let fewest = 9;
  cluster.store.watch<Pod>('pods', () => {
    const alive = pods(cluster).filter(({ metadata }) => !metadata.deletionTimestamp);
    most = Math.max(most, alive.length);
    fewest = Math.min(fewest, alive.filter(({ status }) => status?.podIP).length);
  });
  change(cluster, withImage('web:2'));
  cluster.run();
  assert.deepEqual(images(cluster), ['web:2', 'web:2', 'web:2', 'web:2']);
  assert.deepEqual([most, fewest], [5, 3]);
});

test('a broken update stops at the surge, keeps the old pods, and times out', () => {
  const cluster = testCluster();
  cluster.brokenImages.add('web:bad');
  cluster.store.create('deployments.apps', web({ progressDeadlineSeconds: 30 }));
  cluster.run();
  change(cluster, withImage('web:bad'));
  cluster.run();
  assert.deepEqual(images(cluster).sort(), ['web:1', 'web:1', 'web:1', 'web:bad']);
  assert.equal(conditionOf(get(cluster), 'Progressing'), 'True ReplicaSetUpdated');
  cluster.clock.advance(40_000);
  assert.equal(conditionOf(get(cluster), 'Progressing'), 'False ProgressDeadlineExceeded');
  assert.equal(conditionOf(get(cluster), 'Available'), 'True MinimumReplicasAvailable');
  change(cluster, withImage('web:3'));
  cluster.run();
  assert.deepEqual(images(cluster), ['web:3', 'web:3', 'web:3']);
  assert.equal(conditionOf(get(cluster), 'Progressing'), 'True NewReplicaSetAvailable');
});

test('Recreate removes every old pod before the first new one', () => {
  const cluster = testCluster();
  cluster.store.create('deployments.apps', web({ strategy: { type: 'Recreate' } }));
  cluster.run();
  const seen = new Set<string>();
  cluster.store.watch<Pod>('pods', () => seen.add([...new Set(images(cluster))].sort().join('+')));
  change(cluster, withImage('web:2'));
  cluster.run();
  assert.deepEqual(images(cluster), ['web:2', 'web:2', 'web:2']);
  assert.ok(!seen.has('web:1+web:2'));
});

test('pause holds a template back but not a size; resume lets it go', () => {
  const cluster = testCluster();
  cluster.store.create('deployments.apps', web());
  cluster.run();
  change(cluster, (spec) => ({ ...withImage('web:2')(spec), paused: true, replicas: 4 }));
  cluster.run();
  assert.deepEqual(images(cluster), ['web:1', 'web:1', 'web:1', 'web:1']);
  change(cluster, () => ({ paused: false }));
  cluster.run();
  assert.deepEqual(images(cluster), ['web:2', 'web:2', 'web:2', 'web:2']);
});

test('history beyond the limit goes, scale to zero keeps the Deployment available', () => {
  const cluster = testCluster();
  cluster.store.create('deployments.apps', web({ revisionHistoryLimit: 1 }));
  for (const image of ['web:2', 'web:3', 'web:4']) {
    cluster.run();
    change(cluster, withImage(image));
  }
  cluster.run();
  assert.equal(sets(cluster).length, 2);
  change(cluster, () => ({ replicas: 0 }));
  cluster.run();
  assert.equal(pods(cluster).length, 0);
  assert.equal(conditionOf(get(cluster), 'Available'), 'True MinimumReplicasAvailable');
});

test('refused pods show as ReplicaFailure and FailedCreate, and are tried again', () => {
  const cluster = testCluster();
  cluster.store.refuseCreate = 'pods';
  cluster.store.create('deployments.apps', web());
  cluster.run();
  assert.equal(conditionOf(get(cluster), 'ReplicaFailure'), 'True FailedCreate');
  assert.ok(reasons(cluster).includes('FailedCreate'));
  cluster.store.refuseCreate = undefined;
  cluster.clock.advance(60_000);
  cluster.run();
  assert.equal(pods(cluster).length, 3);
  assert.equal(conditionOf(get(cluster), 'ReplicaFailure'), 'absent');
});

test('a pod taken out by its labels is released and replaced; one put back in is adopted and the excess goes', () => {
  const cluster = testCluster();
  cluster.store.create('deployments.apps', web());
  cluster.run();
  const [pod] = pods(cluster);
  assert.ok(pod);
  const relabel = (labels: Record<string, string>): void => {
    const fresh = cluster.store.get<Pod>('pods', namespace, pod.metadata.name);
    assert.ok(fresh);
    cluster.store.update('pods', { ...fresh, metadata: { ...fresh.metadata, labels } } satisfies KubernetesObject);
    cluster.run();
  };
  relabel({ app: 'debug' });
  assert.equal(pods(cluster).length, 4);
  assert.deepEqual(cluster.store.get('pods', namespace, pod.metadata.name)?.metadata.ownerReferences, []);
  relabel(pod.metadata.labels ?? {});
  assert.equal(pods(cluster).length, 3);
});

test('killing a pod brings another', () => {
  const cluster = testCluster();
  cluster.store.create('deployments.apps', web());
  cluster.run();
  const before = pods(cluster).map(({ metadata }) => metadata.name);
  cluster.store.delete('pods', namespace, before[0] ?? '');
  cluster.run();
  const after = pods(cluster).map(({ metadata }) => metadata.name);
  assert.equal(after.length, 3);
  assert.ok(!after.includes(before[0] ?? ''));
});

test('a size changed in the middle of a rollout is shared by the sets', () => {
  const cluster = testCluster();
  cluster.brokenImages.add('web:bad');
  cluster.store.create(
    'deployments.apps',
    web({ replicas: 10, strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 3 } } }),
  );
  cluster.run();
  change(cluster, withImage('web:bad'));
  cluster.run();
  const count = (): number[] =>
    ['web:1', 'web:bad'].map((image) => images(cluster).filter((other) => other === image).length);
  assert.deepEqual(count(), [7, 5]);
  change(cluster, () => ({ replicas: 20 }));
  cluster.run();
  const [old = 0, broken = 0] = count();
  assert.equal(old + broken, 22);
  assert.ok(old >= 11 && broken >= 7, `${old} old, ${broken} new`);
});
