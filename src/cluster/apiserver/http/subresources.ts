import type { KubernetesObject } from '../../store.ts';
import { recordUpdate } from '../patch/managed-fields.ts';
import { selectorText } from '../printers/workloads.ts';
import { builtinRootShape } from '../schema/builtin.ts';
import { at, isRecord, numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { badRequest, conflict, invalid, MODIFIED, methodNotAllowed, noSuchResource, StatusError } from '../status.ts';
import { invalidValue } from '../validation/errors.ts';
import { decodeBody, mediaType, readBody } from './body.ts';
import { authorOf, isDryRun } from './intake.ts';
import { handlePatch, handleReplace } from './mutate.ts';
import { patchValue } from './patch-request.ts';
import { handleGet, requireObject } from './read.ts';
import type { ResourceRequest } from './request.ts';
import { sendJson } from './respond.ts';
import { storageKey } from './versions.ts';

/** Requests to `…/NAME/SUBRESOURCE` that are plain HTTP. */
export async function handleSubresource(call: ResourceRequest): Promise<void> {
  const { resource, subresource = '' } = call;
  const { served, definition } = resource;
  if (subresource === 'status' && served.hasStatus) return handleStatus(call);
  if (subresource === 'scale' && served.hasScale) return handleScale(call);
  const isProxied = subresource.startsWith('proxy/');
  if (!definition.subresources.includes(isProxied ? 'proxy' : subresource)) throw noSuchResource();
  if (isProxied || subresource === 'proxy') {
    const { handleNodeProxy } = await import('../streaming/node-proxy.ts');
    return handleNodeProxy(call);
  }
  switch (subresource) {
    case 'log': {
      const { handleLog } = await import('../streaming/logs.ts');
      return handleLog(call);
    }
    case 'binding':
      return handleBinding(call);
    case 'eviction':
      return handleEviction(call);
    case 'ephemeralcontainers':
    case 'finalize':
      return call.request.method === 'GET' ? handleGet(call) : refuse(`${subresource} is not supported by this server`);
    default:
      throw badRequest('Upgrade request required');
  }
}

function refuse(message: string): never {
  throw new StatusError(405, 'MethodNotAllowed', message);
}

async function handleStatus(call: ResourceRequest): Promise<void> {
  switch (call.request.method) {
    case 'GET':
      return handleGet(call);
    case 'PUT':
      return handleReplace(call);
    case 'PATCH':
      return handlePatch(call);
    default:
      throw methodNotAllowed();
  }
}

function scaleOf(object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = selectorText(recordAt(object, 'spec', 'selector'));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: JSON.parse(
      JSON.stringify({ name, namespace, uid, resourceVersion, creationTimestamp }),
    ) as KubernetesObject['metadata'],
    spec: { replicas: numberAt(object, 'spec', 'replicas') ?? 0 },
    status: { replicas: numberAt(object, 'status', 'replicas') ?? 0, ...(selector === '<none>' ? {} : { selector }) },
  };
}

async function handleScale(call: ResourceRequest): Promise<void> {
  const { context, resource, request, response, name = '' } = call;
  const { method } = request;
  if (method === 'GET') return sendJson(response, 200, scaleOf(requireObject(call)));
  if (method !== 'PUT' && method !== 'PATCH') throw methodNotAllowed();
  const body = await readBody(request);
  const type = mediaType(request);
  const { value } = await decodeBody(method === 'PUT' ? type : 'application/json', body);
  const object = requireObject(call);
  const scale =
    method === 'PUT' ? value : patchValue(call, type, scaleOf(object), value, builtinRootShape('autoscaling.v1.Scale'));
  const wanted = stringAt(scale, 'metadata', 'resourceVersion');
  if (wanted && wanted !== object.metadata.resourceVersion) throw conflict(resource.definition, name, MODIFIED);
  const replicas = at(scale, 'spec', 'replicas') ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0)
    throw invalid({ group: 'autoscaling', plural: 'scale', kind: 'Scale' }, name, [
      invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ]);
  const spec = { ...recordAt(object, 'spec'), replicas };
  const next = recordUpdate(resource.served.shape, { ...object, spec }, object, authorOf(call));
  const stored = context.store.updateServed(resource, next, { dryRun: isDryRun(call.query) });
  sendJson(response, 200, scaleOf(stored));
}

async function handleBinding(call: ResourceRequest): Promise<void> {
  const { context, resource, request, response, name = '' } = call;
  if (request.method !== 'POST') throw methodNotAllowed();
  const { value } = await decodeBody(mediaType(request), await readBody(request));
  const pod = requireObject(call);
  const node = stringAt(value, 'target', 'name');
  if (!node) throw badRequest('target.name: Required value');
  if (stringAt(pod, 'spec', 'nodeName'))
    throw conflict(
      resource.definition,
      name,
      `pod ${name} is already assigned to node "${stringAt(pod, 'spec', 'nodeName')}"`,
    );
  context.store.updateServed(resource, { ...pod, spec: { ...recordAt(pod, 'spec'), nodeName: node } });
  sendJson(response, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
}

async function handleEviction(call: ResourceRequest): Promise<void> {
  const { context, resource, request, response, namespace = '', name = '' } = call;
  if (request.method !== 'POST') throw methodNotAllowed();
  const { value } = await decodeBody(mediaType(request), await readBody(request));
  const options = isRecord(value) ? recordAt(value, 'deleteOptions') : undefined;
  const grace = numberAt(options, 'gracePeriodSeconds');
  context.store.remove(storageKey(resource), namespace, name, {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    dryRun: isDryRun(call.query),
  });
  sendJson(response, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
}
