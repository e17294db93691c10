import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority } from '../../base/index.ts';
import { type NodePlan, plan, type Secret, watchedSecrets } from '../index.ts';
import { walkthroughWorld } from '../test-support/walkthrough.ts';
import type { World } from '../world.ts';

const [own, other] = await Promise.all([makeAuthority('a.example'), makeAuthority('b.example')]);
const secret = (name: string, data: Readonly<Record<string, string>>, namespace = 'cilium-secrets'): Secret => ({
  metadata: { name, namespace },
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
});
const server = (made = own) => secret('server', { 'tls.crt': made.certificate, 'tls.key': made.privateKey });

const type = (name: string) => `type.googleapis.com/envoy.${name}`;
const config = (certificate: string, authorities?: string): object => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumEnvoyConfig',
  metadata: { name: 'tls', namespace: 'shop' },
  spec: {
    resources: [
      {
        '@type': type('config.listener.v3.Listener'),
        name: 'secure',
        filter_chains: [
          {
            transport_socket: {
              name: 'envoy.transport_sockets.tls',
              typed_config: {
                '@type': type('extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
                common_tls_context: {
                  tls_certificate_sds_secret_configs: [{ name: certificate }],
                  ...(authorities && { validation_context_sds_secret_config: { name: authorities } }),
                },
              },
            },
            filters: [
              {
                name: 'envoy.filters.network.http_connection_manager',
                typed_config: {
                  '@type': type('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
                  stat_prefix: 's',
                  route_config: {
                    name: 'r',
                    virtual_hosts: [
                      {
                        name: 'v',
                        domains: ['*'],
                        routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
                      },
                    ],
                  },
                  http_filters: [{ name: 'envoy.filters.http.router' }],
                },
              },
            ],
          },
        ],
      },
    ],
  },
});

const planned = (envoyConfigs: readonly object[], secrets: readonly Secret[], more: Partial<World> = {}): NodePlan =>
  plan(walkthroughWorld({ envoyConfigs, secrets, ...more }));
const state = (made: NodePlan) =>
  made.reports.filter(({ kind }) => kind === 'CiliumEnvoyConfig').map(({ condition }) => condition)[0];

test('a configuration has a certificate from a Secret of the namespace for that, and authorities from another', () => {
  const trusted = secret('trusted', { 'ca.crt': other.certificate });
  const configs = [config('cilium-secrets/server', 'cilium-secrets/trusted')];
  const made = planned(configs, [server(), trusted]);
  assert.equal(state(made)?.status, 'True');
  assert.deepEqual(
    [...made.xds.secrets],
    [
      [
        'cilium-secrets/server',
        {
          name: 'cilium-secrets/server',
          tls_certificate: {
            certificate_chain: { inline_string: own.certificate },
            private_key: { inline_string: own.privateKey },
          },
        },
      ],
      [
        'cilium-secrets/trusted',
        { name: 'cilium-secrets/trusted', validation_context: { trusted_ca: { inline_string: other.certificate } } },
      ],
    ],
  );
  const world = walkthroughWorld({ envoyConfigs: configs });
  assert.deepEqual(watchedSecrets(world), [
    { namespace: 'cilium-secrets', name: 'server' },
    { namespace: 'cilium-secrets', name: 'trusted' },
  ]);
});

test('Secrets of other namespaces are not handed out, that of the configuration included', () => {
  for (const name of ['shop/server', 'server', 'kube-system/server', 'cilium-secrets/a/b', 'policy-tls/shop/server']) {
    const secrets = ['shop', 'kube-system', 'policy-tls'].map((namespace) => {
      return secret('server', { 'tls.crt': own.certificate, 'tls.key': own.privateKey }, namespace);
    });
    const made = planned([config(name)], secrets);
    assert.equal(state(made)?.reason, 'MissingReference', name);
    assert.match(state(made)?.message ?? '', /secret ".*" is not defined.*allowed: cilium-secrets\/NAME of a Secret/);
    assert.equal(made.xds.secrets.size, 0);
    assert.deepEqual(watchedSecrets(walkthroughWorld({ envoyConfigs: [config(name)] })), []);
  }
});

