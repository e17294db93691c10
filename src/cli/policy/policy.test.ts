import assert from 'node:assert/strict';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { policyCommand } from './index.ts';

const examples = path.resolve(import.meta.dirname, '../../../examples');
const files = ['workloads', 'client-egress-l7-http', 'client-egress-only-dns'].flatMap((name) => [
  '-f',
  path.join(examples, `${name}.yaml`),
]);

async function run(argv: readonly string[], stdin = '') {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await policyCommand(argv, { stdin: Readable.from([stdin]), stdout, stderr, environment: {} });
  const read = (stream: PassThrough): string => String(stream.read() ?? '').replaceAll(`${examples}/`, '');
  return { code, out: read(stdout), err: read(stderr) };
}
const explain = (...argv: readonly string[]) => run(['explain', '-n', 'cilium-test', ...files, ...argv]);

test('a denied request: the steps, the rules and their lines', async () => {
  const { code, out, err } = await explain(
    '--from',
    'client2',
    '--to',
    'service/echo-other-node',
    '--http',
    'GET /secret',
  );
  assert.equal(err, '');
  assert.equal(
    out,
    `cilium-test/client2 -> Service cilium-test/echo-other-node:8080/TCP  GET /secret

backend cilium-test/echo-other-node:8080:
  egress  L3/L4  cilium-test/client2          allowed  through the proxy (cilium-http-egress)
                 by           CiliumNetworkPolicy cilium-test/client-egress-l7-http  spec.egress[0].toPorts[0]  client-egress-l7-http.yaml:16
  egress  L7     cilium-test/client2          DENIED   nothing allows GET /secret: the answer is 403
                 near miss    CiliumNetworkPolicy cilium-test/client-egress-l7-http  spec.egress[0].toPorts[0].rules.http[0]  client-egress-l7-http.yaml:20: its path has to be /
  ingress L3/L4  cilium-test/echo-other-node  allowed  no policy isolates its ingress

DENIED
`,
  );
  assert.equal(code, 2);
});

const envoyTest = ['-f', path.join(examples, 'envoy-test.yaml')];

test('a Service that is taken over: its routes, what becomes of the request, each cluster', async () => {
  const { code, out, err } = await explain(
    ...envoyTest,
    '--from',
    'client2',
    '--to',
    'service/echo-same-node',
    '--http',
    'GET /foo',
  );
  assert.equal(err, '');
  const route =
    'CiliumClusterwideEnvoyConfig envoy-lb-listener  spec.resources[1].virtual_hosts[0].routes[0]  envoy-test.yaml:31';
  const part = (name: string) => `backend cilium-test/${name}:8080:
  route          ${route}
                 virtual host lb_route, match prefix / -> cluster cilium-test/${name}, about 50 % of the requests
                 GET /foo becomes GET / for echo-same-node:8080
  egress  L3/L4  cilium-test/client2          allowed  through the proxy (cilium-http-egress)
                 by           CiliumNetworkPolicy cilium-test/client-egress-l7-http  spec.egress[0].toPorts[0]  client-egress-l7-http.yaml:16
  egress  L7     cilium-test/client2          allowed  a rule allows GET /
                 by           CiliumNetworkPolicy cilium-test/client-egress-l7-http  spec.egress[0].toPorts[0].rules.http[0]  client-egress-l7-http.yaml:20
  ingress L3/L4  ${`cilium-test/${name}`.padEnd(27)}  allowed  no policy isolates its ingress
`;
  assert.equal(
    out,
    `cilium-test/client2 -> Service cilium-test/echo-same-node:8080/TCP  GET /foo
taken over by listener envoy-lb-listener of CiliumClusterwideEnvoyConfig envoy-lb-listener  spec.resources[0]  envoy-test.yaml:11

${part('echo-same-node')}
${part('echo-other-node')}
ALLOWED
`,
  );
  assert.equal(code, 0);
});

test('where one of two clusters is denied, some of the requests are', async () => {
  const sealed = JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'sealed' },
    spec: { podSelector: { matchLabels: { name: 'echo-other-node' } }, policyTypes: ['Ingress'] },
  });
  const question = ['--from', 'client2', '--to', 'service/echo-same-node', '--http', 'GET /foo', '-f', '-'];
  const { code, out } = await run(['explain', '-n', 'cilium-test', ...files, ...envoyTest, ...question], sealed);
  assert.match(out, /\n\nDENIED for some of the requests \(1 of 2 ways\)\n$/);
  assert.equal(code, 2);
});

const onlyBar = `
apiVersion: cilium.io/v2
kind: CiliumEnvoyConfig
metadata: { name: bar }
spec:
  services: [{ name: echo-same-node, namespace: cilium-test }]
  resources:
  - "@type": type.googleapis.com/envoy.config.listener.v3.Listener
    name: bar
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bar
          http_filters: [{ name: envoy.filters.http.router }]
          route_config:
            virtual_hosts:
            - name: bar
              domains: ["*"]
              routes:
              - { match: { path: /bar }, redirect: { host_redirect: elsewhere } }
`;

