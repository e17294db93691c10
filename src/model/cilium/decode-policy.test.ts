import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from '../../base/index.ts';
import { decodePolicy, type PolicyObject, validatePolicy } from './index.ts';

const web = { matchLabels: { app: 'web' } };

function policy(spec: object, kind = 'CiliumNetworkPolicy'): object {
  const metadata =
    kind === 'CiliumClusterwideNetworkPolicy' ? { name: 'p' } : { name: 'p', namespace: 'shop', uid: 'u1' };
  return { apiVersion: 'cilium.io/v2', kind, metadata, spec: { endpointSelector: web, ...spec } };
}

function decoded(object: object): PolicyObject {
  const result = decodePolicy(object);
  assert.ok(result.ok, result.ok ? '' : result.error.map(formatIssue).join('\n'));
  return result.value;
}

const item = (fields: object): object => policy({ egress: [fields] });
const ports = (fields: object): object => item({ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], ...fields }] });
const onPort = 'spec.egress[0].toPorts[0]';

test('an expression that is not RE2 is the agent’s business, not the API server’s', () => {
  const object = ports({ rules: { http: [{ path: '(?=a)' }, { method: '*' }] } });
  assert.deepEqual(validatePolicy(object), []);
  const result = decodePolicy(object);
  assert.deepEqual(result.ok ? [] : result.error.map(({ path }) => path), [
    `${onPort}.rules.http[0].path`,
    `${onPort}.rules.http[1].method`,
  ]);
});

test('selectors get sources and are limited to the namespace of the policy unless they say which they mean', () => {
  const peers = [
    { matchLabels: { app: 'db' } },
    { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'other' } },
    { matchLabels: { 'k8s.io.kubernetes.pod.namespace': 'dotted' } },
    { matchExpressions: [{ key: 'io.cilium.k8s.namespace.labels.team', operator: 'Exists' }] },
    { matchLabels: { 'reserved:host': '' } },
  ];
  const rule = decoded(policy({ egress: [{ toEndpoints: peers }] })).rules[0];
  assert.deepEqual(rule?.subject, {
    kind: 'endpoints',
    selector: { matchLabels: { 'any:app': 'web', 'k8s:io.kubernetes.pod.namespace': 'shop' } },
  });
  assert.deepEqual(rule?.egress.items[0]?.peers, [
    { kind: 'endpoints', selector: { matchLabels: { 'any:app': 'db', 'k8s:io.kubernetes.pod.namespace': 'shop' } } },
    { kind: 'endpoints', selector: { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'other' } } },
    { kind: 'endpoints', selector: { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'dotted' } } },
    {
      kind: 'endpoints',
      selector: {
        matchExpressions: [
          { key: 'any:io.cilium.k8s.namespace.labels.team', operator: 'Exists' },
          { key: 'k8s:io.cilium.k8s.policy.cluster', operator: 'Exists' },
        ],
      },
    },
    { kind: 'endpoints', selector: { matchLabels: { 'reserved:host': '' } } },
  ]);
  const wide = decoded(policy({ egress: [{ toEndpoints: [{}] }] }, 'CiliumClusterwideNetworkPolicy')).rules[0];
  assert.deepEqual(wide?.subject.selector, { matchLabels: { 'any:app': 'web' } });
  assert.deepEqual(wide?.egress.items[0]?.peers, [
    {
      kind: 'endpoints',
      selector: { matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }] },
    },
  ]);
});

test('a namespace that contradicts the policy’s own is replaced in its subject, where it has the source k8s', () => {
  const subject = (key: string) => {
    const selector = { matchLabels: { [key]: 'other', app: 'web' } };
    return decoded(policy({ endpointSelector: selector, egress: [{}] })).rules[0]?.subject.selector.matchLabels;
  };
  const own = { 'any:app': 'web', 'k8s:io.kubernetes.pod.namespace': 'shop' };
  assert.deepEqual(subject('k8s:io.kubernetes.pod.namespace'), own);
  assert.deepEqual(subject('k8s.io.kubernetes.pod.namespace'), own);
  // Nothing is selected then, as in Cilium.
  assert.deepEqual(subject('io.kubernetes.pod.namespace'), { ...own, 'any:io.kubernetes.pod.namespace': 'other' });
});

