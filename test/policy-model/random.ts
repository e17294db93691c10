import fc from 'fast-check';
import type { TestPod } from '../../src/plan/test-support/world.ts';
import type { Packet, Request } from './judge.ts';

/**
 * Random clusters, policies and traffic. Few values of each kind, so that rules and packets meet often; all that policy.md describes and
 * the planner takes. HTTP and DNS rules never share a port: such policies are an error of their own.
 */
export interface Case {
  readonly pods: readonly TestPod[];
  readonly mode: 'default' | 'always' | 'never';
  readonly everyRuleIsolates: boolean;
  readonly allowLocalhost: boolean;
  readonly learntNames: ReadonlyMap<string, readonly string[]>;
  readonly policies: readonly object[];
  readonly packets: readonly Packet[];
  readonly requests: readonly Request[];
  readonly queries: readonly { readonly packet: Packet; readonly name: string }[];
}

const { constantFrom, array, record, tuple, oneof, option, constant } = fc;
type Arbitrary<T> = fc.Arbitrary<T>;

const namespaces = ['one', 'two'];
const localHosts = [10, 11, 12];
const localPods = localHosts.map((host) => `10.244.1.${host}`);
const others = ['10.244.2.13', '10.244.2.14', '172.30.0.1', '172.30.0.2', '172.30.0.254', '10.244.2.1', '10.244.1.1'];
const outside = ['1.1.1.1', '1.1.2.2', '1.2.3.4', '8.8.8.8', '203.0.113.7'];