test('routes in the listener; what it answers by itself has its status, in JSON too', async () => {
  const bar = (...argv: readonly string[]) =>
    run(
      [
        'explain',
        '-n',
        'cilium-test',
        ...files,
        '-f',
        '-',
        '--from',
        'client',
        '--to',
        'service/echo-same-node',
        ...argv,
      ],
      onlyBar,
    );
  const redirected = await bar('--http', 'GET /bar', '-o', 'json');
  assert.equal(redirected.code, 0, redirected.err);
  const { parts } = JSON.parse(redirected.out) as { parts: { taken: Record<string, unknown> }[] };
  assert.deepEqual(parts[0]?.taken['reply'], { status: 301, location: 'http://elsewhere/bar' });
  assert.deepEqual(parts[0]?.taken['place'], {
    kind: 'CiliumEnvoyConfig',
    namespace: 'cilium-test',
    name: 'bar',
    path: 'spec.resources[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0]',
    file: 'stdin',
    line: 22,
  });
  const { out } = await bar('--http', 'GET /foo');
  assert.match(
    out,
    /\nanswer of the listener:\n.*\n +virtual host bar, none of its routes matches -> answers 404\n\nALLOWED: no policy is asked\n$/,
  );
});

test('JSON holds the same, with files and lines', async () => {
  const { code, out } = await explain('--from', 'pod/client', '--to', 'one.one.one.one', '--port', '80', '-o', 'json');
  assert.equal(code, 2);
  const { allowed, parts } = JSON.parse(out) as {
    allowed: boolean;
    parts: { title: string; steps: { isolatedBy: unknown[] }[] }[];
  };
  assert.equal(allowed, false);
  assert.deepEqual(
    parts.map(({ title }) => title),
    ['DNS query for one.one.one.one.', 'one.one.one.one'],
  );
  assert.deepEqual(parts[1]?.steps[0]?.isolatedBy, [
    {
      kind: 'CiliumNetworkPolicy',
      namespace: 'cilium-test',
      name: 'client-egress-only-dns',
      path: 'spec',
      file: 'client-egress-only-dns.yaml',
      line: 7,
    },
  ]);
});

/** Questions about the examples, and how they end. */
const ends: readonly (readonly [argv: readonly string[], code: number, end: RegExp])[] = [
  [['--from', 'client2', '--to', 'service/echo-same-node', '--http', 'get /'], 0, /\nALLOWED\n$/],
  [['--from', 'client2', '--to', 'service/echo-same-node'], 0, /\nALLOWED to connect\n$/],
  [
    ['--from', 'client2', '--to', 'echo-same-node.cilium-test.svc', '-p', 'http', '--http', 'POST /'],
    2,
    /its method has to be GET/,
  ],
  [
    ['--from', 'cilium-test/client2', '--to', 'pods/cilium-test/client', '--port', '8080'],
    2,
    /its peer needs the label kind=echo and has client/,
  ],
  [
    ['--from', 'client2', '--to', 'one.one.one.one', '-p', '80', '--http', 'GET /'],
    0,
    /note: no manifest brings the Service kube-system\/kube-dns/,
  ],
  [['--from', 'client', '--to', 'kube-system/kube-dns', '--port', '53/UDP'], 0, /cilium-dns-egress/],
  [['--from', 'echo-same-node', '--to', '8.8.8.8', '--port', '8/ICMP'], 0, /ALLOWED/],
];

for (const [argv, code, end] of ends) {
  test(argv.join(' '), async () => {
    const done = await explain(...argv);
    assert.match(done.out, end);
    assert.equal(done.code, code);
  });
}

/** Command lines that cannot be served: exit code 1, nothing on standard output. */
const misuse: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
  [['explain', '--to', 'a'], /--from is missing/],
  [['explain', '--from', 'a'], /--to is missing/],
  [['explain', '--from', 'a', '--to', 'b', '--port', '70000'], /allowed is 1 to 65535/],
  [['explain', '--from', 'a', '--to', 'b', '--port', '1/GRE'], /allowed protocols are TCP, UDP, SCTP, ICMP/],
  [['explain', '--from', 'a', '--to', 'b', '--http', '/x'], /METHOD \/PATH/],
  [['explain', '--from', 'a', '--to', 'b', '--header', 'X: 1'], /--header needs --http/],
  [['explain', '--from', 'a', '--to', 'b', '--http', 'GET /', '--header', 'X'], /'NAME: VALUE'/],
  [['explain', '--from', 'a', '--to', 'b', '-o', 'yaml'], /unknown output "yaml"; allowed: json/],
  [['explain', '--from', 'a', '--to', 'b', 'c'], /what is "c"/],
  [['explain', '--from', 'a', '--to', 'b', '-f', '/does/not/exist'], /ENOENT/],
  [['explain', '--from', 'a/b/c', '--to', 'b', ...files], /allowed is \[NAMESPACE\/\]POD/],
  [
    ['explain', '-n', 'cilium-test', '--from', 'client', '--to', 'echo-same-node', ...files],
    /write pod\/echo-same-node or service\/echo-same-node/,
  ],
  [['trace'], /unknown command "trace"; known: explain/],
];

for (const [argv, message] of misuse) {
  test(`${argv.slice(0, 8).join(' ')} exits with 1`, async () => {
    const { code, out, err } = await run(argv);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, message);
  });
}

test('what is no YAML is an error with its place', async () => {
  const { code, err } = await run(['explain', '--from', 'a', '--to', 'b', '-f', '-'], 'a: [1\nb: 2\n');
  assert.equal(code, 1);
  assert.match(err, /stdin:2:1: not YAML/);
});

test('help exits with 0', async () => {
  assert.match((await run(['--help'])).out, /^Usage: ciliate policy explain/);
  assert.equal((await run(['explain', '--help'])).code, 0);
});
