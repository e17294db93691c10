import type { PodTemplateSpec } from 'kubernetes-types/core/v1.d.ts';
import { sameJson, templateHash } from '../hash.ts';
import type { Deployment, ReplicaSet } from '../kinds.ts';
import { controllerReference } from '../owners.ts';

const hashLabel = 'pod-template-hash';
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maxAnnotation = 'deployment.kubernetes.io/max-replicas';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';

/** Annotations of the Deployment that its ReplicaSets do not take over. */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

export function revisionOf(object: Deployment | ReplicaSet): number {
  const revision = Number(object.metadata.annotations?.[revisionAnnotation] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** The ReplicaSet whose template is the Deployment's, not looking at the hash label; the oldest when there are several. */
export function findCurrent(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const hash = templateHash(deployment.spec.template, deployment.status?.collisionCount ?? 0);
  const template = withoutHash(deployment.spec.template);
  return sets.find(
    (set) => set.metadata.labels?.[hashLabel] === hash || sameJson(withoutHash(set.spec.template ?? {}), template),
  );
}

function withoutHash(template: Partial<PodTemplateSpec>): unknown {
  const labels = Object.fromEntries(
    Object.entries(template.metadata?.labels ?? {}).filter(([key]) => key !== hashLabel),
  );
  return { ...template, metadata: { ...template.metadata, labels, creationTimestamp: undefined } };
}

/** Oldest first; equal times by revision. */
export function byAge(left: ReplicaSet, right: ReplicaSet): number {
  return (
    (left.metadata.creationTimestamp ?? '').localeCompare(right.metadata.creationTimestamp ?? '') ||
    revisionOf(left) - revisionOf(right)
  );
}

/** The ReplicaSet for the Deployment's present template. */
export function newReplicaSet(deployment: Deployment, replicas: number, revision: number, max: number): ReplicaSet {
  const { template, selector } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      ...(deployment.metadata.namespace === undefined ? {} : { namespace: deployment.metadata.namespace }),
      labels,
      annotations: setAnnotations(deployment, undefined, revision, max),
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      ...(deployment.spec.minReadySeconds === undefined ? {} : { minReadySeconds: deployment.spec.minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Annotations of a ReplicaSet: the Deployment's, its sizes, and for a revision used again the history of its numbers. */
export function setAnnotations(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  revision: number,
  max: number,
): Record<string, string> {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.has(key));
  const before = set?.metadata.annotations ?? {};
  const history = before[historyAnnotation];
  const earlier = set ? revisionOf(set) : 0;
  const changed = earlier !== 0 && earlier !== revision;
  const nextHistory = changed ? [history, String(earlier)].filter((part) => part !== undefined).join(',') : history;
  return {
    ...before,
    ...Object.fromEntries(copied),
    [revisionAnnotation]: String(revision),
    ...sizeAnnotations(deployment.spec.replicas ?? 1, max),
    ...(nextHistory === undefined ? {} : { [historyAnnotation]: nextHistory }),
  };
}

export function sizeAnnotations(replicas: number, max: number): Record<string, string> {
  return { [desiredAnnotation]: String(replicas), [maxAnnotation]: String(max) };
}