/** Item, whether it has peers and ports in the model: `any` is absent, `none` an empty list. */
const presence: readonly (readonly [object, 'any' | 'none' | number, 'any' | number])[] = [
  [{}, 'none', 'any'],
  [{ toEndpoints: [] }, 'none', 'any'],
  [{ toEndpoints: null, toPorts: [{ ports: [{ port: '80' }] }] }, 'any', 1],
  [{ toEndpoints: [], toPorts: [{ ports: [{ port: '80' }] }] }, 'none', 1],
  [{ toFQDNs: [], toPorts: [{ ports: [{ port: '80' }] }] }, 'any', 1],
  [{ toServices: [], toPorts: [{ ports: [{ port: '80' }] }] }, 'any', 1],
  [{ toFQDNs: [] }, 'none', 'any'],
  [{ toEndpoints: [{}], toPorts: [] }, 1, 'any'],
  [{ toPorts: [] }, 'none', 'any'],
  [{ toEntities: ['all'] }, 1, 'any'],
  [{ toEndpoints: [], toCIDR: ['10.0.0.0/8'] }, 1, 'any'],
];

for (const [fields, peers, portRules] of presence) {
  test(`${JSON.stringify(fields)} means ${peers} peers on ${portRules} ports`, () => {
    const found = decoded(item(fields)).rules[0]?.egress.items[0];
    assert.deepEqual(
      [found?.peers ? found.peers.length || 'none' : 'any', found?.ports?.length ?? 'any'],
      [peers, portRules],
    );
  });
}

test('default deny is per direction and can be turned off', () => {
  const rule = decoded(policy({ egress: [{}], egressDeny: [{}], enableDefaultDeny: { egress: false, ingress: true } }))
    .rules[0];
  assert.deepEqual([rule?.ingress, rule?.egress.defaultDeny], [{ items: [], defaultDeny: false }, false]);
  assert.deepEqual(
    rule?.egress.items.map(({ action, fieldPath }) => [action, fieldPath]),
    [
      ['allow', 'spec.egress[0]'],
      ['deny', 'spec.egressDeny[0]'],
    ],
  );
});

test('ports, Layer 7 and origin are decoded', () => {
  const http = [
    {
      method: 'GET',
      path: '/a',
      headers: ['X-Key: true', 'X-Other'],
      headerMatches: [{ name: 'h', value: 'v', mismatch: 'ADD', secret: { name: 's' } }],
    },
  ];
  const spec = {
    labels: [{ key: 'team', value: 'a' }],
    log: { value: 'seen' },
    egress: [
      {
        toPorts: [
          {
            ports: [
              { port: '8080', endPort: 8090, protocol: 'TCP' },
              { port: 'HTTP', protocol: 'TCP' },
            ],
            rules: { http },
          },
        ],
      },
      { toPorts: [{ ports: [{ port: '53' }], rules: { dns: [{ matchPattern: '*' }] } }] },
      { toPorts: [{ ports: [{ port: '010', protocol: 'TCP' }], rules: { http: [] } }] },
      { icmps: [{ fields: [{ type: 'EchoRequest' }, { type: 128, family: 'IPv6' }] }] },
      { toCIDRSet: [{ cidr: '10.1.2.3/8', except: ['10.2.0.0/16'] }] },
    ],
  };
  const rule = decoded(policy(spec)).rules[0];
  const items = rule?.egress.items ?? [];
  assert.deepEqual(items[0]?.ports?.[0]?.ports, [
    { kind: 'number', protocol: 'TCP', port: 8080, endPort: 8090 },
    { kind: 'name', protocol: 'TCP', name: 'http' },
  ]);
  assert.deepEqual(items[0]?.ports?.[0]?.http, [
    {
      fieldPath: 'spec.egress[0].toPorts[0].rules.http[0]',
      path: '/a',
      method: 'GET',
      headers: [
        { name: 'X-Key', value: 'true' },
        { name: 'X-Other' },
        { name: 'h', value: 'v', secret: { namespace: 'shop', name: 's' }, mismatch: 'ADD' },
      ],
    },
  ]);
  assert.deepEqual(items[1]?.ports?.[0]?.dns, [
    { fieldPath: 'spec.egress[1].toPorts[0].rules.dns[0]', matchPattern: '*' },
  ]);
  assert.deepEqual(items[2]?.ports?.[0]?.http, [{ fieldPath: 'spec.egress[2].toPorts[0].rules.http', headers: [] }]);
  assert.deepEqual(items[2]?.ports?.[0]?.ports, [{ kind: 'number', protocol: 'TCP', port: 8, endPort: 8 }]);
  assert.deepEqual(items[3]?.icmp, [
    { family: 'IPv4', type: 8 },
    { family: 'IPv6', type: 128 },
  ]);
  assert.deepEqual(items[4]?.peers, [{ kind: 'cidr', cidr: '10.0.0.0/8', except: ['10.2.0.0/16'] }]);
  assert.equal(rule?.logValue, 'seen');
  assert.deepEqual(rule?.labels, [
    'k8s:io.cilium.k8s.policy.derived-from=CiliumNetworkPolicy',
    'k8s:io.cilium.k8s.policy.name=p',
    'k8s:io.cilium.k8s.policy.namespace=shop',
    'k8s:io.cilium.k8s.policy.uid=u1',
    'unspec:team=a',
  ]);
});

