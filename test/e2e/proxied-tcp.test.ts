import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, projectRoot, type TestCluster, testCluster } from './cluster.ts';

const originals = path.resolve(projectRoot, '../shared/data/connectivity-manifests');

let cluster: TestCluster;

before(async () => {
  cluster = await testCluster();
  const up = await cluster.ciliate('up', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  const workloads = path.join(projectRoot, 'examples/workloads.yaml');
  assert.equal((await cluster.kubectl('apply', '-f', workloads)).exitCode, 0);
  const wait = ['wait', '-n', 'cilium-test', '--for=condition=Available', 'deployment', '--all', '--timeout=30s'];
  const ready = await cluster.kubectl(...wait);
  assert.equal(ready.exitCode, 0, ready.stderr);
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
});

async function apply(manifests: string): Promise<void> {
  const { exitCode, stderr } = await cluster.kubectlWithInput(manifests, 'apply', '-n', 'cilium-test', '-f', '-');
  assert.equal(exitCode, 0, stderr);
}

async function remove(manifests: string): Promise<void> {
  const { exitCode, stderr } = await cluster.kubectlWithInput(manifests, 'delete', '-n', 'cilium-test', '-f', '-');
  assert.equal(exitCode, 0, stderr);
}

/** curl's exit code: 0 for an answer, 28 for a dropped packet, 35 for an end during the handshake, 56 for one while it waits. */
async function curl(name: string, url: string, ...more: string[]): Promise<number> {
  const limits = ['--connect-timeout', '1', '--max-time', '4'];
  return (await cluster.exec(name, 'curl', '-s', '-k', '-o', '/dev/null', ...limits, ...more, url)).exitCode;
}

async function becomes(wanted: number, name: string, url: string, ...more: string[]): Promise<void> {
  const code = await eventually(
    () => curl(name, url, ...more),
    (found) => found === wanted,
  );
  assert.equal(code, wanted, `${name} ${url} ${more.join(' ')}`);
}

const address = '203.0.113.10';
/** The world host under a name of the test's choice. */
const as = (name: string): readonly [url: string, option: string, value: string] => [
  `https://${name}/`,
  '--resolve',
  `${name}:443:${address}`,
];

const policy = (name: string, egress: string): string => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: ${name} }
spec:
  endpointSelector: { matchLabels: { name: client } }
  egress: ${egress}
`;

test('server names: exact and patterns, united; no name and no TLS are reset', async () => {
  const names = policy(
    'names',
    '[{ toPorts: [{ ports: [{ port: "443", protocol: TCP }], serverNames: ["*.example.com", one.one.one.one] }] }]',
  );
  assert.equal(await curl('client', ...as('www.example.org')), 0);
  await apply(names);
  await becomes(35, 'client', ...as('www.example.org'));
  assert.equal(await curl('client', ...as('WWW.example.com')), 0);
  assert.equal(await curl('client', ...as('a.www.example.com')), 35);
  assert.equal(await curl('client', ...as('one.one.one.one')), 0);
  const refusals = await eventually(
    async () => (await cluster.hubble('observe', '--type', 'l7', '--verdict', 'DROPPED', '--last', '50')).join('\n'),
    (text) => text.includes('a.www.example.com'),
  );
  assert.match(
    refusals,
    /cilium-test\/client-\S+ .*:443 \(world\) l7-request DROPPED \(TLS server name a\.www\.example\.com\)/,
  );
  assert.equal(await curl('client', `https://${address}/`), 35);
  assert.notEqual(await curl('client', `http://${address}:443/`), 0);
  assert.equal(await curl('client', `http://${address}/`), 28);
  assert.equal(await curl('client2', ...as('www.example.org')), 0);
  await apply(names.replace('*.example.com', '**.example.com'));
  await becomes(0, 'client', ...as('a.www.example.com'));
  await remove(names);
  await becomes(0, 'client', ...as('www.example.org'));
});

