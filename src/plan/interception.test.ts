import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority } from '../base/index.ts';
import { type NodePlan, plan, type Secret } from './index.ts';
import { clients, cnp, echoes, egress, ingress } from './test-support/policies.ts';
import { client, echoSame, walkthroughWorld } from './test-support/walkthrough.ts';
import { podAddress } from './test-support/world.ts';
import { policyVerdict } from './verdicts/packet.ts';
import { requestVerdict } from './verdicts/request.ts';

const [own, other] = await Promise.all([makeAuthority('a.example'), makeAuthority('b.example')]);
const secret = (name: string, data: Readonly<Record<string, string>>): Secret => ({
  metadata: { name, namespace: 'cilium-test' },
  stringData: data,
});
const server = secret('server', { 'tls.crt': own.certificate, 'tls.key': own.privateKey });
const bundle = secret('bundle', { 'ca.crt': `# public\n${own.certificate}${other.certificate}` });
const secrets = [server, bundle];

const terminatingTLS = { secret: { name: 'server' } };
const originatingTLS = { secret: { name: 'bundle' } };
const inTls = (more: object = {}, path = '/a', port = '443') => [
  { ports: [{ port, protocol: 'TCP' }], terminatingTLS, originatingTLS, rules: { http: [{ path }] }, ...more },
];
const world = { toEntities: ['world'] };
const outside = '203.0.113.10';
const name = 'cilium-http-egress/tls:cilium-test/server,cilium-test/bundle';

const listenerTo = (made: NodePlan, port: number, direction: 'egress' | 'ingress' = 'egress', to = outside): string => {
  const ends = direction === 'egress' ? [podAddress(client), to] : [podAddress(client), podAddress(echoSame)];
  const packet = { source: ends[0] ?? '', destination: ends[1] ?? '', protocol: 'tcp', port } as const;
  const verdict = policyVerdict(made, packet, direction);
  return verdict.kind === 'redirect' ? verdict.listener : verdict.kind;
};

