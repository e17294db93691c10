import type { PodCondition } from 'kubernetes-types/core/v1.d.ts';
import { timestamp } from '../clock.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { keyOf } from '../keys.ts';
import type { Namespace, Node, Pod } from '../kinds.ts';
import { isActive } from '../pods.ts';
import { hasReason } from '../status-error.ts';
import { decide } from './decide.ts';
import { clusterView } from './view.ts';

/** The scheduler's name as pods ask for it. */
const schedulerName = 'default-scheduler';

/** Everything is one key: whatever changes, all waiting pods are looked at again. */
const onlyKey = '/';

/** Pods made together are placed together, so that one need not be refused for the lack of the next. */
const gatherMs = 3;

/** Binds waiting pods to nodes whenever pods, nodes or namespaces change. */
export const scheduler: Controller = (context) => {
  const { store, loop } = context;
  const waiting = new Set<string>();
  const queue = loop.queue('scheduler', () => scheduleWaiting(context, waiting));
  const markWhenWaiting = (): void => {
    if (waiting.size > 0) queue.markAfter(onlyKey, gatherMs);
  };
  const unwatch = [
    store.watch<Pod>('pods', ({ type, object: pod }) => {
      if (type !== 'DELETED' && isWaiting(pod)) waiting.add(keyOf(pod));
      else waiting.delete(keyOf(pod));
      markWhenWaiting();
    }),
    store.watch<Node>('nodes', markWhenWaiting),
    store.watch<Namespace>('namespaces', markWhenWaiting),
  ];
  return () => {
    for (const end of unwatch) end();
  };
};

function isWaiting(pod: Pod): boolean {
  const gated = (pod.spec.schedulingGates ?? []).length > 0;
  return !pod.spec.nodeName && isActive(pod) && !gated && (pod.spec.schedulerName ?? schedulerName) === schedulerName;
}

/** Goes over the waiting pods until a round places none: one pod's place can be what another waits for. */
function scheduleWaiting(context: ControllerContext, waiting: ReadonlySet<string>): void {
  if (waiting.size === 0) return;
  const { store } = context;
  const pods = store.list<Pod>('pods');
  const view = clusterView(store.list<Node>('nodes'), pods, store.list<Namespace>('namespaces'));
  let left = pods.filter(isWaiting).sort(inQueueOrder);
  for (let placed = true; placed && left.length > 0; ) {
    placed = false;
    const refused: Pod[] = [];
    for (const pod of left) {
      const decision = decide(pod, view);
      if (!('node' in decision)) {
        refused.push(pod);
        continue;
      }
      const bound = bind(context, pod, decision.node);
      if (bound) view.placed.push({ pod: bound, node: decision.node });
      placed = true;
    }
    left = refused;
  }
  for (const pod of left) {
    const decision = decide(pod, view);
    if ('message' in decision) refuse(context, pod, decision.message);
  }
}

/** Higher priority first, then first come, first served. */
function inQueueOrder(left: Pod, right: Pod): number {
  return (
    (right.spec.priority ?? 0) - (left.spec.priority ?? 0) ||
    (left.metadata.creationTimestamp ?? '').localeCompare(right.metadata.creationTimestamp ?? '') ||
    keyOf(left).localeCompare(keyOf(right))
  );
}

function bind(context: ControllerContext, pod: Pod, node: Node): Pod | undefined {
  const { store, events } = context;
  try {
    const bound = store.update<Pod>('pods', { ...pod, spec: { ...pod.spec, nodeName: node.metadata.name } });
    events.record(bound, 'Normal', 'Scheduled', `Successfully assigned ${keyOf(pod)} to ${node.metadata.name}`);
    setCondition(context, bound, { type: 'PodScheduled', status: 'True' });
    return bound;
  } catch (error) {
    // Changed or deleted meanwhile: its own watch event brings it back if it still waits.
    if (hasReason(error, 'Conflict', 'NotFound')) return undefined;
    throw error;
  }
}

function refuse(context: ControllerContext, pod: Pod, message: string): void {
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
  if (setCondition(context, pod, condition)) context.events.record(pod, 'Warning', 'FailedScheduling', message);
}

/** Writes the condition when it differs; false when it stood there already. */
function setCondition({ store, clock }: ControllerContext, pod: Pod, wanted: PodCondition): boolean {
  const fresh = store.get<Pod>('pods', pod.metadata.namespace, pod.metadata.name);
  if (!fresh || fresh.metadata.uid !== pod.metadata.uid) return false;
  const conditions = fresh.status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === wanted.type);
  if (
    before &&
    before.status === wanted.status &&
    before.reason === wanted.reason &&
    before.message === wanted.message
  ) {
    return false;
  }
  const lastTransitionTime =
    before?.status === wanted.status && before.lastTransitionTime ? before.lastTransitionTime : timestamp(clock);
  const others = conditions.filter(({ type }) => type !== wanted.type);
  const status = { phase: 'Pending', ...fresh.status, conditions: [...others, { ...wanted, lastTransitionTime }] };
  store.update<Pod>('pods', { ...fresh, status }, { subresource: 'status' });
  return true;
}
