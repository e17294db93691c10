import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { KubernetesObject } from '../../store.ts';
import { StatusError } from '../status.ts';
import { openStore, type Store } from './open-store.ts';

const NOW = Date.parse('2024-05-01T10:00:00Z');
let directory = '';
let store: Store;
let now = NOW;

const open = () => openStore({ directory, clock: { now: () => now } });
const configMap = (name: string, extra: Record<string, unknown> = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  ...extra,
});
const pod = (name: string, spec: Record<string, unknown> = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'a', image: 'b' }], ...spec },
});
const service = (name: string, spec: Record<string, unknown> = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});
const refused = (reason: string) => (error: unknown) => error instanceof StatusError && error.status.reason === reason;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'apiserver-store-'));
  now = NOW;
  store = open();
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('writes', () => {
  test('create sets identity, version and defaults, and freezes what it gives out', () => {
    const created = store.create('configmaps', configMap('a', { data: { k: 'v' } }));
    assert.match(created.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(created.metadata.creationTimestamp, '2024-05-01T10:00:00Z');
    assert.equal(created.metadata.resourceVersion, String(store.revision));
    assert(Object.isFrozen(created.metadata));
    assert.throws(() => store.create('configmaps', configMap('a')), refused('AlreadyExists'));
  });

  test('generateName gets a suffix', () => {
    const object = { ...configMap(''), metadata: { name: '', generateName: 'x-', namespace: 'default' } };
    assert.match(store.create('configmaps', object).metadata.name, /^x-[a-z0-9]{5}$/);
  });

  test('a stale resourceVersion conflicts, an equal object changes nothing', () => {
    const first = store.create('configmaps', configMap('a'));
    const second = store.update('configmaps', { ...first, data: { k: 'v' } });
    assert.throws(() => store.update('configmaps', { ...first, data: {} }), refused('Conflict'));
    assert.equal(store.update('configmaps', second), second);
  });

  test('generation counts changes of the spec only, and status is a write of its own', () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'b' }] } };
    const created = store.create('deployments.apps', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: 'default' },
      spec: { selector: { matchLabels: { a: 'b' } }, template },
    } as KubernetesObject);
    const withStatus = store.update(
      'deployments.apps',
      { ...created, status: { replicas: 1 } },
      { subresource: 'status' },
    );
    assert.deepEqual([withStatus.metadata.generation, withStatus['status']], [1, { replicas: 1 }]);
    const scaled = store.update('deployments.apps', {
      ...withStatus,
      status: { replicas: 9 },
      spec: { ...(created['spec'] as object), replicas: 2 },
    });
    assert.deepEqual([scaled.metadata.generation, scaled['status']], [2, { replicas: 1 }]);
    assert.throws(
      () =>
        store.update('deployments.apps', {
          ...scaled,
          spec: { ...(scaled['spec'] as object), selector: { matchLabels: {} } },
        }),
      refused('Invalid'),
    );
  });

  test('objects need a namespace that exists', () => {
    const object = { ...configMap('a'), metadata: { name: 'a', namespace: 'none' } };
    assert.throws(() => store.create('configmaps', object), refused('NotFound'));
  });

  test('services get addresses and node ports, and keep them', () => {
    const first = store.create('services', service('a', { type: 'NodePort' }));
    const spec = first['spec'] as { clusterIP: string; ports: { nodePort: number }[] };
    assert.match(spec.clusterIP, /^10\.96\.\d+\.\d+$/);
    assert((spec.ports[0]?.nodePort ?? 0) >= 30_000);
    const again = store.update('services', service('a', { type: 'NodePort', sessionAffinity: 'None' }));
    assert.deepEqual((again['spec'] as typeof spec).clusterIP, spec.clusterIP);
    assert.throws(() => store.create('services', service('b', { clusterIP: spec.clusterIP })), refused('Invalid'));
    assert.throws(() => store.create('services', service('b', { clusterIP: '192.0.2.1' })), refused('Invalid'));
    assert.equal(
      (store.create('services', service('c', { clusterIP: 'None' }))['spec'] as typeof spec).clusterIP,
      'None',
    );
  });
});

