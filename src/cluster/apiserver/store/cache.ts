import { Ring } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { expired } from '../status.ts';
import type { Database } from './database.ts';

/** A change as watchers see it; `previous` lets a selector tell whether the object matched before. */
export interface ChangeEvent {
  readonly revision: number;
  readonly resource: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubernetesObject;
  readonly previous?: KubernetesObject;
}

export type ChangeListener = (event: ChangeEvent) => void;

const HISTORY = 2048;

/** All objects in memory, in front of the database; objects are frozen. */
export interface Cache {
  readonly revision: number;
  get(resource: string, namespace: string, name: string): KubernetesObject | undefined;
  /** Sorted by namespace, then name. */
  list(resource: string): readonly KubernetesObject[];
  /** Stores the object under the next revision, tells the watchers, and returns what was stored. */
  put(resource: string, object: KubernetesObject): KubernetesObject;
  remove(resource: string, object: KubernetesObject): KubernetesObject;
  /** Every object of a namespace, over all resources. */
  inNamespace(namespace: string): readonly { readonly resource: string; readonly object: KubernetesObject }[];
  /** Calls `listener` for each change after `since`, then for new ones. Throws 410 Expired when that is further back than the history. */
  subscribe(resource: string, since: number, listener: ChangeListener): () => void;
}

interface Collection {
  readonly objects: Map<string, KubernetesObject>;
  sorted: readonly KubernetesObject[] | undefined;
}

export function createCache(database: Database): Cache {
  const collections = new Map<string, Collection>();
  const history = new Ring<ChangeEvent>(HISTORY);
  const listeners = new Map<string, Set<ChangeListener>>();
  const pending: ChangeEvent[] = [];
  const loaded = database.load();
  let revision = loaded.revision;
  let delivering = false;

  const collection = (resource: string): Collection => {
    let found = collections.get(resource);
    if (!found) {
      found = { objects: new Map(), sorted: undefined };
      collections.set(resource, found);
    }
    return found;
  };
  for (const { resource, object } of loaded.objects)
    collection(resource).objects.set(keyOf(object), deepFreeze(object));

  // A listener may write; its change waits until everyone has seen the present one, so all see the same order.
  const publish = (event: ChangeEvent) => {
    history.push(event);
    pending.push(event);
    if (delivering) return;
    delivering = true;
    try {
      for (let next = pending.shift(); next; next = pending.shift()) {
        for (const listener of listeners.get(next.resource) ?? []) deliver(listener, next);
      }
    } finally {
      delivering = false;
    }
  };

  return {
    get revision() {
      return revision;
    },
    get: (resource, namespace, name) => collections.get(resource)?.objects.get(`${namespace}/${name}`),
    list(resource) {
      const found = collections.get(resource);
      if (!found) return [];
      found.sorted ??= [...found.objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
      return found.sorted;
    },
    put(resource, object) {
      const next = revision + 1;
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(next) } };
      database.put(next, { resource, namespace: stored.metadata.namespace ?? '', object: stored });
      revision = next;
      deepFreeze(stored);
      const target = collection(resource);
      const previous = target.objects.get(keyOf(stored));
      target.objects.set(keyOf(stored), stored);
      target.sorted = undefined;
      publish({
        revision,
        resource,
        type: previous ? 'MODIFIED' : 'ADDED',
        object: stored,
        ...(previous ? { previous } : {}),
      });
      return stored;
    },
    remove(resource, object) {
      const next = revision + 1;
      const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(next) } };
      database.remove(next, resource, object.metadata.namespace ?? '', object.metadata.name);
      revision = next;
      const target = collection(resource);
      const previous = target.objects.get(keyOf(object));
      target.objects.delete(keyOf(object));
      target.sorted = undefined;
      publish({ revision, resource, type: 'DELETED', object: deepFreeze(last), ...(previous ? { previous } : {}) });
      return last;
    },
    inNamespace(namespace) {
      return [...collections].flatMap(([resource, { objects }]) =>
        [...objects.values()]
          .filter((object) => object.metadata.namespace === namespace)
          .map((object) => ({ resource, object })),
      );
    },
    subscribe(resource, since, listener) {
      const oldest = history.at(history.oldestSequence);
      const floor = oldest && history.size === history.capacity ? oldest.revision - 1 : loaded.revision;
      if (since < floor) throw expired(`too old resource version: ${since} (${floor})`);
      // Changes still being delivered reach a new listener through the history, not twice.
      const replayed = revision;
      for (let sequence = history.oldestSequence; sequence < history.nextSequence; sequence++) {
        const event = history.at(sequence);
        if (event && event.resource === resource && event.revision > since) listener(event);
      }
      const live: ChangeListener = (event) => {
        if (event.revision > replayed) listener(event);
      };
      const set = listeners.get(resource) ?? new Set();
      listeners.set(resource, set.add(live));
      return () => {
        set.delete(live);
      };
    },
  };
}

/** A listener that throws is a bug; it must be seen, but neither undo the write nor keep the change from the others. */
function deliver(listener: ChangeListener, event: ChangeEvent): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function keyOf(object: KubernetesObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
