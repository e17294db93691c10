import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../base/testing/index.ts';
import { filterOf, moduleFilter, run } from './test-support.ts';

const POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc';

test('a hook that is at once, waits, answers or fails is the same to the request where a filter has no other hook', async (context) => {
  const { client, backend, stats } = await run(
    context,
    filterOf(`
      onRequestHeaders(ctx) {
        const { path, headers } = ctx.request;
        headers.set('x-seen', headers.get('user-agent') ?? 'none');
        if (path === '/waits') return new Promise<void>((done) => setTimeout(() => { headers.set('x-late', '1'); done(); }, 20));
        if (path === '/answers') ctx.reply({ status: 403, body: 'no' });
        if (path === '/answers-late') return Promise.resolve().then(() => ctx.reply({ status: 404 }));
        if (path === '/throws') throw new Error('bad');
        if (path === '/rejects') return Promise.reject(new Error('bad'));
        return undefined;
      },`),
    { fields: { timeout: '1s' } },
  );
  const statuses: number[] = [];
  for (const target of ['/', '/waits', '/answers', '/answers-late', '/throws', '/rejects', '/']) {
    statuses.push((await client.get(target, 'user-agent: u\r\n')).status);
  }
  assert.deepEqual(statuses, [200, 200, 403, 404, 500, 500, 200]);
  assert.equal(backend.heads.length, 3);
  assert.ok(backend.heads.every((head) => head.includes('x-seen: u\r\n')));
  assert.deepEqual(
    backend.heads.map((head) => head.includes('x-late: 1\r\n')),
    [false, true, false],
  );
  assert.deepEqual([(await stats())['errors'], (await stats())['replies']], ['2', '2']);
});

test('what comes of a body while the hook on its head waits goes on after it, in order', async (context) => {
  const { client, backend } = await run(
    context,
    filterOf(`async onRequestHeaders() { await new Promise((done) => setTimeout(done, 30)); },`),
  );
  client.send(POST.slice(0, -2));
  await sleep(10);
  client.send('bc');
  assert.equal((await client.read()).status, 200);
  assert.deepEqual(backend.bodies, ['abc']);
});

test('filters in a chain wait one after the other, and each is called once', async (context) => {
  const { client, backend } = await run(
    context,
    filterOf(`
      async onRequestHeaders({ request }) {
        request.headers.set('x-trace', (request.headers.get('x-trace') ?? '') + 'a');
        await new Promise((done) => setTimeout(done, 10));
        request.headers.set('x-trace', request.headers.get('x-trace') + 'b');
      },`),
    {
      after: [
        moduleFilter('at once', { module: 'second.ts' }),
        moduleFilter('waits', {}),
        moduleFilter('whole', { module: 'third.ts' }),
      ],
      files: {
        'second.ts': filterOf(`
          onRequestHeaders({ request }) { request.headers.set('x-trace', request.headers.get('x-trace') + 'c'); },`),
        'third.ts': filterOf(`
          onResponseHeaders({ response }) { response?.headers.set('x-last', '1'); },`),
      },
    },
  );
  const answer = await client.get('/');
  assert.ok(answer.headers.includes('x-last: 1'));
  assert.match(backend.heads[0] ?? '', /x-trace: abcab\r\n/);
});

test('filters that wait before and behind one that does not keep their order', async (context) => {
  const { client, backend } = await run(
    context,
    filterOf(`
      async onRequestHeaders({ request }) {
        await new Promise((done) => setTimeout(done, 5));
        request.headers.add('x-trace', 'waited');
      },`),
    {
      after: [moduleFilter('second', { module: 'second.ts' }), moduleFilter('third')],
      files: {
        'second.ts': filterOf(`onRequestHeaders({ request }) { request.headers.add('x-trace', 'second'); },`),
      },
    },
  );
  assert.equal((await client.get('/')).status, 200);
  const traced = (backend.heads[0] ?? '').match(/x-trace: \w+/g);
  assert.deepEqual(traced, ['x-trace: waited', 'x-trace: second', 'x-trace: waited']);
});

