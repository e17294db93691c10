import { type Case, clients, cnp, echoes, egress, get, ingress, port, testCases } from './test-support/policies.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';

const config = walkthroughWorld().config;
const open = (spec: object, name = 'open') =>
  cnp({ endpointSelector: clients, enableDefaultDeny: { egress: false, ingress: false }, ...spec }, name);
const ccnp = (spec: object) => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumClusterwideNetworkPolicy',
  metadata: { name: 'c' },
  spec,
});
const dnsRules = (number: string, protocol: string) => [
  { ports: [{ port: number, protocol }], rules: { dns: [{ matchPattern: '*' }] } },
];
const everyHttp = (first: string, last: number) => [
  { ports: [{ port: first, endPort: last, protocol: 'TCP' }], rules: { http: [{ path: '/a' }] } },
];

/** `pkg/policy` of Cilium: what turns enforcement on, and what meets on one port. */
const cases: readonly Case[] = [
  {
    name: 'mode default: a direction is closed by a rule with items in it, and no other',
    policies: [cnp({ endpointSelector: clients, ingress: [{}] })],
    expect: [
      ['ingress echo>client tcp/80', 'default-deny'],
      ['egress client>echo tcp/80', 'allow'],
      ['ingress client>echo tcp/80', 'allow'],
    ],
  },
  {
    name: 'mode default: a deny closes its direction too',
    policies: [cnp({ endpointSelector: clients, egressDeny: [{ toEntities: ['world'] }] })],
    expect: [
      ['egress client>world tcp/80', 'deny'],
      ['egress client>echo tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'mode always: rules open what is closed, an allow without default deny as well',
    policies: [open({ egress: [{ toEndpoints: [echoes], toPorts: port('8080') }] })],
    world: { config: { ...config, enablePolicy: 'always' } },
    expect: [
      ['egress client>echo tcp/8080', 'allow'],
      ['egress client>echo tcp/81', 'default-deny'],
      ['ingress client>echo tcp/8080', 'default-deny'],
      ['ingress host>echo tcp/8080', 'allow'],
    ],
  },
  {
    name: 'mode never: no redirect either',
    policies: [egress({ toEndpoints: [echoes], toPorts: get('/a') })],
    world: { config: { ...config, enablePolicy: 'never' } },
    expect: [['egress client>echo tcp/8080', 'allow']],
  },
  {
    name: 'pods without an identity are opened by rules for reserved:init, and closed in mode default',
    policies: [
      ccnp({ endpointSelector: { matchLabels: { 'reserved:init': '' } }, egress: [{ toEntities: ['world'] }] }),
    ],
    world: { identities: new Map() },
    expect: [
      ['egress client>world tcp/80', 'allow'],
      ['egress client>echo tcp/8080', 'default-deny'],
      ['ingress echo>client tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'pods without an identity are open in mode never',
    policies: [],
    world: { identities: new Map(), config: { ...config, enablePolicy: 'never' } },
    expect: [['egress client>echo tcp/8080', 'allow']],
  },
  {
    name: 'rules without default deny alone leave everything open but what they deny',
    policies: [
      open({
        egress: [{ toEndpoints: [echoes], toPorts: port('8080') }],
        egressDeny: [{ toEndpoints: [echoes], toPorts: port('22') }],
      }),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'allow'],
      ['egress client>echo tcp/81', 'allow'],
      ['egress client>world udp/9', 'allow'],
      ['egress client>echo tcp/22', 'deny'],
      ['egress client>echo tcp/22 GET /', 'denied cnp/cilium-test/open/spec.egressDeny[0].toPorts[0]'],
    ],
  },
  {
    name: 'one rule with default deny closes the direction for all of them',
    policies: [
      open({ egress: [{ toEndpoints: [echoes], toPorts: port('8080') }] }),
      egress({ toEntities: ['world'], toPorts: port('80') }),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'allow'],
      ['egress client>echo tcp/81', 'default-deny'],
      ['egress client>world tcp/80', 'allow'],
    ],
  },
  {
    name: 'default deny is per direction',
    policies: [
      cnp({
        endpointSelector: clients,
        enableDefaultDeny: { ingress: false },
        ingress: [{ fromEndpoints: [echoes] }],
        egress: [{ toEndpoints: [echoes] }],
      }),
    ],
    expect: [
      ['ingress world>client tcp/80', 'allow'],
      ['egress client>world tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'enableDefaultDeny true in a direction without items has no effect',
    policies: [
      cnp({
        endpointSelector: clients,
        enableDefaultDeny: { ingress: true, egress: true },
        egress: [{ toEndpoints: [echoes] }],
      }),
    ],
    expect: [
      ['ingress world>client tcp/80', 'allow'],
      ['egress client>world tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'enable-non-default-deny-policies=false: every rule closes the directions that it has items in',
    policies: [open({ egress: [{ toEndpoints: [echoes], toPorts: get('/a') }] })],
    world: { config: { ...config, enableNonDefaultDenyPolicies: false } },
    expect: [
      ['egress client>echo tcp/8080 GET /a', 'allowed'],
      ['egress client>echo tcp/8080 GET /b', 'denied'],
      ['egress client>world tcp/80', 'default-deny'],
      ['ingress world>client tcp/80', 'allow'],
    ],
  },
  {
    name: 'a node reaches its own pods, other nodes and the rest do not',
    policies: [ingress({})],
    expect: [
      ['ingress host>echo tcp/8080', 'allow'],
      ['ingress host>echo icmp/8', 'allow'],
      ['ingress node2>echo tcp/8080', 'default-deny'],
      ['ingress api>echo tcp/8080', 'default-deny'],
      ['ingress world>echo tcp/8080', 'default-deny'],
    ],
  },
  {
    name: 'a deny of the host wins over allow-localhost',
    policies: [cnp({ endpointSelector: echoes, ingressDeny: [{ fromEntities: ['host'], toPorts: port('8080') }] })],
    expect: [
      ['ingress host>echo tcp/8080', 'deny'],
      ['ingress host>echo tcp/81', 'allow'],
    ],
  },
  {
    name: 'allow-localhost=policy: the node needs a rule like everybody',
    policies: [ingress({ fromEndpoints: [clients] })],
    world: { config: { ...config, allowLocalhost: false } },
    expect: [
      ['ingress host>echo tcp/8080', 'default-deny'],
      ['ingress client>echo tcp/8080', 'allow'],
    ],
  },
  {
    name: 'Layer 4 and Layer 7 for one peer: through the proxy, which lets everything pass',
    policies: [egress({ toEndpoints: [echoes], toPorts: get('/a') }, { toEndpoints: [echoes], toPorts: port('8080') })],
    expect: [
      ['egress client>echo tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>echo tcp/8080 GET /b', 'allowed'],
    ],
  },
  {
    name: 'Layer 4 for one peer and Layer 7 for everyone: each keeps its own list',
    policies: [
      egress(
        { toEndpoints: [{ matchLabels: { name: 'echo-same-node' } }], toPorts: port('8080') },
        { toPorts: get('/a') },
      ),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>echo tcp/8080 POST /b', 'allowed'],
      ['egress client>far tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>far tcp/8080 GET /a', 'allowed'],
      ['egress client>far tcp/8080 GET /b', 'denied'],
    ],
  },
  {
    name: 'HTTP rules of overlapping port ranges are united where both cover the port',
    policies: [
      egress(
        { toEndpoints: [echoes], toPorts: everyHttp('8000', 8080) },
        {
          toEndpoints: [echoes],
          toPorts: [{ ports: [{ port: '8080', endPort: 8090, protocol: 'TCP' }], rules: { http: [{ path: '/b' }] } }],
        },
      ),
    ],
    expect: [
      ['egress client>echo tcp/8000 GET /a', 'allowed'],
      ['egress client>echo tcp/8000 GET /b', 'denied'],
      ['egress client>echo tcp/8080 GET /a', 'allowed'],
      ['egress client>echo tcp/8080 GET /b', 'allowed'],
      ['egress client>echo tcp/8090 GET /a', 'denied'],
    ],
  },
  {
    name: 'a redirect of a range beats a plain allow of one port in it',
    policies: [egress({ toPorts: everyHttp('8000', 9000) }, { toEndpoints: [echoes], toPorts: port('8080') })],
    expect: [
      ['egress client>echo tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>echo tcp/8080 GET /b', 'allowed'],
      ['egress client>echo tcp/8081 GET /b', 'denied'],
    ],
  },
  {
    name: 'HTTP for everyone takes TCP away from DNS rules of one peer on a port in its range',
    policies: [egress({ toEndpoints: [echoes], toPorts: dnsRules('53', 'ANY') }, { toPorts: everyHttp('50', 60) })],
    expect: [
      ['egress client>echo tcp/53', 'redirect cilium-http-egress'],
      ['egress client>echo udp/53', 'redirect cilium-dns-egress'],
      ['egress client>world tcp/53', 'redirect cilium-http-egress'],
    ],
  },
  {
    name: 'different parsers for different peers on one port',
    policies: [egress({ toEndpoints: [echoes], toPorts: everyHttp('53', 53) }, { toPorts: dnsRules('53', 'TCP') })],
    expect: [
      ['egress client>echo tcp/53', 'redirect cilium-http-egress'],
      ['egress client>world tcp/53', 'redirect cilium-dns-egress'],
    ],
  },
];

testCases(cases);

/** Nothing but `GET /c` on a range. */
const range = (first: string, endPort: number) => [
  { ports: [{ port: first, endPort, protocol: 'TCP' }], rules: { http: [{ method: 'GET', path: '/c' }] } },
];
const audit = { config: { ...config, policyAuditMode: true } };
/** In the proxy; what the kernel lets pass is in the kernel's own tests. */
const auditCases: readonly Case[] = [
  {
    name: 'audit mode: Layer-7 rules are enforced for their peers and ports, Layer 3 and 4 refuse nothing',
    policies: [
      egress({ toEndpoints: [{ matchLabels: { name: 'echo-same-node' } }], toPorts: get('/a') }),
      cnp({ endpointSelector: clients, egressDeny: [{ toEntities: ['world'] }] }, 'd'),
    ],
    world: audit,
    expect: [
      ['egress client>echo tcp/8080 GET /a', 'allowed'],
      ['egress client>echo tcp/8080 GET /b', 'denied'],
      ['egress client>echo tcp/81 GET /b', 'allowed'],
      ['egress client>far tcp/8080 GET /b', 'allowed'],
      ['egress client>world tcp/80 GET /', 'allowed'],
    ],
  },
  {
    name: 'audit mode: a backend’s Layer-7 rules bind their own clients',
    policies: [
      ingress({ fromEndpoints: [{ matchLabels: { other: 'client' } }], toPorts: get('/a') }),
      cnp({ endpointSelector: echoes, ingressDeny: [{ fromEntities: ['world'] }] }, 'd'),
    ],
    world: audit,
    expect: [
      ['ingress client2>echo tcp/8080 GET /a', 'allowed'],
      ['ingress client2>echo tcp/8080 GET /b', 'denied'],
      ['ingress client>echo tcp/8080 GET /b', 'allowed'],
      ['ingress client2>echo tcp/81 GET /b', 'allowed'],
      ['ingress world>echo tcp/8080 GET /b', 'allowed'],
    ],
  },
  {
    name: 'audit mode: a client without rules of its own for a backend is held to nobody else’s',
    policies: [
      ingress(
        { fromEndpoints: [{ matchLabels: { other: 'client' } }], toPorts: get('/a') },
        { fromEntities: ['remote-node'], toPorts: range('8000', 9000) },
      ),
    ],
    world: audit,
    expect: [
      ['ingress client2>echo tcp/8080 GET /a', 'allowed'],
      ['ingress client2>echo tcp/8080 GET /b', 'denied'],
      ['ingress client2>echo tcp/8081 GET /b', 'allowed'],
      ['ingress world>echo tcp/8080 GET /b', 'allowed'],
      ['ingress node2>echo tcp/8080 GET /b', 'denied'],
      ['ingress node2>echo tcp/8080 GET /c', 'allowed'],
    ],
  },
  {
    name: 'audit mode without Layer-7 rules refuses nothing in the proxy',
    policies: [egress({}), ingress({})],
    world: audit,
    expect: [['egress client>echo tcp/8080 GET /', 'allowed']],
  },
];

testCases(auditCases);
