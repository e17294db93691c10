import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Backend,
  Client,
  httpListener,
  type Json,
  OK_RESPONSE,
  once,
  type Respond,
  routes,
  runProxy,
  startBackend,
  staticCluster,
  type TestProxy,
} from '../../testing/harness.ts';

interface Setup {
  readonly backend: Backend;
  readonly proxy: TestProxy;
}

const route = (more: Json = {}): Json => ({ match: { prefix: '/' }, route: { cluster: 'c', ...more } });

async function withProxy(
  {
    respond,
    action = {},
    manager = {},
    cluster = {},
  }: { respond?: Respond; action?: Json; manager?: Json; cluster?: Json },
  check: (setup: Setup) => Promise<void>,
): Promise<void> {
  const backend = await startBackend(respond);
  const proxy = await runProxy(httpListener('l', { ...routes([route(action)]), ...manager }), [
    staticCluster('c', [backend.port], cluster),
  ]);
  try {
    await check({ backend, proxy });
  } finally {
    await proxy.stop(0);
    await backend.close();
  }
}

test('an upstream that misbehaves gives 502 or 503 in the words of Envoy', async () => {
  const before = 'upstream connect error or disconnect/reset before headers. reset reason: ';
  const table: readonly (readonly [string, Respond, number, string])[] = [
    ['closes', (_, socket) => void socket.destroy(), 503, `${before}connection termination`],
    ['speaks no HTTP', () => 'hello\r\n\r\n', 502, `${before}protocol error`],
    [
      'sends two lengths',
      () => 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na',
      502,
      `${before}protocol error`,
    ],
    ['sends a body with 204', () => 'HTTP/1.1 204 No\r\ncontent-length: 1\r\n\r\na', 502, `${before}protocol error`],
  ];
  for (const [what, respond, status, body] of table) {
    await withProxy({ respond }, async ({ proxy }) => {
      const answer = await once(proxy.port, '/');
      assert.deepEqual([what, answer.status, answer.body], [what, status, body]);
    });
  }
});

test('retries: as often as allowed, then the last answer', async () => {
  const respond: Respond = () => 'HTTP/1.1 503 Nope\r\ncontent-length: 4\r\n\r\nnope';
  const action = { retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } } };
  await withProxy({ respond, action }, async ({ proxy, backend }) => {
    const answer = await once(proxy.port, '/');
    assert.deepEqual([answer.status, answer.body, backend.heads.length], [503, 'nope', 3]);
  });
});

test('retries: a later good answer counts, the body is sent again', async () => {
  let count = 0;
  const respond: Respond = (_, socket) => (++count < 3 ? void socket.destroy() : OK_RESPONSE);
  const action = { retry_policy: { retry_on: 'reset', num_retries: 3, retry_back_off: { base_interval: '0.001s' } } };
  await withProxy({ respond, action }, async ({ proxy, backend }) => {
    const client = new Client(proxy.port);
    client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello');
    assert.equal((await client.read()).status, 200);
    assert.deepEqual(backend.bodies, ['hello', 'hello', 'hello']);
    client.close();
  });
});

test('route and per-try timeouts', async () => {
  const respond: Respond = () => undefined;
  await withProxy({ respond, action: { timeout: '0.05s' } }, async ({ proxy }) => {
    const answer = await once(proxy.port, '/');
    assert.deepEqual([answer.status, answer.body], [504, 'upstream request timeout']);
  });
  const action = { retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '0.03s' } };
  await withProxy({ respond, action }, async ({ proxy, backend }) => {
    assert.equal((await once(proxy.port, '/')).status, 504);
    assert.equal(backend.heads.length, 2);
    assert.match(backend.heads[0] ?? '', /x-envoy-expected-rq-timeout-ms: 30\r\n/);
  });
});

test('stream idle timeout and request timeout', async () => {
  await withProxy({ respond: () => undefined, manager: { stream_idle_timeout: '0.05s' } }, async ({ proxy }) => {
    const answer = await once(proxy.port, '/');
    assert.deepEqual([answer.status, answer.body], [504, 'stream timeout']);
  });
  await withProxy({ manager: { request_timeout: '0.05s' } }, async ({ proxy }) => {
    const client = new Client(proxy.port);
    client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhe');
    const answer = await client.read();
    assert.deepEqual([answer.status, answer.body], [408, 'request timeout']);
    assert.ok(answer.headers.includes('connection: close'));
    client.close();
  });
});

