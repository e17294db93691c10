import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Issue } from '../../base/index.ts';
import { decodeCidrGroup, decodeEnvoyConfig, decodePolicy, validateCiliumObject } from './index.ts';

const metadata = { name: 'p', namespace: 'shop', uid: 'u', labels: { a: 'b' }, annotations: { a: 'b' } };
const selector = { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] };
const tls = { secret: { namespace: 'a', name: 'b' }, trustedCA: 'a', certificate: 'b', privateKey: 'c' };
const ports = [{ port: '80', endPort: 90, protocol: 'TCP' }];
const peers = [
  { toEndpoints: [selector] },
  { toEntities: ['world'] },
  { toCIDR: ['10.0.0.0/8'] },
  {
    toCIDRSet: [
      { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] },
      { cidrGroupRef: 'g' },
      { cidrGroupSelector: selector },
    ],
  },
  { toFQDNs: [{ matchName: 'a.b' }, { matchPattern: '*.b' }] },
  { toServices: [{ k8sService: { serviceName: 'a', namespace: 'b' } }, { k8sServiceSelector: { selector } }] },
  { toNodes: [selector] },
  { toGroups: [{ aws: { labels: { a: 'b' } } }] },
];
const http = { path: '/', method: 'GET', host: 'a', headers: ['a: b'] };
const headerMatch = { name: 'a', value: 'b', mismatch: 'LOG', secret: { namespace: 'a', name: 'b' } };
const layer7 = [
  { rules: { http: [{ ...http, headerMatches: [headerMatch] }] }, terminatingTLS: tls, originatingTLS: tls },
  { rules: { dns: [{ matchName: 'a.b', matchPattern: '*' }] } },
  { serverNames: ['a.b'] },
  { listener: { envoyConfig: { kind: 'CiliumEnvoyConfig', name: 'a' }, name: 'b', priority: 3 } },
];
const rule = {
  endpointSelector: selector,
  egress: [
    ...peers,
    ...layer7.map((one) => ({ toPorts: [{ ports, ...one }] })),
    { icmps: [{ fields: [{ family: 'IPv4', type: 8 }] }], authentication: { mode: 'required' } },
  ],
  egressDeny: [{ toEntities: ['world'] }],
  labels: [{ key: 'a', value: 'b', source: 'c' }],
  enableDefaultDeny: { ingress: true, egress: false },
  description: 'd',
  log: { value: 'a' },
};

const objects: readonly object[] = [
  { apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata, spec: rule, specs: [rule] },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: {
      podSelector: selector,
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            { podSelector: selector, namespaceSelector: selector },
            { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
          ],
          ports,
        },
      ],
      egress: [{}],
    },
  },
  {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumEnvoyConfig',
    metadata,
    spec: {
      services: [{ name: 'a', namespace: 'b', ports: [80], listener: 'c' }],
      backendServices: [{ name: 'a', namespace: 'b', number: ['80'] }],
      nodeSelector: selector,
      resources: [{ '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name: 'a', type: 'EDS' }],
    },
  },
  { apiVersion: 'cilium.io/v2', kind: 'CiliumCIDRGroup', metadata, spec: { externalCIDRs: ['10.0.0.0/8'] } },
];

let nested: unknown = 1;
for (let depth = 0; depth < 20_000; depth++) nested = depth % 2 === 0 ? [nested] : { inner: nested };

const hostile: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['an object with a toString', { toString: 1, valueOf: 1 }],
  ['an object with a toJSON', { toJSON: 1 }],
  ['an object within a list', [{ toString: 1 }]],
  ['a deep value', nested],
  ['a huge text', '%'.repeat(200_000)],
  ['a huge list', Array.from({ length: 20_000 }, () => ({}))],
  ['a number without end', 1e308],
  ['null', null],
]);

/** Every copy of a value in which one part of it is another. */
function* withPart(value: unknown, part: unknown, path = ''): Generator<readonly [path: string, value: unknown]> {
  yield [path, part];
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value))
    for (const [place, changed] of withPart(inner, part, `${path}.${key}`)) {
      const copy: unknown = Array.isArray(value)
        ? value.map((item: unknown, at) => (String(at) === key ? changed : item))
        : { ...value, [key]: changed };
      yield [place, copy];
    }
}

const messageMax = 2000;

function judge(place: string, issues: readonly Issue[]): void {
  for (const { path, message } of issues) {
    assert.ok(!`${path} ${message}`.includes('[object'), `${place}: ${message.slice(0, 200)}`);
    assert.ok(message.length <= messageMax, `${place}: a message of ${message.length} characters`);
  }
}

for (const [what, part] of hostile) {
  test(`${what} anywhere in an object is a fault or harmless`, () => {
    for (const object of objects) {
      for (const [place, changed] of withPart(object, part)) {
        const where = `${(object as { readonly kind: string }).kind}${place}`;
        try {
          judge(where, validateCiliumObject(changed));
          for (const decode of [decodePolicy, decodeEnvoyConfig]) {
            const read = decode(changed);
            if (!read.ok) judge(where, read.error);
          }
          decodeCidrGroup(changed);
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          assert.fail(`${where}: ${error instanceof Error ? error.stack?.slice(0, 600) : 'thrown'}`);
        }
      }
    }
  });
}
