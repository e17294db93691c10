import type { KubernetesObject, ObjectStore } from '../../store.ts';
import { splitApiVersion } from '../registry/definition.ts';
import {
  createRegistry,
  type Registry,
  type ResourceDefinitionManifest,
  type ServedResource,
} from '../registry/registry.ts';
import { stringAt } from '../schema/shape.ts';
import { StatusError } from '../status.ts';
import type { ObjectValidator } from '../validation/validate-object.ts';
import { type ChangeListener, createCache } from './cache.ts';
import { openDatabase } from './database.ts';
import { createDeleter, type Deletion, type DeletionOptions } from './deletion.ts';
import { createWriter, unknownResource, type WriteOptions } from './writes.ts';

export interface StoreOptions {
  /** Where the state lives; made when it is missing. */
  readonly directory: string;
  readonly clock?: { readonly now: () => number };
  /** Extra rules for objects that fit their schema. */
  readonly validators?: ObjectValidator;
}

/** The storage as the HTTP side needs it, beside `ObjectStore`. */
export interface Store extends ObjectStore {
  readonly registry: Registry;
  readonly revision: number;
  readonly now: () => number;
  createServed(resource: ServedResource, object: KubernetesObject, options?: WriteOptions): KubernetesObject;
  updateServed(resource: ServedResource, object: KubernetesObject, options?: WriteOptions): KubernetesObject;
  remove(resource: string, namespace: string, name: string, options: DeletionOptions): Deletion;
  /** Changes after revision `since`; throws 410 when that is too far back. */
  subscribe(resource: string, since: number, listener: ChangeListener): () => void;
  close(): void;
}

const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';
const EVENT_LIFETIME_MS = 3_600_000;
const EVENT_LIMIT = 5000;
const SWEEP_MS = 60_000;

/** Opens the state of a cluster. One process at a time; throws when the directory is held by another or damaged. */
export function openStore({ directory, clock, validators }: StoreOptions): Store {
  const database = openDatabase(directory);
  const cache = createCache(database);
  const registry = createRegistry(cache.list(CRDS));
  const now = clock?.now ?? Date.now;
  const deleter = createDeleter(cache, registry, now);
  const writer = createWriter({
    cache,
    registry,
    now,
    ...(validators ? { validator: validators } : {}),
    finish: (definition, object) => deleter.finish(definition, object),
  });
  cache.subscribe(CRDS, cache.revision, ({ type, object }) =>
    type === 'DELETED' ? registry.removeCustom(object) : registry.addCustom(object),
  );
  const sweep = setInterval(() => {
    const limit = now() - EVENT_LIFETIME_MS;
    const events = registry.byKey('events');
    const present = cache.list('events');
    const surplus = present.length - EVENT_LIMIT;
    const old = present.filter((event) => eventTime(event) < limit);
    const extra =
      surplus > old.length ? [...present].sort((a, b) => eventTime(a) - eventTime(b)).slice(0, surplus) : old;
    if (events) for (const event of extra) deleter.finish(events, event);
  }, SWEEP_MS);
  sweep.unref();

  const definitionOf = (key: string) => {
    const definition = registry.byKey(key);
    if (!definition || definition.storedAs !== undefined) throw unknownResource(key);
    return definition;
  };
  const servedFor = (key: string, object: KubernetesObject): ServedResource => {
    const definition = definitionOf(key);
    const { version } = splitApiVersion(object.apiVersion);
    const served =
      definition.versions.find((candidate) => candidate.version === version) ??
      definition.versions.find((candidate) => candidate.version === definition.storageVersion);
    if (!served) throw new StatusError(400, 'BadRequest', `no version of ${key} is served`);
    return { definition, served };
  };

  return {
    registry,
    now,
    get revision() {
      return cache.revision;
    },
    get: <T extends KubernetesObject>(resource: string, namespace: string | undefined, name: string) =>
      cache.get(resource, namespace ?? '', name) as T | undefined,
    list<T extends KubernetesObject>(resource: string, namespace?: string) {
      const all = cache.list(resource) as readonly T[];
      return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
    },
    create: <T extends KubernetesObject>(resource: string, object: T) =>
      writer.create(servedFor(resource, object), object) as T,
    update: <T extends KubernetesObject>(
      resource: string,
      object: T,
      options: { readonly subresource?: 'status' } = {},
    ) => writer.update(servedFor(resource, object), object, options) as T,
    delete(resource, namespace, name, options = {}) {
      deleter.delete(definitionOf(resource), namespace ?? '', name, options);
    },
    watch<T extends KubernetesObject>(
      resource: string,
      listener: (event: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }) => void,
    ) {
      const revision = cache.revision;
      for (const object of cache.list(resource)) listener({ type: 'ADDED', object: object as T });
      return cache.subscribe(resource, revision, ({ type, object }) => listener({ type, object: object as T }));
    },
    createServed: (resource, object, options) => writer.create(resource, object, options),
    updateServed: (resource, object, options) => writer.update(resource, object, options),
    remove: (resource, namespace, name, options) => deleter.delete(definitionOf(resource), namespace, name, options),
    subscribe: (resource, since, listener) => cache.subscribe(resource, since, listener),
    close() {
      clearInterval(sweep);
      database.close();
    },
  };
}

function eventTime(event: KubernetesObject): number {
  const text =
    stringAt(event, 'lastTimestamp') ?? stringAt(event, 'eventTime') ?? event.metadata.creationTimestamp ?? '';
  const time = Date.parse(text);
  return Number.isNaN(time) ? 0 : time;
}

/**
 * Creates or replaces CustomResourceDefinitions; those that are the same already are left alone.
 * Throws `StatusError` when a definition is not valid.
 */
export function installResourceDefinitions(store: Store, crds: readonly ResourceDefinitionManifest[]): void {
  for (const manifest of crds) {
    const crd = { ...manifest, metadata: { ...manifest.metadata } } as KubernetesObject;
    const present = store.get(CRDS, undefined, crd.metadata.name);
    if (present) store.update(CRDS, { ...crd, metadata: { ...present.metadata, ...crd.metadata } });
    else store.create(CRDS, crd);
  }
}
