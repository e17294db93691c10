import { randomUUID } from 'node:crypto';
import type { DeleteOptions, KubernetesObject, ObjectStore, StoreEvent } from '../store.ts';

/** An object store for tests: keeps what it is given, notifies, deletes pods in two phases; neither defaults nor validates. */
export function createFakeStore(): ObjectStore {
  const objects = new Map<string, Map<string, KubernetesObject>>();
  const listeners = new Map<string, Set<(event: StoreEvent<KubernetesObject>) => void>>();
  let version = 0;
  const kind = (resource: string): Map<string, KubernetesObject> => {
    const present = objects.get(resource) ?? new Map<string, KubernetesObject>();
    objects.set(resource, present);
    return present;
  };
  const key = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;
  const keyOf = ({ metadata }: KubernetesObject): string => key(metadata.namespace, metadata.name);
  const put = <T extends KubernetesObject>(resource: string, type: StoreEvent<T>['type'], object: T): T => {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } };
    if (type === 'DELETED') kind(resource).delete(keyOf(object));
    else kind(resource).set(keyOf(object), stored);
    for (const listener of listeners.get(resource) ?? []) listener({ type, object: stored });
    return stored;
  };
  const remove = (resource: string, namespace: string | undefined, name: string, options: DeleteOptions = {}): void => {
    const object = kind(resource).get(key(namespace, name));
    if (!object || (options.uid !== undefined && options.uid !== object.metadata.uid))
      throw new Error(`${name} not found`);
    const spec = object['spec'] as { terminationGracePeriodSeconds?: number } | undefined;
    const grace = resource === 'pods' ? (options.gracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30) : 0;
    if (grace === 0) put(resource, 'DELETED', object);
    else {
      const deletionTimestamp = new Date().toISOString();
      put(resource, 'MODIFIED', {
        ...object,
        metadata: { ...object.metadata, deletionTimestamp, deletionGracePeriodSeconds: grace },
      });
    }
  };
  return {
    get: <T extends KubernetesObject>(resource: string, namespace: string | undefined, name: string) =>
      kind(resource).get(key(namespace, name)) as T | undefined,
    list: <T extends KubernetesObject>(resource: string, namespace?: string) =>
      [...kind(resource).values()].filter(
        ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
      ) as T[],
    create: (resource, object) =>
      put(resource, 'ADDED', { ...object, metadata: { uid: randomUUID(), ...object.metadata } }),
    update(resource, object, options) {
      const stored = kind(resource).get(keyOf(object));
      if (!stored) throw new Error(`${object.metadata.name} not found`);
      const next = options?.subresource
        ? { ...stored, status: object['status'] }
        : { ...object, status: stored['status'] };
      return put(resource, 'MODIFIED', next as unknown as typeof object);
    },
    delete: remove,
    watch<T extends KubernetesObject>(resource: string, listener: (event: StoreEvent<T>) => void) {
      for (const object of kind(resource).values()) listener({ type: 'ADDED', object: object as T });
      const all = listeners.get(resource) ?? new Set();
      listeners.set(resource, all);
      const own = listener as (event: StoreEvent<KubernetesObject>) => void;
      all.add(own);
      return () => all.delete(own);
    },
  };
}