test('bodies: chunked both ways, close-delimited, HEAD, 204, 304, 100-continue', async () => {
  const respond: Respond = (head) => {
    if (head.startsWith('HEAD')) return 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n';
    if (head.includes(' /chunked '))
      return 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nt: v\r\n\r\n';
    if (head.includes(' /204 ')) return 'HTTP/1.1 204 No Content\r\n\r\n';
    if (head.includes(' /304 ')) return 'HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n';
    if (head.includes(' /1xx '))
      return 'HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
    return OK_RESPONSE;
  };
  await withProxy({ respond }, async ({ proxy, backend }) => {
    const client = new Client(proxy.port);
    assert.equal((await client.get('/chunked')).body, 'abcde');
    client.send('HEAD / HTTP/1.1\r\nhost: a\r\n\r\n');
    assert.ok((await client.read(true)).headers.includes('content-length: 9'));
    assert.equal((await client.get('/204')).status, 204);
    assert.equal((await client.get('/304')).status, 304);
    assert.equal((await client.get('/1xx')).status, 200);
    client.send('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n');
    assert.equal((await client.read()).status, 100);
    client.send('5\r\nhello\r\n0\r\n\r\n');
    assert.equal((await client.read()).body, 'ok');
    assert.equal(backend.bodies.at(-1), '5\r\nhello\r\n');
    assert.doesNotMatch(backend.heads.at(-1) ?? '', /expect:/);
    client.send('POST / HTTP/1.1\r\nhost: a\r\n\r\n');
    await client.read();
    assert.match(backend.heads.at(-1) ?? '', /content-length: 0\r\n/);
    client.close();
  });
});

