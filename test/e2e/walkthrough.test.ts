import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, projectRoot, type TestCluster, testCluster } from './cluster.ts';

const originals = path.resolve(projectRoot, '../shared/data/walkthrough');
const examples = path.join(projectRoot, 'examples');

let cluster: TestCluster;

before(async () => {
  cluster = await testCluster();
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
});

test('the walk-through holds at every step', async () => {
  const { exitCode, stdout, stderr } = await cluster.ciliate('walkthrough');
  assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
  assert.equal(stdout.match(/^held {3}step/gm)?.length, 6, stdout);
});

test('the original manifests act as written', {
  skip: existsSync(originals) ? false : `SKIPPED: ${originals} is not there`,
}, async () => {
  const policies = ['client-egress-l7-http.yaml', 'client-egress-only-dns.yaml'].map((file) =>
    path.join(originals, 'seed-era-policies', file),
  );
  for (const file of policies) assert.equal((await cluster.kubectl('apply', '-f', file)).exitCode, 0);
  assert.equal(
    await eventually(
      () => cluster.status('client2', 'echo-same-node:8080/foo'),
      (status) => status === '403',
    ),
    '403',
  );
  assert.equal(await cluster.status('client2', 'echo-other-node:8080/'), '200');
  assert.equal(await cluster.status('client', 'echo-same-node:8080/'), '000');
  const envoyConfig = path.join(originals, 'envoy-test.yaml');
  const applied = await cluster.kubectl('apply', '-f', envoyConfig);
  assert.equal(applied.exitCode, 0, applied.stderr);
  assert.equal(
    await eventually(
      () => cluster.status('client2', 'echo-same-node:8080/foo'),
      (status) => status === '200',
    ),
    '200',
  );
  assert.equal(await cluster.status('client2', 'echo-other-node:8080/bar'), '403');
  assert.equal((await cluster.kubectl('delete', '-f', envoyConfig)).exitCode, 0);
  assert.equal(
    await eventually(
      () => cluster.status('client2', 'echo-same-node:8080/foo'),
      (status) => status === '403',
    ),
    '403',
  );
  for (const file of policies) assert.equal((await cluster.kubectl('delete', '-f', file)).exitCode, 0);
  assert.equal(
    await eventually(
      () => cluster.status('client2', 'echo-same-node:8080/foo'),
      (status) => status === '404',
    ),
    '404',
  );
});

test('an object that does not validate is refused with its field path', async () => {
  const policy = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: wrong, namespace: cilium-test }
spec:
  endpointSelector: {}
  egress:
  - toPorts:
    - ports: [{ port: "80", protocol: TCPP }]
`;
  const refused = await cluster.kubectlWithInput(policy, 'apply', '-f', '-');
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /spec\.egress\[0\]\.toPorts\[0\]\.ports\[0\]\.protocol/);
  assert.match(refused.stderr, /TCPP/);
});

test('a configuration that cannot work is accepted, says why and changes no traffic', async () => {
  const config = `
apiVersion: cilium.io/v2
kind: CiliumEnvoyConfig
metadata: { name: broken, namespace: cilium-test }
spec:
  services: [{ name: echo-same-node, namespace: cilium-test }]
  resources:
  - "@type": type.googleapis.com/envoy.config.listener.v3.Listener
    name: broken
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: broken
          route_config:
            name: inline
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{ match: { prefix: "/" }, route: { cluster: nowhere } }]
          http_filters: [{ name: envoy.filters.http.router }]
