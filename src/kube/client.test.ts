import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createClient } from './client.ts';
import { recordEvent } from './events.ts';
import { streamLogs } from './logs.ts';
import { urlPath } from './paths.ts';
import { testServer } from './test-support.ts';

interface Seen {
  readonly line: string;
  readonly contentType: string | undefined;
  readonly authorization: string | undefined;
  readonly body: string;
}

async function start(t: TestContext, answers: readonly { readonly code: number; readonly body: unknown }[]) {
  const seen: Seen[] = [];
  const server = await testServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const { authorization, 'content-type': contentType } = request.headers;
      seen.push({ line: `${request.method} ${request.url}`, contentType, authorization, body });
      const answer = answers[seen.length - 1];
      // Without an answer left the server keeps silent.
      if (answer)
        response
          .writeHead(answer.code)
          .end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  const client = createClient(server.access);
  t.after(async () => {
    client.close();
    await server.close();
  });
  return { client, seen };
}

const policies = { group: 'cilium.io', version: 'v2', resource: 'ciliumnetworkpolicies', namespace: 'shop' };
const policy = { ...policies, name: 'p' };

test('paths of collections, objects and subresources, with hostile names escaped', () => {
  assert.equal(urlPath({ group: '', version: 'v1', resource: 'nodes' }), '/api/v1/nodes');
  assert.equal(urlPath(policies), '/apis/cilium.io/v2/namespaces/shop/ciliumnetworkpolicies');
  assert.equal(
    urlPath({ ...policy, subresource: 'status' }),
    '/apis/cilium.io/v2/namespaces/shop/ciliumnetworkpolicies/p/status',
  );
  assert.equal(
    urlPath({ group: '', version: 'v1', resource: 'pods', namespace: '..', name: 'a/../b?c' }),
    '/api/v1/namespaces/%2E%2E/pods/a%2F..%2Fb%3Fc',
  );
});

test('each verb sends its method, path, query, type and body', async (t) => {
  const { client, seen } = await start(
    t,
    Array.from({ length: 7 }, () => ({ code: 200, body: { kind: 'X' } })),
  );
  await client.get(policy);
  await client.create(policies, { a: 1 });
  await client.update(policy, { a: 2 });
  await client.updateStatus(policy, { a: 3 });
  await client.patch(policy, { a: 4 }, { type: 'merge' });
  await client.patch(policy, { a: 5 }, { type: 'apply', force: true });
  await client.delete(policy, { propagationPolicy: 'Foreground', uid: 'u' });
  const base = '/apis/cilium.io/v2/namespaces/shop/ciliumnetworkpolicies';
  assert.deepEqual(
    seen.map(({ line, contentType, body }) => [line, contentType, body]),
    [
      [`GET ${base}/p`, undefined, ''],
      [`POST ${base}`, 'application/json', '{"a":1}'],
      [`PUT ${base}/p`, 'application/json', '{"a":2}'],
      [`PUT ${base}/p/status`, 'application/json', '{"a":3}'],
      [`PATCH ${base}/p`, 'application/merge-patch+json', '{"a":4}'],
      [`PATCH ${base}/p?fieldManager=ciliate&force=true`, 'application/apply-patch+yaml', '{"a":5}'],
      [`DELETE ${base}/p`, 'application/json', '{"propagationPolicy":"Foreground","preconditions":{"uid":"u"}}'],
    ],
  );
  assert.equal(seen[0]?.authorization, 'Bearer let-me-in');
});

test('failures come back as values that carry the Status', async (t) => {
  const status = { kind: 'Status', status: 'Failure', code: 409, reason: 'Conflict', message: 'changed meanwhile' };
  const { client } = await start(t, [
    { code: 409, body: status },
    { code: 503, body: 'upstream is away' },
    { code: 200, body: '<html>' },
  ]);
  const conflict = await client.update(policy, {});
  assert.deepEqual(conflict, {
    ok: false,
    error: { code: 409, reason: 'Conflict', message: 'changed meanwhile', status },
  });
  const away = await client.get(policy);
  assert.deepEqual(away, {
    ok: false,
    error: { code: 503, reason: 'ServiceUnavailable', message: 'upstream is away' },
  });
  const html = await client.get(policy);
  assert.equal(html.ok ? '' : html.error.reason, 'BadResponse');
  const late = await client.get(policy, { timeoutMs: 50 });
  assert.equal(late.ok ? '' : late.error.reason, 'Timeout');
  const cancelled = await client.get(policy, { signal: AbortSignal.abort() });
  assert.equal(cancelled.ok ? '' : cancelled.error.reason, 'Aborted');
});

test('a server that is not there, and one that nobody vouches for', async (t) => {
  const server = await testServer((_request, response) => response.end('{}'));
  t.after(() => server.close());
  const stranger = createClient({ ...server.access, credentials: async () => ({ headers: {} }) });
  const refused = await stranger.get(policy);
  assert.match(refused.ok ? '' : refused.error.message, /self-signed certificate/);
  const nobody = createClient({ ...server.access, server: 'https://127.0.0.1:1' });
  const unreachable = await nobody.get(policy);
  assert.equal(unreachable.ok ? '' : unreachable.error.reason, 'Unreachable');
});

test('an Event that is there already is counted up', async (t) => {
  const exists = { kind: 'Status', status: 'Failure', code: 409, reason: 'AlreadyExists', message: 'exists' };
  const { client, seen } = await start(t, [
    { code: 409, body: exists },
    { code: 200, body: { count: 4 } },
    { code: 200, body: {} },
  ]);
  const about = {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumEnvoyConfig',
    metadata: { name: 'cec', namespace: 'shop', uid: 'u' },
  };
  const done = await recordEvent(client, {
    about,
    type: 'Warning',
    reason: 'Rejected',
    message: 'no cluster x',
    component: 'agent',
  });
  assert.ok(done.ok);
  assert.match(seen[0]?.line ?? '', /^POST \/api\/v1\/namespaces\/shop\/events$/);
  assert.match(seen[2]?.line ?? '', /^PATCH \/api\/v1\/namespaces\/shop\/events\/cec\.[0-9a-f]{16}$/);
  assert.equal(JSON.parse(seen[2]?.body ?? '{}').count, 5);
});

test('logs come as a stream', async (t) => {
  const { client, seen } = await start(t, [{ code: 200, body: 'one\ntwo\n' }]);
  const logs = await streamLogs(client, { namespace: 'shop', pod: 'web', container: 'c', follow: true, tailLines: 2 });
  assert.ok(logs.ok);
  let text = '';
  for await (const chunk of logs.value) text += chunk;
  assert.equal(text, 'one\ntwo\n');
  assert.equal(seen[0]?.line, 'GET /api/v1/namespaces/shop/pods/web/log?container=c&follow=true&tailLines=2');
});
