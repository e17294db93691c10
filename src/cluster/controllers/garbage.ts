import type { KubernetesObject, OwnerReference, StoreEvent } from '../store.ts';
import type { Controller, ControllerContext } from './context.ts';
import type { ResourceType } from './kinds.ts';
import { tolerating } from './status-error.ts';

const definitions = 'customresourcedefinitions.apiextensions.k8s.io';
const foreground = 'foregroundDeletion';
const orphan = 'orphan';

/** Resources without owners or with a life of their own. */
const unwatched = new Set(['events', 'events.events.k8s.io']);

/** Owner uid to the dependents' keys (`resource|namespace|name`). */
type Dependents = Map<string, Set<string>>;

/**
 * Deletes objects whose owners are all gone, in the background, and works off the finalizers
 * `foregroundDeletion` (dependents first) and `orphan` (dependents stay) of owners being deleted.
 */
export const garbageCollector: Controller = (context) => {
  const { store, loop } = context;
  const dependents: Dependents = new Map();
  const referenced = new Map<string, readonly OwnerReference[]>();
  const watches = new Map<string, () => void>();
  const queue = loop.queue('garbage', (key) => reconcile(context, dependents, key));

  const onEvent = (resource: string, { type, object }: StoreEvent<KubernetesObject>): void => {
    const { namespace = '', name, ownerReferences = [], deletionTimestamp, uid = '' } = object.metadata;
    const key = `${resource}|${namespace}|${name}`;
    for (const owner of referenced.get(key) ?? []) unlink(dependents, owner.uid, key);
    referenced.delete(key);
    if (type !== 'DELETED' && ownerReferences.length > 0) {
      referenced.set(key, ownerReferences);
      for (const owner of ownerReferences) link(dependents, owner.uid, key);
      queue.mark(key);
    }
    if (type !== 'DELETED' && deletionTimestamp) queue.mark(key);
    if (type !== 'DELETED') return;
    for (const dependent of dependents.get(uid) ?? []) queue.mark(dependent);
    for (const owner of ownerReferences) markOwner(context, owner, namespace, queue.mark);
  };

  const watchServed = (): void => {
    for (const { resource } of context.resources()) {
      if (watches.has(resource) || unwatched.has(resource)) continue;
      watches.set(
        resource,
        store.watch(resource, (event) => onEvent(resource, event)),
      );
    }
  };
  // A new definition is served only after the API server has taken it up, hence the loop's next turn.
  const served = loop.queue('garbage-resources', watchServed);
  watchServed();
  const unwatchDefinitions = context.resources().some(({ resource }) => resource === definitions)
    ? store.watch(definitions, () => served.mark('/'))
    : () => undefined;
  return () => {
    unwatchDefinitions();
    for (const end of watches.values()) end();
  };
};

function link(dependents: Dependents, owner: string, key: string): void {
  const keys = dependents.get(owner) ?? new Set();
  keys.add(key);
  dependents.set(owner, keys);
}

function unlink(dependents: Dependents, owner: string, key: string): void {
  const keys = dependents.get(owner);
  keys?.delete(key);
  if (keys?.size === 0) dependents.delete(owner);
}

/** An owner that waits for its dependents is looked at again when one goes. */
function markOwner(
  context: ControllerContext,
  owner: OwnerReference,
  namespace: string,
  mark: (key: string) => void,
): void {
  const type = typeOf(context, owner);
  if (type) mark(`${type.resource}|${type.namespaced ? namespace : ''}|${owner.name}`);
}

function typeOf({ resources }: ControllerContext, owner: OwnerReference): ResourceType | undefined {
  const group = owner.apiVersion.includes('/') ? owner.apiVersion.slice(0, owner.apiVersion.indexOf('/')) : '';
  return resources().find((type) => type.group === group && type.kind === owner.kind);
}

function reconcile(context: ControllerContext, dependents: Dependents, key: string): void {
  const { store } = context;
  const [resource = '', namespaceText = '', name = ''] = key.split('|');
  const namespace = namespaceText === '' ? undefined : namespaceText;
  const object = store.get(resource, namespace, name);
  if (!object) return;
  if (object.metadata.deletionTimestamp) {
    workOffFinalizers(context, resource, object, dependents.get(object.metadata.uid ?? '') ?? new Set());
    return;
  }
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length === 0 || owners.some((owner) => mayExist(context, owner, namespace))) return;
  const { uid } = object.metadata;
  tolerating(['NotFound', 'Conflict'], () =>
    store.delete(resource, namespace, name, { ...(uid === undefined ? {} : { uid }), propagationPolicy: 'Background' }),
  );
}

/** An owner of a kind nobody serves cannot be judged and so counts as present, and so does one that deletes its dependents in order. */
function mayExist(context: ControllerContext, owner: OwnerReference, namespace: string | undefined): boolean {
  const type = typeOf(context, owner);
  if (!type) return true;
  const found = context.store.get(type.resource, type.namespaced ? namespace : undefined, owner.name);
  if (found?.metadata.uid !== owner.uid) return false;
  const { deletionTimestamp, finalizers = [] } = found.metadata;
  return !(deletionTimestamp && finalizers.includes(foreground));
}

function workOffFinalizers(
  context: ControllerContext,
  resource: string,
  owner: KubernetesObject,
  keys: ReadonlySet<string>,
): void {
  const finalizers = owner.metadata.finalizers ?? [];
  if (finalizers.includes(orphan)) {
    for (const key of keys) removeReference(context, key, owner);
    removeFinalizer(context, resource, owner, orphan);
    return;
  }
  if (!finalizers.includes(foreground)) return;
  for (const key of keys) reconcile(context, new Map(), key);
  const blocking = [...keys].some((key) => blocks(context, key, owner));
  if (!blocking) removeFinalizer(context, resource, owner, foreground);
}

function blocks({ store }: ControllerContext, key: string, owner: KubernetesObject): boolean {
  const dependent = store.get(...partsOf(key));
  const reference = dependent?.metadata.ownerReferences?.find(({ uid }) => uid === owner.metadata.uid);
  return reference?.blockOwnerDeletion === true;
}

function partsOf(key: string): [resource: string, namespace: string | undefined, name: string] {
  const [resource = '', namespace = '', name = ''] = key.split('|');
  return [resource, namespace === '' ? undefined : namespace, name];
}

function removeReference({ store }: ControllerContext, key: string, owner: KubernetesObject): void {
  const [resource, namespace, name] = partsOf(key);
  const dependent = store.get(resource, namespace, name);
  if (!dependent) return;
  const ownerReferences = (dependent.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  store.update(resource, { ...dependent, metadata: { ...dependent.metadata, ownerReferences } });
}

function removeFinalizer({ store }: ControllerContext, resource: string, object: KubernetesObject, name: string): void {
  const fresh = store.get(resource, object.metadata.namespace, object.metadata.name);
  if (!fresh) return;
  const finalizers = (fresh.metadata.finalizers ?? []).filter((entry) => entry !== name);
  store.update(resource, { ...fresh, metadata: { ...fresh.metadata, finalizers } });
}
