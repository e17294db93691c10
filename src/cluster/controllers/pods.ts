import type { PodTemplateSpec } from 'kubernetes-types/core/v1.d.ts';
import type { KubernetesObject, ObjectStore } from '../store.ts';
import type { ControllerContext } from './context.ts';
import type { Pod } from './kinds.ts';
import { controllerReference } from './owners.ts';
import { hasReason } from './status-error.ts';

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Neither ended nor being deleted: what counts as a replica. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && !pod.metadata.deletionTimestamp;
}

export function isReady(pod: Pod): boolean {
  return readySince(pod) !== undefined;
}

function readySince(pod: Pod): number | undefined {
  const condition = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  if (condition?.status !== 'True') return undefined;
  const since = Date.parse(condition.lastTransitionTime ?? '');
  return Number.isNaN(since) ? 0 : since;
}

/** Milliseconds until the pod counts as available: 0 when it does, undefined when it is not ready. */
export function availableIn(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  const since = readySince(pod);
  return since === undefined ? undefined : Math.max(0, since + minReadySeconds * 1000 - now);
}

/** Order in which replicas go when there are too many, first to go first: Kubernetes' rules except per-node doubling. */
export function compareForDeletion(left: Pod, right: Pod): number {
  return (
    rank(left) - rank(right) ||
    deletionCost(left) - deletionCost(right) ||
    // Of equals the younger goes.
    (right.metadata.creationTimestamp ?? '').localeCompare(left.metadata.creationTimestamp ?? '') ||
    left.metadata.name.localeCompare(right.metadata.name)
  );
}

function rank(pod: Pod): number {
  if (!pod.spec.nodeName) return 0;
  if (pod.status?.phase === 'Pending' || pod.status?.phase === undefined) return 1;
  return isReady(pod) ? 3 : 2;
}

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0);
  return Number.isFinite(cost) ? cost : 0;
}

/** A pod of `owner` from its template; the name is still to be made from `generateName`. */
export function podFromTemplate(owner: KubernetesObject, template: PodTemplateSpec): Pod {
  const meta = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${owner.metadata.name}-`,
      ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
      ...(meta.labels ? { labels: { ...meta.labels } } : {}),
      ...(meta.annotations ? { annotations: { ...meta.annotations } } : {}),
      ...(meta.finalizers ? { finalizers: [...meta.finalizers] } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec ?? { containers: [] },
  };
}

/** Longest base of a generated name, as in Kubernetes: 63 characters with the suffix. */
const generateNameMax = 58;

/** Creates the object under its `generateName` and five random characters, trying again when a name is taken. */
export function createGenerated<T extends KubernetesObject>(
  { store, suffix }: Pick<ControllerContext, 'store' | 'suffix'>,
  resource: string,
  object: T,
): T {
  const base = (object.metadata.generateName ?? '').slice(0, generateNameMax);
  for (let attempt = 0; ; attempt++) {
    try {
      return store.create(resource, { ...object, metadata: { ...object.metadata, name: `${base}${suffix()}` } });
    } catch (error) {
      if (attempt >= 8 || !hasReason(error, 'AlreadyExists')) throw error;
    }
  }
}

/** Deletes a pod gracefully; one that is gone already is no error. */
export function deletePod(store: ObjectStore, pod: Pod): void {
  try {
    const { name, namespace, uid } = pod.metadata;
    store.delete('pods', namespace, name, uid === undefined ? {} : { uid });
  } catch (error) {
    if (!hasReason(error, 'NotFound', 'Conflict')) throw error;
  }
}
