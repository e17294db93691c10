import fc from 'fast-check';
import type { TestPod } from '../../src/plan/test-support/world.ts';
import type { Connection, Packet, Request } from './judge.ts';
import { cidrSet, peers, selector } from './random-peers.ts';
import {
  contestedEgressEntry,
  contestedEntry,
  dnsEntry,
  httpEntry,
  icmps,
  listenerEntry,
  plainEntry,
  serverNamesEntry,
} from './random-ports.ts';

/**
 * Random clusters, policies and traffic. Few values of each kind, so that rules and packets meet often; all that policy.md describes and
 * the planner takes. Only on port 8600 do HTTP rules, DNS rules, server names and listeners for the same peers meet, which are not merged.
 */
export interface Case {
  readonly pods: readonly TestPod[];
  readonly mode: 'default' | 'always' | 'never';
  readonly everyRuleIsolates: boolean;
  readonly allowLocalhost: boolean;
  readonly nodeLabels: boolean;
  readonly hostFirewall: boolean;
  readonly audit: boolean;
  readonly learntNames: ReadonlyMap<string, readonly string[]>;
  readonly policies: readonly object[];
  readonly packets: readonly Packet[];
  readonly requests: readonly Request[];
  readonly connections: readonly Connection[];
  readonly queries: readonly { readonly packet: Packet; readonly name: string }[];
}

const { constantFrom, array, record, tuple, oneof, option, constant } = fc;
type Arbitrary<T> = fc.Arbitrary<T>;

const namespaces = ['one', 'two'];
const localHosts = [10, 11, 12];
const localPods = localHosts.map((host) => `10.244.1.${host}`);
const others = [
  '10.244.2.13',
  '10.244.2.14',
  '172.30.0.1',
  '172.30.0.2',
  '172.30.0.254',
  '10.244.2.1',
  '10.244.1.1',
  '172.30.0.3',
  '10.244.3.1',
];
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

/** `forNodes`: nothing that has to pass a proxy. */
function item(direction: 'ingress' | 'egress', deny: boolean, forNodes = false): Arbitrary<object> {
  const entries =
    deny || forNodes
      ? plainEntry
      : oneof(
          { weight: 3, arbitrary: plainEntry },
          { weight: 3, arbitrary: httpEntry },
          { weight: 2, arbitrary: serverNamesEntry },
          { weight: 1, arbitrary: contestedEntry },
          ...(direction === 'egress'
            ? [
                { weight: 2, arbitrary: dnsEntry },
                { weight: 1, arbitrary: listenerEntry },
                { weight: 1, arbitrary: contestedEgressEntry },
              ]
            : []),
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

const defaultDeny = constantFrom<object>(
  { ingress: false },
  { egress: false },
  { ingress: false, egress: false },
  { ingress: true },
  { ingress: true, egress: false },
  {},
);
function ruleFor<T>(subject: 'endpointSelector' | 'nodeSelector', subjects: Arbitrary<T>): Arbitrary<object> {
  const forNodes = subject === 'nodeSelector';
  return record(
    {
      [subject]: subjects,
      ingress: array(item('ingress', false, forNodes), { minLength: 1, maxLength: 2 }),
      egress: array(item('egress', false, forNodes), { minLength: 1, maxLength: 2 }),
      ingressDeny: array(item('ingress', true), { minLength: 1, maxLength: 1 }),
      egressDeny: array(item('egress', true), { minLength: 1, maxLength: 1 }),
      enableDefaultDeny: defaultDeny,
    },
    { requiredKeys: [subject, 'ingress', 'egress'] },
  ).chain((whole) =>
    constantFrom('both', 'ingress', 'egress').map((which) => {
      if (which !== 'egress' || !('egress' in whole)) return whole;
      const { ingress: _, ...rest } = whole;
      return rest;
    }),
  );
}
const rule = ruleFor('endpointSelector', selector);
const nodeRule = ruleFor(
  'nodeSelector',
  constantFrom<object>(
    {},
    { matchLabels: { role: 'edge' } },
    { matchLabels: { 'k8s:role': 'core' } },
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: ['node-2'] }] },
  ),
);

