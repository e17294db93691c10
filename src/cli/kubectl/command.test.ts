import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { kubectlCommand } from './command.ts';

interface Answer {
  readonly code?: number;
  readonly body: unknown;
}

const discovered = (resource: string, kind: string, more: object = {}) => ({
  resource,
  responseKind: { kind },
  scope: 'Namespaced',
  singularResource: kind.toLowerCase(),
  verbs: ['get', 'list'],
  ...more,
});

const discovery: Readonly<Record<string, unknown>> = {
  '/api': [
    {
      metadata: { name: '' },
      versions: [
        {
          version: 'v1',
          resources: [
            discovered('pods', 'Pod', { shortNames: ['po'], categories: ['all'] }),
            discovered('services', 'Service', { shortNames: ['svc'], categories: ['all'] }),
            discovered('configmaps', 'ConfigMap', { shortNames: ['cm'] }),
          ],
        },
      ],
    },
  ],
  '/apis': [
    {
      metadata: { name: 'cilium.io' },
      versions: ['v2', 'v2alpha1'].map((version) => ({
        version,
        resources: [discovered('ciliumenvoyconfigs', 'CiliumEnvoyConfig', { shortNames: ['cec'] })],
      })),
    },
  ],
};

const notFound: Answer = {
  code: 404,
  body: { kind: 'Status', status: 'Failure', code: 404, reason: 'NotFound', message: 'pods "x" not found' },
};