describe('deletes', () => {
  test('finalizers hold an object until they are gone', () => {
    const object = configMap('a');
    store.create('configmaps', { ...object, metadata: { ...object.metadata, finalizers: ['example.io/hold'] } });
    store.delete('configmaps', 'default', 'a');
    const waiting = store.get('configmaps', 'default', 'a');
    assert(waiting?.metadata.deletionTimestamp);
    store.update('configmaps', { ...waiting, metadata: { ...waiting.metadata, finalizers: [] } });
    assert.equal(store.get('configmaps', 'default', 'a'), undefined);
  });

  test('a running pod gets its grace period; the node ends it with zero', () => {
    store.create('pods', pod('a', { nodeName: 'node-1', terminationGracePeriodSeconds: 5 }));
    store.delete('pods', 'default', 'a');
    const waiting = store.get('pods', 'default', 'a');
    assert.equal(waiting?.metadata.deletionTimestamp, '2024-05-01T10:00:05Z');
    assert.equal(waiting?.metadata.deletionGracePeriodSeconds, 5);
    store.update('pods', { ...waiting, status: { phase: 'Running', message: 'x' } }, { subresource: 'status' });
    assert(store.get('pods', 'default', 'a'));
    store.delete('pods', 'default', 'a', { gracePeriodSeconds: 0 });
    assert.equal(store.get('pods', 'default', 'a'), undefined);
    store.create('pods', pod('unscheduled'));
    store.delete('pods', 'default', 'unscheduled');
    assert.equal(store.get('pods', 'default', 'unscheduled'), undefined);
  });

  test('a uid that is not the object’s conflicts', () => {
    store.create('configmaps', configMap('a'));
    assert.throws(() => store.delete('configmaps', 'default', 'a', { uid: 'other' }), refused('Conflict'));
  });

  test('a namespace ends when its last object goes, and takes no new ones meanwhile', () => {
    store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } });
    const inside = (object: KubernetesObject) => ({ ...object, metadata: { ...object.metadata, namespace: 'x' } });
    store.create('configmaps', inside(configMap('a')));
    store.create('pods', inside(pod('p', { nodeName: 'node-1' })));
    store.delete('namespaces', undefined, 'x');
    assert.equal(store.get('configmaps', 'x', 'a'), undefined);
    assert.deepEqual(store.get('namespaces', undefined, 'x')?.['status'], { phase: 'Terminating' });
    assert.throws(() => store.create('configmaps', inside(configMap('b'))), refused('Forbidden'));
    store.delete('pods', 'x', 'p', { gracePeriodSeconds: 0 });
    assert.equal(store.get('namespaces', undefined, 'x'), undefined);
  });
});

describe('watching', () => {
  test('present objects first, then changes in the order they happened, for every listener', () => {
    store.create('configmaps', configMap('a'));
    const first: string[] = [];
    const second: string[] = [];
    store.watch('configmaps', ({ type, object }) => {
      first.push(`${type} ${object.metadata.name}`);
      // A listener that writes must not make others see its change before the one it answers.
      if (type === 'ADDED' && object.metadata.name === 'b') store.create('configmaps', configMap('c'));
    });
    const stop = store.watch('configmaps', ({ type, object }) => second.push(`${type} ${object.metadata.name}`));
    store.create('configmaps', configMap('b'));
    stop();
    store.delete('configmaps', 'default', 'a');
    assert.deepEqual(first, ['ADDED a', 'ADDED b', 'ADDED c', 'DELETED a']);
    assert.deepEqual(second, ['ADDED a', 'ADDED b', 'ADDED c']);
  });

  test('history is bounded: what is too far back is 410 Expired', () => {
    const start = store.revision;
    let object = store.create('configmaps', configMap('a', { data: { n: '0' } }));
    const seen: number[] = [];
    store.subscribe('configmaps', start, ({ revision }) => seen.push(revision))();
    assert.deepEqual(seen, [start + 1]);
    for (let n = 1; n < 2100; n++) object = store.update('configmaps', { ...object, data: { n: String(n) } });
    assert.throws(() => store.subscribe('configmaps', start, () => undefined), refused('Expired'));
    assert.doesNotThrow(() => store.subscribe('configmaps', store.revision, () => undefined)());
  });
});

test('everything outlives a restart, custom kinds included', () => {
  store.create('customresourcedefinitions.apiextensions.k8s.io', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.io' },
    spec: {
      group: 'example.io',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  } as KubernetesObject);
  store.create('widgets.example.io', {
    apiVersion: 'example.io/v1',
    kind: 'Widget',
    metadata: { name: 'w', namespace: 'default' },
  });
  const { revision } = store;
  store.close();
  store = open();
  assert.equal(store.revision, revision);
  assert(store.get('widgets.example.io', 'default', 'w'));
  assert.throws(() => store.subscribe('configmaps', revision - 1, () => undefined), refused('Expired'));
  store.delete('customresourcedefinitions.apiextensions.k8s.io', undefined, 'widgets.example.io');
  assert.equal(store.get('widgets.example.io', 'default', 'w'), undefined);
});

test('a second server on the same directory is refused', () => {
  assert.throws(() => open(), /locked/);
});
