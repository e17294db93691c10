import type { DeleteOptions, KubernetesObject } from '../../store.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import type { Registry } from '../registry/registry.ts';
import { numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { conflict, forbidden, notFound } from '../status.ts';
import type { Cache } from './cache.ts';
import { timeText } from './writes.ts';

export interface DeletionOptions extends DeleteOptions {
  readonly resourceVersion?: string;
  readonly dryRun?: boolean;
}

export interface Deletion {
  /** The object as it is now: gone, or waiting with its `deletionTimestamp`. */
  readonly object: KubernetesObject;
  readonly removed: boolean;
}

export interface Deleter {
  delete(definition: ResourceDefinition, namespace: string, name: string, options: DeletionOptions): Deletion;
  /** Takes an object out for good and follows up: custom resources of a definition, the last object of a namespace that ends. */
  finish(definition: ResourceDefinition, object: KubernetesObject): KubernetesObject;
}

const PROTECTED_NAMESPACES = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);
const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';

export function createDeleter(cache: Cache, registry: Registry, now: () => number): Deleter {
  const finish = (definition: ResourceDefinition, object: KubernetesObject): KubernetesObject => {
    if (definition.key === CRDS) removeCustomObjects(object);
    const gone = cache.remove(definition.key, object);
    const namespace = object.metadata.namespace;
    if (namespace !== undefined) finishNamespace(namespace);
    return gone;
  };

  const removeCustomObjects = (crd: KubernetesObject) => {
    for (const definition of registry.customOf(crd.metadata.name)) {
      for (const object of cache.list(definition.key)) finish(definition, object);
    }
  };

  const finishNamespace = (name: string) => {
    const namespace = cache.get('namespaces', '', name);
    const ends = namespace?.metadata.deletionTimestamp !== undefined && !namespace.metadata.finalizers?.length;
    if (namespace && ends && cache.inNamespace(name).length === 0) cache.remove('namespaces', namespace);
  };

  const deleteNamespace = (definition: ResourceDefinition, namespace: KubernetesObject): Deletion => {
    const { name } = namespace.metadata;
    if (PROTECTED_NAMESPACES.has(name)) throw forbidden(definition, name, 'this namespace may not be deleted');
    const terminating = namespace.metadata.deletionTimestamp
      ? namespace
      : cache.put('namespaces', {
          ...namespace,
          metadata: { ...namespace.metadata, deletionTimestamp: timeText(now()) },
          status: { ...recordAt(namespace, 'status'), phase: 'Terminating' },
        });
    for (const { resource, object } of cache.inNamespace(name)) {
      const owner = registry.byKey(resource);
      if (owner && cache.get(resource, name, object.metadata.name)) remove(owner, object, {});
    }
    finishNamespace(name);
    return { object: terminating, removed: cache.get('namespaces', '', name) === undefined };
  };

  const remove = (definition: ResourceDefinition, object: KubernetesObject, options: DeletionOptions): Deletion => {
    const grace = gracePeriod(definition, object, options);
    const finalizers = withPropagation(object.metadata.finalizers ?? [], options);
    if (grace === 0 && finalizers.length === 0) {
      if (options.dryRun) return { object, removed: true };
      return { object: finish(definition, object), removed: true };
    }
    const waiting = object.metadata.deletionGracePeriodSeconds;
    if (object.metadata.deletionTimestamp !== undefined && (waiting === undefined || grace >= waiting))
      return { object, removed: false };
    const metadata = {
      ...object.metadata,
      ...(finalizers.length > 0 ? { finalizers: [...finalizers] } : {}),
      deletionTimestamp: timeText(now() + grace * 1000),
      deletionGracePeriodSeconds: grace,
      ...(object.metadata.generation === undefined ? {} : { generation: object.metadata.generation + 1 }),
    };
    const marked = { ...object, metadata };
    return { object: options.dryRun ? marked : cache.put(definition.key, marked), removed: false };
  };

  return {
    finish,
    delete(definition, namespace, name, options) {
      const object = cache.get(definition.key, namespace, name);
      if (!object) throw notFound(definition, name);
      checkPreconditions(definition, object, options);
      return definition.key === 'namespaces' && !options.dryRun
        ? deleteNamespace(definition, object)
        : remove(definition, object, options);
    },
  };
}

function checkPreconditions(definition: ResourceDefinition, object: KubernetesObject, options: DeletionOptions): void {
  const { uid, resourceVersion, name } = object.metadata;
  if (options.uid !== undefined && options.uid !== uid)
    throw conflict(
      definition,
      name,
      `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`,
    );
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion)
    throw conflict(
      definition,
      name,
      `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
    );
}

/** Seconds a pod gets to end; everything else, and a pod that runs nowhere, goes at once. */
function gracePeriod(definition: ResourceDefinition, object: KubernetesObject, options: DeletionOptions): number {
  if (definition.key !== 'pods') return 0;
  const phase = stringAt(object, 'status', 'phase');
  if (!stringAt(object, 'spec', 'nodeName') || phase === 'Succeeded' || phase === 'Failed') return 0;
  return Math.max(0, options.gracePeriodSeconds ?? numberAt(object, 'spec', 'terminationGracePeriodSeconds') ?? 30);
}

function withPropagation(finalizers: readonly string[], { propagationPolicy }: DeletionOptions): readonly string[] {
  const added = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: undefined };
  const finalizer = propagationPolicy && added[propagationPolicy];
  return finalizer === undefined || finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer];
}
