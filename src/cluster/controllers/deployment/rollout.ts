import type { ControllerContext } from '../context.ts';
import type { Deployment, Pod, ReplicaSet } from '../kinds.ts';
import { controlledBy } from '../owners.ts';
import { isTerminal } from '../pods.ts';
import { hasReason } from '../status-error.ts';
import { newReplicaSet, revisionOf, setAnnotations, sizeAnnotations } from './revisions.ts';
import {
  currentSize,
  oldSizes,
  proportionalSizes,
  type RolloutInput,
  resolveFenceposts,
  type SetSize,
} from './sizes.ts';

const resource = 'replicasets.apps';

export interface Fenceposts {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

function fencepostsOf({ spec }: Deployment): Fenceposts {
  if (spec.strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 };
  return resolveFenceposts(
    spec.strategy?.rollingUpdate?.maxSurge,
    spec.strategy?.rollingUpdate?.maxUnavailable,
    wantedOf(spec),
  );
}

const wantedOf = ({ replicas }: { readonly replicas?: number }): number => replicas ?? 1;

const sizeOf = (set: ReplicaSet): SetSize => ({
  name: set.metadata.name,
  wanted: wantedOf(set.spec),
  available: set.status?.availableReplicas ?? 0,
  present: set.status?.replicas ?? 0,
});

/** Makes the current ReplicaSet, or gives an existing one that is current again the next revision. */
export function ensureCurrent(
  context: ControllerContext,
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): ReplicaSet {
  const { store, events } = context;
  const newest = Math.max(0, ...old.map(revisionOf));
  const max = wantedOf(deployment.spec) + fencepostsOf(deployment).maxSurge;
  if (current) {
    const revision = Math.max(revisionOf(current), newest + 1);
    const annotations = setAnnotations(deployment, current, revision, max);
    if (revision === revisionOf(current)) return current;
    return store.update(resource, { ...current, metadata: { ...current.metadata, annotations } });
  }
  const empty: SetSize = { name: '', wanted: 0, available: 0, present: 0 };
  const replicas = currentSize(rolloutInput(deployment, empty, old));
  const wanted = newReplicaSet(deployment, replicas, newest + 1, max);
  try {
    const created = store.create(resource, wanted);
    recordScaling(context, deployment, created.metadata.name, 0, replicas);
    return created;
  } catch (error) {
    if (hasReason(error, 'AlreadyExists')) raiseCollisionCount(context, deployment);
    else events.record(deployment, 'Warning', 'ReplicaSetCreateError', `Failed to create new replica set: ${error}`);
    throw error;
  }
}

/** Another object has the name that the template's hash gives; the next try hashes with a higher count. */
function raiseCollisionCount({ store }: ControllerContext, deployment: Deployment): void {
  const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
  const status = { ...deployment.status, collisionCount };
  store.update('deployments.apps', { ...deployment, status }, { subresource: 'status' });
}

function rolloutInput(deployment: Deployment, current: SetSize, old: readonly ReplicaSet[]): RolloutInput {
  return { replicas: wantedOf(deployment.spec), ...fencepostsOf(deployment), current, old: old.map(sizeOf) };
}

/**
 * One step of a rolling update: first the new set grows, and only when it cannot the old ones shrink.
 * A step waits until every set has worked off the last one, so that the bounds hold for pods and not only for sizes.
 */
export function rollingStep(
  context: ControllerContext,
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): void {
  if (![current, ...old].every(isObserved)) return;
  const input = rolloutInput(deployment, sizeOf(current), old);
  if (resize(context, deployment, current, currentSize(input))) return;
  const sizes = oldSizes(input);
  for (const set of old) resize(context, deployment, set, sizes.get(set.metadata.name) ?? 0);
}

function isObserved({ metadata, status }: ReplicaSet): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}

/** One step of Recreate: the old pods go, and only when the last is gone the new ones come. */
export function recreateStep(
  context: ControllerContext,
  deployment: Deployment,
  sets: {
    readonly current: ReplicaSet | undefined;
    readonly old: readonly ReplicaSet[];
  },
): ReplicaSet | undefined {
  const shrunk = sets.old.map((set) => resize(context, deployment, set, 0));
  if (shrunk.includes(true) || hasRunningPods(context, deployment, sets.old)) return sets.current;
  const current = ensureCurrent(context, deployment, sets.current, sets.old);
  resize(context, deployment, current, wantedOf(deployment.spec));
  return current;
}

function hasRunningPods({ store }: ControllerContext, deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  const pods = store.list<Pod>('pods', deployment.metadata.namespace);
  return sets.some((set) => controlledBy(set, pods).some((pod) => !isTerminal(pod)));
}

/** Applies a changed `spec.replicas` while more than one set has pods: each keeps its share. */
export function scaleStep(
  context: ControllerContext,
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): void {
  const sets = current ? [...old, current] : old;
  const active = sets.filter(({ spec }) => wantedOf(spec) > 0);
  const wanted = wantedOf(deployment.spec);
  if (active.length <= 1) {
    const only = active[0] ?? current ?? sets.at(-1);
    if (only) resize(context, deployment, only, wanted);
    return;
  }
  const total = wanted === 0 ? 0 : wanted + fencepostsOf(deployment).maxSurge;
  const sizes = proportionalSizes(active.map(sizeOf), total);
  for (const set of active) resize(context, deployment, set, sizes.get(set.metadata.name) ?? 0);
}

/** Sets the size of a ReplicaSet and its size annotations. True when the size changed. */
function resize(context: ControllerContext, deployment: Deployment, set: ReplicaSet, replicas: number): boolean {
  const before = wantedOf(set.spec);
  const max = wantedOf(deployment.spec) + fencepostsOf(deployment).maxSurge;
  const sizes = sizeAnnotations(wantedOf(deployment.spec), max);
  const annotated = Object.entries(sizes).every(([key, value]) => set.metadata.annotations?.[key] === value);
  if (before === replicas && annotated) return false;
  const annotations = { ...set.metadata.annotations, ...sizes };
  context.store.update<ReplicaSet>(resource, {
    ...set,
    metadata: { ...set.metadata, annotations },
    spec: { ...set.spec, replicas },
  });
  if (before !== replicas) recordScaling(context, deployment, set.metadata.name, before, replicas);
  return before !== replicas;
}

function recordScaling(
  { events }: ControllerContext,
  deployment: Deployment,
  set: string,
  from: number,
  to: number,
): void {
  const direction = to > from ? 'up' : 'down';
  events.record(
    deployment,
    'Normal',
    'ScalingReplicaSet',
    `Scaled ${direction} replica set ${set} from ${from} to ${to}`,
  );
}