test('the namespace is a setting, and empty means none', () => {
  const base = walkthroughWorld({}).config;
  const inShop = secret('server', { 'tls.crt': own.certificate, 'tls.key': own.privateKey }, 'shop');
  const setTo = (envoySecretsNamespace: string, name: string) =>
    state(planned([config(name)], [inShop, server()], { config: { ...base, envoySecretsNamespace } }))?.status;
  assert.equal(setTo('shop', 'shop/server'), 'True');
  assert.equal(setTo('shop', 'cilium-secrets/server'), 'False');
  assert.equal(setTo('', 'cilium-secrets/server'), 'False');
});

const place = 'spec.resources[0].filter_chains[0].transport_socket.typed_config.common_tls_context';
const faults: readonly (readonly [what: string, secrets: readonly Secret[], message: string])[] = [
  ['no Secret', [], 'Secret cilium-secrets/server does not exist'],
  [
    'none of its entries',
    [secret('server', { token: 'x' })],
    'Secret cilium-secrets/server has neither tls.crt and tls.key nor ca.crt',
  ],
  [
    'authorities for a certificate',
    [secret('server', { 'ca.crt': own.certificate })],
    'Secret cilium-secrets/server has the entries of authorities, not of a certificate',
  ],
  ['no key', [secret('server', { 'tls.crt': own.certificate })], 'Secret cilium-secrets/server has no tls.key'],
  [
    'the key of another',
    [secret('server', { 'tls.crt': own.certificate, 'tls.key': other.privateKey })],
    'tls.key of secret cilium-secrets/server is not the key of tls.crt',
  ],
];
for (const [what, secrets, message] of faults) {
  test(`${what}: the configuration says so and is not in force; what was in use before stays`, () => {
    const configs = [config('cilium-secrets/server')];
    const path = `${place}.tls_certificate_sds_secret_configs[0].name`;
    const made = planned(configs, secrets);
    assert.equal(state(made)?.message, `${path}: ${message}`);
    assert.equal(made.xds.listeners.has('shop/tls/secure'), false);
    const before = planned(configs, [server()]);
    const after = planned(configs, secrets, { lastGood: before.lastGood, proxyPorts: before.proxyPorts });
    assert.equal(state(after)?.message, `${path}: ${message}; the version before stays in force`);
    assert.deepEqual(after.xds.secrets, before.xds.secrets);
    assert.deepEqual(after.xds.listeners, before.xds.listeners);
    const renewed = planned(configs, [server(other)], { lastGood: after.lastGood, proxyPorts: after.proxyPorts });
    assert.equal(state(renewed)?.status, 'True');
    assert.match(JSON.stringify(renewed.xds.secrets.get('cilium-secrets/server')), /tls_certificate/);
    assert.notDeepEqual(renewed.xds.secrets, before.xds.secrets);
  });
}

test('one that a configuration defines under such a name counts where there is none of Kubernetes', () => {
  const defining = structuredClone(config('cilium-secrets/server')) as { spec: { resources: object[] } };
  const tls_certificate = {
    certificate_chain: { inline_string: other.certificate },
    private_key: { inline_string: other.privateKey },
  };
  defining.spec.resources.push({
    '@type': type('extensions.transport_sockets.tls.v3.Secret'),
    name: 'cilium-secrets/server',
    tls_certificate,
  });
  const made = planned([defining], []);
  assert.equal(state(made)?.status, 'True');
  const certificateIn = ({ xds }: NodePlan) => xds.secrets.get('cilium-secrets/server')?.['tls_certificate'];
  assert.deepEqual(certificateIn(made), tls_certificate);
  assert.notDeepEqual(certificateIn(planned([defining], [server()])), tls_certificate);
});
