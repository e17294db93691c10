import type { DeleteOptions, KubernetesObject } from '../../store.ts';
import { recordUpdate } from '../patch/managed-fields.ts';
import { at, isRecord, numberAt, stringAt } from '../schema/shape.ts';
import { badRequest, methodNotAllowed, type Status } from '../status.ts';
import type { DeletionOptions } from '../store/deletion.ts';
import { decodeBody, mediaType, readBody } from './body.ts';
import { acceptObject, authorOf, isDryRun } from './intake.ts';
import { applyPatchRequest } from './patch-request.ts';
import { selectObjects, sendObject } from './read.ts';
import { coreEvents, replaceWith } from './replace.ts';
import type { ResourceRequest } from './request.ts';
import { sendJson, warn } from './respond.ts';
import { fromEventsApi, storageKey } from './versions.ts';

export async function handleCreate(call: ResourceRequest): Promise<void> {
  const body = await decodeBody(mediaType(call.request), await readBody(call.request));
  const object = acceptObject(call, body);
  sendObject(call, 201, createFrom(call, object));
}

/** Creates an accepted object, with its author recorded. */
function createFrom(call: ResourceRequest, object: KubernetesObject): KubernetesObject {
  const { context, resource, query } = call;
  const dryRun = isDryRun(query);
  warnDeprecated(call);
  if (resource.definition.storedAs !== undefined)
    return context.store.createServed(coreEvents(call), fromEventsApi(object), { dryRun });
  const owned = recordUpdate(resource.served.shape, withoutManagers(object), undefined, authorOf(call));
  return context.store.createServed(resource, owned, { dryRun, resetStatus: true });
}

function withoutManagers(object: KubernetesObject): KubernetesObject {
  return {
    ...object,
    metadata: Object.fromEntries(
      Object.entries(object.metadata).filter(([name]) => name !== 'managedFields'),
    ) as unknown as KubernetesObject['metadata'],
  };
}

function warnDeprecated({ resource, response }: ResourceRequest): void {
  if (resource.served.deprecationWarning !== undefined) warn(response, resource.served.deprecationWarning);
}

/** Kinds that a PUT may create; for all others the object must exist. */
const CREATED_BY_PUT = new Set([
  'services',
  'endpoints',
  'events',
  'events.events.k8s.io',
  'leases.coordination.k8s.io',
]);

export async function handleReplace(call: ResourceRequest): Promise<void> {
  const { context, resource, namespace, name = '' } = call;
  const body = await decodeBody(mediaType(call.request), await readBody(call.request));
  const object = acceptObject(call, body);
  if (CREATED_BY_PUT.has(resource.definition.key) && !context.store.get(storageKey(resource), namespace, name)) {
    sendObject(call, 201, createFrom(call, object));
    return;
  }
  sendObject(call, 200, replaceWith(call, object));
}

export async function handlePatch(call: ResourceRequest): Promise<void> {
  const { object, created } = await applyPatchRequest(call);
  sendObject(call, created ? 201 : 200, object);
}

export async function handleDelete(call: ResourceRequest): Promise<void> {
  const { context, resource, namespace, name = '' } = call;
  const options = await readDeleteOptions(call);
  const { object, removed } = context.store.remove(storageKey(resource), namespace ?? '', name, options);
  if (!removed) sendObject(call, 200, object);
  else sendJson(call.response, 200, deleted(call, object));
}

function deleted({ resource }: ResourceRequest, object: KubernetesObject): Partial<Status> {
  const { definition } = resource;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name,
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: definition.plural,
      uid: object.metadata.uid ?? '',
    },
  };
}

/** DELETE of a collection: everything the selectors match. */
export async function handleDeleteCollection(call: ResourceRequest): Promise<void> {
  const { context, resource } = call;
  if (resource.definition.namespaced && call.namespace === undefined) throw methodNotAllowed();
  const options = await readDeleteOptions(call);
  for (const object of selectObjects(call)) {
    const { namespace = '', name } = object.metadata;
    context.store.remove(storageKey(resource), namespace, name, options);
  }
  sendJson(call.response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
}

const PROPAGATION = ['Background', 'Foreground', 'Orphan'] as const;

/** Delete options from the body (JSON, YAML, protobuf or nothing) and the query. */
async function readDeleteOptions({ request, query }: ResourceRequest): Promise<DeletionOptions> {
  const raw = await readBody(request);
  const body = raw.length === 0 ? {} : (await decodeBody(mediaType(request), raw)).value;
  if (!isRecord(body)) throw badRequest('delete options must be an object');
  const grace = query.has('gracePeriodSeconds')
    ? Number(query.get('gracePeriodSeconds'))
    : numberAt(body, 'gracePeriodSeconds');
  if (grace !== undefined && !(Number.isInteger(grace) && grace >= 0))
    throw badRequest(`gracePeriodSeconds: Invalid value: ${grace}: must be a non-negative integer`);
  const policy =
    query.get('propagationPolicy') ??
    stringAt(body, 'propagationPolicy') ??
    (at(body, 'orphanDependents') === true ? 'Orphan' : undefined);
  const propagationPolicy: DeleteOptions['propagationPolicy'] | undefined = PROPAGATION.find(
    (known) => known === policy,
  );
  if (policy !== undefined && !propagationPolicy)
    throw badRequest(`propagationPolicy: Unsupported value: "${policy}": supported values: ${PROPAGATION.join(', ')}`);
  const uid = stringAt(body, 'preconditions', 'uid');
  const resourceVersion = stringAt(body, 'preconditions', 'resourceVersion');
  const bodyDryRun = Array.isArray(body['dryRun']) && body['dryRun'].includes('All');
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(propagationPolicy ? { propagationPolicy } : {}),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    dryRun: bodyDryRun || isDryRun(query),
  };
}