test('a signal of a hook that is done aborts when the request is over, also one that is asked for after that', async (context) => {
  const { client, backend } = await run(
    context,
    filterOf(`
      onRequestHeaders(ctx) {
        const shared = globalThis as { earlySignals?: string[] };
        const seen = (shared.earlySignals ??= []);
        if (ctx.request.path === '/seen') { ctx.request.headers.set('x-seen', seen.join(' ')); return; }
        if (ctx.request.path === '/now') ctx.signal.addEventListener('abort', () => { seen.push('aborted'); });
        else setTimeout(() => { seen.push('late ' + ctx.signal.aborted); }, 30);
        seen.push(ctx.request.path + (ctx.request.path === '/now' ? ' ' + ctx.signal.aborted : ''));
      },`),
  );
  await client.get('/now');
  await client.get('/later');
  await until(async () => {
    await client.get('/seen');
    return /x-seen: \/now false aborted \/later late true\r\n/.test(backend.heads.at(-1) ?? '');
  });
});

test('a version with hooks for more than heads of requests is in force for the next request, and the one under way keeps its own', async (context) => {
  const { client, write, stats } = await run(
    context,
    filterOf(
      `async onRequestHeaders({ request }) { if (request.path === '/slow') await new Promise((done) => setTimeout(done, 1500)); },`,
    ),
  );
  client.send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n');
  await sleep(50);
  write(
    filterOf(`
    onRequestHeaders({ state }) { state['began'] = true; },
    onResponseHeaders({ response, state }) { response?.headers.set('x-new', String(state['began'])); },`),
  );
  await until(async () => (await stats())['reload_success'] === '1');
  const slow = await client.read();
  assert.deepEqual([slow.status, slow.headers.some((line) => line.startsWith('x-new'))], [200, false]);
  assert.ok((await client.get('/')).headers.includes('x-new: true'));
});

const ANSWERING = `
  onRequestHeaders({ request, state }) { state['path'] = request.path; },
  onResponseHeaders(ctx) {
    const { response, state, request } = ctx;
    response?.headers.add('x-order', 'first ' + state['path']);
    if (request.path === '/throws') throw new Error('bad');
    if (request.path === '/replaced') ctx.reply({ status: 418, body: 'teapot' });
  },
  onEnd({ state }) { ((globalThis as { earlyEnds?: unknown[] }).earlyEnds ??= []).push(state['path']); },`;
const WAITING = `
  onRequestHeaders(ctx) { if (ctx.request.path === '/own') ctx.reply({ status: 403, body: 'no' }); },
  async onResponseHeaders({ response }) {
    response?.headers.add('x-order', 'second');
    await new Promise((done) => setTimeout(done, 10));
    response?.headers.add('x-order', 'waited');
  },`;

test('hooks on heads of responses see them in the order of the chain, wait, answer and fail where bodies are not asked for', async (context) => {
  const large = 'x'.repeat(300_000);
  const { client, stats } = await run(context, filterOf(ANSWERING), {
    after: [moduleFilter('waits', { module: 'second.ts' }), moduleFilter('third', { module: 'third.ts' })],
    files: {
      'second.ts': filterOf(WAITING),
      'third.ts': filterOf(`onResponseHeaders({ response }) { response?.headers.add('x-order', 'third'); },`),
    },
    respond: (head) =>
      head.startsWith('GET /large')
        ? `HTTP/1.1 200 OK\r\ncontent-length: ${large.length}\r\n\r\n${large}`
        : 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  });
  const seen: unknown[] = [];
  for (const path of ['/', '/large', '/own', '/throws', '/replaced', '/']) {
    const { status, headers, body } = await client.get(path);
    const order = headers.filter((line) => line.startsWith('x-order')).map((line) => line.slice(9));
    seen.push([status, body.length, order.join()]);
  }
  assert.deepEqual(seen, [
    [200, 2, 'third,second,waited,first /'],
    [200, large.length, 'third,second,waited,first /large'],
    [403, 2, 'third,second,waited,first /own'],
    [500, 0, ''],
    [418, 6, ''],
    [200, 2, 'third,second,waited,first /'],
  ]);
  assert.equal((await stats())['errors'], '1');
  assert.deepEqual((globalThis as { earlyEnds?: unknown[] }).earlyEnds, [
    '/',
    '/large',
    '/own',
    '/throws',
    '/replaced',
    '/',
  ]);
});
