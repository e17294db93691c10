import { createRequire } from 'node:module';
import type { KubernetesObject } from '../../store.ts';
import type { Decoded } from '../decode/json.ts';
import { applyObject } from '../patch/apply.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { PatchError, strategicMerge } from '../patch/strategic.ts';
import { isRecord, type Shape } from '../schema/shape.ts';
import { badRequest, invalid, notFound } from '../status.ts';
import { invalidValue } from '../validation/errors.ts';
import { decodeBody, mediaType, readBody, unsupportedMediaType } from './body.ts';
import { acceptObject, authorOf, isDryRun } from './intake.ts';
import { replaceWith } from './replace.ts';
import type { ResourceRequest } from './request.ts';
import { storageKey, toServed } from './versions.ts';

const APPLY = 'application/apply-patch+yaml';
const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const MAX_OPERATIONS = 10_000;

export interface PatchOutcome {
  readonly object: KubernetesObject;
  readonly created: boolean;
}

/** Applies the patch in the request's body to the object that the path names. */
export async function applyPatchRequest(call: ResourceRequest): Promise<PatchOutcome> {
  const { context, resource, namespace, name = '' } = call;
  const type = mediaType(call.request);
  const raw = await readBody(call.request);
  if (type === APPLY) return serverSideApply(call, await decodeBody(type, raw));
  const patch = await decodePatch(type, raw);
  const old = context.store.get(storageKey(resource), namespace, name);
  if (!old) throw notFound(resource.definition, name);
  const shown = toServed(resource, old);
  const value = patchValue(call, type, shown, patch.value);
  const duplicates = patch.duplicates;
  const object = acceptObject(call, { value, duplicates });
  return { object: replaceWith(call, object), created: false };
}

/** The patched copy of an object. Throws 400, 415 or 422. */
export function patchValue(
  call: ResourceRequest,
  type: string,
  object: KubernetesObject,
  patch: unknown,
  shape?: Shape,
): unknown {
  const { definition, served } = call.resource;
  const draft = structuredClone(object);
  if (type === JSON_PATCH) return jsonPatch(call, draft, patch);
  if (!isRecord(patch)) throw badRequest('the patch must be an object');
  if (type === MERGE_PATCH) return mergePatch(draft, patch);
  if (definition.custom) throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, APPLY]);
  try {
    return strategicMerge(shape ?? served.shape, draft, patch);
  } catch (error) {
    if (error instanceof PatchError) throw badRequest(error.message);
    throw error;
  }
}

async function decodePatch(type: string, raw: Buffer): Promise<Decoded> {
  if (type !== JSON_PATCH && type !== MERGE_PATCH && type !== STRATEGIC)
    throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, STRATEGIC, APPLY]);
  return decodeBody('application/json', raw);
}

function jsonPatch(call: ResourceRequest, object: KubernetesObject, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch must be a list of operations');
  if (patch.length > MAX_OPERATIONS) throw badRequest(`the patch has more than ${MAX_OPERATIONS} operations`);
  const { applyPatch } = createRequire(import.meta.url)('fast-json-patch') as typeof import('fast-json-patch');
  try {
    return applyPatch(object, patch, true, true, true).newDocument;
  } catch (error) {
    const text = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'cannot be applied';
    const issue = invalidValue('patch', patch, text);
    throw invalid(call.resource.definition, object.metadata.name, [issue]);
  }
}

function serverSideApply(call: ResourceRequest, decoded: Decoded): PatchOutcome {
  const { context, resource, namespace, name = '', query } = call;
  if (!query.get('fieldManager'))
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  const applied = acceptObject(call, decoded);
  const old = context.store.get(storageKey(resource), namespace, name);
  const shown = old && toServed(resource, old);
  const status = call.subresource === 'status';
  if (!shown && status) throw notFound(resource.definition, name);
  const own = status || !resource.served.hasStatus ? applied : withoutStatus(applied);
  const merged = applyObject(resource.served.shape, shown, own, authorOf(call), query.get('force') === 'true');
  const dryRun = isDryRun(query);
  if (!shown)
    return { object: context.store.createServed(resource, merged, { dryRun, resetStatus: true }), created: true };
  const options = status ? { dryRun, subresource: 'status' as const } : { dryRun };
  return { object: context.store.updateServed(resource, merged, options), created: false };
}

function withoutStatus(object: KubernetesObject): KubernetesObject {
  const { apiVersion, kind, metadata, status: _status, ...rest } = object;
  return { apiVersion, kind, metadata, ...rest };
}
