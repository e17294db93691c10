import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodePlan, plan, type World } from './index.ts';
import { policyVerdict, requestVerdict } from './test-support/evaluate.ts';
import { client, client2, dns, echoOther, echoSame, walkthroughWorld } from './test-support/walkthrough.ts';
import { podAddress } from './test-support/world.ts';

const address: Readonly<Record<string, string>> = {
  client: podAddress(client),
  client2: podAddress(client2),
  echo: podAddress(echoSame),
  far: podAddress(echoOther),
  dns: podAddress(dns),
  host: '172.30.0.1',
  node2: '172.30.0.2',
  api: '172.30.0.254',
  world: '8.8.8.8',
  one: '1.0.0.1',
  two: '1.0.0.2',
};

function cnp(spec: object, name = 'p'): object {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name, namespace: 'cilium-test' },
    spec,
  };
}

function knp(spec: object): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'k', namespace: 'cilium-test' },
    spec,
  };
}

const clients = { matchLabels: { kind: 'client' } };
const echoes = { matchLabels: { kind: 'echo' } };
const port = (number: string, protocol = 'TCP', rest: object = {}) => [
  { ports: [{ port: number, protocol, ...rest }] },
];
const egress = (...items: object[]) => cnp({ endpointSelector: clients, egress: items });
const ingress = (...items: object[]) => cnp({ endpointSelector: echoes, ingress: items });
const get = (path: string) => [
  { ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{ method: 'GET', path }] } },
];

/** `egress client>echo tcp/8080` and what is expected; with `GET path` behind it, what the proxy says. */
type Expectation = readonly [packet: string, verdict: string];

interface Case {
  readonly name: string;
  readonly policies: readonly object[];
  readonly world?: Partial<World>;
  readonly expect: readonly Expectation[];
}

