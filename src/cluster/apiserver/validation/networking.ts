import { isIP } from 'node:net';
import { type Issue, parseCidr } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { at, isRecord, listAt, numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { child, forbiddenField, index, invalidValue, required } from './errors.ts';
import { oneOf, PROTOCOLS } from './pod.ts';
import { probePort } from './probe.ts';
import { validateSelector } from './selector.ts';

/** Rules for a NetworkPolicy. */
export function validateNetworkPolicy(policy: KubernetesObject): Issue[] {
  const issues = validateSelector(at(policy, 'spec', 'podSelector'), 'spec.podSelector');
  for (const [direction, peers] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const) {
    for (const [position, rule] of listAt(policy, 'spec', direction).entries()) {
      const path = index(`spec.${direction}`, position);
      for (const [p, port] of listAt(rule, 'ports').entries())
        issues.push(...policyPort(port, index(`${path}.ports`, p)));
      for (const [p, peer] of listAt(rule, peers).entries())
        issues.push(...policyPeer(peer, index(`${path}.${peers}`, p)));
    }
  }
  for (const [position, type] of listAt(policy, 'spec', 'policyTypes').entries()) {
    issues.push(...oneOf({ [position]: type }, String(position), ['Egress', 'Ingress'], 'spec.policyTypes'));
  }
  return issues;
}

function policyPort(port: unknown, path: string): Issue[] {
  const issues = oneOf(port, 'protocol', PROTOCOLS, path);
  const value = at(port, 'port');
  if (value !== undefined) issues.push(...probePort(value, child(path, 'port')));
  const end = numberAt(port, 'endPort');
  if (end !== undefined && (typeof value !== 'number' || end < value))
    issues.push(invalidValue(child(path, 'endPort'), end, 'must be greater than or equal to `port`'));
  return issues;
}

function policyPeer(peer: unknown, path: string): Issue[] {
  if (!isRecord(peer) || Object.keys(peer).length === 0) return [required(path, 'must specify a peer')];
  const issues = [
    ...validateSelector(peer['podSelector'], child(path, 'podSelector')),
    ...validateSelector(peer['namespaceSelector'], child(path, 'namespaceSelector')),
  ];
  const block = recordAt(peer, 'ipBlock');
  if (!block) return issues;
  if (peer['podSelector'] || peer['namespaceSelector'])
    issues.push(forbiddenField(path, 'may not specify both ipBlock and another peer'));
  for (const [field, cidr] of [
    ['cidr', block['cidr']],
    ...listAt(block, 'except').map((one, i) => [`except[${i}]`, one]),
  ]) {
    if (parseCidr(String(cidr)) === undefined)
      issues.push(
        invalidValue(`${path}.ipBlock.${String(field)}`, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24)'),
      );
  }
  return issues;
}

/** Rules for an EndpointSlice. */
export function validateEndpointSlice(slice: KubernetesObject): Issue[] {
  const types = ['FQDN', 'IPv4', 'IPv6'];
  const issues =
    slice['addressType'] === undefined ? [required('addressType')] : oneOf(slice, 'addressType', types, '');
  for (const [position, endpoint] of listAt(slice, 'endpoints').entries()) {
    const path = index('endpoints', position);
    const addresses = listAt(endpoint, 'addresses');
    if (addresses.length === 0) issues.push(required(child(path, 'addresses'), 'must contain at least 1 address'));
    for (const [a, address] of addresses.entries()) {
      const family = isIP(String(address));
      const wanted = slice['addressType'] === 'IPv4' ? 4 : slice['addressType'] === 'IPv6' ? 6 : undefined;
      if (wanted !== undefined && family !== wanted)
        issues.push(invalidValue(index(child(path, 'addresses'), a), address, `must be a valid IPv${wanted} address`));
    }
  }
  return issues;
}

/** Rules for an Ingress. */
export function validateIngress(ingress: KubernetesObject): Issue[] {
  const issues: Issue[] = [];
  if (!at(ingress, 'spec', 'defaultBackend') && listAt(ingress, 'spec', 'rules').length === 0)
    issues.push(invalidValue('spec', {}, 'either `defaultBackend` or `rules` must be specified'));
  for (const [r, rule] of listAt(ingress, 'spec', 'rules').entries()) {
    for (const [p, entry] of listAt(rule, 'http', 'paths').entries()) {
      const path = `spec.rules[${r}].http.paths[${p}]`;
      const text = stringAt(entry, 'path');
      const type = stringAt(entry, 'pathType');
      if (type === undefined) issues.push(required(child(path, 'pathType'), 'pathType must be specified'));
      issues.push(...oneOf(entry, 'pathType', ['Exact', 'ImplementationSpecific', 'Prefix'], path));
      if (type !== 'ImplementationSpecific' && !text?.startsWith('/'))
        issues.push(invalidValue(child(path, 'path'), text ?? '', 'must be an absolute path'));
      if (!at(entry, 'backend', 'service') && !at(entry, 'backend', 'resource'))
        issues.push(required(child(path, 'backend'), 'must specify a service or a resource'));
    }
  }
  return issues;
}
