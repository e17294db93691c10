import type { KubernetesObject } from '../../store.ts';
import type { Column } from '../registry/definition.ts';
import { at, isRecord, listAt, numberAt, stringAt } from '../schema/shape.ts';
import { age } from './age.ts';
import { AGE, column, NAME, wide } from './columns.ts';

/** Columns of `kubectl get pods`, computed as Kubernetes' own printer does. */
export const POD_COLUMNS: readonly Column[] = [
  NAME,
  column('Ready', readyText, { description: 'The aggregate readiness state of this pod for accepting traffic.' }),
  column('Status', podStatusText, { description: 'The aggregate status of the containers in this pod.' }),
  column('Restarts', restartsText, {
    description:
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
  }),
  AGE,
  wide('IP', (pod) => stringAt(pod, 'status', 'podIP') ?? '<none>'),
  wide('Node', (pod) => stringAt(pod, 'spec', 'nodeName') ?? '<none>'),
  wide('Nominated Node', (pod) => stringAt(pod, 'status', 'nominatedNodeName') ?? '<none>'),
  wide('Readiness Gates', readinessGates),
];

function statuses(pod: KubernetesObject, field = 'containerStatuses'): readonly Record<string, unknown>[] {
  return listAt(pod, 'status', field).filter(isRecord);
}

function readyText(pod: KubernetesObject): string {
  const restartable = listAt(pod, 'spec', 'initContainers').filter(
    (one) => stringAt(one, 'restartPolicy') === 'Always',
  );
  const ready = statuses(pod).filter((status) => status['ready'] === true && at(status, 'state', 'running')).length;
  return `${ready}/${listAt(pod, 'spec', 'containers').length + restartable.length}`;
}

function readinessGates(pod: KubernetesObject): string {
  const gates = listAt(pod, 'spec', 'readinessGates');
  if (gates.length === 0) return '<none>';
  const conditions = listAt(pod, 'status', 'conditions');
  const met = gates.filter((gate) =>
    conditions.some(
      (condition) =>
        stringAt(condition, 'type') === stringAt(gate, 'conditionType') && stringAt(condition, 'status') === 'True',
    ),
  );
  return `${met.length}/${gates.length}`;
}

function restartsText(pod: KubernetesObject, now: number): string {
  let restarts = 0;
  let last = '';
  for (const status of statuses(pod)) {
    restarts += numberAt(status, 'restartCount') ?? 0;
    const finished = stringAt(status, 'lastState', 'terminated', 'finishedAt') ?? '';
    if (finished > last) last = finished;
  }
  return restarts > 0 && last !== '' ? `${restarts} (${age(last, now)} ago)` : String(restarts);
}

/** The STATUS column: phase, or the reason that a container gives for not running. */
export function podStatusText(pod: KubernetesObject): string {
  const reason = stringAt(pod, 'status', 'reason') ?? stringAt(pod, 'status', 'phase') ?? 'Unknown';
  const text = initStatusText(pod) ?? containerStatusText(pod, reason);
  if (pod.metadata.deletionTimestamp === undefined) return text;
  return stringAt(pod, 'status', 'reason') === 'NodeLost' ? 'Unknown' : 'Terminating';
}

function initStatusText(pod: KubernetesObject): string | undefined {
  const total = listAt(pod, 'spec', 'initContainers').length;
  for (const [index, status] of statuses(pod, 'initContainerStatuses').entries()) {
    const terminated = at(status, 'state', 'terminated');
    if (isRecord(terminated)) {
      if (terminated['exitCode'] === 0) continue;
      return `Init:${terminatedText(terminated)}`;
    }
    if (status['started'] === true) continue;
    const waiting = stringAt(status, 'state', 'waiting', 'reason');
    return waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${total}`;
  }
  return undefined;
}

function containerStatusText(pod: KubernetesObject, initial: string): string {
  let reason = initial;
  let running = false;
  for (const status of statuses(pod).toReversed()) {
    const waiting = stringAt(status, 'state', 'waiting', 'reason');
    const terminated = at(status, 'state', 'terminated');
    if (waiting) reason = waiting;
    else if (isRecord(terminated)) reason = terminatedText(terminated);
    else if (status['ready'] === true && at(status, 'state', 'running')) running = true;
  }
  if (reason !== 'Completed' || !running) return reason;
  const ready = listAt(pod, 'status', 'conditions').some(
    (condition) => stringAt(condition, 'type') === 'Ready' && stringAt(condition, 'status') === 'True',
  );
  return ready ? 'Running' : 'NotReady';
}

function terminatedText(terminated: Record<string, unknown>): string {
  const reason = stringAt(terminated, 'reason');
  if (reason) return reason;
  const signal = numberAt(terminated, 'signal') ?? 0;
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${numberAt(terminated, 'exitCode') ?? 0}`;
}
