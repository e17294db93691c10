import type { KubernetesObject } from '../../store.ts';
import type { Column } from '../registry/definition.ts';
import { at, listAt, numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { age } from './age.ts';
import { AGE, column, count, NAME, wide } from './columns.ts';

const ROLE_LABEL = 'node-role.kubernetes.io/';

const nodeInfo = (field: string) => (node: KubernetesObject) =>
  stringAt(node, 'status', 'nodeInfo', field) || '<unknown>';

export const NODE_COLUMNS: readonly Column[] = [
  NAME,
  column('Status', nodeStatus),
  column('Roles', nodeRoles),
  AGE,
  column('Version', (node) => stringAt(node, 'status', 'nodeInfo', 'kubeletVersion') ?? ''),
  wide('Internal-IP', (node) => nodeAddress(node, 'InternalIP')),
  wide('External-IP', (node) => nodeAddress(node, 'ExternalIP')),
  wide('OS-Image', nodeInfo('osImage')),
  wide('Kernel-Version', nodeInfo('kernelVersion')),
  wide('Container-Runtime', nodeInfo('containerRuntimeVersion')),
];

function nodeStatus(node: KubernetesObject): string {
  const ready = listAt(node, 'status', 'conditions').find((condition) => stringAt(condition, 'type') === 'Ready');
  const text = ready === undefined ? 'Unknown' : stringAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady';
  return at(node, 'spec', 'unschedulable') === true ? `${text},SchedulingDisabled` : text;
}

function nodeRoles(node: KubernetesObject): string {
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(ROLE_LABEL)) return [key.slice(ROLE_LABEL.length)];
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return roles.length === 0 ? '<none>' : roles.sort().join(',');
}

function nodeAddress(node: KubernetesObject, type: string): string {
  const found = listAt(node, 'status', 'addresses').find((address) => stringAt(address, 'type') === type);
  return stringAt(found, 'address') ?? '<none>';
}

export const NAMESPACE_COLUMNS: readonly Column[] = [
  NAME,
  column('Status', (namespace) => stringAt(namespace, 'status', 'phase') ?? ''),
  AGE,
];

export const CONFIG_MAP_COLUMNS: readonly Column[] = [NAME, count('Data', dataSize), AGE];

export const SECRET_COLUMNS: readonly Column[] = [
  NAME,
  column('Type', (secret) => stringAt(secret, 'type') ?? 'Opaque'),
  count('Data', dataSize),
  AGE,
];

function dataSize(object: KubernetesObject): number {
  return Object.keys(recordAt(object, 'data') ?? {}).length + Object.keys(recordAt(object, 'binaryData') ?? {}).length;
}

export const SERVICE_ACCOUNT_COLUMNS: readonly Column[] = [
  NAME,
  count('Secrets', (account) => listAt(account, 'secrets').length),
  AGE,
];

export const LEASE_COLUMNS: readonly Column[] = [
  NAME,
  column('Holder', (lease) => stringAt(lease, 'spec', 'holderIdentity') ?? ''),
  AGE,
];

export const EVENT_COLUMNS: readonly Column[] = [
  column('Last Seen', (event, now) => eventAge(event, now)),
  column('Type', (event) => stringAt(event, 'type') ?? ''),
  column('Reason', (event) => stringAt(event, 'reason') ?? ''),
  column('Object', (event) => {
    const kind = stringAt(event, 'involvedObject', 'kind') ?? '';
    return `${kind.toLowerCase()}/${stringAt(event, 'involvedObject', 'name') ?? ''}`;
  }),
  wide('Subobject', (event) => stringAt(event, 'involvedObject', 'fieldPath') ?? ''),
  wide('Source', (event) => {
    const component = stringAt(event, 'source', 'component') ?? stringAt(event, 'reportingComponent') ?? '';
    const host = stringAt(event, 'source', 'host');
    return host ? `${component}, ${host}` : component;
  }),
  column('Message', (event) => (stringAt(event, 'message') ?? '').trim()),
  wide('First Seen', (event, now) => age(stringAt(event, 'firstTimestamp') ?? stringAt(event, 'eventTime'), now)),
  wide('Count', (event) => String(numberAt(event, 'count') ?? numberAt(event, 'series', 'count') ?? 1)),
  { ...NAME, priority: 1 },
];

function eventAge(event: KubernetesObject, now: number): string {
  const first = stringAt(event, 'firstTimestamp') ?? stringAt(event, 'eventTime');
  const last = stringAt(event, 'series', 'lastObservedTime') ?? stringAt(event, 'lastTimestamp') ?? first;
  const times = numberAt(event, 'series', 'count') ?? numberAt(event, 'count') ?? 1;
  return times > 1 ? `${age(last, now)} (x${times} over ${age(first, now)})` : age(last, now);
}