test('a rule with TLS contexts has a listener that ends TLS with its certificate and begins it with its authorities', () => {
  const made = plan(walkthroughWorld({ policies: [egress({ ...world, toPorts: inTls() })], secrets }));
  assert.equal(listenerTo(made, 443), name);
  const listener = made.xds.listeners.get(name);
  const chains = JSON.parse(JSON.stringify(listener?.['filter_chains']));
  assert.equal(chains.length, 2);
  assert.deepEqual(chains[0].filter_chain_match, { transport_protocol: 'tls' });
  assert.deepEqual(chains[1].filter_chain_match, { transport_protocol: 'raw_buffer' });
  const [sds] = chains[0].transport_socket.typed_config.common_tls_context.tls_certificate_sds_secret_configs;
  assert.equal(sds.name, 'policy-tls/cilium-test/server/tls.crt/tls.key');
  assert.deepEqual(made.xds.secrets.get(sds.name), {
    name: sds.name,
    tls_certificate: {
      certificate_chain: { inline_string: own.certificate },
      private_key: { inline_string: own.privateKey },
    },
  });
  const [route] = chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes;
  const cluster = JSON.parse(JSON.stringify(made.xds.clusters.get(route.route.cluster)));
  const context = cluster.transport_socket.typed_config.common_tls_context.validation_context_sds_secret_config;
  const authorities = JSON.stringify(made.xds.secrets.get(context.name)?.['validation_context']);
  assert.match(authorities, /trusted_ca.*# public/);
  assert.equal(made.reports[0]?.condition.status, 'True');
});

test('entries that are named are taken, and are part of who is the same', () => {
  const named = secret('server', {
    c: other.certificate,
    k: other.privateKey,
    'tls.crt': own.certificate,
    'tls.key': own.privateKey,
  });
  const contexts = { terminatingTLS: { ...terminatingTLS, certificate: 'c', privateKey: 'k' } };
  const policies = [
    egress({ ...world, toPorts: [...inTls(), ...inTls(contexts, '/', '444')] }),
    cnp({ endpointSelector: clients, egress: [{ ...world, toPorts: inTls({}, '/', '445') }] }, 'q'),
  ];
  const made = plan(walkthroughWorld({ policies, secrets: [named, bundle] }));
  assert.equal(listenerTo(made, 445), name);
  const further = listenerTo(made, 444);
  assert.equal(further, name.replace('server', 'server[certificate=c privateKey=k]'));
  const given = made.xds.secrets.get('policy-tls/cilium-test/server/c/k')?.['tls_certificate'];
  assert.deepEqual(given, {
    certificate_chain: { inline_string: other.certificate },
    private_key: { inline_string: other.privateKey },
  });
});

test('without originatingTLS what is inside of TLS goes on plain', () => {
  const policies = [egress({ ...world, toPorts: inTls({ originatingTLS: null }) })];
  const made = plan(walkthroughWorld({ policies, secrets }));
  const listener = made.xds.listeners.get('cilium-http-egress/tls:cilium-test/server');
  assert.match(JSON.stringify(listener), /"cluster":"cilium-original-dst","timeout"/);
});

type Fault = readonly [name: string, secrets: readonly Secret[], message: string];
const at = (field: string) => `spec.egress[0].toPorts[0].${field}`;
const faults: readonly Fault[] = [
  ['no Secret', [bundle], `${at('terminatingTLS.secret')}: secrets "server" not found`],
  [
    'no certificate in it',
    [secret('server', { other: 'x' }), bundle],
    `${at('terminatingTLS.secret')}: TLS certificates not found in secret cilium-test/server`,
  ],
  [
    'no key',
    [secret('server', { 'tls.crt': own.certificate }), bundle],
    `${at('terminatingTLS.privateKey')}: Terminating TLS context is missing certs: no tls.key in secret cilium-test/server`,
  ],
  [
    'no PEM',
    [secret('server', { 'tls.crt': 'hidden', 'tls.key': own.privateKey }), bundle],
    `${at('terminatingTLS.certificate')}: tls.crt of secret cilium-test/server is no certificate in PEM`,
  ],
  [
    'the key of another',
    [secret('server', { 'tls.crt': own.certificate, 'tls.key': other.privateKey }), bundle],
    `${at('terminatingTLS.privateKey')}: tls.key of secret cilium-test/server is not the key of tls.crt`,
  ],
  [
    'no authorities',
    [server, secret('bundle', { 'tls.crt': own.certificate })],
    `${at('originatingTLS.trustedCA')}: Originating TLS context is missing CA certs: no ca.crt in secret cilium-test/bundle`,
  ],
  [
    'authorities of which one is broken',
    [
      server,
      secret('bundle', { 'ca.crt': `${own.certificate}-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----` }),
    ],
    `${at('originatingTLS.trustedCA')}: ca.crt of secret cilium-test/bundle is no certificate in PEM`,
  ],
];
for (const [what, given, message] of faults) {
  test(`${what}: TLS is refused, the policy says why, and the Secret that comes is taken`, () => {
    const policies = [egress({ ...world, toPorts: inTls() })];
    const before = plan(walkthroughWorld({ policies, secrets: given }));
    assert.deepEqual(before.reports[0]?.condition, {
      type: 'Valid',
      status: 'False',
      reason: 'Incomplete',
      message: `${message}: TLS is refused; the rest of the policy is in force`,
    });
    assert.equal(listenerTo(before, 443), name);
    const matches = (made: NodePlan) =>
      JSON.stringify(made.xds.listeners.get(name)).match(/"transport_protocol":"\w+"/g);
    assert.deepEqual(matches(before), ['"transport_protocol":"raw_buffer"']);
    assert.equal(before.xds.secrets.size, 0);
    const after = plan(walkthroughWorld({ policies, secrets, proxyPorts: before.proxyPorts }));
    assert.equal(matches(after)?.length, 2);
    assert.equal(after.reports[0]?.condition.status, 'True');
  });
}

test('an entry that a context names must be there', () => {
  const policies = [
    egress({ ...world, toPorts: inTls({ terminatingTLS: { ...terminatingTLS, trustedCA: 'my.crt' } }) }),
  ];
  const { message } = plan(walkthroughWorld({ policies, secrets })).reports[0]?.condition ?? {};
  assert.match(message ?? '', /terminatingTLS.trustedCA: Trusted CA my.crt not found in secret cilium-test\/server/);
});

const request = (serverName?: string, path = '/a', backend = outside) =>
  ({ client: podAddress(client), backend, port: 443, path, ...(serverName !== undefined && { serverName }) }) as const;

test('server names: hellos with others match no chain, and each request must have come with one of its rule', () => {
  const names = { serverNames: ['A.example', 'sub*.b.example', 'x.**.d'] };
  const made = plan(walkthroughWorld({ policies: [egress({ ...world, toPorts: inTls(names) })], secrets }));
  const [chain] = JSON.parse(JSON.stringify(made.xds.listeners.get(name)?.['filter_chains']));
  assert.deepEqual(chain.filter_chain_match.server_names, ['*.b.example', '*.d', 'a.example']);
  assert.equal(requestVerdict(made, request('a.example')).allowed, true);
  assert.equal(requestVerdict(made, request('subx.b.example')).allowed, true);
  assert.equal(requestVerdict(made, request('z.b.example')).allowed, false);
  assert.equal(requestVerdict(made, request()).allowed, false);
  assert.equal(requestVerdict(made, request('a.example', '/b')).allowed, false);
});

test('a backend on the same node asks for its own names', () => {
  const policies = [ingress({ fromEndpoints: [clients], toPorts: inTls({ serverNames: ['a.example'] }) })];
  const made = plan(walkthroughWorld({ policies, secrets }));
  assert.equal(listenerTo(made, 443, 'ingress'), name.replace('egress', 'ingress'));
  assert.equal(requestVerdict(made, request('a.example', '/a', podAddress(echoSame))).allowed, true);
  assert.equal(requestVerdict(made, request(undefined, '/a', podAddress(echoSame))).allowed, false);
});

test('of rules for HTTP those with a context take the connection, whoever their peers are', () => {
  const plain = [{ ports: [{ port: '443', protocol: 'TCP' }], rules: { http: [{ path: '/p' }] } }];
  for (const [one, two] of [
    [{ toCIDR: ['203.0.113.0/24'] }, {}],
    [{}, { toCIDR: ['203.0.113.0/24'] }],
  ]) {
    const policies = [egress({ ...one, toPorts: inTls() }, { ...two, toPorts: plain })];
    const made = plan(walkthroughWorld({ policies, secrets }));
    assert.equal(listenerTo(made, 443), name);
    for (const path of ['/a', '/p']) assert.equal(requestVerdict(made, request('a.example', path)).allowed, true, path);
  }
});

test('contexts that differ for one selector are not merged; a rule without takes that of the other', () => {
  const contexts = { terminatingTLS: { secret: { name: 'bundle' } } };
  const made = (more: object) =>
    plan(
      walkthroughWorld({
        policies: [
          egress({ ...world, toPorts: inTls() }),
          cnp({ endpointSelector: clients, egress: [{ ...world, toPorts: inTls(more, '/b') }] }, 'q'),
        ],
        secrets,
      }),
    );
  const [conflict] = made(contexts).conflicts;
  assert.match(
    conflict?.message ?? '',
    /^cannot merge conflicting terminating TLS contexts for cached selector .*: \(cilium-test\/bundle\/cilium-test\/server\)$/,
  );
  assert.equal(listenerTo(made(contexts), 443), 'default-deny');
  const merged = made({ terminatingTLS: null, originatingTLS: null });
  assert.deepEqual(merged.conflicts, []);
  assert.equal(requestVerdict(merged, request('a.example', '/b')).allowed, true);
});

test('pods and policies that change leave the listener as it is', () => {
  const made = (path: string, labels: object) =>
    plan(
      walkthroughWorld({
        policies: [cnp({ endpointSelector: labels, egress: [{ ...world, toPorts: inTls({}, path) }] })],
        secrets,
      }),
    );
  const before = made('/a', clients);
  const after = made('/b', echoes);
  assert.deepEqual(after.xds.listeners.get(name), before.xds.listeners.get(name));
  assert.notDeepEqual(after.xds.extensionConfigs, before.xds.extensionConfigs);
});

test('contexts that nothing would be done with are refused by name', () => {
  const message = (more: object) =>
    plan(walkthroughWorld({ policies: [egress({ ...world, toPorts: inTls(more) })], secrets })).reports[0]?.condition
      .message;
  assert.match(message({ rules: null }) ?? '', /terminatingTLS: what is no HTTP is not read.*together with rules.http/);
  assert.match(message({ terminatingTLS: null }) ?? '', /originatingTLS: TLS does not begin .*with terminatingTLS/);
});