test('NetworkPolicy becomes rules of the same model', () => {
  const spec = {
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        from: [
          { podSelector: { matchLabels: { a: 'b' } } },
          { namespaceSelector: {} },
          { namespaceSelector: { matchLabels: { team: 'x' } }, podSelector: {} },
        ],
        ports: [{ port: 80 }, { port: 'dns', protocol: 'UDP' }],
      },
      {},
    ],
  };
  const object = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'n', namespace: 'shop' },
    spec,
  };
  const rule = decoded(object).rules[0];
  assert.deepEqual(rule?.subject.selector, { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'shop' } });
  assert.deepEqual(rule?.ingress.items[0]?.peers, [
    { kind: 'endpoints', selector: { matchLabels: { 'k8s:a': 'b', 'k8s:io.kubernetes.pod.namespace': 'shop' } } },
    {
      kind: 'endpoints',
      selector: { matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }] },
    },
    {
      kind: 'endpoints',
      selector: { matchLabels: { 'k8s:io.cilium.k8s.namespace.labels.team': 'x' }, matchExpressions: [] },
    },
  ]);
  assert.deepEqual(rule?.ingress.items[0]?.ports, [
    {
      fieldPath: 'spec.ingress[0]',
      ports: [
        { kind: 'number', protocol: 'TCP', port: 80, endPort: 80 },
        { kind: 'name', protocol: 'UDP', name: 'dns' },
      ],
    },
  ]);
  assert.deepEqual(rule?.ingress.items[1], { fieldPath: 'spec.ingress[1]', action: 'allow' });
  assert.deepEqual(rule?.egress, {
    items: [{ fieldPath: 'spec.egress', action: 'allow', peers: [] }],
    defaultDeny: true,
  });
});

test('objects of any shape give issues, never an exception', () => {
  const shapes: readonly unknown[] = [
    null,
    1,
    [],
    {},
    { kind: 'CiliumNetworkPolicy' },
    policy({ egress: 'x' }),
    policy({ egress: [1] }),
    policy({ egress: [{ toPorts: {} }] }),
    policy({ endpointSelector: 5, egress: [{ toEndpoints: [null, 'x'] }] }),
    policy({ egress: [{ toCIDRSet: ['x'], toEntities: [{}] }] }),
    policy({ endpointSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: [{ toString: 1 }] }] } }),
    policy({ egress: [{ toCIDR: [{ toString: 1 }], toEntities: [{ toString: 1 }] }] }),
    policy({ egress: [{ toPorts: [{ ports: 'x', rules: { http: 'y', dns: 1 } }] }] }),
  ];
  for (const shape of shapes) {
    const result = decodePolicy(shape);
    assert.ok(result.ok || result.error.length > 0, JSON.stringify(shape));
  }
});