const podLabels = record({ app: constantFrom('a', 'b', 'c'), tier: constantFrom('x', 'y') }, { requiredKeys: ['app'] });
const containerPorts = constantFrom(
  [],
  [{ name: 'web', containerPort: 80 }],
  [{ name: 'web', containerPort: 8080 }],
  [
    { name: 'dns', containerPort: 53, protocol: 'UDP' },
    { name: 'web', containerPort: 80 },
  ],
);
const pods = tuple(
  ...[...localHosts, 13, 14].map((host) =>
    record({ namespace: constantFrom(...namespaces), labels: podLabels, ports: containerPorts }).map(
      (pod): TestPod => ({ ...pod, name: `pod-${host}`, node: host < 13 ? 1 : 2, host }),
    ),
  ),
);

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
const selector = oneof(
  { weight: 2, arbitrary: constant({}) },
  { weight: 3, arbitrary: matchLabels.map((labels) => ({ matchLabels: labels })) },
  {
    weight: 2,
    arbitrary: record({ matchLabels, matchExpressions: array(requirement, { minLength: 1, maxLength: 2 }) }),
  },
);
const reservedSelector = constantFrom(
  { matchLabels: { 'reserved:host': '' } },
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
const cidrSet = constantFrom(
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
const fqdn = constantFrom(
  { matchName: 'a.example.org' },
  { matchName: 'B.example.org.' },
  { matchPattern: '*.example.org' },
  { matchPattern: '**.example.org' },
  { matchPattern: 'b*.Example.org' },
  { matchPattern: '*' },
);

/** `toEndpoints` and its like; none means everybody, provided that the item names ports. */
function peers(prefix: 'from' | 'to', deny: boolean): Arbitrary<object> {
  const named = <T>(member: string, one: Arbitrary<T>, maxLength = 2) =>
    array(one, { maxLength }).map((list) => ({ [`${prefix}${member}`]: list }));
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
    { weight: 2, arbitrary: named('CIDRSet', oneof<Arbitrary<object>[]>(cidrSet, cidrGroup)) },
    ...(prefix === 'to'
      ? [{ weight: 1, arbitrary: array(service, { minLength: 1, maxLength: 2 }).map((toServices) => ({ toServices })) }]
      : []),
    ...(prefix === 'to' && !deny
      ? [{ weight: 2, arbitrary: array(fqdn, { minLength: 1, maxLength: 2 }).map((toFQDNs) => ({ toFQDNs })) }]
      : []),
  );
}

const portText = constantFrom('80', '8080', '53', '0', '443');
const plainPort = oneof(
  record({ port: portText, protocol: constantFrom('TCP', 'UDP', 'SCTP', 'ANY') }, { requiredKeys: ['port'] }),
  record({ port: constantFrom('web', 'dns'), protocol: constantFrom('TCP', 'UDP', 'ANY') }, { requiredKeys: ['port'] }),
  constantFrom<object>(
    { port: '80', endPort: 90, protocol: 'TCP' },
    { port: '8000', endPort: 9000, protocol: 'TCP' },
    { port: '50', endPort: 60, protocol: 'UDP' },
    { port: '84', endPort: 8080 },
    { port: '80', endPort: 20, protocol: 'TCP' },
  ),
);
const plainEntry = array(plainPort, { minLength: 1, maxLength: 2 }).map((ports) => ({ ports }));
const httpPort = constantFrom<object>(
  { port: '80', protocol: 'TCP' },
  { port: '8080', protocol: 'TCP' },
  { port: 'web', protocol: 'TCP' },
  { port: '80', endPort: 90, protocol: 'TCP' },
  { port: '8000', endPort: 9000, protocol: 'TCP' },
);
const httpRule = constantFrom<object>(
  {},
  { path: '/a' },
  { path: '/a.*', method: 'GET' },
  { method: 'GET|POST' },
  { host: 'shop(:80)?' },
  { path: '/b', headers: ['X-Token: yes'] },
  { headers: ['x-token'] },
);
const httpEntry = record({
  ports: array(httpPort, { minLength: 1, maxLength: 2 }),
  rules: record({ http: array(httpRule, { minLength: 1, maxLength: 2 }) }),
});
const dnsEntry = record({
  ports: constantFrom<object[]>(
    [{ port: '53', protocol: 'UDP' }],
    [{ port: '53', protocol: 'ANY' }],
    [{ port: '53', protocol: 'TCP' }],
  ),
  rules: record({ dns: array(fqdn, { minLength: 1, maxLength: 2 }) }),
});
const icmps = constantFrom(
  [{ fields: [{ type: 8 }] }],
  [{ fields: [{ type: 'EchoReply', family: 'IPv4' }, { type: 11 }] }],
  [{ fields: [{ type: 128, family: 'IPv6' }] }],
);

function item(direction: 'ingress' | 'egress', deny: boolean): Arbitrary<object> {
  const entries = deny
    ? plainEntry
    : oneof(
        { weight: 3, arbitrary: plainEntry },
        { weight: 3, arbitrary: httpEntry },
        ...(direction === 'egress' ? [{ weight: 2, arbitrary: dnsEntry }] : []),
      );
  const what = oneof(
    { weight: 2, arbitrary: constant({}) },
    { weight: 5, arbitrary: array<object>(entries, { minLength: 1, maxLength: 2 }).map((toPorts) => ({ toPorts })) },
    { weight: 1, arbitrary: icmps.map((list) => ({ icmps: list })) },
  );
  return tuple(peers(direction === 'ingress' ? 'from' : 'to', deny), what).map(([whom, ports]) => ({
    ...whom,
    ...ports,
  }));
}

const rule = record(
  {
    endpointSelector: selector,
    ingress: array(item('ingress', false), { minLength: 1, maxLength: 2 }),
    egress: array(item('egress', false), { minLength: 1, maxLength: 2 }),
    ingressDeny: array(item('ingress', true), { minLength: 1, maxLength: 1 }),
    egressDeny: array(item('egress', true), { minLength: 1, maxLength: 1 }),
    enableDefaultDeny: constantFrom(
      { ingress: false },
      { egress: false },
      { ingress: false, egress: false },
      { ingress: true },
    ),
  },
  { requiredKeys: ['endpointSelector', 'ingress'] },
).chain((whole) =>
  constantFrom('both', 'ingress', 'egress').map((which) => {
    if (which !== 'egress' || !whole.egress) return whole;
    const { ingress: _, ...rest } = whole;
    return rest;
  }),
);
const ciliumPolicy = tuple(constantFrom('one', 'two', undefined), rule, option(rule, { freq: 5 })).map(
  ([namespace, spec, second]) => ({
    apiVersion: 'cilium.io/v2',
    kind: namespace === undefined ? 'CiliumClusterwideNetworkPolicy' : 'CiliumNetworkPolicy',
    metadata: namespace === undefined ? {} : { namespace },
    ...(second ? { specs: [spec, second] } : { spec }),
  }),
);

const plainSelector = constantFrom<object>(
  {},
  { matchLabels: { app: 'a' } },
  { matchLabels: { app: 'b' } },
  { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
);
const namespaceSelector = constantFrom<object>(
  {},
  { matchLabels: { team: 'red' } },
  { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['one'] }] },
);
const networkPolicyPeer = oneof<Arbitrary<object>[]>(
  record({ podSelector: plainSelector }),
  record({ namespaceSelector }),
  record({ podSelector: plainSelector, namespaceSelector }),
  cidrSet.map((ipBlock) => ({ ipBlock })),
);
const networkPolicyPort = constantFrom<object>(
  {},
  { port: 80 },
  { port: 'web' },
  { port: 53, protocol: 'UDP' },
  { protocol: 'SCTP' },
  { port: 80, endPort: 90, protocol: 'TCP' },
);
function networkPolicyItem(key: 'from' | 'to'): Arbitrary<object> {
  return record(
    { [key]: array(networkPolicyPeer, { maxLength: 2 }), ports: array(networkPolicyPort, { maxLength: 2 }) },
    { requiredKeys: [] },
  );
}
const networkPolicy = record({
  namespace: constantFrom(...namespaces),
  spec: record(
    {
      podSelector: plainSelector,
      policyTypes: constantFrom([], ['Ingress'], ['Egress'], ['Ingress', 'Egress']),
      ingress: array(networkPolicyItem('from'), { maxLength: 2 }),
      egress: array(networkPolicyItem('to'), { maxLength: 2 }),
    },
    { requiredKeys: ['podSelector'] },
  ),
}).map(({ namespace, spec }) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace },
  spec,
}));

