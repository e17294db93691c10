import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, ObjectMeta } from '../../store.ts';
import { apiVersionOf, type ResourceDefinition } from '../registry/definition.ts';
import type { Registry, ServedResource } from '../registry/registry.ts';
import { recordAt } from '../schema/shape.ts';
import { alreadyExists, badRequest, conflict, forbidden, invalid, MODIFIED, notFound, StatusError } from '../status.ts';
import { validateCustom } from '../validation/custom.ts';
import { defaultObject, type ObjectValidator, validateDefaulted } from '../validation/validate-object.ts';
import { allocateService } from './allocation.ts';
import type { Cache } from './cache.ts';
import { establishedDefinition } from './established.ts';

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly subresource?: 'status';
  /** A user may not set the status together with the rest; the cluster's own controllers may when they create. */
  readonly resetStatus?: boolean;
}

export interface Writer {
  create(resource: ServedResource, object: KubernetesObject, options?: WriteOptions): KubernetesObject;
  update(resource: ServedResource, object: KubernetesObject, options?: WriteOptions): KubernetesObject;
}

export interface WriterParts {
  readonly cache: Cache;
  readonly registry: Registry;
  readonly now: () => number;
  readonly validator?: ObjectValidator;
  /** Removes an object whose last finalizer is gone. */
  readonly finish: (definition: ResourceDefinition, object: KubernetesObject) => KubernetesObject;
}

const SUFFIX = 'bcdfghjklmnpqrstvwxz2456789';
const NO_GENERATION = new Set(
  'pods services configmaps secrets serviceaccounts namespaces nodes events endpoints leases.coordination.k8s.io'.split(
    ' ',
  ),
);
const KEEPS_STATUS = new Set(['nodes', 'namespaces']);

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function createWriter(parts: WriterParts): Writer {
  return {
    create: (resource, object, options = {}) => createObject(parts, resource, object, options),
    update: (resource, object, options = {}) => updateObject(parts, resource, object, options),
  };
}

function createObject(
  parts: WriterParts,
  resource: ServedResource,
  object: KubernetesObject,
  { dryRun = false, resetStatus = false }: WriteOptions,
): KubernetesObject {
  const { definition, served } = resource;
  const draft = structuredClone(object);
  draft.metadata = newMetadata(parts, definition, draft.metadata);
  if (resetStatus && served.hasStatus && !KEEPS_STATUS.has(definition.key)) delete draft['status'];
  requireNamespace(parts, definition, draft);
  const { name, namespace = '' } = draft.metadata;
  if (parts.cache.get(definition.key, namespace, name)) throw alreadyExists(definition, name);
  defaultObject(resource, draft);
  const stored = complete(parts, resource, draft, undefined);
  return dryRun ? stored : parts.cache.put(definition.key, stored);
}

