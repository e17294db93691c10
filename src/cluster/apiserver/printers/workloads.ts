import type { KubernetesObject } from '../../store.ts';
import type { Column } from '../registry/definition.ts';
import { isRecord, listAt, numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { AGE, column, count, joinOrNone, labelText, NAME, wide } from './columns.ts';

const number =
  (...path: string[]) =>
  (object: KubernetesObject) =>
    numberAt(object, ...path) ?? 0;

const TEMPLATE: readonly Column[] = [
  wide('Containers', (object) => containers(object, 'name')),
  wide('Images', (object) => containers(object, 'image')),
  wide('Selector', (object) => selectorText(recordAt(object, 'spec', 'selector'))),
];

export const DEPLOYMENT_COLUMNS: readonly Column[] = [
  NAME,
  column('Ready', (object) => `${number('status', 'readyReplicas')(object)}/${number('spec', 'replicas')(object)}`),
  count('Up-to-date', number('status', 'updatedReplicas')),
  count('Available', number('status', 'availableReplicas')),
  AGE,
  ...TEMPLATE,
];

export const REPLICA_SET_COLUMNS: readonly Column[] = [
  NAME,
  count('Desired', number('spec', 'replicas')),
  count('Current', number('status', 'replicas')),
  count('Ready', number('status', 'readyReplicas')),
  AGE,
  ...TEMPLATE,
];

export const DAEMON_SET_COLUMNS: readonly Column[] = [
  NAME,
  count('Desired', number('status', 'desiredNumberScheduled')),
  count('Current', number('status', 'currentNumberScheduled')),
  count('Ready', number('status', 'numberReady')),
  count('Up-to-date', number('status', 'updatedNumberScheduled')),
  count('Available', number('status', 'numberAvailable')),
  column('Node Selector', (object) => labelText(recordAt(object, 'spec', 'template', 'spec', 'nodeSelector'))),
  AGE,
  ...TEMPLATE,
];

function containers(object: KubernetesObject, field: string): string {
  return listAt(object, 'spec', 'template', 'spec', 'containers')
    .map((container) => stringAt(container, field) ?? '')
    .join(',');
}

/** A label selector as kubectl prints it: `app=web,tier in (a,b),!old`. */
export function selectorText(selector: Record<string, unknown> | undefined): string {
  if (!selector) return '<none>';
  const parts = Object.entries(recordAt(selector, 'matchLabels') ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort();
  for (const requirement of listAt(selector, 'matchExpressions').filter(isRecord)) {
    const key = String(requirement['key']);
    const values = listAt(requirement, 'values').map(String).sort().join(',');
    if (requirement['operator'] === 'In') parts.push(`${key} in (${values})`);
    else if (requirement['operator'] === 'NotIn') parts.push(`${key} notin (${values})`);
    else if (requirement['operator'] === 'Exists') parts.push(key);
    else parts.push(`!${key}`);
  }
  return joinOrNone(parts);
}
