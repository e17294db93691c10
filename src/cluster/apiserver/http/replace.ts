import { assert } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { recordUpdate } from '../patch/managed-fields.ts';
import type { ServedResource } from '../registry/registry.ts';
import { authorOf, isDryRun } from './intake.ts';
import type { ResourceRequest } from './request.ts';
import { fromEventsApi, storageKey, toServed } from './versions.ts';

/** Replaces the object, or its status, with an accepted one. */
export function replaceWith(call: ResourceRequest, object: KubernetesObject): KubernetesObject {
  const { context, resource, namespace, name = '', query, subresource } = call;
  const dryRun = isDryRun(query);
  if (resource.definition.storedAs !== undefined)
    return context.store.updateServed(coreEvents(call), fromEventsApi(object), { dryRun });
  const old = context.store.get(storageKey(resource), namespace, name);
  const shown = old && toServed(resource, old);
  if (subresource === 'status') return context.store.updateServed(resource, object, { dryRun, subresource: 'status' });
  const kept: KubernetesObject = resource.served.hasStatus && shown ? { ...object, status: shown['status'] } : object;
  if (kept['status'] === undefined) delete kept['status'];
  const owned = recordUpdate(resource.served.shape, kept, shown, authorOf(call));
  return context.store.updateServed(resource, owned, { dryRun });
}

/** Events of both groups are kept as core events. */
export function coreEvents({ context }: ResourceRequest): ServedResource {
  const resource = context.store.registry.byKind('v1', 'Event');
  assert(resource, 'core events are built in');
  return resource;
}
