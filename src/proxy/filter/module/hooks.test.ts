import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../../../base/testing/index.ts';
import { filterOf, run } from './test-support.ts';

test('a filter reads and changes heads of requests and responses', async (context) => {
  const { client, backend } = await run(
    context,
    filterOf(`
      config: (raw) => ({ name: String(raw['name']) }),
      onRequestHeaders({ request, config }) {
        request.headers.set('X-Tag', config.name + ' ' + request.method + ' ' + request.headers.get('User-Agent'));
        request.headers.remove('user-agent');
        request.headers.add('x-two', '1');
        request.headers.add('x-two', [...request.headers].filter(([name]) => name === 'x-two').length + '' as string);
        request.path = '/new' + request.path;
        request.authority = 'b.test';
      },
      onResponseHeaders({ response, request }) {
        if (!response) throw new Error('no response');
        response.headers.set('x-was', response.status + request.path);
        response.status = 201;
      },`),
    { fields: { config: { name: 'n' } } },
  );
  const answer = await client.get('/a?b=1', 'User-Agent: t\r\n');
  assert.equal(answer.status, 201);
  assert.ok(answer.headers.includes('x-was: 200/new/a?b=1'), answer.headers.join());
  const head = backend.heads[0] ?? '';
  assert.match(head, /^GET \/new\/a\?b=1 HTTP\/1\.1\r\nhost: b\.test\r\n/);
  for (const line of ['x-tag: n GET t', 'x-two: 1', 'x-two: 1']) assert.ok(head.includes(`${line}\r\n`), head);
  assert.ok(!head.includes('user-agent'));
});

test('metadata is written for access logs and read back; onEnd comes before the log', async (context) => {
  const { client, folder } = await run(
    context,
    filterOf(`
      onRequestHeaders({ metadata, request, routeName, clusterName }) {
        metadata.set('path', request.path);
        metadata.set('n', { deep: [1] }, 'other');
        if (metadata.get('tag', 'path') !== request.path || clusterName !== 'c' || routeName !== '') throw new Error('no');
      },
      onEnd({ metadata, response }) { metadata.set('n', String(response?.status), 'other'); },`),
  );
  assert.equal((await client.get('/m')).status, 200);
  const file = path.join(folder, 'access.log');
  await until(async () => existsSync(file) && readFileSync(file, 'utf8') !== '');
  assert.equal(readFileSync(file, 'utf8'), '200 via_upstream /m 200\n');
});

test('a filter answers, at once or later, and its answer passes its own response hook', async (context) => {
  const { client, backend, stats } = await run(
    context,
    filterOf(`
      async onRequestHeaders(context) {
        if (context.request.path === '/later') await new Promise((done) => setTimeout(done, 5));
        if (context.request.path === '/pass') return;
        context.reply({ status: 418, body: 'té', headers: { 'x-why': 'tea', 'content-type': 'text/x' } });
      },
      onResponseHeaders({ response }) { response?.headers.set('x-seen', String(response.status)); },`),
  );
  for (const target of ['/now', '/later']) {
    const answer = await client.get(target);
    assert.deepEqual([answer.status, Buffer.from(answer.body, 'latin1').toString()], [418, 'té']);
    for (const line of ['x-why: tea', 'x-seen: 418', 'content-type: text/x', 'content-length: 3']) {
      assert.ok(answer.headers.includes(line), answer.headers.join());
    }
  }
  assert.equal((await client.get('/pass')).status, 200);
  assert.equal(backend.heads.length, 1);
  assert.deepEqual([(await stats())['replies'], (await stats())['errors']], ['2', '0']);
});

test('a plain function may answer, too, and the connection stays', async (context) => {
  const { client } = await run(
    context,
    filterOf(`onRequestHeaders(context) { if (context.request.headers.has('x-no')) context.reply({ status: 403 }); }`),
  );
  assert.equal((await client.get('/', 'x-no: 1\r\n')).status, 403);
  assert.equal((await client.get('/')).status, 200);
});

for (const kind of ['', 'async ']) {
  test(`bodies come whole and can be replaced: ${kind || 'sync'}`, async (context) => {
    const wait = kind ? 'await new Promise((done) => setTimeout(done, 3));' : '';
    const { client, backend } = await run(
      context,
      filterOf(`
        ${kind}onRequestHeaders({ request }) { ${wait} request.headers.set('x-head', 'seen'); },
        ${kind}onRequestBody({ request }, body) { ${wait} request.headers.set('x-length', String(body.length)); return '<' + body + '>'; },
        ${kind}onResponseHeaders(context) { ${wait} if (context.request.path === '/raw') context.skipResponseBody(); },
        ${kind}onResponseBody({ response }, body) { ${wait} response?.headers.set('x-size', String(body.length)); return Buffer.from('[' + body + ']'); },`),
    );
    client.send('POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc');
    await sleep(20);
    client.send('def');
    const answer = await client.read();
    assert.equal(answer.body, '[ok]');
    assert.ok(answer.headers.includes('content-length: 4') && answer.headers.includes('x-size: 2'));
    assert.equal(backend.bodies[0], '<abcdef>');
    for (const line of ['content-length: 8', 'x-head: seen', 'x-length: 6'])
      assert.match(backend.heads[0] ?? '', new RegExp(line));
    client.send('POST /raw HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');
    assert.equal((await client.read()).body, 'ok');
    assert.match(backend.bodies[1] ?? '', /^7\r\n<abcde>\r\n/);
    assert.equal((await client.get('/none')).body, '[ok]');
    assert.doesNotMatch(backend.heads[2] ?? '', /x-length/);
  });
}

test('a body that is skipped by a hook that waits goes on as it came', async (context) => {
  const { client, backend } = await run(
    context,
    filterOf(`
      async onRequestHeaders(context) { await new Promise((done) => setTimeout(done, 30)); context.skipRequestBody(); },
      onRequestBody() { return 'never'; },`),
  );
  client.send('POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc');
  await sleep(60);
  client.send('def');
  assert.equal((await client.read()).status, 200);
  assert.equal(backend.bodies[0], 'abcdef');
});

test('a body over its bound is refused in both directions', async (context) => {
  const { client, backend, stats } = await run(context, filterOf('onRequestBody() {}, onResponseBody() {}, '), {
    fields: { max_body_bytes: 8 },
    respond: (head) =>
      `HTTP/1.1 200 OK\r\ncontent-length: ${head.startsWith('GET') ? 9 : 2}\r\n\r\n${head.startsWith('GET') ? '123456789' : 'ok'}`,
  });
  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\n12345678');
  assert.equal((await client.read()).status, 200);
  const answer = await client.get('/');
  assert.deepEqual([answer.status, answer.body], [500, 'Internal Server Error']);
  client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n123456789');
  assert.equal((await client.read()).status, 413);
  assert.equal(backend.heads.length, 2);
  assert.equal((await stats())['errors'], '0');
});
