import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIssue, type Issue } from '../../base/index.ts';
import { createRegistry, validateObject } from '../../cluster/apiserver/index.ts';
import { ciliumResourceDefinitions, decodePolicy, validateCiliumObject } from '../../model/cilium/index.ts';
import { clusterOfManifests, plan } from '../../plan/index.ts';

/** Objects that are valid and between them use every field of a policy. */
const tls = { secret: { namespace: 'shop', name: 'keys' }, trustedCA: 'ca', certificate: 'crt', privateKey: 'key' };
const http = { path: '/a.*', method: 'GET', host: 'shop', headers: ['X: y', 'Z'] };
const headerMatches = [
  { name: 'X', value: '1', mismatch: 'LOG' },
  { name: 'Y', secret: { name: 's' } },
];
const selector = {
  matchLabels: { app: 'web', 'k8s:io.kubernetes.pod.namespace': 'shop' },
  matchExpressions: [
    { key: 'tier', operator: 'In', values: ['a', 'b'] },
    { key: 'x', operator: 'DoesNotExist' },
  ],
};
const rule = {
  endpointSelector: selector,
  ingress: [
    { fromEndpoints: [selector, {}], toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [http] } }] },
    { fromCIDRSet: [{ cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] }, { cidrGroupRef: 'g' }] },
    { fromEntities: ['host', 'world'], authentication: { mode: 'disabled' } },
    { fromGroups: [{ aws: { labels: { a: 'b' }, securityGroupsIds: ['sg'] } }] },
  ],
  ingressDeny: [{ fromCIDR: ['10.0.0.0/8'], toPorts: [{ ports: [{ port: 'web', endPort: 90, protocol: 'SCTP' }] }] }],
  egress: [
    {
      toFQDNs: [{ matchName: 'a.b' }, { matchPattern: '*.c' }],
      toPorts: [{ ports: [{ port: '8000', endPort: 9000 }] }],
    },
    { toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], rules: { dns: [{ matchPattern: '*' }] } }] },
    { toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ headerMatches }] } }] },
    {
      toPorts: [
        {
          ports: [{ port: '443', protocol: 'TCP' }],
          serverNames: ['a.b', '*.c'],
          terminatingTLS: tls,
          originatingTLS: tls,
        },
      ],
    },
    {
      toPorts: [
        {
          ports: [{ port: '0' }],
          listener: { envoyConfig: { kind: 'CiliumEnvoyConfig', name: 'c' }, name: 'l', priority: 3 },
        },
      ],
    },
    { icmps: [{ fields: [{ type: 8, family: 'IPv4' }, { type: 'EchoReply' }, { type: 128, family: 'IPv6' }] }] },
    {
      toServices: [
        { k8sService: { serviceName: 's', namespace: 'n' } },
        { k8sServiceSelector: { selector, namespace: 'n' } },
      ],
    },
    { toCIDRSet: [{ cidrGroupSelector: { matchLabels: { a: 'b' } }, except: ['10.0.0.0/8'] }] },
  ],
  egressDeny: [{ toEndpoints: [selector], icmps: [{ fields: [{ type: 8 }] }] }],
  labels: [{ key: 'a', value: 'b', source: 'k8s' }],
  enableDefaultDeny: { ingress: false, egress: true },
  description: 'text',
  log: { value: 'seen' },
};
const metadata = { name: 'p', namespace: 'shop', labels: { a: 'b' } };
const valid: readonly object[] = [
  { apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata, spec: rule },
  { apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata, specs: [rule, rule] },
  {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumClusterwideNetworkPolicy',
    metadata: { name: 'p' },
    spec: { nodeSelector: selector, ingress: [{ fromEntities: ['cluster'] }], egress: [{ toCIDR: ['10.0.0.0/8'] }] },
  },
  {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumCIDRGroup',
    metadata: { name: 'g', labels: { a: 'b' } },
    spec: { externalCIDRs: ['10.0.0.0/8', '2001:db8::/32'] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }, { namespaceSelector: {} }],
          ports: [
            { port: 80, endPort: 90, protocol: 'TCP' },
            { port: 'web', protocol: 'UDP' },
          ],
        },
      ],
      egress: [{ to: [{ podSelector: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } }] }, {}],
    },
  },
];
const pod = { kind: 'Pod', metadata: { name: 'web', namespace: 'shop', labels: { app: 'web', tier: 'a' } } };

type Container = Record<string, unknown> | unknown[];

/** A mutable place inside an object: what holds it and under which key. */
interface Place {
  readonly holder: Container;
  readonly key: string | number;
}

function placesOf(value: unknown, into: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return into;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    into.push({ holder: value as Container, key });
    placesOf(at({ holder: value as Container, key }), into);
  }
  return into;
}

function at({ holder, key }: Place): unknown {
  return Reflect.get(holder, key);
}