function ciliumPolicyOf(namespace: string | undefined, spec: object, second: object | null) {
  return {
    apiVersion: 'cilium.io/v2',
    kind: namespace === undefined ? 'CiliumClusterwideNetworkPolicy' : 'CiliumNetworkPolicy',
    metadata: namespace === undefined ? {} : { namespace },
    ...(second ? { specs: [spec, second] } : { spec }),
  };
}
const ciliumPolicy = tuple(constantFrom('one', 'two', undefined), rule, option(rule, { freq: 5 })).map(
  ([namespace, spec, second]) => ciliumPolicyOf(namespace, spec, second),
);
const hostPolicy = tuple(nodeRule, option(oneof(rule, nodeRule), { freq: 5 })).map(([spec, second]) =>
  ciliumPolicyOf(undefined, spec, second),
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
  oneof<{ arbitrary: Arbitrary<{ metadata: object }>; weight: number }[]>(
    { weight: 6, arbitrary: ciliumPolicy },
    { weight: 1, arbitrary: hostPolicy },
    { weight: 2, arbitrary: networkPolicy },
  ),
  { minLength: 1, maxLength: 6, size: 'max' },
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

const connection = record({
  ends: oneof(
    tuple(constantFrom(...localPods), constantFrom(...localPods, ...others, ...outside)),
    tuple(constantFrom(...others, ...outside), constantFrom(...localPods)),
  ).filter(([a, b]) => a !== b),
  port: constantFrom(80, 443, 443, 445, 8080, 8500, 8600),
  serverName: constantFrom('a.example.org', 'b.example.org', 'x.y.example.org', 'elsewhere.net', undefined),
}).map(
  ({ ends: [client, backend], port, serverName }): Connection => ({
    client,
    backend,
    port,
    ...(serverName !== undefined && { serverName }),
  }),
);

/** The node itself is judged where its firewall is on. */
const hostPacketEnds = tuple(constantFrom('172.30.0.1', '10.244.1.1'), constantFrom(...others, ...outside))
  .filter(([, b]) => b !== '172.30.0.1' && b !== '10.244.1.1')
  .chain(([a, b]) => constantFrom<[string, string]>([a, b], [b, a]));

/** Both ends differ, and one of them at least is a pod of the node. */
const ends = oneof(
  tuple(constantFrom(...localPods), constantFrom(...localPods, ...others, ...outside)),
  tuple(constantFrom(...localPods, ...others, ...outside), constantFrom(...localPods)),
).filter(([a, b]) => a !== b);
/** Half of them where Layer-7 rules are. */
const ported = oneof(
  constantFrom<readonly [Packet['protocol'], number]>(
    ['tcp', 80],
    ['tcp', 8080],
    ['tcp', 443],
    ['tcp', 8500],
    ['tcp', 8600],
    ['udp', 53],
  ),
  constantFrom<readonly [Packet['protocol'], number]>(
    ['tcp', 85],
    ['tcp', 53],
    ['tcp', 445],
    ['udp', 80],
    ['sctp', 80],
    ['sctp', 53],
    ['icmp', 0],
    ['icmp', 8],
    ['icmp', 11],
  ),
);
const packet = tuple(oneof({ weight: 5, arbitrary: ends }, { weight: 1, arbitrary: hostPacketEnds }), ported).map(
  ([[source, destination], [protocol, port]]) => ({
    source,
    destination,
    protocol,
    port,
  }),
);
const request = record({
  ends,
  port: constantFrom(80, 85, 8080, 443, 8600),
  method: constantFrom('GET', 'POST', 'PUT'),
  path: constantFrom('/a', '/ab', '/b', '/a?x=1'),
  authority: constantFrom('shop', 'shop:80', 'bank'),
  headers: constantFrom<Record<string, string>>(
    {},
    { 'x-token': 'yes', 'x-old': 'o', 'x-lang': 'fr' },
    { 'x-token': 'no', 'x-mark': 'm' },
    { 'x-mark': 'other', 'x-old': 'older', 'x-lang': 'de' },
  ),
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
  nodeLabels: fc.boolean(),
  hostFirewall: fc.boolean(),
  audit: oneof({ weight: 4, arbitrary: constant(false) }, { weight: 1, arbitrary: constant(true) }),
  learntNames,
  policies,
  packets: array(packet, { minLength: 20, maxLength: 60, size: 'max' }),
  requests: array(request, { minLength: 8, maxLength: 16, size: 'max' }),
  connections: array(connection, { minLength: 12, maxLength: 24, size: 'max' }),
  queries: array(query, { minLength: 8, maxLength: 16, size: 'max' }),
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
