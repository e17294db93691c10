import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../testing/harness.ts';
import { filterOf, moduleFilter, run } from './test-support.ts';

const NEVER = 'new Promise<never>(() => undefined)';
const POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc';
const idle = { route: { match: { prefix: '/' }, route: { cluster: 'c', idle_timeout: '0.05s' } } };

const waiting: readonly (readonly [name: string, hook: string])[] = [
  ['its head', `async onRequestHeaders() { await ${NEVER}; }`],
  ['its body', `async onRequestBody() { await ${NEVER}; }`],
];
const answering: readonly (readonly [name: string, hook: string])[] = [
  ['at once', `onResponseHeaders({ response }) { response?.headers.set('x-seen', '1'); }`],
  ['after a wait', `async onResponseHeaders({ response }) { await null; response?.headers.set('x-seen', '1'); }`],
  ['with the body', `onResponseBody({ response }) { response?.headers.set('x-seen', '1'); }`],
];

for (const [where, onRequest] of waiting) {
  for (const [how, onResponse] of answering) {
    test(`an answer of the proxy while a hook on the request waits with ${where} passes the response hook, ${how}`, async (context) => {
      const { client, stats, backend } = await run(context, filterOf(`${onRequest}, ${onResponse},`), {
        fields: { timeout: '60s' },
        ...idle,
      });
      client.send(POST);
      const { status, headers } = await client.read();
      assert.equal(status, 504);
      assert.ok(headers.includes('x-seen: 1'), headers.join());
      assert.equal((await stats())['timeouts'], '0');
      assert.equal(backend.heads.length, 0);
    });
  }
}

const hooks = ['onRequestHeaders', 'onRequestBody', 'onResponseHeaders', 'onResponseBody'];
const endings: readonly (readonly [open: boolean, status: number, timeouts: string])[] = [
  [false, 504, '1'],
  [true, 200, '1'],
];

for (const hook of hooks) {
  for (const [open, expected, timeouts] of endings) {
    test(`a promise of ${hook} that never settles ends with ${expected} where failures are ${open ? 'let pass' : 'refused'}, and others are served`, async (context) => {
      const { client, stats } = await run(
        context,
        filterOf(`${hook}(context) { if (context.request.path === '/') return ${NEVER}; return undefined; },`),
        { fields: { timeout: '0.05s', failure_mode_allow: open } },
      );
      client.send(POST);
      assert.equal((await client.read()).status, expected);
      assert.equal((await client.get('/other')).status, 200);
      assert.equal((await stats())['timeouts'], timeouts);
    });
  }
}

