import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Answer,
  Client,
  HTTP_OPTIONS,
  httpListener,
  type Json,
  routes,
  runProxy,
  staticCluster,
} from '../testing/harness.ts';

type Handle = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

interface Setup {
  readonly port: number;
  readonly ask: (request: string) => Promise<Answer>;
  readonly sessions: http2.ServerHttp2Session[];
}

async function withBackend(
  handle: Handle,
  more: Json,
  check: (setup: Setup) => Promise<void>,
  settings: http2.Settings = {},
): Promise<void> {
  const sessions: http2.ServerHttp2Session[] = [];
  const server = http2.createServer({ settings });
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    handle(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const options = {
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: {
        '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
  const { route, manager, ...cluster } = more as { route?: Json; manager?: Json };
  const listener = httpListener('l', {
    ...routes([{ match: { prefix: '/' }, route: { cluster: 'c', ...route } }]),
    ...manager,
  });
  const proxy = await runProxy(listener, [staticCluster('c', [port], { ...options, ...cluster })]);
  const ask = async (request: string): Promise<Answer> => {
    const client = new Client(proxy.port);
    client.socket.write(request);
    const answer = await client.read();
    client.socket.destroy();
    return answer;
  };
  try {
    await check({ port: proxy.port, ask, sessions });
  } finally {
    await proxy.stop(0);
    for (const session of sessions) session.destroy();
    server.close();
  }
}

function answer(stream: http2.ServerHttp2Stream, headers: http2.OutgoingHttpHeaders, body = ''): void {
  stream.respond(headers);
  stream.end(body);
}

const GET = 'GET /a?b=c HTTP/1.1\r\nhost: x.test\r\nx-y: z\r\n\r\n';

test('a request of HTTP/1.1 goes to an HTTP/2 backend, without what belongs to its connection', async () => {
  let seen: http2.IncomingHttpHeaders = {};
  await withBackend(
    (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 201, 'x-back': 'yes' });
      stream.end('hello');
    },
    {},
    async ({ ask }) => {
      const answer = await ask(
        'GET /a?b=c HTTP/1.1\r\nhost: x.test\r\nconnection: keep-alive, x-gone\r\nx-gone: 1\r\nte: gzip\r\nx-y: z\r\n\r\n',
      );
      assert.equal(answer.status, 201);
      assert.equal(answer.body, 'hello');
      assert.ok(answer.headers.includes('x-back: yes'));
    },
  );
  assert.deepEqual(
    [
      seen[':method'],
      seen[':path'],
      seen[':authority'],
      seen[':scheme'],
      seen['x-y'],
      seen['x-gone'],
      seen['te'],
      seen['connection'],
      seen['host'],
    ],
    ['GET', '/a?b=c', 'x.test', 'http', 'z', undefined, undefined, undefined, undefined],
  );
});

test('many requests share one connection', async () => {
  await withBackend(
    (stream) => setTimeout(() => answer(stream, { ':status': 200 }, 'x'), 50),
    {},
    async ({ ask, sessions }) => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask(GET)));
      assert.ok(answers.every(({ status, body }) => status === 200 && body === 'x'));
      assert.equal(sessions.length, 1);
    },
  );
});

test('a host that takes few streams gets more connections', async () => {
  await withBackend(
    (stream) => setTimeout(() => answer(stream, { ':status': 200 }, 'x'), 100),
    {},
    async ({ ask, sessions }) => {
      await ask(GET);
      const answers = await Promise.all(Array.from({ length: 6 }, () => ask(GET)));
      assert.ok(answers.every(({ status }) => status === 200));
      assert.ok(sessions.length >= 2, `${sessions.length} connections`);
    },
    { maxConcurrentStreams: 2 },
  );
});

