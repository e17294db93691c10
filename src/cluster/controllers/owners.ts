import { type LabelSelector, selectorMatches } from '../../base/index.ts';
import type { KubernetesObject, ObjectStore, OwnerReference } from '../store.ts';

/** The owner that manages the object, if it has one. */
export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** The reference that makes `owner` the managing owner of a dependent. */
export function controllerReference(owner: KubernetesObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The dependents that `owner` manages, without touching any. */
export function controlledBy<T extends KubernetesObject>(owner: KubernetesObject, candidates: readonly T[]): T[] {
  return candidates.filter((candidate) => controllerOf(candidate)?.uid === owner.metadata.uid);
}

/**
 * Kubernetes' claiming: what the owner manages and still matches stays; what no longer matches is released;
 * what matches and has no manager is adopted, unless it or the owner is being deleted.
 */
export function claim<T extends KubernetesObject>(
  store: ObjectStore,
  resource: string,
  owner: KubernetesObject,
  selector: LabelSelector | undefined,
): T[] {
  const claimed: T[] = [];
  for (const candidate of store.list<T>(resource, owner.metadata.namespace)) {
    const manager = controllerOf(candidate);
    const matches = selectorMatches(selector, candidate.metadata.labels ?? {});
    if (manager?.uid === owner.metadata.uid) {
      if (matches) claimed.push(candidate);
      else if (!owner.metadata.deletionTimestamp) release(store, resource, owner, candidate);
      continue;
    }
    if (manager || !matches || candidate.metadata.deletionTimestamp || owner.metadata.deletionTimestamp) continue;
    const ownerReferences = [...(candidate.metadata.ownerReferences ?? []), controllerReference(owner)];
    claimed.push(store.update<T>(resource, { ...candidate, metadata: { ...candidate.metadata, ownerReferences } }));
  }
  return claimed;
}

function release(store: ObjectStore, resource: string, owner: KubernetesObject, dependent: KubernetesObject): void {
  const ownerReferences = (dependent.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  store.update(resource, { ...dependent, metadata: { ...dependent.metadata, ownerReferences } });
}