test('the original manifests about server names act as written', {
  skip: existsSync(originals) ? false : `SKIPPED: ${originals} is not there`,
}, async () => {
  const filled = (file: string, pattern = ''): string =>
    readFileSync(path.join(originals, file), 'utf8')
      .replace(/\{\{ *trimSuffix \.ExternalTarget "\." *\}\}/g, 'one.one.one.one')
      .replace(/\{\{ *trimSuffix \.ExternalOtherTarget "\." *\}\}/g, 'k8s.io')
      .replace(/\{\{ *trimSuffix \(generate.*?\}\}/g, pattern);
  const rows: readonly (readonly [file: string, pattern: string, allowed: string, refused: string])[] = [
    ['client-egress-tls-sni.yaml', '', 'one.one.one.one', 'k8s.io'],
    ['client-egress-tls-sni-other.yaml', '', 'k8s.io', 'one.one.one.one'],
    ['client-egress-tls-sni-wildcard.yaml', '*.one.one.one', 'one.one.one.one', 'k8s.io'],
    ['client-egress-tls-sni-random-wildcard.yaml', 'o*.one.*ne.one', 'one.one.one.one', 'k8s.io'],
    ['client-egress-tls-sni-double-wildcard.yaml', '**.one.one', 'one.one.one.one', 'one.one'],
  ];
  for (const [file, pattern, allowed, refused] of rows) {
    const manifest = filled(file, pattern);
    await apply(manifest);
    await becomes(35, 'client2', ...as(refused));
    assert.equal(await curl('client2', ...as(allowed)), 0, file);
    assert.equal(await curl('client2', `http://${address}/`), 28, file);
    await remove(manifest);
    await becomes(0, 'client2', ...as(refused));
  }
});

const listener = `
apiVersion: cilium.io/v2
kind: CiliumEnvoyConfig
metadata: { name: relay }
spec:
  resources:
  - "@type": type.googleapis.com/envoy.config.listener.v3.Listener
    name: relay
    filter_chains:
    - filter_chain_match: { destination_port: 80 }
      filters: &tcp
      - name: envoy.filters.network.tcp_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: relay
          cluster: back
    - filter_chain_match: { destination_port: 8080 }
      filters: *tcp
  - "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
    name: back
    type: ORIGINAL_DST
    lb_policy: CLUSTER_PROVIDED
`;
const toListener = policy(
  'to-listener',
  `[{ toPorts: [{ ports: [{ port: "0", protocol: TCP }], listener: { envoyConfig: { name: relay }, name: relay } }] }]`,
);

test('a rule sends TCP to the listener of a configuration; without it nothing passes, and the policy says so', async () => {
  const condition = async (): Promise<string> =>
    (
      await cluster.kubectl(
        'get',
        '-n',
        'cilium-test',
        'cnp',
        'to-listener',
        '-o',
        'jsonpath={.status.conditions[0].message}',
      )
    ).stdout;
  const echo = (
    await cluster.kubectl(
      'get',
      'pods',
      '-n',
      'cilium-test',
      '-l',
      'name=echo-same-node',
      '-o',
      'jsonpath={.items[0].status.podIP}',
    )
  ).stdout;
  await apply(toListener);
  await becomes(28, 'client', `http://${address}/`);
  assert.match(
    await eventually(condition, (text) => text.includes('relay')),
    /nothing is redirected to listener "relay": CiliumEnvoyConfig cilium-test\/relay with such a listener is not in force/,
  );
  await apply(listener);
  await becomes(0, 'client', `http://${address}/`);
  assert.match(await eventually(condition, (text) => text.includes('succeeded')), /^Policy validation succeeded$/);
  assert.equal(await curl('client', ...as('www.example.org')), 35);
  assert.equal(await curl('client', `http://${echo}:8080/`), 0);
  assert.equal(await curl('client2', ...as('www.example.org')), 0);
  const ingress = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: echo-reads-http }
spec:
  endpointSelector: { matchLabels: { name: echo-same-node } }
  ingress: [{ toPorts: [{ ports: [{ port: "8080", protocol: TCP }], rules: { http: [{ path: /public }] } }] }]
`;
  await apply(ingress);
  // The listener hands bytes on without reading them, so a backend that asks for requests takes none of them.
  await becomes(52, 'client', `http://${echo}:8080/public`);
  await remove(ingress);
  await becomes(0, 'client', `http://${echo}:8080/public`);
  await remove(listener);
  await becomes(28, 'client', `http://${address}/`);
  await remove(toListener);
  await becomes(0, 'client', ...as('www.example.org'));
});

test('a listener takes only the server names that the rule asks for, and flows say which rule refused', async () => {
  const everywhere = listener
    .replace('    - filter_chain_match: { destination_port: 8080 }\n      filters: *tcp\n', '')
    .replace('    - filter_chain_match: { destination_port: 80 }\n      filters: &tcp', '    - filters:');
  const named = policy(
    'to-listener',
    '[{ toPorts: [{ ports: [{ port: "443", protocol: TCP }], serverNames: ["*.example.com"], listener: { envoyConfig: { name: relay }, name: relay } }] }]',
  );
  await apply(everywhere);
  await apply(named);
  await becomes(35, 'client', ...as('www.example.org'));
  assert.equal(await curl('client', ...as('www.example.com')), 0);
  assert.equal(await curl('client', `https://${address}/`), 35);
  assert.equal(await curl('client2', ...as('www.example.org')), 0);
  const observe = ['observe', '--type', 'l7', '--verdict', 'DROPPED', '--last', '50', '-o', 'json'];
  const refused = await eventually(
    async () =>
      (await cluster.hubble(...observe)).find((line) => line.includes('example.org') && line.includes('to-listener')),
    (line) => line !== undefined,
  );
  const { flow } = JSON.parse(refused ?? '{}') as { flow: { egress_denied_by?: { name: string; labels: string[] }[] } };
  const [by] = flow.egress_denied_by ?? [];
  assert.equal(by?.name, 'to-listener', refused);
  assert.ok(by.labels.includes('ciliate:rule=spec.egress[0].toPorts[0]'), refused);
  await remove(named);
  await remove(everywhere);
  await becomes(0, 'client', ...as('www.example.org'));
});

test('the original manifest of a policy to a listener acts as written', {
  skip: existsSync(originals) ? false : `SKIPPED: ${originals} is not there`,
}, async () => {
  const file = path.join(originals, 'client-egress-to-fqdns-and-ccec-listener.yaml');
  const target = /\{\{ *trimSuffix \.ExternalTarget "\." *\}\}/g;
  const manifest = readFileSync(file, 'utf8').replace(target, 'one.one.one.one');
  const dns = readFileSync(path.join(projectRoot, 'examples/client-egress-only-dns.yaml'), 'utf8');
  await apply(manifest);
  await apply(dns);
  await becomes(0, 'client', 'http://one.one.one.one/');
  assert.equal(await curl('client', 'https://one.one.one.one/'), 35);
  assert.equal(await curl('client', 'https://k8s.io/'), 28);
  await remove(manifest);
  await becomes(28, 'client', 'http://one.one.one.one/');
  await remove(dns);
});