const policies = array(
  oneof<Arbitrary<{ metadata: object }>[]>(ciliumPolicy, ciliumPolicy, ciliumPolicy, networkPolicy),
  { maxLength: 6 },
).map((list) => list.map((policy, index) => ({ ...policy, metadata: { ...policy.metadata, name: `p${index}` } })));

const learntNames = record(
  {
    'a.example.org.': constantFrom(['1.1.1.1'], ['1.1.1.1', '1.1.2.2'], ['172.30.0.2']),
    'b.example.org.': constantFrom(['8.8.8.8'], ['1.1.1.1', '203.0.113.7']),
    'x.y.example.org.': constant(['1.2.3.4']),
    'elsewhere.net.': constant(['8.8.8.8']),
  },
  { requiredKeys: [] },
).map((names) => new Map(Object.entries(names).map(([name, addresses]) => [name, addresses ?? []])));

/** Both ends differ, and one of them at least is a pod of the node. */
const ends = oneof(
  tuple(constantFrom(...localPods), constantFrom(...localPods, ...others, ...outside)),
  tuple(constantFrom(...localPods, ...others, ...outside), constantFrom(...localPods)),
).filter(([a, b]) => a !== b);
const ported = constantFrom<readonly [Packet['protocol'], number]>(
  ['tcp', 80],
  ['tcp', 85],
  ['tcp', 8080],
  ['tcp', 8500],
  ['tcp', 53],
  ['tcp', 443],
  ['udp', 53],
  ['udp', 80],
  ['sctp', 80],
  ['sctp', 53],
  ['icmp', 0],
  ['icmp', 8],
  ['icmp', 11],
);
const packet = tuple(ends, ported).map(([[source, destination], [protocol, port]]) => ({
  source,
  destination,
  protocol,
  port,
}));
const request = record({
  ends,
  port: constantFrom(80, 85, 8080, 443),
  method: constantFrom('GET', 'POST', 'PUT'),
  path: constantFrom('/a', '/ab', '/b', '/a?x=1'),
  authority: constantFrom('shop', 'shop:80', 'bank'),
  headers: constantFrom<Record<string, string>>({}, { 'x-token': 'yes' }, { 'x-token': 'no' }),
}).map(({ ends: [client, backend], ...rest }): Request => ({ client, backend, ...rest }));
const query = record({
  packet: tuple(
    constantFrom(...localPods),
    constantFrom(...others, ...outside),
    constantFrom('tcp' as const, 'udp' as const),
  ).map(([source, destination, protocol]): Packet => ({ source, destination, protocol, port: 53 })),
  name: constantFrom('a.example.org.', 'b.example.org.', 'x.y.example.org.', 'example.org.', 'elsewhere.net.'),
});

export const randomCase: Arbitrary<Case> = record({
  pods,
  mode: oneof(
    { weight: 8, arbitrary: constant('default' as const) },
    { weight: 1, arbitrary: constantFrom('always' as const, 'never' as const) },
  ),
  everyRuleIsolates: oneof({ weight: 4, arbitrary: constant(false) }, { weight: 1, arbitrary: constant(true) }),
  allowLocalhost: fc.boolean(),
  learntNames,
  policies,
  packets: array(packet, { maxLength: 40, size: 'max' }),
  requests: array(request, { maxLength: 12, size: 'max' }),
  queries: array(query, { maxLength: 8, size: 'max' }),
});

/** What happens to a cluster between two plans. Indices beyond the lists change nothing. */
export interface Change {
  readonly dropped: readonly number[];
  readonly added: readonly { readonly metadata: object }[];
  readonly relabelled: { readonly index: number; readonly labels: Record<string, string> } | null;
  readonly gone: number | null;
  readonly learntNames: ReadonlyMap<string, readonly string[]> | null;
}

const index = fc.nat({ max: 5 });
export const randomChange: Arbitrary<Change> = record({
  dropped: array(index, { maxLength: 2 }),
  added: policies,
  relabelled: option(record({ index, labels: podLabels as Arbitrary<Record<string, string>> }), { freq: 2 }),
  gone: option(index, { freq: 1 }),
  learntNames: option(learntNames, { freq: 1 }),
});
