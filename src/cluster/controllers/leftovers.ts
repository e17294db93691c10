import type { Controller, ControllerContext } from './context.ts';
import type { Node, Pod } from './kinds.ts';
import { isTerminal } from './pods.ts';
import { tolerating } from './status-error.ts';

/** A node's pods are given up this long after the node has gone, as Kubernetes' pod garbage collector does. */
const nodeGoneMs = 40_000;
/** Ended pods that nobody removed are kept up to this many. */
const endedPodsMax = 500;
const roundMs = 20_000;

/** Removes pods that nobody else would: those of vanished nodes, unscheduled ones being deleted, the oldest ended ones. */
export const leftoversController: Controller = (context) => {
  const { store, loop } = context;
  const missingSince = new Map<string, number>();
  const queue = loop.queue('leftovers', (key) => {
    removePods(context, missingSince);
    if (key === 'round') queue.markAfter('round', roundMs);
  });
  queue.markAfter('round', roundMs);
  return store.watch<Pod>('pods', ({ type, object: pod }) => {
    if (type !== 'DELETED' && pod.metadata.deletionTimestamp && !pod.spec.nodeName) queue.mark('pods');
  });
};

function removePods({ store, clock, log }: ControllerContext, missingSince: Map<string, number>): void {
  const nodes = new Set(store.list<Node>('nodes').map(({ metadata }) => metadata.name));
  const pods = store.list<Pod>('pods');
  const used = new Set(pods.flatMap(({ spec }) => (spec.nodeName ? [spec.nodeName] : [])));
  for (const name of missingSince.keys()) if (nodes.has(name) || !used.has(name)) missingSince.delete(name);
  for (const name of used) if (!nodes.has(name) && !missingSince.has(name)) missingSince.set(name, clock.now());
  const isLost = ({ spec }: Pod): boolean =>
    clock.now() - (missingSince.get(spec.nodeName ?? '') ?? Number.POSITIVE_INFINITY) >= nodeGoneMs;
  const ended = pods.filter(isTerminal).sort(byAge);
  const excess = ended.slice(0, Math.max(0, ended.length - endedPodsMax));
  const abandoned = pods.filter((pod) => isLost(pod) || (pod.metadata.deletionTimestamp && !pod.spec.nodeName));
  for (const { metadata } of new Set([...abandoned, ...excess])) {
    log.debug({ pod: metadata.name, namespace: metadata.namespace }, 'removing a pod without a keeper');
    tolerating(['NotFound', 'Conflict'], () =>
      store.delete('pods', metadata.namespace, metadata.name, { gracePeriodSeconds: 0 }),
    );
  }
}

function byAge(left: Pod, right: Pod): number {
  return (left.metadata.creationTimestamp ?? '').localeCompare(right.metadata.creationTimestamp ?? '');
}
