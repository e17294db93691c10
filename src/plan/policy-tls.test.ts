import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from './index.ts';
import { clients, cnp, echoes, egress, get, ingress, testCases } from './test-support/policies.ts';
import { client, client2, echoOther, echoSame, walkthroughWorld } from './test-support/walkthrough.ts';
import { podAddress } from './test-support/world.ts';
import { connectionVerdict } from './verdicts/request.ts';

const tls = (serverNames: readonly string[], port = '443', protocol = 'TCP') => [
  { ports: [{ port, protocol }], serverNames },
];
const plain = (port = '443', protocol = 'TCP') => [{ ports: [{ port, protocol }] }];

testCases([
  {
    name: 'server names redirect TCP to the listener of their direction, and open nothing else',
    policies: [
      egress({ toEntities: ['world'], toPorts: tls(['a.b'], '443', 'ANY') }),
      ingress({ toPorts: tls(['a.b'], '8443') }),
    ],
    expect: [
      ['egress client>world tcp/443', 'redirect cilium-tls-egress'],
      ['egress client>world udp/443', 'default-deny'],
      ['egress client>world tcp/80', 'default-deny'],
      ['ingress client>echo tcp/8443', 'redirect cilium-tls-ingress'],
    ],
  },
  {
    name: 'server names on another protocol than TCP let nothing pass',
    policies: [egress({ toPorts: tls(['a.b'], '443', 'UDP') })],
    expect: [['egress client>world udp/443', 'default-deny']],
  },
  {
    name: 'HTTP rules of other peers win over server names, a deny over both',
    policies: [
      cnp({
        endpointSelector: clients,
        egress: [{ toPorts: tls(['a.b'], '8080') }, { toEndpoints: [echoes], toPorts: get('/') }],
        egressDeny: [{ toEntities: ['world'] }],
      }),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>echo tcp/8080 GET /', 'allowed'],
      ['egress client>echo tcp/8080 GET /x', 'denied'],
      ['egress client>dns tcp/8080', 'redirect cilium-tls-egress'],
      ['egress client>world tcp/8080', 'deny'],
    ],
  },
  {
    name: 'what a rule for server names takes from a plain one does not open requests that HTTP rules of others refuse',
    policies: [
      egress({ toEndpoints: [echoes], toPorts: plain('0') }, { toEndpoints: [echoes], toPorts: tls(['a.b'], '0') }),
      cnp({ endpointSelector: clients, egress: [{ toPorts: get('/a') }] }, 'q'),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>echo tcp/8080 GET /a', 'allowed'],
      ['egress client>echo tcp/8080 GET /b', 'denied'],
    ],
  },
]);

const address: Readonly<Record<string, string>> = {
  client: podAddress(client),
  client2: podAddress(client2),
  echo: podAddress(echoSame),
  far: podAddress(echoOther),
  world: '8.8.8.8',
  one: '1.0.0.1',
  node2: '172.30.0.2',
  api: '172.30.0.254',
};

/** Policies, then `egress FROM>TO:PORT NAME` with `true` where it passes; without a name the client speaks no TLS. */
type Row = readonly [name: string, policies: readonly object[], expected: Readonly<Record<string, boolean>>];