function newMetadata(parts: WriterParts, definition: ResourceDefinition, given: ObjectMeta): ObjectMeta {
  const meta: ObjectMeta = { ...given };
  if (meta.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
  delete meta.resourceVersion;
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  if (!meta.name && meta.generateName) meta.name = `${meta.generateName.slice(0, 248)}${randomSuffix()}`;
  if (meta.generateName === '') delete meta.generateName;
  meta.uid = randomUUID();
  meta.creationTimestamp = timeText(parts.now());
  if (NO_GENERATION.has(definition.key)) delete meta.generation;
  else meta.generation = 1;
  if (!definition.namespaced && meta.namespace === '') delete meta.namespace;
  return meta;
}

function randomSuffix(): string {
  const random = randomUUID().replaceAll('-', '');
  let text = '';
  for (let position = 0; position < 5; position++)
    text += SUFFIX[Number.parseInt(random.slice(position * 4, position * 4 + 4), 16) % SUFFIX.length];
  return text;
}

function requireNamespace(parts: WriterParts, definition: ResourceDefinition, object: KubernetesObject): void {
  if (!definition.namespaced) return;
  const name = object.metadata.namespace ?? '';
  const namespace = parts.cache.get('namespaces', '', name);
  if (!namespace) throw notFound({ group: '', plural: 'namespaces', kind: 'Namespace' }, name);
  if (namespace.metadata.deletionTimestamp === undefined) return;
  throw forbidden(
    definition,
    object.metadata.name,
    `unable to create new content in namespace ${name} because it is being terminated`,
  );
}

function updateObject(
  parts: WriterParts,
  resource: ServedResource,
  object: KubernetesObject,
  { dryRun = false, subresource }: WriteOptions,
): KubernetesObject {
  const { definition, served } = resource;
  const { name, namespace = '' } = object.metadata;
  const old = parts.cache.get(definition.key, namespace, name);
  if (!old) throw notFound(definition, name);
  checkPreconditions(definition, object.metadata, old);
  const draft = subresource === 'status' ? statusDraft(object, old) : mainDraft(resource, object, old);
  let stored: KubernetesObject;
  if (subresource === 'status') stored = withStorageVersion(definition, checkStatus(resource, draft));
  else {
    defaultObject(resource, draft);
    stored = complete(parts, resource, draft, old);
  }
  bumpGeneration(definition, stored, old);
  if (isDeepStrictEqual(stored, old)) return old;
  if (dryRun) return stored;
  const finished = stored.metadata.deletionTimestamp !== undefined && !stored.metadata.finalizers?.length;
  if (
    finished &&
    !(served.hasStatus && definition.key === 'pods' && (stored.metadata.deletionGracePeriodSeconds ?? 0) > 0) &&
    definition.key !== 'namespaces'
  )
    return parts.finish(definition, stored);
  return parts.cache.put(definition.key, stored);
}

function checkPreconditions(definition: ResourceDefinition, meta: ObjectMeta, old: KubernetesObject): void {
  if (meta.resourceVersion && meta.resourceVersion !== old.metadata.resourceVersion)
    throw conflict(definition, meta.name, MODIFIED);
  if (meta.uid && meta.uid !== old.metadata.uid)
    throw conflict(
      definition,
      meta.name,
      `Precondition failed: UID in precondition: ${meta.uid}, UID in object meta: ${old.metadata.uid}`,
    );
}

function statusDraft(object: KubernetesObject, old: KubernetesObject): KubernetesObject {
  const draft: KubernetesObject = { ...structuredClone(old), apiVersion: object.apiVersion };
  if (object['status'] === undefined) delete draft['status'];
  else draft['status'] = structuredClone(object['status']);
  return draft;
}

/** The new object with what an update cannot change taken from the old one. */
function mainDraft(
  { definition, served }: ServedResource,
  object: KubernetesObject,
  old: KubernetesObject,
): KubernetesObject {
  const draft = structuredClone(object);
  const kept = old.metadata;
  const meta: ObjectMeta = { ...draft.metadata };
  for (const field of [
    'resourceVersion',
    'uid',
    'creationTimestamp',
    'generation',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generateName',
  ] as const) {
    const value = kept[field];
    if (value === undefined) delete meta[field];
    else Object.assign(meta, { [field]: value });
  }
  draft.metadata = meta;
  if (served.hasStatus) {
    if (old['status'] === undefined) delete draft['status'];
    else draft['status'] = structuredClone(old['status']);
  }
  if (definition.key === 'namespaces')
    draft['spec'] = { ...recordAt(draft, 'spec'), finalizers: recordAt(old, 'spec')?.['finalizers'] };
  return draft;
}

function checkStatus({ definition, served }: ServedResource, draft: KubernetesObject): KubernetesObject {
  const issues = served.schema ? validateCustom(served.schema, draft) : [];
  if (issues.length > 0) throw invalid(definition, draft.metadata.name, issues);
  return draft;
}

/** Validation and what the server itself fills in; the result is the object to store. */
function complete(
  parts: WriterParts,
  resource: ServedResource,
  draft: KubernetesObject,
  old: KubernetesObject | undefined,
): KubernetesObject {
  const { definition } = resource;
  const { name } = draft.metadata;
  if (definition.key === 'services') {
    const others = parts.cache.list('services').filter((other) => other !== old);
    const seed = Number.parseInt(draft.metadata.uid?.slice(0, 8) ?? '0', 16);
    const before = draft['spec'];
    // Addresses are only given to Services that are valid so far: allocation reads their ports.
    if (before !== undefined) allocateService(definition, draft, old, others, seed);
  }
  const issues = validateDefaulted(resource, draft, old, parts.validator);
  if (issues.length > 0) throw invalid(definition, name, issues);
  const stored = withStorageVersion(definition, draft);
  return definition.key === 'customresourcedefinitions.apiextensions.k8s.io'
    ? establishedDefinition(stored, timeText(parts.now()))
    : stored;
}

function withStorageVersion(definition: ResourceDefinition, object: KubernetesObject): KubernetesObject {
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  return {
    apiVersion: apiVersionOf(definition.group, definition.storageVersion),
    kind: definition.kind,
    ...rest,
    metadata: object.metadata,
  };
}

function bumpGeneration(definition: ResourceDefinition, stored: KubernetesObject, old: KubernetesObject): void {
  if (NO_GENERATION.has(definition.key)) return;
  const content = ({ metadata: _metadata, status: _status, apiVersion: _version, ...rest }: KubernetesObject) => rest;
  if (isDeepStrictEqual(content(stored), content(old))) return;
  stored.metadata = { ...stored.metadata, generation: (old.metadata.generation ?? 0) + 1 };
}

/** A request for a resource key that does not exist: a bug of the caller, worded for whoever reads the log. */
export function unknownResource(key: string): StatusError {
  return new StatusError(404, 'NotFound', `no resource "${key}"`);
}
