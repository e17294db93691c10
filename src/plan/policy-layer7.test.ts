import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from './index.ts';
import { type Case, clients, cnp, echoes, egress, get, ingress, port, testCases } from './test-support/policies.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';

const cases: readonly Case[] = [
  {
    name: 'enableDefaultDeny false: only denies act, Layer-7 rules only make visible',
    policies: [
      cnp({
        endpointSelector: clients,
        enableDefaultDeny: { egress: false },
        egress: [{ toEndpoints: [echoes], toPorts: get('/public') }],
        egressDeny: [{ toEntities: ['world'] }],
      }),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>echo tcp/8080 GET /private', 'allowed'],
      ['egress client>dns udp/53', 'allow'],
      ['egress client>world tcp/80', 'deny'],
    ],
  },
  {
    name: 'next to a rule that isolates, a Layer-7 rule decides, whether it isolates itself or not',
    policies: [
      cnp({
        endpointSelector: clients,
        enableDefaultDeny: { egress: false },
        egress: [{ toEndpoints: [echoes], toPorts: get('/a') }],
      }),
      cnp({ endpointSelector: clients, egress: [{}] }, 'q'),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>echo tcp/8080 GET /a', 'allowed'],
      ['egress client>echo tcp/8080 GET /b', 'denied'],
      ['egress client>echo tcp/81', 'default-deny'],
    ],
  },
  {
    name: 'a Layer-4 allow beside a Layer-7 rule: redirected, everything passes',
    policies: [egress({ toEndpoints: [echoes], toPorts: get('/a') }, { toEndpoints: [echoes] })],
    expect: [
      ['egress client>echo tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>echo tcp/8080 GET /b', 'allowed'],
    ],
  },
  {
    name: 'HTTP rules are united; path with query, method and host match whole',
    policies: [
      egress({
        toEndpoints: [echoes],
        toPorts: [
          {
            ports: [{ port: '8080', protocol: 'TCP' }],
            rules: {
              http: [
                { path: '/a' },
                { path: '/b.*', method: 'GET|POST', host: 'echo.*:8080' },
                { headers: ['X-Key: 1', 'X-Two'] },
              ],
            },
          },
        ],
      }),
    ],
    expect: [
      ['egress client>echo tcp/8080 GET /a', 'allowed'],
      ['egress client>echo tcp/8080 PUT /a', 'allowed'],
      ['egress client>echo tcp/8080 GET /a?x', 'denied'],
      ['egress client>echo tcp/8080 POST /bc', 'allowed'],
      ['egress client>echo tcp/8080 PUT /bc', 'denied'],
      ['egress client>echo tcp/8080 GET /xb', 'denied'],
    ],
  },
  {
    name: 'ingress HTTP rules are judged on the backend’s node, also for requests of its own proxy',
    policies: [ingress({ fromEndpoints: [{ matchLabels: { other: 'client' } }], toPorts: get('/public') })],
    expect: [
      ['ingress client2>echo tcp/8080', 'redirect cilium-http-ingress'],
      ['ingress client>echo tcp/8080', 'default-deny'],
      ['ingress client2>echo tcp/8080 GET /public', 'allowed'],
      ['ingress client2>echo tcp/8080 GET /private', 'denied'],
      ['ingress client>echo tcp/8080 GET /public', 'denied'],
      ['egress client2>far tcp/8080 GET /private', 'allowed'],
    ],
  },
  {
    name: 'a policy with something that is not enforced yet is not applied at all',
    policies: [egress({ toEntities: ['world'], authentication: { mode: 'required' } })],
    expect: [['egress client>echo tcp/8080', 'allow']],
  },
];

testCases(cases);