const cases: readonly Case[] = [
  {
    name: 'a Layer-3 allow covers every port and protocol and isolates the direction only',
    policies: [egress({ toEndpoints: [echoes] })],
    expect: [
      ['egress client>echo tcp/8080', 'allow'],
      ['egress client>far icmp/8', 'allow'],
      ['egress client>dns udp/53', 'default-deny'],
      ['egress client>world tcp/80', 'default-deny'],
      ['egress echo>world tcp/80', 'allow'],
      ['ingress echo>client tcp/80', 'allow'],
    ],
  },
  {
    name: 'peers without a namespace are those of the own one; another can be named',
    policies: [egress({ toEndpoints: [{ matchLabels: { 'k8s-app': 'kube-dns' } }] })],
    expect: [['egress client>dns udp/53', 'default-deny']],
  },
  {
    name: 'a namespace label reaches over namespaces, also in the dotted spelling',
    policies: [egress({ toEndpoints: [{ matchLabels: { 'k8s.io.kubernetes.pod.namespace': 'kube-system' } }] })],
    expect: [['egress client>dns udp/53', 'allow']],
  },
  {
    name: 'labels of the namespace select',
    policies: [
      egress({
        toEndpoints: [{ matchLabels: { 'io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name': 'kube-system' } }],
      }),
    ],
    expect: [
      ['egress client>dns udp/53', 'allow'],
      ['egress client>echo tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'matchExpressions',
    policies: [
      egress({ toEndpoints: [{ matchExpressions: [{ key: 'name', operator: 'NotIn', values: ['echo-same-node'] }] }] }),
    ],
    expect: [
      ['egress client>far tcp/1', 'allow'],
      ['egress client>echo tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'an empty item isolates and allows nothing',
    policies: [egress({})],
    expect: [['egress client>echo tcp/8080', 'default-deny']],
  },
  {
    name: 'an empty peer list allows nothing',
    policies: [ingress({ fromEndpoints: [], toPorts: port('8080') })],
    expect: [['ingress client>echo tcp/8080', 'default-deny']],
  },
  {
    name: 'ports alone allow every peer, the world included',
    policies: [egress({ toPorts: port('80') })],
    expect: [
      ['egress client>world tcp/80', 'allow'],
      ['egress client>echo tcp/80', 'allow'],
      ['egress client>world udp/80', 'default-deny'],
    ],
  },
  {
    name: 'protocol ANY is TCP, UDP and SCTP but not ICMP; ranges include both ends',
    policies: [egress({ toEntities: ['all'], toPorts: port('100', 'ANY', { endPort: 110 }) })],
    expect: [
      ['egress client>echo tcp/100', 'allow'],
      ['egress client>echo udp/110', 'allow'],
      ['egress client>echo sctp/105', 'allow'],
      ['egress client>echo tcp/111', 'default-deny'],
      ['egress client>echo icmp/8', 'default-deny'],
    ],
  },
  {
    name: 'ICMP types',
    policies: [ingress({ fromEntities: ['all'], icmps: [{ fields: [{ type: 8, family: 'IPv4' }] }] })],
    expect: [
      ['ingress client>echo icmp/8', 'allow'],
      ['ingress client>echo icmp/0', 'default-deny'],
      ['ingress client>echo tcp/8', 'default-deny'],
    ],
  },
  {
    name: 'entities',
    policies: [egress({ toEntities: ['cluster'] })],
    expect: [
      ['egress client>dns udp/53', 'allow'],
      ['egress client>host tcp/22', 'allow'],
      ['egress client>node2 tcp/22', 'allow'],
      ['egress client>api tcp/6443', 'allow'],
      ['egress client>world tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'world is everything outside, ranges that policies name included',
    policies: [
      egress({ toEntities: ['world'] }),
      cnp({ endpointSelector: clients, egressDeny: [{ toCIDR: ['1.0.0.2/32'] }] }, 'q'),
    ],
    expect: [
      ['egress client>world tcp/80', 'allow'],
      ['egress client>one tcp/80', 'allow'],
      ['egress client>two tcp/80', 'deny'],
      ['egress client>node2 tcp/80', 'default-deny'],
      ['egress client>dns tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'the API server and the host have entities of their own',
    policies: [egress({ toEntities: ['kube-apiserver'] }), ingress({ fromEntities: ['host'] })],
    expect: [
      ['egress client>api tcp/6443', 'allow'],
      ['egress client>node2 tcp/6443', 'default-deny'],
      ['ingress host>echo tcp/8080', 'allow'],
      ['ingress client>echo tcp/8080', 'default-deny'],
    ],
  },
  {
    name: 'CIDR set with an exception; never pods',
    policies: [egress({ toCIDRSet: [{ cidr: '1.0.0.0/8', except: ['1.0.0.1/32'] }] }, { toCIDR: ['10.0.0.0/8'] })],
    expect: [
      ['egress client>two tcp/1', 'allow'],
      ['egress client>one tcp/1', 'default-deny'],
      ['egress client>echo tcp/1', 'default-deny'],
      ['egress client>world tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'an exception is a hole in its own item only',
    policies: [
      egress(
        { toCIDRSet: [{ cidr: '1.0.0.0/8', except: ['1.0.0.1/32'] }] },
        { toCIDR: ['0.0.0.0/0'], toPorts: port('80') },
      ),
    ],
    expect: [
      ['egress client>one tcp/80', 'allow'],
      ['egress client>one tcp/81', 'default-deny'],
      ['egress client>two tcp/81', 'allow'],
    ],
  },
  {
    name: 'toServices: pods behind a Service, backends of one without selector',
    policies: [
      egress(
        {
          toServices: [{ k8sService: { serviceName: 'echo-same-node', namespace: 'cilium-test' } }],
          toPorts: port('8080'),
        },
        { toServices: [{ k8sService: { serviceName: 'kubernetes', namespace: 'default' } }] },
      ),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'allow'],
      ['egress client>far tcp/8080', 'default-deny'],
      ['egress client>api tcp/6443', 'allow'],
    ],
  },
  {
    name: 'named ports: the own one on ingress, the peer’s on egress',
    policies: [ingress({ toPorts: port('http-8080') }), egress({ toEndpoints: [{}], toPorts: port('http-8080') })],
    expect: [
      ['ingress client>echo tcp/8080', 'allow'],
      ['ingress client>echo tcp/8081', 'default-deny'],
      ['egress client>far tcp/8080', 'allow'],
      ['egress client>client2 tcp/8080', 'default-deny'],
    ],
  },
  {
    name: 'a deny wins over any allow, however narrow',
    policies: [
      egress({ toEndpoints: [echoes], toPorts: port('8080') }),
      cnp(
        { endpointSelector: clients, egressDeny: [{ toEndpoints: [{ matchLabels: { name: 'echo-same-node' } }] }] },
        'd',
      ),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'deny'],
      ['egress client>far tcp/8080', 'allow'],
      ['egress client>echo tcp/8080 GET /', 'denied cnp/cilium-test/d/spec.egressDeny[0]'],
      ['egress client>far tcp/8080 GET /', 'allowed'],
    ],
  },
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
    name: 'a visibility rule next to an isolating one lets everything pass on its ports',
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
      ['egress client>echo tcp/8080 GET /b', 'allowed'],
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
    name: 'NetworkPolicy: ports without peers, peers without ports, ipBlock',
    policies: [
      knp({
        podSelector: { matchLabels: { kind: 'echo' } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            from: [
              { podSelector: { matchLabels: { other: 'client' } } },
              { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
            ],
          },
          { ports: [{ port: 90 }] },
        ],
        egress: [{ to: [{ ipBlock: { cidr: '1.0.0.0/24', except: ['1.0.0.1/32'] } }] }],
      }),
    ],
    expect: [
      ['ingress client2>echo udp/1', 'allow'],
      ['ingress dns>echo tcp/1', 'allow'],
      ['ingress client>echo tcp/1', 'default-deny'],
      ['ingress world>echo tcp/90', 'allow'],
      ['egress echo>two tcp/1', 'allow'],
      ['egress echo>one tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'NetworkPolicy with an empty ingress item allows everything',
    policies: [knp({ podSelector: {}, ingress: [{}] })],
    expect: [['ingress world>echo tcp/9', 'allow']],
  },
  {
    name: 'mode always: closed without any rule',
    policies: [],
    world: { config: { ...walkthroughWorld().config, enablePolicy: 'always' } },
    expect: [
      ['egress client>echo tcp/8080', 'default-deny'],
      ['egress client>echo tcp/8080 GET /', 'denied'],
    ],
  },
  {
    name: 'mode never: open whatever the rules say',
    policies: [egress({}), cnp({ endpointSelector: {}, egressDeny: [{ toEntities: ['all'] }] }, 'd')],
    world: { config: { ...walkthroughWorld().config, enablePolicy: 'never' } },
    expect: [
      ['egress client>echo tcp/8080', 'allow'],
      ['egress client>echo tcp/8080 GET /', 'allowed'],
    ],
  },
  {
    name: 'pods without an identity are closed',
    policies: [],
    world: { identities: new Map() },
    expect: [['egress client>echo tcp/8080', 'default-deny']],
  },
  {
    name: 'a policy with something that is not enforced yet is not applied at all',
    policies: [
      egress({ toEntities: ['world'], toPorts: [{ ports: [{ port: '443', protocol: 'TCP' }], serverNames: ['a.b'] }] }),
    ],
    expect: [['egress client>echo tcp/8080', 'allow']],
  },
];

for (const { name, policies, world, expect } of cases) {
  test(name, () => {
    const made = plan(walkthroughWorld({ ...world, policies }));
    for (const [packet, expected] of expect) assert.equal(judged(made, packet), expected, packet);
  });
}

function judged(made: NodePlan, text: string): string {
  const [, direction, from = '', to = '', protocol, number, method, path] =
    /^(ingress|egress) (\w+)>(\w+) (\w+)\/(\d+)(?: (\w+) (.+))?$/.exec(text) ?? [];
  const [source = '', destination = ''] = [address[from], address[to]];
  if (path !== undefined) {
    const request = { client: source, backend: destination, port: Number(number), path, method: method ?? 'GET' };
    const { allowed, by } = requestVerdict(made, request);
    return allowed ? 'allowed' : ['denied', ...by].join(' ');
  }
  const packet = { source, destination, protocol: protocol as 'tcp', port: Number(number) };
  const verdict = policyVerdict(made, packet, direction === 'ingress' ? 'ingress' : 'egress');
  return verdict.kind === 'redirect' ? `redirect ${verdict.listener}` : verdict.kind;
}

const unsupported: readonly (readonly [string, object, RegExp])[] = [
  [
    'serverNames',
    { toPorts: [{ ports: [{ port: '443', protocol: 'TCP' }], serverNames: ['a.b'] }] },
    /spec\.egress\[0\]\.toPorts\[0\]\.serverNames: .*server name/,
  ],
  [
    'terminatingTLS',
    {
      toPorts: [
        { ports: [{ port: '443', protocol: 'TCP' }], terminatingTLS: { secret: { name: 's' } }, rules: { http: [{}] } },
      ],
    },
    /terminatingTLS: TLS interception/,
  ],
  [
    'authentication',
    { toEntities: ['all'], authentication: { mode: 'required' } },
    /authentication\.mode: mutual authentication/,
  ],
  [
    'listener',
    { toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], listener: { name: 'l', envoyConfig: { name: 'c' } } }] },
    /toPorts\[0\]\.listener: /,
  ],
  [
    'header action',
    {
      toPorts: [
        {
          ports: [{ port: '80', protocol: 'TCP' }],
          rules: { http: [{ headerMatches: [{ name: 'X', mismatch: 'ADD', value: '1' }] }] },
        },
      ],
    },
    /header X: the mismatch action ADD/,
  ],
  ['CIDR group', { toCIDRSet: [{ cidrGroupRef: 'g' }] }, /CiliumCIDRGroup/],
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

test('DNS: names by rule, everything where a plain allow covers the port', () => {
  const rule = (item: object) => plan(walkthroughWorld({ policies: [egress(item, ...plainAllow)] })).dns;
  const server = { matchLabels: { 'io.kubernetes.pod.namespace': 'kube-system' } };
  let plainAllow: object[] = [];
  const item = {
    toEndpoints: [server],
    toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], rules: { dns: [{ matchName: 'a.b' }] } }],
  };
  const only = rule(item);
  assert.deepEqual([...new Set(only.rules.flatMap(({ names }) => names.map(({ matchName }) => matchName)))], ['a.b']);
  plainAllow = [{ toEntities: ['cluster'] }];
  assert.ok(rule(item).rules.some(({ names }) => names[0]?.matchPattern === '*'));
  plainAllow = [{ toEntities: ['cluster'], toPorts: port('54', 'UDP') }];
  assert.ok(!rule(item).rules.some(({ names }) => names[0]?.matchPattern === '*'));
});
