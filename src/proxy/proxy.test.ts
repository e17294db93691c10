import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, httpListener, once, routes, runProxy, startBackend, staticCluster } from './testing/harness.ts';

test('a request goes through: headers up and down in the order of Envoy', async () => {
  const backend = await startBackend();
  const proxy = await runProxy(httpListener('l', routes([{ match: { prefix: '/' }, route: { cluster: 'c' } }])), [
    staticCluster('c', [backend.port]),
  ]);
  try {
    const client = new Client(proxy.port);
    const answer = await client.get('/x?y=1', 'User-Agent: t\r\nAccept: */*\r\nConnection: keep-alive\r\n');
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'ok');
    assert.deepEqual(
      answer.headers.map((line) => line.replace(/time: \d+/, 'time: N')),
      ['content-length: 2', 'x-envoy-upstream-service-time: N', 'date', 'server: envoy'],
    );
    assert.match(
      backend.heads[0] ?? '',
      /^GET \/x\?y=1 HTTP\/1\.1\r\nhost: a\.test\r\nuser-agent: t\r\naccept: \*\/\*\r\nx-forwarded-proto: http\r\nx-request-id: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\r\nx-envoy-expected-rq-timeout-ms: 15000\r\n$/,
    );
    for (let count = 0; count < 5; count++) assert.equal((await client.get('/')).status, 200);
    assert.equal(backend.connections, 1);
    client.close();
  } finally {
    await proxy.stop(0);
    await backend.close();
  }
});

test('local replies as Envoy words them', async () => {
  const proxy = await runProxy(
    httpListener(
      'l',
      routes([
        { match: { path: '/refused' }, route: { cluster: 'refused' } },
        {
          match: { path: '/retried' },
          route: { cluster: 'refused', retry_policy: { retry_on: '5xx', num_retries: 2 } },
        },
        { match: { path: '/empty' }, route: { cluster: 'empty' } },
        { match: { path: '/unknown' }, non_forwarding_action: {} },
        { match: { path: '/direct' }, direct_response: { status: 200, body: { inline_string: 'made' } } },
      ]),
    ),
    [staticCluster('refused', [1]), staticCluster('empty', [])],
  );
  const table: readonly (readonly [string, number, string])[] = [
    [
      '/refused',
      503,
      'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure',
    ],
    [
      '/retried',
      503,
      'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure',
    ],
    ['/empty', 503, 'no healthy upstream'],
    ['/unknown', 503, ''],
    ['/direct', 200, 'made'],
    ['/none', 404, ''],
  ];
  try {
    for (const [path, status, body] of table) {
      const answer = await once(proxy.port, path);
      assert.deepEqual([path, answer.status, answer.body], [path, status, body]);
      const expected =
        body === ''
          ? ['date', 'server: envoy', 'content-length: 0']
          : [`content-length: ${body.length}`, 'content-type: text/plain', 'date', 'server: envoy'];
      assert.deepEqual(answer.headers, expected);
    }
  } finally {
    await proxy.stop(0);
  }
});
