import { isIP } from 'node:net';
import type { Issue } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { at, listAt, numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { child, duplicate, index, invalidValue, required, unsupported } from './errors.ts';
import { validateLabels } from './metadata.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';
import { oneOf, PROTOCOLS, portNumber } from './pod.ts';
import { probePort } from './probe.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

/** Rules for a Service (already defaulted). */
export function validateService(service: KubernetesObject): Issue[] {
  const issues = oneOf(service['spec'], 'type', TYPES, 'spec');
  const type = stringAt(service, 'spec', 'type');
  const ports = listAt(service, 'spec', 'ports');
  if (type === 'ExternalName') {
    const name = stringAt(service, 'spec', 'externalName') ?? '';
    const fault = name === '' ? undefined : dnsSubdomain(name.replace(/\.$/, ''));
    if (name === '') issues.push(required('spec.externalName'));
    else if (fault) issues.push(invalidValue('spec.externalName', name, fault));
  } else if (ports.length === 0 && stringAt(service, 'spec', 'clusterIP') !== 'None') {
    issues.push(required('spec.ports'));
  }
  issues.push(
    ...validateServicePorts(ports),
    ...validateLabels(recordAt(service, 'spec', 'selector'), 'spec.selector'),
    ...oneOf(service['spec'], 'sessionAffinity', ['ClientIP', 'None'], 'spec'),
    ...oneOf(service['spec'], 'externalTrafficPolicy', ['Cluster', 'Local'], 'spec'),
    ...oneOf(service['spec'], 'internalTrafficPolicy', ['Cluster', 'Local'], 'spec'),
  );
  for (const [position, family] of listAt(service, 'spec', 'ipFamilies').entries()) {
    if (family !== 'IPv4')
      issues.push(
        family === 'IPv6'
          ? invalidValue(index('spec.ipFamilies', position), family, 'not configured on this cluster')
          : unsupported(index('spec.ipFamilies', position), family, ['IPv4', 'IPv6']),
      );
  }
  for (const [position, ip] of listAt(service, 'spec', 'externalIPs').entries()) {
    if (isIP(String(ip)) === 0)
      issues.push(invalidValue(index('spec.externalIPs', position), ip, 'must be a valid IP address'));
  }
  return issues;
}

function validateServicePorts(ports: readonly unknown[]): Issue[] {
  const names = new Set<string>();
  const numbers = new Set<string>();
  return ports.flatMap((port, position) => {
    const path = index('spec.ports', position);
    const issues: Issue[] = [];
    const name = stringAt(port, 'name') ?? '';
    const fault = name === '' ? undefined : dnsLabel(name);
    if (name === '' && ports.length > 1) issues.push(required(child(path, 'name')));
    else if (fault) issues.push(invalidValue(child(path, 'name'), name, fault));
    else if (name !== '' && names.has(name)) issues.push(duplicate(child(path, 'name'), name));
    names.add(name);
    issues.push(...portNumber(at(port, 'port') ?? 0, child(path, 'port')), ...oneOf(port, 'protocol', PROTOCOLS, path));
    const key = `${stringAt(port, 'protocol')}:${String(at(port, 'port'))}`;
    if (numbers.has(key))
      issues.push(duplicate(path, { port: at(port, 'port'), protocol: stringAt(port, 'protocol') }));
    numbers.add(key);
    const target = at(port, 'targetPort');
    if (target !== undefined) issues.push(...probePort(target, child(path, 'targetPort')));
    const nodePort = numberAt(port, 'nodePort') ?? 0;
    if (nodePort !== 0 && (nodePort < 1 || nodePort > 65535))
      issues.push(...portNumber(nodePort, child(path, 'nodePort')));
    return issues;
  });
}