/** Runs the command against a server that gives the answers by `METHOD path?query`; everything else is not found. */
async function run(t: TestContext, argv: readonly string[], answers: Readonly<Record<string, Answer>>, input = '') {
  const seen: { readonly line: string; readonly body: string; readonly type: string }[] = [];
  const server = http.createServer(async (request, response) => {
    const url = request.url ?? '';
    const items = discovery[url];
    if (items) return void response.end(JSON.stringify({ kind: 'APIGroupDiscoveryList', items }));
    const line = `${request.method} ${url}`;
    seen.push({ line, body: await text(request), type: request.headers['content-type'] ?? '' });
    const { code = 200, body } = answers[line] ?? notFound;
    response.writeHead(code).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(path.join(tmpdir(), 'kubectl-'));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const KUBECONFIG = path.join(folder, 'config');
  const cluster = { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const context = { cluster: 'c', namespace: 'shop' };
  writeFileSync(
    KUBECONFIG,
    JSON.stringify({ 'current-context': 'x', contexts: [{ name: 'x', context }], clusters: [{ name: 'c', cluster }] }),
  );
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await kubectlCommand(argv, {
    stdin: Readable.from([input]),
    stdout,
    stderr,
    environment: { KUBECONFIG },
  });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr), seen };
}

const columns = [{ name: 'Name' }, { name: 'Ready' }, { name: 'IP', priority: 1 }];
const row = (name: string, namespace = 'shop') => ({
  cells: [name, '1/1', '10.0.0.1'],
  object: { metadata: { name, namespace, labels: { b: '2', a: '1' } } },
});
const table = (...rows: unknown[]): Answer => ({ body: { kind: 'Table', columnDefinitions: columns, rows } });

test('get prints the server table; -o wide and --show-labels add columns; pages are joined', async (t) => {
  const first = { kind: 'Table', metadata: { continue: 'more' }, columnDefinitions: columns, rows: [row('a')] };
  const answers = {
    'GET /api/v1/namespaces/shop/pods?limit=500': { body: first },
    'GET /api/v1/namespaces/shop/pods?limit=500&continue=more': table(row('longer-name')),
  };
  const plain = await run(t, ['get', 'po'], answers);
  assert.equal(plain.stdout, 'NAME          READY\na             1/1\nlonger-name   1/1\n');
  const wide = await run(t, ['get', 'pods', '-o', 'wide', '--show-labels', '--no-headers'], answers);
  assert.equal(wide.stdout, 'a             1/1   10.0.0.1   a=1,b=2\nlonger-name   1/1   10.0.0.1   a=1,b=2\n');
});

test('get of several kinds, of all namespaces, by label', async (t) => {
  const query = 'labelSelector=app%3Dx&limit=500';
  const { stdout } = await run(t, ['get', 'pods,svc', '-A', '-l', 'app=x'], {
    [`GET /api/v1/pods?${query}`]: table(row('p', 'one')),
    [`GET /api/v1/services?${query}`]: table(row('s', 'two')),
  });
  assert.equal(
    stdout,
    'NAMESPACE   NAME    READY\none         pod/p   1/1\n\nNAMESPACE   NAME        READY\ntwo         service/s   1/1\n',
  );
});

for (const { name, argv, answers, expected } of [
  {
    name: 'nothing there',
    argv: ['get', 'pods'],
    answers: { 'GET /api/v1/namespaces/shop/pods?limit=500': table() },
    expected: [0, 'No resources found in shop namespace.\n'],
  },
  {
    name: 'absent object',
    argv: ['get', 'pod', 'x'],
    answers: {},
    expected: [1, 'Error from server (NotFound): pods "x" not found\n'],
  },
  { name: 'absent object, ignored', argv: ['get', 'pod/x', '--ignore-not-found'], answers: {}, expected: [0, ''] },
  {
    name: 'unknown kind',
    argv: ['get', 'widgets'],
    answers: {},
    expected: [1, 'error: the server doesn\'t have a resource type "widgets"\n'],
  },
  {
    name: 'unknown version',
    argv: ['get', 'cec.v3.cilium.io'],
    answers: {},
    expected: [1, 'error: the server doesn\'t have a resource type "cec.v3.cilium.io"\n'],
  },
  {
    name: 'unknown option',
    argv: ['get', 'pods', '--nope'],
    answers: {},
    expected: [1, "error: unknown option '--nope'\n"],
  },
  {
    name: 'delete without a name',
    argv: ['delete', 'pods'],
    answers: {},
    expected: [1, 'error: resource(s) were provided, but no name was specified\n'],
  },
  {
    name: 'manifest without kind',
    argv: ['apply', '-f', '-'],
    answers: {},
    input: 'a: 1',
    expected: [1, 'error: standard input: an object lacks apiVersion or kind\n'],
  },
  {
    name: 'manifest file absent',
    argv: ['apply', '-f', '/absent.yaml'],
    answers: {},
    expected: [1, 'error: the path "/absent.yaml" does not exist\n'],
  },
  {
    name: 'bad number',
    argv: ['logs', 'x', '--tail', 'many'],
    answers: {},
    expected: [1, 'error: --tail "many" is no number of lines\n'],
  },
] as { name: string; argv: string[]; answers: Record<string, Answer>; input?: string; expected: [number, string] }[]) {
  test(`words for: ${name}`, async (t) => {
    const { code, stderr } = await run(t, argv, answers, name === 'manifest without kind' ? 'a: 1' : '');
    assert.deepEqual([code, stderr], expected);
  });
}

test('get -o name, jsonpath and json of objects', async (t) => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', managedFields: [1] } };
  const answers = {
    'GET /api/v1/namespaces/other/pods/x': { body: pod },
    'GET /api/v1/namespaces/other/pods?limit=500': { body: { kind: 'PodList', apiVersion: 'v1', items: [pod, pod] } },
  };
  const get = (...argv: string[]) =>
    run(t, ['-n', 'other', 'get', 'pods', ...argv], answers).then(({ stdout }) => stdout);
  assert.equal(await get('-o', 'name'), 'pod/x\npod/x\n');
  assert.equal(await get('x', '-o', 'jsonpath={.metadata.name}'), 'x');
  assert.equal(await get('-o', 'jsonpath={.items[1].kind}'), 'Pod');
  assert.deepEqual(JSON.parse(await get('x', '-o', 'json')), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x' },
  });
  assert.equal(await get('x', '-o', 'yaml'), 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n');
});

