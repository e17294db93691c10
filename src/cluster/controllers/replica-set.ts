import type { ReplicaSetCondition } from 'kubernetes-types/apps/v1.d.ts';
import { timestamp } from './clock.ts';
import type { Controller, ControllerContext } from './context.ts';
import { sameJson } from './hash.ts';
import { keyOf, splitKey } from './keys.ts';
import type { Pod, ReplicaSet } from './kinds.ts';
import { claim, controllerOf } from './owners.ts';
import {
  availableIn,
  compareForDeletion,
  createGenerated,
  deletePod,
  isActive,
  isReady,
  podFromTemplate,
} from './pods.ts';
import { messageOf } from './status-error.ts';

const resource = 'replicasets.apps';

/** Pods created or deleted for one ReplicaSet in one go; the rest follows in the next turn. */
const burst = 100;

/** Keeps `spec.replicas` pods of each ReplicaSet and writes its status. */
export const replicaSetController: Controller = (context) => {
  const { store, loop } = context;
  const queue = loop.queue('replicaset', (key) => reconcile(context, key, (ms) => queue.markAfter(key, ms)));
  const unwatch = [
    store.watch<ReplicaSet>(resource, ({ object }) => queue.mark(keyOf(object))),
    store.watch<Pod>('pods', ({ object: pod }) => {
      const owner = controllerOf(pod);
      if (owner?.kind === 'ReplicaSet') queue.mark(`${pod.metadata.namespace ?? ''}/${owner.name}`);
      if (owner) return;
      for (const set of store.list<ReplicaSet>(resource, pod.metadata.namespace)) queue.mark(keyOf(set));
    }),
  ];
  return () => {
    for (const end of unwatch) end();
  };
};

function reconcile(context: ControllerContext, key: string, again: (ms: number) => void): void {
  const { namespace, name } = splitKey(key);
  const set = context.store.get<ReplicaSet>(resource, namespace, name);
  if (!set) return;
  let pods = claim<Pod>(context.store, 'pods', set, set.spec.selector).filter(isActive);
  let failure: string | undefined;
  if (!set.metadata.deletionTimestamp) {
    const missing = (set.spec.replicas ?? 1) - pods.length;
    if (missing > 0) {
      const made = createPods(context, set, missing);
      pods = [...pods, ...made.pods];
      failure = made.failure;
    }
    if (missing < 0) {
      const excess = [...pods].sort(compareForDeletion).slice(0, Math.min(-missing, burst));
      for (const pod of excess) removePod(context, set, pod);
      pods = pods.filter((pod) => !excess.includes(pod));
    }
  }
  writeStatus(context, set, pods, failure, again);
  // Throwing makes the loop try again with back-off.
  if (failure !== undefined) throw new Error(failure);
  if (pods.length !== (set.spec.replicas ?? 1) && !set.metadata.deletionTimestamp) again(0);
}

function createPods(
  context: ControllerContext,
  set: ReplicaSet,
  missing: number,
): { readonly pods: readonly Pod[]; readonly failure: string | undefined } {
  const pods: Pod[] = [];
  if (!set.spec.template) return { pods, failure: 'spec.template is missing' };
  for (let index = 0; index < Math.min(missing, burst); index++) {
    try {
      const pod = createGenerated(context, 'pods', podFromTemplate(set, set.spec.template));
      pods.push(pod);
      context.events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      const failure = messageOf(error);
      context.events.record(set, 'Warning', 'FailedCreate', `Error creating: ${failure}`);
      return { pods, failure };
    }
  }
  return { pods, failure: undefined };
}

function removePod({ store, events }: ControllerContext, set: ReplicaSet, pod: Pod): void {
  deletePod(store, pod);
  events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
}

function writeStatus(
  { store, clock }: ControllerContext,
  set: ReplicaSet,
  pods: readonly Pod[],
  failure: string | undefined,
  again: (ms: number) => void,
): void {
  const templateLabels = Object.entries(set.spec.template?.metadata?.labels ?? {});
  const waits = pods.map((pod) => availableIn(pod, set.spec.minReadySeconds ?? 0, clock.now()));
  const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
  if (pending.length > 0) again(Math.min(...pending));
  const labelled = pods.filter((pod) => templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const conditions = withReplicaFailure(set.status?.conditions ?? [], failure, timestamp(clock));
  const status = {
    replicas: pods.length,
    fullyLabeledReplicas: labelled.length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: waits.filter((wait) => wait === 0).length,
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length > 0 ? { conditions } : {}),
  };
  if (sameJson(status, set.status)) return;
  const fresh = store.get<ReplicaSet>(resource, set.metadata.namespace, set.metadata.name);
  if (fresh && fresh.metadata.uid === set.metadata.uid)
    store.update(resource, { ...fresh, status }, { subresource: 'status' });
}

/** The condition that a Deployment shows when its pods are refused. */
function withReplicaFailure(
  conditions: readonly ReplicaSetCondition[],
  message: string | undefined,
  lastTransitionTime: string,
): ReplicaSetCondition[] {
  const others = conditions.filter(({ type }) => type !== 'ReplicaFailure');
  if (message === undefined) return others;
  const earlier = conditions.find((condition) => condition.type === 'ReplicaFailure' && condition.message === message);
  if (earlier) return [...others, earlier];
  return [...others, { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message, lastTransitionTime }];
}
