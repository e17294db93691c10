import type { Toleration } from 'kubernetes-types/core/v1.d.ts';
import type { Controller, ControllerContext } from './context.ts';
import { sameJson, templateHash } from './hash.ts';
import { keyOf, splitKey } from './keys.ts';
import type { DaemonSet, Node, Pod } from './kinds.ts';
import { claim, controllerOf } from './owners.ts';
import { availableIn, createGenerated, deletePod, isActive, isReady, isTerminal, podFromTemplate } from './pods.ts';
import { matchesNodeSelection, untolerated } from './scheduler/index.ts';
import { messageOf } from './status-error.ts';

const resource = 'daemonsets.apps';
const hashLabel = 'controller-revision-hash';

/** Runs one pod of each DaemonSet on every node that its template may go to. */
export const daemonSetController: Controller = (context) => {
  const { store, loop } = context;
  const queue = loop.queue('daemonset', (key) => reconcile(context, key, (ms) => queue.markAfter(key, ms)));
  const unwatch = [
    store.watch<DaemonSet>(resource, ({ object }) => queue.mark(keyOf(object))),
    store.watch<Pod>('pods', ({ object: pod }) => {
      const owner = controllerOf(pod);
      if (owner?.kind === 'DaemonSet') queue.mark(`${pod.metadata.namespace ?? ''}/${owner.name}`);
    }),
    store.watch<Node>('nodes', () => {
      for (const set of store.list<DaemonSet>(resource)) queue.mark(keyOf(set));
    }),
  ];
  return () => {
    for (const end of unwatch) end();
  };
};

/** Pods of a DaemonSet stay on nodes that others must leave, as in Kubernetes. */
const tolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

function reconcile(context: ControllerContext, key: string, again: (ms: number) => void): void {
  const { store } = context;
  const { namespace, name } = splitKey(key);
  const set = store.get<DaemonSet>(resource, namespace, name);
  if (!set || set.metadata.deletionTimestamp) return;
  const hash = templateHash(set.spec.template);
  const pods = claim<Pod>(store, 'pods', set, set.spec.selector);
  const nodes = store.list<Node>('nodes');
  const failures: string[] = [];
  for (const node of nodes) {
    const here = pods.filter((pod) => targetOf(pod) === node.metadata.name);
    const failure = reconcileNode(context, { set, hash, node, here });
    if (failure !== undefined) failures.push(failure);
  }
  update(context, { set, hash, pods, desired: desiredNodes(set, hash, nodes).length });
  writeStatus(context, set, hash, nodes, again);
  if (failures.length > 0) throw new Error(failures[0]);
}

interface NodeWork {
  readonly set: DaemonSet;
  readonly hash: string;
  readonly node: Node;
  /** Pods of the set on or meant for the node. */
  readonly here: readonly Pod[];
}

/** Makes the one pod of a node, or removes what is too many there; the text when a pod was refused. */
function reconcileNode(context: ControllerContext, { set, hash, node, here }: NodeWork): string | undefined {
  const { store, events } = context;
  const ended = here.filter((pod) => isTerminal(pod) && !pod.metadata.deletionTimestamp);
  for (const pod of ended) deletePod(store, pod);
  const active = here.filter(isActive).sort((left, right) => left.metadata.name.localeCompare(right.metadata.name));
  const wanted = podFor(set, hash, node.metadata.name);
  const excess = belongs(wanted, node) ? active.slice(1) : active;
  for (const pod of excess) {
    deletePod(store, pod);
    events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }
  // The next pod comes when the last one is gone, so that two never hold the same host port.
  if (!belongs(wanted, node) || here.some((pod) => !ended.includes(pod))) return undefined;
  try {
    const pod = createGenerated(context, 'pods', wanted);
    events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    return undefined;
  } catch (error) {
    events.record(set, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
    return messageOf(error);
  }
}

function belongs(pod: Pod, node: Node): boolean {
  return matchesNodeSelection(pod, node) && untolerated(pod, node) === undefined;
}

/** The pod for one node, held to it by a required affinity to the node's name. */
function podFor(set: DaemonSet, hash: string, nodeName: string): Pod {
  const pod = podFromTemplate(set, set.spec.template);
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [nodeName] }];
  const nodeAffinity = pod.spec.affinity?.nodeAffinity;
  const terms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}];
  const required = { nodeSelectorTerms: terms.map((term) => ({ ...term, matchFields })) };
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [hashLabel]: hash } },
    spec: {
      ...pod.spec,
      affinity: {
        ...pod.spec.affinity,
        nodeAffinity: { ...nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required },
      },
      tolerations: [...(pod.spec.tolerations ?? []), ...tolerations],
    },
  };
}

function targetOf(pod: Pod): string | undefined {
  if (pod.spec.nodeName) return pod.spec.nodeName;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const fields = required?.nodeSelectorTerms.flatMap(({ matchFields = [] }) => matchFields) ?? [];
  return fields.find(({ key }) => key === 'metadata.name')?.values?.[0];
}

interface UpdateWork {
  readonly set: DaemonSet;
  readonly hash: string;
  readonly pods: readonly Pod[];
  /** Nodes that should have a pod. */
  readonly desired: number;
}

/** RollingUpdate: deletes pods of an older template while at most `maxUnavailable` nodes lack a ready one. */
function update({ store }: ControllerContext, { set, hash, pods, desired }: UpdateWork): void {
  if (set.spec.updateStrategy?.type === 'OnDelete') return;
  const active = pods.filter(isActive);
  const old = active.filter((pod) => pod.metadata.labels?.[hashLabel] !== hash);
  for (const pod of old) if (!isReady(pod)) deletePod(store, pod);
  const limit = resolveUnavailable(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, desired);
  const budget = limit - (desired - active.filter(isReady).length);
  for (const pod of old.filter(isReady).slice(0, Math.max(0, budget))) deletePod(store, pod);
}

function resolveUnavailable(value: number | string, desired: number): number {
  if (typeof value === 'number') return Math.max(1, value);
  return Math.max(1, Math.ceil((Number.parseInt(value, 10) * desired) / 100) || 1);
}

function desiredNodes(set: DaemonSet, hash: string, nodes: readonly Node[]): readonly Node[] {
  return nodes.filter((node) => belongs(podFor(set, hash, node.metadata.name), node));
}

function writeStatus(
  { store, clock }: ControllerContext,
  set: DaemonSet,
  hash: string,
  nodes: readonly Node[],
  again: (ms: number) => void,
): void {
  const pods = claim<Pod>(store, 'pods', set, set.spec.selector).filter(isActive);
  const wanted = desiredNodes(set, hash, nodes);
  const onWanted = pods.filter((pod) => wanted.some((node) => node.metadata.name === targetOf(pod)));
  const waits = onWanted.map((pod) => availableIn(pod, set.spec.minReadySeconds ?? 0, clock.now()));
  const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
  if (pending.length > 0) again(Math.min(...pending));
  const available = waits.filter((wait) => wait === 0).length;
  const status = {
    currentNumberScheduled: onWanted.length,
    desiredNumberScheduled: wanted.length,
    numberMisscheduled: pods.length - onWanted.length,
    numberReady: onWanted.filter(isReady).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
    updatedNumberScheduled: onWanted.filter((pod) => pod.metadata.labels?.[hashLabel] === hash).length,
    observedGeneration: set.metadata.generation ?? 0,
  };
  if (sameJson(status, set.status)) return;
  const fresh = store.get<DaemonSet>(resource, set.metadata.namespace, set.metadata.name);
  if (fresh) store.update(resource, { ...fresh, status }, { subresource: 'status' });
}