test('apply creates with the note kubectl leaves, then changes and leaves alone', async (t) => {
  const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: "1"}\n';
  const created = await run(
    t,
    ['apply', '-f', '-'],
    {
      'POST /api/v1/namespaces/shop/configmaps?fieldManager=kubectl-client-side-apply&fieldValidation=Strict': {
        code: 201,
        body: {},
      },
    },
    manifest,
  );
  assert.equal(created.stdout, 'configmap/x created\n');
  const sent = JSON.parse(created.seen[1]?.body ?? '{}');
  const live = { ...sent, metadata: { ...sent.metadata, resourceVersion: '5' } };
  const address = '/api/v1/namespaces/shop/configmaps/x';
  const same = await run(t, ['apply', '-f', '-'], { [`GET ${address}`]: { body: live } }, manifest);
  assert.equal(same.stdout, 'configmap/x unchanged\n');
  const patch = `PATCH ${address}?fieldManager=kubectl-client-side-apply&fieldValidation=Strict`;
  const changed = await run(
    t,
    ['apply', '-f', '-'],
    { [`GET ${address}`]: { body: live }, [patch]: { body: {} } },
    manifest.replace('a: "1"', 'b: "2"'),
  );
  assert.equal(changed.stdout, 'configmap/x configured\n');
  assert.equal(changed.seen[1]?.type, 'application/merge-patch+json');
  assert.deepEqual(JSON.parse(changed.seen[1]?.body ?? '{}').data, { a: null, b: '2' });
});

test('a refused object does not keep the others from being applied', async (t) => {
  const two = ['bad', 'good']
    .map((name) => `apiVersion: cilium.io/v2\nkind: CiliumEnvoyConfig\nmetadata: {name: ${name}}\n`)
    .join('---\n');
  let posts = 0;
  const post =
    'POST /apis/cilium.io/v2/namespaces/shop/ciliumenvoyconfigs?fieldManager=kubectl-client-side-apply&fieldValidation=Strict';
  const invalid = { kind: 'Status', status: 'Failure', code: 422, reason: 'Invalid', message: 'spec: required' };
  const answers = Object.defineProperty({} as Record<string, Answer>, post, {
    get: () => (posts++ === 0 ? { code: 422, body: invalid } : { body: {} }),
  });
  const { code, stdout, stderr } = await run(t, ['apply', '-f', '-'], answers, two);
  assert.deepEqual([code, stdout], [1, 'ciliumenvoyconfig.cilium.io/good created\n']);
  assert.equal(stderr, 'Error from server (Invalid): error when applying "standard input": spec: required\n');
});

test('delete by name waits until the object is gone', async (t) => {
  const address = '/api/v1/namespaces/shop/pods/x';
  let gets = 0;
  const answers = Object.defineProperty(
    { [`DELETE ${address}`]: { body: { metadata: { uid: 'u' } } } } as Record<string, Answer>,
    `GET ${address}`,
    { get: () => (gets++ < 2 ? { body: { metadata: { uid: 'u' } } } : notFound) },
  );
  const { code, stdout, seen } = await run(t, ['delete', 'pod', 'x', '--grace-period', '0'], answers);
  assert.deepEqual([code, stdout, gets], [0, 'pod "x" deleted from shop namespace\n', 3]);
  assert.deepEqual(JSON.parse(seen[0]?.body ?? '{}'), { propagationPolicy: 'Background', gracePeriodSeconds: 0 });
});

test('logs by way of a Service', async (t) => {
  const { stdout } = await run(t, ['logs', 'svc/web', '-c', 'main', '--tail=2', '-f'], {
    'GET /api/v1/namespaces/shop/services/web': { body: { spec: { selector: { app: 'web' } } } },
    'GET /api/v1/namespaces/shop/pods?limit=500&labelSelector=app%3Dweb': {
      body: {
        items: [
          { metadata: { name: 'w1' }, status: { phase: 'Pending' } },
          { metadata: { name: 'w2' }, status: { phase: 'Running' } },
        ],
      },
    },
    'GET /api/v1/namespaces/shop/pods/w2/log?container=main&follow=true&previous=false&timestamps=false&tailLines=2': {
      body: 'one\ntwo\n',
    },
  });
  assert.equal(stdout, 'one\ntwo\n');
});
