import type { KubernetesObject } from '../../store.ts';
import type { Column } from '../registry/definition.ts';
import { at, isRecord, listAt, numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { AGE, column, joinOrNone, labelText, NAME, wide } from './columns.ts';
import { selectorText } from './workloads.ts';

export const SERVICE_COLUMNS: readonly Column[] = [
  NAME,
  column('Type', (service) => stringAt(service, 'spec', 'type') ?? 'ClusterIP'),
  column('Cluster-IP', (service) => stringAt(service, 'spec', 'clusterIP') || '<none>'),
  column('External-IP', externalIp),
  column('Port(s)', servicePorts),
  AGE,
  wide('Selector', (service) => labelText(recordAt(service, 'spec', 'selector'))),
];

function externalIp(service: KubernetesObject): string {
  const external = listAt(service, 'spec', 'externalIPs').map(String);
  const type = stringAt(service, 'spec', 'type');
  if (type === 'ExternalName') return stringAt(service, 'spec', 'externalName') ?? '<none>';
  if (type !== 'LoadBalancer') return joinOrNone(external);
  const ingress = listAt(service, 'status', 'loadBalancer', 'ingress').map(
    (entry) => stringAt(entry, 'ip') ?? stringAt(entry, 'hostname') ?? '',
  );
  return [...ingress, ...external].join(',') || '<pending>';
}

function servicePorts(service: KubernetesObject): string {
  return joinOrNone(
    listAt(service, 'spec', 'ports').map((port) => {
      const nodePort = at(port, 'nodePort');
      const node = typeof nodePort === 'number' && nodePort > 0 ? `:${nodePort}` : '';
      return `${String(at(port, 'port'))}${node}/${stringAt(port, 'protocol') ?? 'TCP'}`;
    }),
  );
}

export const ENDPOINTS_COLUMNS: readonly Column[] = [
  NAME,
  column('Endpoints', (endpoints) => {
    const all: string[] = [];
    for (const subset of listAt(endpoints, 'subsets')) {
      const ports = listAt(subset, 'ports');
      for (const address of listAt(subset, 'addresses')) {
        const ip = stringAt(address, 'ip') ?? '';
        if (ports.length === 0) all.push(ip);
        for (const port of ports) all.push(`${ip}:${String(at(port, 'port'))}`);
      }
    }
    return joinOrNone(all, 3);
  }),
  AGE,
];

export const ENDPOINT_SLICE_COLUMNS: readonly Column[] = [
  NAME,
  column('AddressType', (slice) => stringAt(slice, 'addressType') ?? ''),
  column('Ports', (slice) => {
    const ports = listAt(slice, 'ports').map((port) => String(numberAt(port, 'port') ?? '*'));
    return ports.length === 0 ? '<unset>' : joinOrNone(ports, 3);
  }),
  column('Endpoints', (slice) => {
    const addresses = listAt(slice, 'endpoints').flatMap((endpoint) => listAt(endpoint, 'addresses').map(String));
    return addresses.length === 0 ? '<unset>' : joinOrNone(addresses, 3);
  }),
  AGE,
];

export const NETWORK_POLICY_COLUMNS: readonly Column[] = [
  NAME,
  column('Pod-Selector', (policy) => selectorText(recordAt(policy, 'spec', 'podSelector'))),
  AGE,
];

export const INGRESS_COLUMNS: readonly Column[] = [
  NAME,
  column('Class', (ingress) => stringAt(ingress, 'spec', 'ingressClassName') ?? '<none>'),
  column('Hosts', (ingress) => {
    const hosts = listAt(ingress, 'spec', 'rules').map((rule) => stringAt(rule, 'host') || '*');
    return hosts.length === 0 ? '*' : joinOrNone(hosts, 3);
  }),
  column('Address', (ingress) =>
    listAt(ingress, 'status', 'loadBalancer', 'ingress')
      .map((entry) => stringAt(entry, 'ip') ?? stringAt(entry, 'hostname') ?? '')
      .join(','),
  ),
  column('Ports', (ingress) => (listAt(ingress, 'spec', 'tls').length > 0 ? '80, 443' : '80')),
  AGE,
];

export const INGRESS_CLASS_COLUMNS: readonly Column[] = [
  NAME,
  column('Controller', (object) => stringAt(object, 'spec', 'controller') ?? ''),
  column('Parameters', (object) => {
    const parameters = at(object, 'spec', 'parameters');
    if (!isRecord(parameters)) return '<none>';
    const group = stringAt(parameters, 'apiGroup');
    return `${stringAt(parameters, 'kind')}${group ? `.${group}` : ''}/${stringAt(parameters, 'name')}`;
  }),
  AGE,
];