function put({ holder, key }: Place, value: unknown): void {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

const odd: readonly unknown[] = [
  null,
  '',
  ' ',
  '0',
  '-1',
  'in',
  'TCP ',
  'tcp',
  'Any',
  '*',
  '**',
  '(',
  '[a-',
  '0x50',
  '65536',
  '1e3',
  '10.0.0.0/33',
  '10.0.0.0',
  '::/0',
  '::ffff:1.2.3.4/96',
  '\u0000',
  '\ud800',
  '😀',
  'ﬀ',
  '__proto__',
  'constructor',
  'a'.repeat(70),
  'a.'.repeat(200),
  'k8s:',
  ':',
  'reserved:host',
  'any:a:b',
  0,
  -1,
  1.5,
  41,
  256,
  65_536,
  2 ** 31,
  2 ** 53,
  1e308,
  true,
  false,
  [],
  {},
  [[]],
  [null],
  [{}],
  { a: 1 },
  Array.from({ length: 41 }, () => ({ port: '80' })),
  'LOG',
  'DROP',
  'IPv4',
  'IPv6',
  'CiliumNetworkPolicy',
  'cilium.io/v2',
  'cilium.io/v3',
  'networking.k8s.io/v1',
];
const keys = [
  '__proto__',
  'constructor',
  'toString',
  'from',
  'fromEndpoints',
  'toEntities',
  'toPorts',
  'ports',
  'rules',
  'icmps',
  'spec',
  'specs',
  'nodeSelector',
  'x',
  '',
];

/** One thing done wrong. */
interface Mistake {
  readonly how: 'value' | 'drop' | 'double' | 'rename' | 'add' | 'move' | 'wrap' | 'unwrap' | 'type';
  readonly where: number;
  readonly what: number;
}

function make(object: object, { how, where, what }: Mistake): void {
  const places = placesOf(object);
  const place = places[where % places.length];
  if (!place) return;
  const { holder, key } = place;
  const value = at(place);
  const name = keys[what % keys.length] ?? '';
  if (how === 'drop' || how === 'rename') {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else Reflect.deleteProperty(holder, key);
  }
  if (how === 'double' && Array.isArray(holder)) holder.push(structuredClone(value));
  // JSON gives a list no other fields than its items.
  if (how === 'rename' && !Array.isArray(holder)) put({ holder, key: name }, value);
  if (how === 'add' && !Array.isArray(holder)) put({ holder, key: name }, odd[where % odd.length]);
  if (how in replacements) put(place, replacements[how as keyof typeof replacements](value, what, places));
}

const replacements = {
  value: (_value: unknown, what: number) => structuredClone(odd[what % odd.length]),
  type: (value: unknown) => (typeof value === 'string' ? Number(value) || 0 : JSON.stringify(value)),
  move: (value: unknown, what: number, places: readonly Place[]) => {
    const other = places[what % places.length];
    return other ? structuredClone(at(other)) : value;
  },
  wrap: (value: unknown, what: number) => (what % 2 === 0 ? [value] : { [keys[what % keys.length] ?? '']: value }),
  unwrap: (value: unknown) => (typeof value === 'object' && value !== null ? Object.values(value)[0] : value),
};

const mistake: fc.Arbitrary<Mistake> = fc.record({
  how: fc.constantFrom('value', 'value', 'drop', 'double', 'rename', 'add', 'move', 'wrap', 'unwrap', 'type'),
  where: fc.nat(100_000),
  what: fc.nat(100_000),
});

const registry = createRegistry(ciliumResourceDefinitions);
const policyKinds = ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy', 'NetworkPolicy'];

/** What the API server and then, of a policy, the agent say. */
function faultsOf(object: Readonly<Record<string, unknown>>): readonly Issue[] {
  const found = validateObject(object, registry, (_resource, checked) => validateCiliumObject(checked));
  const refused = found.filter(({ message }) => !message.startsWith('unknown field '));
  if (refused.length > 0 || !policyKinds.includes(String(object['kind']))) return refused;
  const decoded = decodePolicy(object);
  return decoded.ok ? [] : decoded.error;
}

test('the manifests that mistakes are made in are valid', () => {
  for (const object of valid) assert.deepEqual(faultsOf(object as Record<string, unknown>).map(formatIssue), []);
});

test('ten thousand near misses: each is refused at a field, or decodes; the agent plans with all of them', () => {
  const counts = { refused: 0, accepted: 0 };
  const batch: unknown[] = [];
  const planBatch = () => {
    const cluster = clusterOfManifests([pod, ...batch.splice(0)], 'shop');
    plan({ ...cluster, learntNames: new Map(), nodeName: cluster.nodes[0]?.metadata?.name ?? '' });
  };
  fc.assert(
    fc.property(fc.nat(valid.length - 1), fc.array(mistake, { minLength: 1, maxLength: 3 }), (index, mistakes) => {
      const object = structuredClone(valid[index]) as Record<string, unknown>;
      for (const each of mistakes) make(object, each);
      const faults = faultsOf(object);
      for (const { path, message } of faults) assert.ok(path !== '' && message !== '', `${path}: ${message}`);
      counts[faults.length > 0 ? 'refused' : 'accepted']++;
      // A real API server checks the schema alone, so the agent may see any of them.
      assert.doesNotThrow(() => decodePolicy(object));
      // Under one name a batch would be one object.
      batch.push({ ...object, metadata: { name: `p${batch.length}`, namespace: 'shop' } });
      if (batch.length >= 500) planBatch();
    }),
    { numRuns: 10_000, seed: 20_261_126 },
  );
  planBatch();
  assert.ok(counts.refused > 2_000 && counts.accepted > 1_000, JSON.stringify(counts));
});