test('large bodies go both ways through small windows', async () => {
  const large = Buffer.alloc(2_000_000, 'l');
  await withBackend(
    (stream) => {
      let got = 0;
      stream.on('data', (bytes: Buffer) => (got += bytes.length));
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'x-got': got });
        stream.end(large);
      });
    },
    {},
    async ({ ask }) => {
      const body = 'u'.repeat(700_000);
      const answer = await ask(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      assert.ok(answer.headers.includes(`x-got: ${body.length}`));
      assert.equal(answer.body.length, large.length);
    },
  );
});

test('gRPC passes from an HTTP/2 client to an HTTP/2 backend, trailers and all', async () => {
  await withBackend(
    (stream, headers) => {
      assert.equal(headers['te'], 'trailers');
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
      stream.on('data', (bytes: Buffer) => stream.write(bytes)).on('end', () => stream.end());
    },
    {},
    async ({ port }) => {
      const client = http2.connect(`http://127.0.0.1:${port}`);
      const stream = client.request({
        ':method': 'POST',
        ':path': '/p.S/M',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const trailers = once(stream, 'trailers');
      let body = '';
      stream.on('data', (bytes: Buffer) => (body += bytes.toString()));
      stream.write('one');
      await sleep(20);
      stream.end('two');
      const [told] = (await trailers) as [http2.IncomingHttpHeaders];
      assert.deepEqual([told['grpc-status'], told['grpc-message'], body], ['0', 'fine', 'onetwo']);
      client.destroy();
    },
  );
});

test('what a host does to a stream, and what the client hears of it', async () => {
  const cases: readonly (readonly [string, Handle, number, RegExp])[] = [
    ['resets', (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR), 503, /reset reason: remote reset/],
    [
      'refuses',
      (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM),
      503,
      /reset reason: remote refused stream reset/,
    ],
    ['ends the connection', (stream) => stream.session?.destroy(), 503, /reset reason: connection termination/],
    ['says nothing', () => undefined, 504, /upstream request timeout/],
    ['has no body', (stream) => answer(stream, { ':status': 204 }), 204, /^$/],
  ];
  for (const [what, handle, status, body] of cases) {
    await withBackend(handle, { route: { timeout: '0.3s' } }, async ({ ask }) => {
      const answer = await ask(GET);
      assert.equal(answer.status, status, what);
      assert.match(answer.body, body, what);
      // The connection, or another one, serves the next.
      assert.equal((await ask(GET)).status, status, what);
    });
  }
});

test('a refused stream is tried again where the route says so', async () => {
  let asked = 0;
  await withBackend(
    (stream) => {
      if (asked++ === 0) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      else answer(stream, { ':status': 200 }, 'again');
    },
    { route: { retry_policy: { retry_on: 'refused-stream', num_retries: 1 } } },
    async ({ ask }) => assert.equal((await ask(GET)).body, 'again'),
  );
});

test('a host that goes away lets what is under way end, and the next request gets another connection', async () => {
  await withBackend(
    (stream) => {
      stream.session?.goaway();
      setTimeout(() => answer(stream, { ':status': 200 }, 'late'), 100);
    },
    {},
    async ({ ask, sessions }) => {
      assert.equal((await ask(GET)).body, 'late');
      assert.equal((await ask(GET)).body, 'late');
      assert.equal(sessions.length, 2);
    },
  );
});

test('use_downstream_protocol_config: each client is served in its own protocol', async () => {
  const typed = {
    '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
    use_downstream_protocol_config: { http2_protocol_options: {} },
  };
  await withBackend(
    (stream) => answer(stream, { ':status': 200 }, 'two'),
    { typed_extension_protocol_options: { [HTTP_OPTIONS]: typed } },
    async ({ port, ask }) => {
      const client = http2.connect(`http://127.0.0.1:${port}`);
      const [headers] = (await once(client.request({ ':path': '/' }), 'response')) as [http2.IncomingHttpHeaders];
      assert.equal(headers[':status'], 200);
      client.destroy();
      // The backend speaks nothing but HTTP/2.
      assert.equal((await ask(GET)).status, 502);
    },
  );
});
