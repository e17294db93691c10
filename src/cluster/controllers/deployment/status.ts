import type { DeploymentStatus } from 'kubernetes-types/apps/v1.d.ts';
import type { Deployment, DeploymentCondition, ReplicaSet } from '../kinds.ts';
import { resolveFenceposts, sum } from './sizes.ts';

export interface StatusInput {
  readonly deployment: Deployment;
  readonly current: ReplicaSet | undefined;
  /** Every ReplicaSet of the Deployment, the current one included. */
  readonly sets: readonly ReplicaSet[];
  /** RFC 3339, whole seconds. */
  readonly now: string;
}

/** The status of a Deployment from its ReplicaSets: sizes, Available, Progressing and ReplicaFailure as Kubernetes words them. */
export function deploymentStatus(input: StatusInput): DeploymentStatus {
  const { deployment, current, sets } = input;
  const replicas = sum(sets, ({ status }) => status?.replicas ?? 0);
  const available = sum(sets, ({ status }) => status?.availableReplicas ?? 0);
  const unavailable = Math.max(0, sum(sets, ({ spec }) => spec.replicas ?? 1) - available);
  const counts = {
    replicas,
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum(sets, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: unavailable,
  };
  const collisionCount = deployment.status?.collisionCount;
  return {
    // Counts of zero are left out, as Kubernetes prints them.
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: [availableCondition(input, available), ...progressing(input, counts), ...failures(input)],
  };
}

/** Whether every pod is of the current template, available, and no old one is left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = deployment.spec.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function availableCondition({ deployment, now }: StatusInput, available: number): DeploymentCondition {
  const replicas = deployment.spec.replicas ?? 1;
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const { maxUnavailable } =
    deployment.spec.strategy?.type === 'Recreate'
      ? { maxUnavailable: 0 }
      : resolveFenceposts(rolling?.maxSurge, rolling?.maxUnavailable, replicas);
  const enough = available >= replicas - maxUnavailable;
  return condition(deployment, now, {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
  });
}

type Counts = Readonly<
  Record<'replicas' | 'updatedReplicas' | 'readyReplicas' | 'availableReplicas' | 'unavailableReplicas', number>
>;

function progressing(input: StatusInput, counts: Counts): DeploymentCondition[] {
  const { deployment, current, now } = input;
  const before = deployment.status?.conditions?.find(({ type }) => type === 'Progressing');
  const name = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, { ...counts, observedGeneration: deployment.metadata.generation ?? 0 })) {
    const done = { status: 'True', reason: 'NewReplicaSetAvailable', message: `${name} has successfully progressed.` };
    return [condition(deployment, now, { type: 'Progressing', ...done })];
  }
  if (deployment.spec.paused) return before ? [before] : [];
  if (!before || before.reason === 'NewReplicaSetAvailable' || hasProgressed(deployment, counts)) {
    const moved = { status: 'True', reason: 'ReplicaSetUpdated', message: `${name} is progressing.` };
    return [{ ...condition(deployment, now, { type: 'Progressing', ...moved }), lastUpdateTime: now }];
  }
  const waited = Date.parse(now) - Date.parse(before.lastUpdateTime ?? now);
  if (waited < progressDeadlineMs(deployment)) return [before];
  const late = { status: 'False', reason: 'ProgressDeadlineExceeded', message: `${name} has timed out progressing.` };
  return [condition(deployment, now, { type: 'Progressing', ...late })];
}

export function progressDeadlineMs(deployment: Deployment): number {
  return (deployment.spec.progressDeadlineSeconds ?? 600) * 1000;
}

function hasProgressed(deployment: Deployment, counts: Counts): boolean {
  const before = deployment.status ?? {};
  return (
    (before.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0) ||
    counts.updatedReplicas > (before.updatedReplicas ?? 0) ||
    counts.readyReplicas > (before.readyReplicas ?? 0) ||
    counts.availableReplicas > (before.availableReplicas ?? 0) ||
    counts.replicas - counts.updatedReplicas < (before.replicas ?? 0) - (before.updatedReplicas ?? 0)
  );
}

function failures({ deployment, sets, now }: StatusInput): DeploymentCondition[] {
  const failure = sets.flatMap(({ status }) => status?.conditions ?? []).find(({ type }) => type === 'ReplicaFailure');
  if (!failure) return [];
  const { status, reason = 'FailedCreate', message = '' } = failure;
  return [condition(deployment, now, { type: 'ReplicaFailure', status, reason, message })];
}

/** The condition with its times: both stay while nothing changes, the transition time while the status does not. */
function condition(
  deployment: Deployment,
  now: string,
  wanted: { readonly type: string; readonly status: string; readonly reason: string; readonly message: string },
): DeploymentCondition {
  const before = deployment.status?.conditions?.find(({ type }) => type === wanted.type);
  if (
    before &&
    before.status === wanted.status &&
    before.reason === wanted.reason &&
    before.message === wanted.message
  ) {
    return before;
  }
  const lastTransitionTime = before?.status === wanted.status ? (before.lastTransitionTime ?? now) : now;
  return { ...wanted, lastUpdateTime: now, lastTransitionTime };
}