test('pipelined requests are answered in order, one at a time', async () => {
  await withProxy(
    { respond: (head) => `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n${head.slice(5, 7)}` },
    async ({ proxy }) => {
      const client = new Client(proxy.port);
      client.send(['aa', 'bb', 'cc'].map((path) => `GET /${path} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''));
      assert.deepEqual(
        [(await client.read()).body, (await client.read()).body, (await client.read()).body],
        ['aa', 'bb', 'cc'],
      );
      client.close();
    },
  );
});

test('ambiguous or broken requests are answered and the connection closed', async () => {
  const table: readonly (readonly [string, number, string])[] = [
    ['GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n', 400, 'Bad Request'],
    ['GET / HTTP/1.1\r\nhost : a\r\n\r\n', 400, 'Bad Request'],
    ['GET / HTTP/1.1\r\n\r\n', 400, ''],
    ['GET / HTTP/1.1\r\nhost: a b\r\n\r\n', 400, 'Bad Request'],
    ['GET / HTTP/1.0\r\nhost: a\r\n\r\n', 426, 'Upgrade Required'],
    ['POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n', 501, 'Not Implemented'],
    [`GET / HTTP/1.1\r\nhost: a\r\n${'a: b\r\n'.repeat(101)}\r\n`, 431, 'Request Header Fields Too Large'],
    ['GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n', 400, ''],
    ['CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n', 404, ''],
    ['POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxx\r\n', 400, 'Bad Request'],
  ];
  await withProxy({ manager: { delayed_close_timeout: '0.02s' } }, async ({ proxy }) => {
    for (const [wire, status, body] of table) {
      const client = new Client(proxy.port);
      client.send(wire);
      const answer = await client.read();
      assert.deepEqual([wire, answer.status, answer.body], [wire, status, body]);
      assert.ok(answer.headers.includes('connection: close'), wire);
      assert.equal(await client.rest(), '');
      client.close();
    }
  });
});

test('an upgrade passes only where it is allowed, then bytes go both ways', async () => {
  const respond: Respond = (_, socket) => {
    socket.removeAllListeners('data');
    socket.on('data', (bytes) => socket.write(`<${bytes}>`));
    return 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhi';
  };
  const wanted = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n';
  await withProxy(
    { respond, manager: { upgrade_configs: [{ upgrade_type: 'websocket' }] } },
    async ({ proxy, backend }) => {
      const client = new Client(proxy.port);
      client.send(wanted);
      const answer = await client.read();
      assert.equal(answer.status, 101);
      assert.ok(answer.headers.includes('upgrade: websocket'));
      assert.match(backend.heads[0] ?? '', /connection: Upgrade\r\nupgrade: websocket\r\n/);
      client.send('ping');
      let seen = '';
      while (!seen.includes('<ping>')) {
        seen += await new Promise<string>((resolve) => client.socket.once('data', (bytes) => resolve(String(bytes))));
      }
      await backend.close();
      await client.rest();
    },
  );
  await withProxy({ respond }, async ({ proxy }) => {
    const client = new Client(proxy.port);
    client.send(wanted);
    assert.equal((await client.read()).status, 403);
    client.close();
  });
});

test('large bodies with a slow reader pass whole, and memory stays bounded', async () => {
  const size = 24 * 1024 * 1024;
  const piece = 'x'.repeat(1024 * 1024);
  let written = 0;
  const respond: Respond = (_, socket) => {
    const more = (): void => {
      while (written < size) {
        written += piece.length;
        if (!socket.write(piece)) break;
      }
    };
    socket.on('drain', more);
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
    more();
    return undefined;
  };
  await withProxy({ respond }, async ({ proxy }) => {
    const client = new Client(proxy.port);
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(written < size, 'the backend was held back');
    let received = 0;
    client.socket.removeAllListeners('data');
    const whole = new Promise<void>((resolve) => {
      client.socket.on('data', (bytes) => {
        received += bytes.length;
        if (received >= size) resolve();
      });
    });
    client.socket.resume();
    await whole;
    client.close();
  });
});

test('an upload meets a slow backend whole', async () => {
  const size = 8 * 1024 * 1024;
  const respond: Respond = (_, socket, body) => {
    socket.resume();
    return `HTTP/1.1 200 OK\r\ncontent-length: ${String(body.length).length}\r\n\r\n${body.length}`;
  };
  await withProxy({ respond, action: { timeout: '0s' } }, async ({ proxy }) => {
    const client = new Client(proxy.port);
    client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${size}\r\n\r\n`);
    client.send('y'.repeat(size));
    assert.equal((await client.read()).body, String(size));
    client.close();
  });
});

test('circuit breakers: requests beyond the limits get 503 overflow', async () => {
  const limits = { circuit_breakers: { thresholds: [{ max_connections: 1, max_pending_requests: 1 }] } };
  const held: (() => void)[] = [];
  const respond: Respond = (_, socket) => void held.push(() => socket.write(OK_RESPONSE));
  await withProxy({ respond, cluster: limits }, async ({ proxy, backend }) => {
    const clients = [new Client(proxy.port), new Client(proxy.port), new Client(proxy.port)] as const;
    const first = clients[0].get('/');
    while (backend.heads.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = clients[1].get('/');
    await new Promise((resolve) => setTimeout(resolve, 30));
    const third = await clients[2].get('/');
    assert.equal(third.status, 503);
    assert.ok(third.headers.includes('x-envoy-overloaded: true'));
    assert.match(third.body, /reset reason: overflow$/);
    held.shift()?.();
    assert.equal((await first).status, 200);
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    held.shift()?.();
    assert.equal((await second).status, 200);
    assert.equal(backend.connections, 1);
    for (const client of clients) client.close();
  });
});

test('outlier detection takes a dead host out; with all gone it goes on (panic)', async () => {
  const good = await startBackend();
  const outlier = {
    outlier_detection: {
      split_external_local_origin_errors: true,
      consecutive_local_origin_failure: 2,
      max_ejection_percent: 50,
    },
  };
  const proxy = await runProxy(
    httpListener('l', routes([route({ retry_policy: { retry_on: 'connect-failure', num_retries: 3 } })])),
    [staticCluster('c', [1, good.port], outlier)],
  );
  try {
    const client = new Client(proxy.port);
    for (let count = 0; count < 20; count++) assert.equal((await client.get('/')).status, 200);
    client.close();
  } finally {
    await proxy.stop(0);
    await good.close();
  }
});
