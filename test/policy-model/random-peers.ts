import fc from 'fast-check';

const { constantFrom, array, record, oneof, constant } = fc;
type Arbitrary<T> = fc.Arbitrary<T>;

const requirement = oneof(
  record({
    key: constantFrom('app', 'k8s:app'),
    operator: constantFrom('In', 'NotIn'),
    values: constantFrom(['a'], ['a', 'b']),
  }),
  record({ key: constantFrom('tier', 'any:tier'), operator: constantFrom('Exists', 'DoesNotExist') }),
  constantFrom(
    { key: 'k8s:io.kubernetes.pod.namespace', operator: 'In', values: ['two'] },
    { key: 'io.kubernetes.pod.namespace', operator: 'Exists' },
    { key: 'io.cilium.k8s.namespace.labels.team', operator: 'In', values: ['red'] },
    { key: 'k8s:io.cilium.k8s.namespace.labels.team', operator: 'NotIn', values: ['red'] },
  ),
);
const matchLabels = constantFrom<Record<string, string>>(
  {},
  { app: 'a' },
  { 'k8s:app': 'b' },
  { 'any:tier': 'x' },
  { app: 'a', tier: 'y' },
  { 'k8s:io.kubernetes.pod.namespace': 'two' },
  { 'io.kubernetes.pod.namespace': 'one', app: 'a' },
  { 'io.cilium.k8s.policy.serviceaccount': 'default' },
  { 'k8s:io.cilium.k8s.namespace.labels.team': 'blue' },
);
export const selector = oneof(
  { weight: 2, arbitrary: constant({}) },
  { weight: 3, arbitrary: matchLabels.map((labels) => ({ matchLabels: labels })) },
  {
    weight: 2,
    arbitrary: record({ matchLabels, matchExpressions: array(requirement, { minLength: 1, maxLength: 2 }) }),
  },
);
const reservedSelector = constantFrom(
  { matchLabels: { 'reserved:host': '' } },
  { matchLabels: { 'node:role': 'edge', 'reserved:remote-node': '' } },
  { matchExpressions: [{ key: 'reserved:remote-node', operator: 'Exists' }] },
  { matchExpressions: [{ key: 'reserved:world', operator: 'DoesNotExist' }] },
);
const cidr = constantFrom(
  '0.0.0.0/0',
  '1.0.0.0/8',
  '1.1.0.0/16',
  '1.1.1.0/24',
  '1.1.1.1/32',
  '10.0.0.0/8',
  '172.30.0.0/16',
  '203.0.113.0/24',
);
const cidrGroup = constantFrom<object>(
  { cidrGroupRef: 'near' },
  { cidrGroupRef: 'far', except: ['1.1.1.0/24'] },
  { cidrGroupRef: 'missing' },
  { cidrGroupSelector: { matchLabels: { zone: 'q' } } },
  { cidrGroupSelector: { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, except: ['1.1.0.0/16'] },
);
export const cidrSet = constantFrom(
  { cidr: '1.0.0.0/8' },
  { cidr: '1.0.0.0/8', except: ['1.1.0.0/16'] },
  { cidr: '1.0.0.0/8', except: ['1.1.1.0/24', '1.2.3.4/32'] },
  { cidr: '0.0.0.0/0', except: ['1.0.0.0/8', '10.0.0.0/8'] },
  { cidr: '1.1.0.0/16', except: ['1.1.0.0/16'] },
);
const entity = constantFrom(
  'all',
  'world',
  'world-ipv4',
  'cluster',
  'cluster-mesh',
  'host',
  'remote-node',
  'kube-apiserver',
  'init',
  'unmanaged',
  'none',
);
const service = constantFrom<object>(
  { k8sService: { serviceName: 'inside', namespace: 'one' } },
  { k8sService: { serviceName: 'inside' } },
  { k8sService: { serviceName: 'outside', namespace: 'two' } },
  { k8sService: { serviceName: 'missing', namespace: 'two' } },
  { k8sServiceSelector: { selector: { matchLabels: { kind: 'listed' } } } },
  { k8sServiceSelector: { selector: {}, namespace: 'one' } },
);
export const fqdn = constantFrom(
  { matchName: 'a.example.org' },
  { matchName: 'B.example.org.' },
  { matchPattern: '*.example.org' },
  { matchPattern: '**.example.org' },
  { matchPattern: 'b*.Example.org' },
  { matchPattern: '*' },
);

const nodeSelector = constantFrom<object>(
  {},
  { matchLabels: { role: 'edge' } },
  { matchLabels: { 'node:role': 'core' } },
  { matchExpressions: [{ key: 'role', operator: 'DoesNotExist' }] },
  { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: ['node-3'] }] },
);

/** `toEndpoints` and its like; none means everybody, provided that the item names ports. */
export function peers(prefix: 'from' | 'to', deny: boolean): Arbitrary<object> {
  const named = <T>(member: string, one: Arbitrary<T>, maxLength = 2) =>
    oneof(
      { weight: 7, arbitrary: array(one, { minLength: 1, maxLength }) },
      { weight: 1, arbitrary: constant([]) },
    ).map((list) => ({ [`${prefix}${member}`]: list }));
  return oneof(
    { weight: 2, arbitrary: constant({}) },
    {
      weight: 4,
      arbitrary: named(
        'Endpoints',
        oneof({ weight: 5, arbitrary: selector }, { weight: 1, arbitrary: reservedSelector }),
      ),
    },
    { weight: 3, arbitrary: named('Entities', entity) },
    { weight: 2, arbitrary: named('CIDR', cidr) },
    { weight: 1, arbitrary: named('Nodes', nodeSelector) },
    { weight: 2, arbitrary: named('CIDRSet', oneof<Arbitrary<object>[]>(cidrSet, cidrGroup)) },
    ...(prefix === 'to' ? [{ weight: 1, arbitrary: named('Services', service) }] : []),
    ...(prefix === 'to' && !deny ? [{ weight: 2, arbitrary: named('FQDNs', fqdn) }] : []),
  );
}
