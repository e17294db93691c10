import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { issueCertificate, makeAuthority } from '../../src/base/index.ts';
import { eventually, projectRoot, type TestCluster, testCluster } from './cluster.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await testCluster();
  const up = await cluster.ciliate('up', '--no-uplink', '--detach');
  assert.equal(up.exitCode, 0, up.stderr);
  const workloads = path.join(projectRoot, 'examples/workloads.yaml');
  assert.equal((await cluster.kubectl('apply', '-f', workloads)).exitCode, 0);
  const wait = ['wait', '-n', 'cilium-test', '--for=condition=Available', 'deployment', '--all', '--timeout=60s'];
  const ready = await cluster.kubectl(...wait);
  assert.equal(ready.exitCode, 0, ready.stderr);
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
});

async function apply(manifest: object): Promise<void> {
  const { exitCode, stderr } = await cluster.kubectlWithInput(JSON.stringify(manifest), 'apply', '-f', '-');
  assert.equal(exitCode, 0, stderr);
}

const secret = (name: string, stringData: Readonly<Record<string, string>>, namespace = 'cilium-test'): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  stringData,
});

/** An authority of the test's own, known to the clients as a file, and what it issues. */
async function testAuthority(
  name: string,
): Promise<{ readonly file: string; readonly issue: (host: string) => Promise<Record<string, string>> }> {
  const authority = await makeAuthority(name);
  const file = `/tmp/${name}.crt`;
  for (const pod of ['client', 'client2']) {
    const write = await cluster.exec(pod, 'sh', '-c', `printf %s "$1" > ${file}`, 'sh', authority.certificate);
    assert.equal(write.exitCode, 0, write.stderr);
  }
  const issue = async (host: string) => {
    const issued = await issueCertificate(authority, { commonName: host, usage: 'server', dnsNames: [host] });
    return { 'tls.crt': issued.certificate, 'tls.key': issued.privateKey };
  };
  return { file, issue };
}

/** curl's exit code and the status, `0 200`; the exit code is 60 where no certificate was to be trusted, 35 where the handshake fails. */
async function curl(pod: string, url: string, ...more: string[]): Promise<string> {
  const limits = ['--connect-timeout', '2', '--max-time', '5'];
  const options = ['-s', '-o', '/dev/null', '-w', '%{http_code}', ...limits];
  const { exitCode, stdout } = await cluster.exec(pod, 'curl', ...options, ...more, url);
  return `${exitCode} ${stdout}`;
}

async function becomes(wanted: string, pod: string, url: string, ...more: string[]): Promise<void> {
  const found = await eventually(
    () => curl(pod, url, ...more),
    (answer) => answer === wanted,
    15_000,
  );
  assert.equal(found, wanted, `${pod} ${url} ${more.join(' ')}`);
}

const host = 'one.one.one.one';

