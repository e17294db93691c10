import pino from 'pino';
import type { KubernetesObject, ObjectStore, StoreEvent } from '../store.ts';
import { type Clock, timestamp } from './clock.ts';
import type { DeploymentCondition, Node, Pod, ResourceType } from './kinds.ts';
import { type Controllers, startControllers } from './start.ts';

/** A clock that stands still until a test advances it; tasks run in the order of their times. */
export interface ManualClock extends Clock {
  /** Runs everything due now, and what that makes due now, until nothing is. */
  settle(): void;
  advance(ms: number): void;
}

export function manualClock(start = Date.parse('2024-01-01T00:00:00Z')): ManualClock {
  let now = start;
  let order = 0;
  const tasks = new Map<number, { readonly dueAt: number; readonly task: () => void }>();
  const runUntil = (end: number): void => {
    for (let steps = 0; ; steps++) {
      if (steps > 20_000) throw new Error('the controllers do not come to rest');
      const due = [...tasks]
        .filter(([, { dueAt }]) => dueAt <= end)
        .sort(([a, x], [b, y]) => x.dueAt - y.dueAt || a - b);
      const next = due[0];
      if (!next) break;
      tasks.delete(next[0]);
      now = Math.max(now, next[1].dueAt);
      next[1].task();
    }
    now = end;
  };
  return {
    now: () => now,
    after(ms, task) {
      const id = order++;
      tasks.set(id, { dueAt: now + ms, task });
      return () => void tasks.delete(id);
    },
    settle: () => runUntil(now),
    advance: (ms) => runUntil(now + ms),
  };
}

class FakeStatusError extends Error {
  readonly status: { readonly reason: string };
  constructor(reason: string, message: string) {
    super(message);
    this.status = { reason };
  }
}

const statusResources = new Set([
  'pods',
  'deployments.apps',
  'replicasets.apps',
  'daemonsets.apps',
  'namespaces',
  'nodes',
]);

interface Tables {
  of(resource: string): Map<string, KubernetesObject>;
  put(resource: string, object: KubernetesObject, type: 'ADDED' | 'MODIFIED'): KubernetesObject;
  remove(resource: string, object: KubernetesObject): void;
  readonly listeners: Map<string, Set<Listener>>;
}

type Listener = (event: StoreEvent<KubernetesObject>) => void;

function createTables(): Tables {
  const tables = new Map<string, Map<string, KubernetesObject>>();
  const listeners = new Map<string, Set<Listener>>();
  let version = 0;
  const emit = (resource: string, type: StoreEvent<KubernetesObject>['type'], object: KubernetesObject): void => {
    for (const listener of listeners.get(resource) ?? []) listener({ type, object });
  };
  const of = (resource: string): Map<string, KubernetesObject> => {
    const table = tables.get(resource) ?? new Map<string, KubernetesObject>();
    tables.set(resource, table);
    return table;
  };
  return {
    of,
    listeners,
    put(resource, object, type) {
      const resourceVersion = String(++version);
      const uid = object.metadata.uid ?? `uid-${version}`;
      const stored = structuredClone({ ...object, metadata: { ...object.metadata, uid, resourceVersion } });
      of(resource).set(storeKey(stored.metadata.namespace, stored.metadata.name), stored);
      emit(resource, type, stored);
      return stored;
    },
    remove(resource, object) {
      of(resource).delete(storeKey(object.metadata.namespace, object.metadata.name));
      emit(resource, 'DELETED', object);
    },
  };
}

function storeKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

function find(tables: Tables, resource: string, namespace: string | undefined, name: string): KubernetesObject {
  const found = tables.of(resource).get(storeKey(namespace, name));
  if (!found) throw new FakeStatusError('NotFound', `${resource} "${name}" not found`);
  return found;
}

/** The fake store, and a resource whose creation it refuses. */
export interface FakeStore extends ObjectStore {
  refuseCreate: string | undefined;
}

/** `ObjectStore` in memory with the rules that controllers rely on: versions, generations, status apart, two-phase deletes. */
function fakeStore(clock: Clock): FakeStore {
  const tables = createTables();
  const store: FakeStore = {
    refuseCreate: undefined,
    get: <T extends KubernetesObject>(resource: string, namespace: string | undefined, name: string) =>
      tables.of(resource).get(storeKey(namespace, name)) as T | undefined,
    list: <T extends KubernetesObject>(resource: string, namespace?: string) =>
      [...tables.of(resource).values()].filter(
        ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
      ) as T[],
    create<T extends KubernetesObject>(resource: string, object: T): T {
      const { uid: _, ...given } = object.metadata;
      const { name, namespace } = given;
      if (store.refuseCreate === resource) throw new FakeStatusError('Forbidden', 'refused by the test');
      if (tables.of(resource).has(storeKey(namespace, name)))
        throw new FakeStatusError('AlreadyExists', `${name} exists`);
      const metadata = { ...given, generation: 1, creationTimestamp: timestamp(clock) };
      return tables.put(resource, { ...object, metadata }, 'ADDED') as T;
    },
    update: (resource, object, options) => update(tables, resource, object, options?.subresource === 'status'),
    delete(resource, namespace, name, options = {}) {
      const object = find(tables, resource, namespace, name);
      const graceful = resource === 'pods' && options.gracePeriodSeconds !== 0;
      if (!graceful && (object.metadata.finalizers ?? []).length === 0) return tables.remove(resource, object);
      if (object.metadata.deletionTimestamp) return;
      const metadata = { ...object.metadata, deletionTimestamp: timestamp(clock) };
      tables.put(resource, { ...object, metadata }, 'MODIFIED');
    },
    watch<T extends KubernetesObject>(resource: string, listener: (event: StoreEvent<T>) => void) {
      const own = listener as Listener;
      const all = tables.listeners.get(resource) ?? new Set();
      tables.listeners.set(resource, all.add(own));
      for (const object of tables.of(resource).values()) own({ type: 'ADDED', object });
      return () => void all.delete(own);
    },
  };
  return store;
}