const world = { toEntities: ['world'] };
const rows: readonly Row[] = [
  [
    'exact names, whatever their case; without a name nothing passes',
    [egress({ ...world, toPorts: tls(['A.example.com']) }, { ...world, toPorts: tls(['b.example.com'], '444') })],
    {
      'egress client>world:443 a.example.com': true,
      'egress client>world:443 b.example.com': false,
      'egress client>world:443': false,
      'egress client>world:444 b.example.com': true,
      'egress client>world:445 b.example.com': false,
    },
  ],
  [
    'sets of several rules are united',
    [
      egress({ ...world, toPorts: tls(['a.b']) }),
      cnp({ endpointSelector: clients, egress: [{ ...world, toPorts: tls(['c.d', 'e.f']) }] }, 'q'),
    ],
    {
      'egress client>world:443 a.b': true,
      'egress client>world:443 c.d': true,
      'egress client>world:443 e.f': true,
      'egress client>world:443 g.h': false,
    },
  ],
  [
    'a rule for the same peers and ports without names changes nothing, one for other peers lets these pass',
    [
      egress(
        { ...world, toPorts: tls(['a.b']) },
        { ...world, toPorts: plain() },
        { toEndpoints: [echoes], toPorts: plain() },
      ),
    ],
    {
      'egress client>world:443': false,
      'egress client>world:443 c.d': false,
      'egress client>far:443': true,
      'egress client>far:443 c.d': true,
    },
  ],
  [
    'a rule for the same peers on every port, or for a part of them, stands beside it',
    [egress({ toEntities: ['all'], toPorts: tls(['a.b']) }, { toCIDR: ['1.0.0.0/8'], toPorts: plain() })],
    { 'egress client>world:443': false, 'egress client>one:443': true, 'egress client>one:443 c.d': true },
  ],
  [
    'every peer and every peer by its entity are the same',
    [egress({ toPorts: tls(['a.b']) }, { toEntities: ['all'], toPorts: plain() })],
    { 'egress client>world:443': false, 'egress client>world:443 a.b': true },
  ],
  [
    'an entity is merged with those that it takes in, and with the selector that it stands for',
    [
      egress(
        { toEntities: ['cluster'], toPorts: tls(['a.b']) },
        { toEntities: ['remote-node'], toPorts: plain() },
        { toEndpoints: [{ matchLabels: { 'reserved:kube-apiserver': '' } }], toPorts: plain() },
        { toEndpoints: [echoes], toPorts: plain() },
      ),
    ],
    { 'egress client>node2:443': false, 'egress client>api:443': false, 'egress client>far:443': true },
  ],
  [
    'a peer without ports of its own passes without a name',
    [egress({ toEntities: ['all'], toPorts: tls(['a.b']) }, { toEndpoints: [echoes] })],
    { 'egress client>far:443': true, 'egress client>world:443': false },
  ],
  [
    'of a rule for two ports each lets only those pass without a name whom no rule asks for one there',
    [
      ingress(
        { fromEndpoints: [clients, echoes], toPorts: [{ ports: [{ port: '444' }, { port: '443' }] }] },
        { fromEndpoints: [clients], toPorts: tls(['a.b']) },
      ),
    ],
    {
      'ingress client>echo:444': true,
      'ingress client>echo:443': false,
      'ingress client>echo:443 a.b': true,
      'ingress far>echo:443': true,
    },
  ],
  [
    'pods of other policies are not held',
    [cnp({ endpointSelector: { matchLabels: { other: 'client' } }, egress: [{ toPorts: tls(['a.b']) }] })],
    { 'egress client>world:443': true, 'egress client2>world:443': false, 'egress client2>world:443 a.b': true },
  ],
  [
    'a backend on the same node is asked for its own names, or refuses where it judges requests',
    [egress({ toPorts: tls(['*'], '8443') }), ingress({ toPorts: tls(['a.b'], '8443') })],
    {
      'egress client>echo:8443 a.b': true,
      'egress client>echo:8443 c.d': false,
      'egress client>far:8443 c.d': true,
      'ingress client>echo:8443 a.b': true,
      'ingress client>echo:8443 c.d': false,
      'ingress client>echo:8443': false,
    },
  ],
  [
    'a backend on the same node that judges requests refuses what is no HTTP',
    [egress({ toPorts: tls(['*'], '8080') }), ingress({ toPorts: get('/') })],
    { 'egress client>echo:8080 a.b': false, 'egress client>far:8080 a.b': true },
  ],
];

for (const [name, policies, expected] of rows) {
  test(name, () => {
    const made = plan(walkthroughWorld({ policies }));
    for (const [text, allowed] of Object.entries(expected)) {
      const [, direction, from = '', to = '', port, serverName] =
        /^(\w+) (\w+)>(\w+):(\d+)(?: (.+))?$/.exec(text) ?? [];
      const connection = {
        client: address[from] ?? '',
        backend: address[to] ?? '',
        port: Number(port),
        ...(serverName !== undefined && { serverName }),
      };
      const verdict = connectionVerdict(made, connection, direction === 'egress' ? 'egress' : 'ingress');
      assert.equal(verdict.allowed, allowed, text);
    }
  });
}

const patterns: readonly (readonly [string, string, boolean])[] = [
  ['*.example.com', 'a.example.com', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com', 'a.b.example.com', false],
  ['**.example.com', 'a.b.example.com', true],
  ['**.example.com', 'a.example.com', true],
  ['**.example.com', 'example.com', false],
  ['a.**.com', 'a.b.c.com', true],
  ['a.**.com', 'a.com', false],
  ['sub*.example.com', 'subdomain.example.com', true],
  ['sub*.example.com', 'sub.example.com', true],
  ['*b*.c', 'abc.c', true],
  ['*', 'a', true],
  ['*', 'a.b.c', true],
  ['**', 'a.b.c', true],
  ['*.EXAMPLE.com', 'a.example.com', true],
  ['*.b', 'a.b.', false],
  ['*.b', 'axb', false],
];
test('patterns', () => {
  for (const [pattern, serverName, allowed] of patterns) {
    const made = plan(walkthroughWorld({ policies: [egress({ toPorts: tls([pattern]) })] }));
    const connection = { client: address['client'] ?? '', backend: '8.8.8.8', port: 443, serverName };
    assert.equal(connectionVerdict(made, connection, 'egress').allowed, allowed, `${pattern} ${serverName}`);
  }
});

test('a changed policy changes no listener, only what it asks', () => {
  const before = plan(walkthroughWorld({ policies: [egress({ toPorts: tls(['a.b']) })] }));
  const after = plan(
    walkthroughWorld({ policies: [egress({ toPorts: tls(['c.d']) })], proxyPorts: before.proxyPorts }),
  );
  assert.deepEqual(after.xds.listeners, before.xds.listeners);
  assert.deepEqual(after.datapath, before.datapath);
  assert.notDeepEqual(after.xds.extensionConfigs, before.xds.extensionConfigs);
});