test('a policy that ends TLS judges the requests inside, and verifies the destination with the authorities of its Secret', async () => {
  const authority = await testAuthority('policy-ca');
  const trusting = ['--cacert', authority.file, '--resolve', `${host}:443:203.0.113.10`];
  const ask = (at: string, ...more: string[]) => [`https://${host}${at}`, ...trusting, ...more] as const;
  await apply({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: 'inside-of-tls', namespace: 'cilium-test' },
    spec: {
      endpointSelector: { matchLabels: { name: 'client' } },
      egress: [
        {
          toEntities: ['world'],
          toPorts: [
            {
              ports: [{ port: '443', protocol: 'TCP' }],
              serverNames: [host],
              terminatingTLS: { secret: { name: 'server' } },
              originatingTLS: { secret: { name: 'outside' } },
              rules: { http: [{ method: 'GET', path: '/', headers: ['X-Very-Secret-Token: 42'] }] },
            },
          ],
        },
      ],
    },
  });
  const condition = async () => {
    const query = 'jsonpath={.status.conditions[0].message}';
    return (await cluster.kubectl('get', 'cnp', '-n', 'cilium-test', 'inside-of-tls', '-o', query)).stdout;
  };
  const message = await eventually(condition, (text) => text.includes('not found'));
  assert.match(
    message,
    /terminatingTLS\.secret: secrets "server" not found.*originatingTLS\.secret: secrets "outside"/,
  );
  await becomes('35 000', 'client', ...ask('/'));

  const { stdout: root } = await cluster.kubectl(
    ...['get', 'configmap', '-n', 'cilium-test', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}'],
  );
  const token = ['-H', 'X-Very-Secret-Token: 42'];
  const other = await testAuthority('other-ca');
  const { 'tls.crt': foreign = '' } = await other.issue(host);
  await apply(secret('outside', { 'ca.crt': foreign }));
  await apply(secret('server', await authority.issue(host)));
  await becomes('0 503', 'client', ...ask('/', ...token));
  await apply(secret('outside', { 'ca.crt': root }));
  await becomes('0 200', 'client', ...ask('/', ...token));
  assert.equal(await curl('client', ...ask('/')), '0 403');
  assert.equal(await curl('client', ...ask('/index.html', ...token)), '0 403');
  assert.equal(
    await curl('client', `https://k8s.io/`, '-k', '--resolve', 'k8s.io:443:203.0.113.10', ...token),
    '35 000',
  );
  const grpc = ['-H', 'content-type: application/grpc', '-w', ' %{http_code} grpc-status %header{grpc-status}'];
  assert.match(await curl('client', ...ask('/pkg.Service/Call', '-X', 'POST', ...grpc)), /200 grpc-status 7$/);
  // A pod without the policy sees the destination's own certificate.
  assert.equal(await curl('client2', ...ask('/')), '60 000');
  const seen = await eventually(
    () => cluster.hubble('observe', '--protocol', 'http', '--output', 'compact', '--last', '20'),
    (lines) => lines.some((line) => line.includes(`https://${host}/`) && line.includes('DROPPED')),
  );
  assert.match(seen.join('\n'), /https:\/\/one\.one\.one\.one\/index\.html/);

  // The server's certificate is renewed by an authority that the client does not know.
  await apply(secret('server', await other.issue(host)));
  await becomes('60 000', 'client', ...ask('/', ...token));
  assert.equal((await cluster.kubectl('delete', 'secret', '-n', 'cilium-test', 'server')).exitCode, 0);
  await becomes('35 000', 'client', ...ask('/', ...token));
  assert.equal((await cluster.kubectl('delete', 'cnp', '-n', 'cilium-test', 'inside-of-tls')).exitCode, 0);
});

test('a CiliumEnvoyConfig has its certificate from a Secret of cilium-secrets, renewed while it runs', async () => {
  const name = 'echo-same-node';
  const url = `https://${name}:8080/`;
  const type = (of: string) => `type.googleapis.com/envoy.${of}`;
  const certificate = { name: 'cilium-secrets/echo' };
  const http = {
    '@type': type('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'secure',
    route_config: {
      name: 'route',
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: `cilium-test/${name}` } }],
        },
      ],
    },
    http_filters: [{ name: 'envoy.filters.http.router' }],
  };
  const listener = {
    '@type': type('config.listener.v3.Listener'),
    name: 'secure',
    filter_chains: [
      {
        transport_socket: {
          name: 'envoy.transport_sockets.tls',
          typed_config: {
            '@type': type('extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
            common_tls_context: { tls_certificate_sds_secret_configs: [certificate] },
          },
        },
        filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: http }],
      },
    ],
  };
  const backends = {
    '@type': type('config.cluster.v3.Cluster'),
    name: `cilium-test/${name}`,
    type: 'EDS',
    connect_timeout: '5s',
  };
  const first = await testAuthority('first-ca');
  const second = await testAuthority('second-ca');
  await apply({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumEnvoyConfig',
    metadata: { name: 'secure', namespace: 'cilium-test' },
    spec: { services: [{ name, namespace: 'cilium-test' }], resources: [listener, backends] },
  });
  const query = 'jsonpath={.status.conditions[0].message}';
  const message = await eventually(
    async () => (await cluster.kubectl('get', 'cec', '-n', 'cilium-test', 'secure', '-o', query)).stdout,
    (text) => text !== '',
  );
  assert.match(message, /Secret cilium-secrets\/echo does not exist/);
  await apply(secret('echo', await first.issue(name), 'cilium-secrets'));
  await becomes('0 200', 'client', url, '--cacert', first.file);
  assert.equal(await curl('client2', url, '--cacert', second.file), '60 000');
  await apply(secret('echo', await second.issue(name), 'cilium-secrets'));
  await becomes('0 200', 'client2', url, '--cacert', second.file);
  assert.equal(await curl('client', url, '--cacert', first.file), '60 000');
  // A certificate without its key changes nothing but what the configuration says.
  await apply(secret('echo', { ...(await first.issue(name)), 'tls.key': 'none' }, 'cilium-secrets'));
  const complaint = await eventually(
    async () => (await cluster.kubectl('get', 'cec', '-n', 'cilium-test', 'secure', '-o', query)).stdout,
    (text) => text.includes('private key'),
  );
  assert.match(complaint, /tls\.key of secret cilium-secrets\/echo is no private key in PEM; the version before stays/);
  assert.equal(await curl('client2', url, '--cacert', second.file), '0 200');
});