`;
  const applied = await cluster.kubectlWithInput(config, 'apply', '-f', '-');
  assert.equal(applied.exitCode, 0, applied.stderr);
  const conditions = await eventually(
    async () =>
      (await cluster.kubectl('get', 'cec', '-n', 'cilium-test', 'broken', '-o', 'jsonpath={.status.conditions}'))
        .stdout,
    (text) => text.includes('nowhere'),
  );
  assert.match(conditions, /nowhere/);
  const events = await eventually(
    async () => (await cluster.kubectl('get', 'events', '-n', 'cilium-test')).stdout,
    (text) => text.includes('nowhere'),
  );
  assert.match(events, /nowhere/);
  assert.equal(await cluster.status('client2', 'echo-same-node:8080/'), '200');
  assert.equal((await cluster.kubectl('delete', 'cec', '-n', 'cilium-test', 'broken')).exitCode, 0);
});

test('a configuration that the data plane refuses says so, once, and the version before stays in force', async () => {
  const file = path.join(examples, 'envoy-test.yaml');
  assert.equal((await cluster.kubectl('apply', '-f', file)).exitCode, 0);
  assert.equal(
    await eventually(
      () => cluster.status('client2', 'echo-same-node:8080/foo'),
      (status) => status === '200',
    ),
    '200',
  );
  const refused = readFileSync(file, 'utf8').replaceAll('ROUND_ROBIN', 'CLUSTER_PROVIDED');
  assert.equal((await cluster.kubectlWithInput(refused, 'apply', '-f', '-')).exitCode, 0);
  const ask = async () =>
    (await cluster.kubectl('get', '-f', file, '-o', 'jsonpath={.metadata.resourceVersion} {.status.conditions}'))
      .stdout;
  const status = await eventually(ask, (text) => text.includes('Refused'));
  assert.match(status, /found cluster_provided with type EDS; allowed: any but CLUSTER_PROVIDED/);
  assert.equal(await cluster.status('client2', 'echo-same-node:8080/foo'), '200');
  assert.equal((await ask()).split(' ')[0], (await ask()).split(' ')[0]);
  assert.equal((await cluster.kubectl('delete', '-f', file)).exitCode, 0);
});

test('enable-envoy-config=false makes a CiliumEnvoyConfig do nothing and say so', async () => {
  assert.equal((await cluster.ciliate('cilium', 'config', 'set', 'enable-envoy-config', 'false')).exitCode, 0);
  assert.equal((await cluster.kubectl('apply', '-f', path.join(examples, 'envoy-test.yaml'))).exitCode, 0);
  const status = await eventually(
    async () =>
      (
        await cluster.kubectl(
          'get',
          '-f',
          path.join(examples, 'envoy-test.yaml'),
          '-o',
          'jsonpath={..status.conditions}',
        )
      ).stdout,
    (text) => text.includes('enable-envoy-config'),
  );
  assert.match(status, /enable-envoy-config/);
  assert.equal(await cluster.status('client2', 'echo-same-node:8080/foo'), '404');
  assert.equal((await cluster.ciliate('cilium', 'config', 'set', 'enable-envoy-config', 'true')).exitCode, 0);
  assert.equal(
    await eventually(
      () => cluster.status('client2', 'echo-same-node:8080/foo'),
      (code) => code === '200',
    ),
    '200',
  );
  assert.equal((await cluster.kubectl('delete', '-f', path.join(examples, 'envoy-test.yaml'))).exitCode, 0);
});

test('direct mode enforces Layer 7 and shows it', async () => {
  const installed = await cluster.ciliate('cilium', 'install', '--datapath-mode=direct');
  assert.equal(installed.exitCode, 0, installed.stderr);
  for (const file of ['client-egress-l7-http.yaml', 'client-egress-only-dns.yaml']) {
    assert.equal((await cluster.kubectl('apply', '-f', path.join(examples, file))).exitCode, 0);
  }
  assert.equal(
    await eventually(
      () => cluster.status('client2', 'echo-other-node:8080/foo'),
      (status) => status === '403',
    ),
    '403',
  );
  assert.equal(await cluster.status('client2', 'echo-other-node:8080/'), '200');
  const wanted = 'http-request DROPPED (HTTP/1.1 GET http://echo-other-node:8080/foo)';
  const lines = await eventually(
    () => cluster.hubble('observe', '--protocol', 'http', '--last', '50'),
    (found) => found.some((line) => line.includes(wanted)),
  );
  assert.ok(
    lines.some((line) => line.includes(wanted)),
    lines.join('\n'),
  );
  assert.equal((await cluster.ciliate('cilium', 'install', '--datapath-mode=vxlan')).exitCode, 0);
  for (const file of ['client-egress-l7-http.yaml', 'client-egress-only-dns.yaml'])
    await cluster.kubectl('delete', '-f', path.join(examples, file));
});