function update<T extends KubernetesObject>(tables: Tables, resource: string, object: T, isStatus: boolean): T {
  const before = find(tables, resource, object.metadata.namespace, object.metadata.name);
  const { resourceVersion } = object.metadata;
  if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
    throw new FakeStatusError('Conflict', `${object.metadata.name} was changed meanwhile`);
  }
  const next = merge(before, object, isStatus, statusResources.has(resource));
  const stored = tables.put(resource, next, 'MODIFIED');
  const ends = stored.metadata.deletionTimestamp && (stored.metadata.finalizers ?? []).length === 0;
  if (ends && resource !== 'pods') tables.remove(resource, stored);
  return stored as T;
}

function merge(before: KubernetesObject, after: KubernetesObject, status: boolean, apart: boolean): KubernetesObject {
  if (status) return { ...before, status: after['status'] };
  const next = apart ? { ...after, status: before['status'] } : after;
  const changed = JSON.stringify(before['spec']) !== JSON.stringify(next['spec']);
  const generation = (before.metadata.generation ?? 1) + (changed ? 1 : 0);
  const { uid, creationTimestamp, deletionTimestamp } = before.metadata;
  return {
    ...next,
    metadata: {
      ...next.metadata,
      generation,
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
  };
}

const resources: readonly ResourceType[] = [
  { resource: 'pods', group: '', kind: 'Pod', namespaced: true },
  { resource: 'services', group: '', kind: 'Service', namespaced: true },
  { resource: 'endpoints', group: '', kind: 'Endpoints', namespaced: true },
  { resource: 'configmaps', group: '', kind: 'ConfigMap', namespaced: true },
  { resource: 'serviceaccounts', group: '', kind: 'ServiceAccount', namespaced: true },
  { resource: 'events', group: '', kind: 'Event', namespaced: true },
  { resource: 'nodes', group: '', kind: 'Node', namespaced: false },
  { resource: 'namespaces', group: '', kind: 'Namespace', namespaced: false },
  { resource: 'deployments.apps', group: 'apps', kind: 'Deployment', namespaced: true },
  { resource: 'replicasets.apps', group: 'apps', kind: 'ReplicaSet', namespaced: true },
  { resource: 'daemonsets.apps', group: 'apps', kind: 'DaemonSet', namespaced: true },
  { resource: 'ciliumidentities.cilium.io', group: 'cilium.io', kind: 'CiliumIdentity', namespaced: false },
  { resource: 'ciliumendpoints.cilium.io', group: 'cilium.io', kind: 'CiliumEndpoint', namespaced: true },
  { resource: 'endpointslices.discovery.k8s.io', group: 'discovery.k8s.io', kind: 'EndpointSlice', namespaced: true },
];

/** A cluster of controllers over the fake store; `run` plays the node runtime for every bound pod. */
export interface TestCluster {
  readonly store: FakeStore;
  readonly clock: ManualClock;
  readonly controllers: Controllers;
  /** Lets controllers and kubelets work until nothing changes. */
  run(): void;
  /** Pods whose image is listed here never become ready. */
  readonly brokenImages: Set<string>;
}

export function testCluster(nodes: readonly Node[] = [readyNode('node-1'), readyNode('node-2')]): TestCluster {
  const clock = manualClock();
  const store = fakeStore(clock);
  for (const node of nodes) store.create('nodes', node);
  const controllers = startControllers({
    store,
    clock,
    log: pino({ level: 'silent' }),
    resources: () => resources,
    caCertificate: 'PEM',
  });
  const brokenImages = new Set<string>();
  const run = (): void => {
    for (let round = 0; round < 200; round++) {
      clock.advance(10);
      const pods = store.list<Pod>('pods').filter((pod) => kubelet(store, clock, pod, brokenImages));
      if (pods.length === 0) return;
    }
    throw new Error('the cluster does not come to rest');
  };
  run();
  return { store, clock, controllers, run, brokenImages };
}

/** Plays the kubelet for one pod; true when it changed something. */
function kubelet(store: ObjectStore, clock: Clock, pod: Pod, broken: ReadonlySet<string>): boolean {
  const { name, namespace, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp) {
    store.delete('pods', namespace, name, { gracePeriodSeconds: 0 });
    return true;
  }
  if (!pod.spec.nodeName || pod.status?.podIP) return false;
  const ready = !pod.spec.containers.some(({ image }) => broken.has(image ?? ''));
  const lastTransitionTime = timestamp(clock);
  const conditions = [
    ...(pod.status?.conditions ?? []),
    { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime },
  ];
  const podIP = `10.244.0.${(Number(pod.metadata.uid?.slice(4)) % 250) + 1}`;
  store.update<Pod>(
    'pods',
    { ...pod, status: { ...pod.status, phase: 'Running', podIP, conditions } },
    { subresource: 'status' },
  );
  return true;
}

export function readyNode(
  name: string,
  more: { readonly labels?: Record<string, string>; readonly spec?: Node['spec'] } = {},
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
    ...(more.spec ? { spec: more.spec } : {}),
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

export function conditionOf(
  object: { readonly status?: { readonly conditions?: readonly DeploymentCondition[] } } | undefined,
  type: string,
): string {
  const condition = object?.status?.conditions?.find((candidate) => candidate.type === type);
  return condition ? `${condition.status} ${condition.reason}` : 'absent';
}
