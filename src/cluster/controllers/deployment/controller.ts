import { timestamp } from '../clock.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { sameJson } from '../hash.ts';
import { keyOf, splitKey } from '../keys.ts';
import type { Deployment, Pod, ReplicaSet } from '../kinds.ts';
import { claim, controllerOf } from '../owners.ts';
import { byAge, desiredAnnotation, findCurrent, revisionAnnotation, revisionOf } from './revisions.ts';
import { ensureCurrent, recreateStep, rollingStep, scaleStep } from './rollout.ts';
import { deploymentStatus, isComplete, progressDeadlineMs } from './status.ts';

const resource = 'deployments.apps';

/** Rolls each Deployment's pods to its template through ReplicaSets. */
export const deploymentController: Controller = (context) => {
  const { store, loop } = context;
  const queue = loop.queue('deployment', (key) => reconcile(context, key, (ms) => queue.markAfter(key, ms)));
  const unwatch = [
    store.watch<Deployment>(resource, ({ object }) => queue.mark(keyOf(object))),
    store.watch<ReplicaSet>('replicasets.apps', ({ object: set }) => {
      const owner = controllerOf(set);
      if (owner?.kind === 'Deployment') queue.mark(`${set.metadata.namespace ?? ''}/${owner.name}`);
      if (owner) return;
      for (const deployment of store.list<Deployment>(resource, set.metadata.namespace)) queue.mark(keyOf(deployment));
    }),
    // Recreate goes on when the last old pod is gone.
    store.watch<Pod>('pods', ({ type, object: pod }) => {
      if (type !== 'DELETED') return;
      for (const deployment of store.list<Deployment>(resource, pod.metadata.namespace)) {
        if (deployment.spec.strategy?.type === 'Recreate') queue.mark(keyOf(deployment));
      }
    }),
  ];
  return () => {
    for (const end of unwatch) end();
  };
};

function reconcile(context: ControllerContext, key: string, again: (ms: number) => void): void {
  const { namespace, name } = splitKey(key);
  const deployment = context.store.get<Deployment>(resource, namespace, name);
  if (!deployment) return;
  const sets = claim<ReplicaSet>(context.store, 'replicasets.apps', deployment, deployment.spec.selector).sort(byAge);
  if (!deployment.metadata.deletionTimestamp) step(context, deployment, sets);
  const after = ownSets(context, deployment);
  writeRevision(context, deployment, findCurrent(deployment, after));
  writeStatus(context, deployment, after, again);
  removeHistory(context, deployment, after);
}

function ownSets({ store }: ControllerContext, deployment: Deployment): ReplicaSet[] {
  return store
    .list<ReplicaSet>('replicasets.apps', deployment.metadata.namespace)
    .filter((set) => controllerOf(set)?.uid === deployment.metadata.uid)
    .sort(byAge);
}

function step(context: ControllerContext, deployment: Deployment, sets: readonly ReplicaSet[]): void {
  const current = findCurrent(deployment, sets);
  const old = sets.filter((set) => set !== current);
  if (deployment.spec.paused || isScaling(deployment, sets)) {
    scaleStep(context, deployment, current, old);
    return;
  }
  if (deployment.spec.strategy?.type === 'Recreate') {
    recreateStep(context, deployment, { current, old });
    return;
  }
  rollingStep(context, deployment, ensureCurrent(context, deployment, current, old), old);
}

/** Whether `spec.replicas` changed since the active sets were last sized. */
function isScaling(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  const wanted = String(deployment.spec.replicas ?? 1);
  return sets.some(({ spec, metadata }) => {
    const noted = metadata.annotations?.[desiredAnnotation];
    return (spec.replicas ?? 1) > 0 && noted !== undefined && noted !== wanted;
  });
}

function writeRevision({ store }: ControllerContext, deployment: Deployment, current: ReplicaSet | undefined): void {
  if (!current) return;
  const revision = String(revisionOf(current));
  const fresh = freshOf(store, deployment);
  if (!fresh || fresh.metadata.annotations?.[revisionAnnotation] === revision) return;
  const annotations = { ...fresh.metadata.annotations, [revisionAnnotation]: revision };
  store.update(resource, { ...fresh, metadata: { ...fresh.metadata, annotations } });
}

function freshOf(store: ControllerContext['store'], deployment: Deployment): Deployment | undefined {
  const fresh = store.get<Deployment>(resource, deployment.metadata.namespace, deployment.metadata.name);
  return fresh?.metadata.uid === deployment.metadata.uid ? fresh : undefined;
}

function writeStatus(
  { store, clock }: ControllerContext,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  again: (ms: number) => void,
): void {
  const current = findCurrent(deployment, sets);
  const status = deploymentStatus({ deployment, current, sets, now: timestamp(clock) });
  // A changed size is worked off by the ReplicaSet first; its status brings us back here.
  if (!isComplete(deployment, status) && !deployment.spec.paused) again(progressDeadlineMs(deployment) + 1000);
  if (sameJson(status, deployment.status)) return;
  const fresh = freshOf(store, deployment);
  if (fresh) store.update(resource, { ...fresh, status }, { subresource: 'status' });
}

/** Deletes the oldest empty ReplicaSets beyond `revisionHistoryLimit`, once the rollout is complete. */
function removeHistory({ store }: ControllerContext, deployment: Deployment, sets: readonly ReplicaSet[]): void {
  if (deployment.status === undefined || !isComplete(deployment, deployment.status)) return;
  const current = findCurrent(deployment, sets);
  const empty = sets.filter(
    (set) =>
      set !== current &&
      (set.spec.replicas ?? 1) === 0 &&
      (set.status?.replicas ?? 0) === 0 &&
      !set.metadata.deletionTimestamp,
  );
  const excess = empty.length - (deployment.spec.revisionHistoryLimit ?? 10);
  for (const set of empty.sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, excess))) {
    store.delete('replicasets.apps', set.metadata.namespace, set.metadata.name);
  }
}