const unsupported: readonly (readonly [string, object, RegExp])[] = [
  [
    'terminatingTLS',
    {
      toPorts: [{ ports: [{ port: '443', protocol: 'TCP' }], terminatingTLS: { secret: { name: 's' } } }],
    },
    /terminatingTLS: what is no HTTP/,
  ],
  [
    'authentication',
    { toEntities: ['all'], authentication: { mode: 'required' } },
    /authentication\.mode: mutual authentication/,
  ],
  [
    'a header action on the request line',
    {
      toPorts: [
        {
          ports: [{ port: '80', protocol: 'TCP' }],
          rules: { http: [{ headerMatches: [{ name: 'Host', mismatch: 'ADD', value: '1' }] }] },
        },
      ],
    },
    /header Host: ADD is not available: it is part of the request line/,
  ],
  [
    'a header value that none can have',
    {
      toPorts: [
        {
          ports: [{ port: '80', protocol: 'TCP' }],
          rules: { http: [{ headerMatches: [{ name: 'X', mismatch: 'ADD', value: 'a\r\nb: c' }] }] },
        },
      ],
    },
    /header X: a value with control characters/,
  ],
  [
    'bad regex',
    { toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ path: '(?=x)' }] } }] },
    /http\[0\]\.path: /,
  ],
];
for (const [name, item, message] of unsupported) {
  test(`${name} is reported by name`, () => {
    const { condition } = plan(walkthroughWorld({ policies: [egress(item)] })).reports[0] ?? {};
    assert.equal(condition?.type, 'Valid');
    assert.equal(condition?.status, 'False');
    assert.match(condition?.message ?? '', message);
  });
}

test('a policy that turns bad stays in force as it was, and says so', () => {
  const before = plan(walkthroughWorld({ policies: [egress({})] }));
  const bad = egress({ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ path: '(' }] } }] });
  const after = plan(walkthroughWorld({ policies: [bad], lastGood: before.lastGood }));
  assert.deepEqual(after.datapath, before.datapath);
  assert.match(after.reports[0]?.condition.message ?? '', /the version before stays in force$/);
  assert.deepEqual(after.lastGood, before.lastGood);
});

test('DNS: names by rule, everything where a plain allow says the same port and protocol', () => {
  const server = { matchLabels: { 'io.kubernetes.pod.namespace': 'kube-system' } };
  const item = {
    toEndpoints: [server],
    toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], rules: { dns: [{ matchName: 'a.b' }] } }],
  };
  const everything: readonly (readonly [object[], readonly string[]])[] = [
    [[], []],
    [[{ toEntities: ['cluster'], toPorts: port('53', 'UDP') }], ['udp']],
    [[{ toEntities: ['cluster'], toPorts: port('53', 'ANY') }], ['tcp', 'udp']],
    [[{ toEntities: ['cluster'], toPorts: port('54', 'UDP') }], []],
    [[{ toEntities: ['cluster'], toPorts: port('50', 'UDP', { endPort: 60 }) }], []],
    [[{ toEntities: ['cluster'] }], []],
  ];
  for (const [plainAllow, protocols] of everything) {
    const { rules } = plan(walkthroughWorld({ policies: [egress(item, ...plainAllow)] })).dns;
    const open = rules.filter(({ names }) => names[0]?.matchPattern === '*').map(({ protocol }) => protocol);
    assert.deepEqual([...new Set(open)].sort(), protocols, JSON.stringify(plainAllow));
  }
});

test('a version that the data plane refused is not applied, and says so', () => {
  const policy = { ...egress({}), metadata: { name: 'p', namespace: 'cilium-test', uid: 'u', generation: 2 } };
  const refused = new Map([['CiliumNetworkPolicy/cilium-test/p', { uid: 'u', generation: 2, message: 'no' }]]);
  const { reports, lastGood, datapath } = plan(walkthroughWorld({ policies: [policy], refused }));
  const condition = { type: 'Valid', status: 'False', reason: 'Refused', message: 'the data plane refuses it: no' };
  assert.deepEqual(reports[0]?.condition, condition);
  assert.deepEqual([lastGood.size, datapath.policy.length], [0, 0]);
});