test('a body that grows without end is refused at its bound, request and response, and others are served', async (context) => {
  const endless = 'x'.repeat(100_000);
  const { client, stats } = await run(context, filterOf(`onRequestBody() {}, onResponseBody() {},`), {
    fields: { max_body_bytes: 1000 },
    respond: (head) =>
      head.startsWith('GET /large')
        ? `HTTP/1.1 200 OK\r\ncontent-length: ${endless.length}\r\n\r\n${endless}`
        : 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  });
  assert.equal((await client.get('/large')).status, 500);
  assert.equal((await client.get('/')).status, 200);
  client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2710\r\n${'x'.repeat(10_000)}`);
  assert.equal((await client.read()).status, 413);
  assert.equal((await stats())['errors'], '0');
});

test('what a hook makes of a message has bounds: fields, a value, metadata', async (context) => {
  const { client, stats, backend } = await run(
    context,
    filterOf(`
      onRequestHeaders({ request, metadata }) {
        if (request.path === '/fields') for (let at = 0; ; at++) request.headers.add('x-' + at, '1');
        if (request.path === '/value') request.headers.set('x', 'x'.repeat(70_000));
        if (request.path === '/metadata') metadata.set('x', 'x'.repeat(70_000));
      },`),
    { after: [moduleFilter('second')] },
  );
  const statuses: number[] = [];
  for (const path of ['/fields', '/value', '/metadata', '/']) statuses.push((await client.get(path)).status);
  assert.deepEqual(statuses, [500, 500, 500, 200]);
  assert.equal(backend.heads.length, 1);
  assert.equal((await stats())['errors'], '3');
});

const forever: readonly (readonly [where: string, hook: string])[] = [
  ['onRequestHeaders', 'onRequestHeaders({ request }) { while (request.path === "/loop"); }'],
  [
    'a function that calls itself twice',
    'onRequestHeaders({ request }) { if (request.path === "/loop") twice(1000); }',
  ],
  [
    'a loop around one that catches',
    'onRequestHeaders({ request }) { while (request.path === "/loop") try { for (;;); } catch {} }',
  ],
  ['a hook that has waited', 'async onRequestHeaders({ request }) { await null; while (request.path === "/loop"); }'],
  [
    'a loop that waits for nothing',
    'async onRequestHeaders({ request }) { while (request.path === "/loop") await null; }',
  ],
  ['onResponseBody', 'onResponseBody({ request }) { do; while (request.path === "/loop"); }'],
];

for (const [where, hook] of forever) {
  test(`a loop without end ends with 500, and others are served: ${where}`, async (context) => {
    const helpers = `const twice = (n: number): number => n === 0 ? 0 : twice(n - 1) + twice(n - 1);`;
    const { client, stats } = await run(context, `${helpers}\n${filterOf(`${hook},`)}`);
    await client.get('/');
    const other = new Client(client.socket.remotePort ?? 0);
    context.after(() => other.close());
    client.send(POST.replace('/', '/loop'));
    const answers = await Promise.all([client.read(), other.get('/')]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [500, 200],
    );
    assert.equal((await stats())['errors'], '1');
  });
}

test('what a hook takes without end has a bound, and others are served', async (context) => {
  const hook = `onRequestHeaders({ request }) {
    const all: string[][] = [];
    while (request.path === '/loop') all.push(new Array(1000).fill(request.path));
  },`;
  const { client, stats } = await run(context, filterOf(hook));
  assert.equal((await client.get('/loop')).status, 500);
  assert.equal((await client.get('/')).status, 200);
  assert.equal((await stats())['errors'], '1');
});

test('a hook that computes for long, one request after the other, is within its bounds', async (context) => {
  const hook = `onRequestHeaders() { for (const end = performance.now() + 300; performance.now() < end; ); },`;
  const { client, stats } = await run(context, filterOf(hook));
  client.send(POST.repeat(6));
  for (let count = 0; count < 6; count++) assert.equal((await client.read()).status, 200);
  assert.equal((await stats())['errors'], '0');
});

test('a worker that is stopped is stopped alone: others serve, the admin interface answers, and the proxy can be stopped', async (context) => {
  const { client, stats } = await run(
    context,
    `import { isMainThread } from 'node:worker_threads';
    ${filterOf(`
      onRequestHeaders({ request }) {
        if (!isMainThread && request.path === '/loop') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
        request.headers.set('x-main', String(isMainThread));
      },`)}`,
    {
      concurrency: 2,
      respond: (head) => `HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-main: ${/x-main: (\w+)/.exec(head)?.[1]}\r\n\r\nok`,
    },
  );
  await client.get('/');
  const port = client.socket.remotePort ?? 0;
  const clients: Client[] = [];
  context.after(() => {
    for (const one of clients) one.close();
  });
  const where = new Map<string, Client>();
  for (let count = 0; where.size < 2 && count < 100; count++) {
    const one = new Client(port);
    clients.push(one);
    const { headers } = await one.get('/');
    where.set(headers.find((line) => line.startsWith('x-main')) ?? '', one);
  }
  where.get('x-main: false')?.send('GET /loop HTTP/1.1\r\nhost: a\r\n\r\n');
  for (let count = 0; count < 5; count++) assert.equal((await where.get('x-main: true')?.get('/'))?.status, 200);
  assert.equal((await stats())['errors'], '0');
});
