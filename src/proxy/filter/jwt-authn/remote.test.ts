import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../base/testing/index.ts';
import {
  Client,
  httpListener,
  type Json,
  once,
  ROUTER,
  routes,
  runProxy,
  startBackend,
  staticCluster,
  type TestProxy,
} from '../../testing/harness.ts';
import { startRaw } from '../../testing/raw-server.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication';
const SECRET = 'secret';
const base64 = (value: string): string => Buffer.from(value).toString('base64url');
const KEYS = JSON.stringify({ keys: [{ kty: 'oct', alg: 'HS256', k: base64(SECRET) }] });
const signed = `${base64('{"alg":"HS256"}')}.${base64('{"iss":"issuer"}')}`;
const BEARER = `authorization: Bearer ${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}\r\n`;
const FAILED = 'Jwks remote fetch is failed';
/** Far less than the tests wait for an answer that never comes. */
const TIMEOUT = '0.3s';
const SOON_MS = 3000;

const answer = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/** Answers each request with the next of `bodies`, the last one again and again. */
const says =
  (bodies: readonly string[], asked: { count: number }) =>
  (socket: net.Socket): void => {
    socket.on('data', () => {
      const body = bodies[Math.min(asked.count, bodies.length - 1)] ?? '';
      asked.count++;
      socket.write(answer(body));
    });
  };

interface Stage {
  readonly proxy: TestProxy;
  close(): Promise<void>;
}

async function start(keysPort: number, remote: Json = {}, requires: Json = { provider_name: 'p' }): Promise<Stage> {
  const echo = await startBackend();
  const uri = { uri: 'http://keys.test/', cluster: 'keys', timeout: TIMEOUT };
  const config = {
    '@type': TYPE,
    providers: { p: { issuer: 'issuer', remote_jwks: { http_uri: uri, ...remote } } },
    rules: [{ match: { prefix: '/' }, requires }],
  };
  const manager = {
    ...routes([{ match: { prefix: '/' }, route: { cluster: 'echo' } }]),
    http_filters: [{ name: 'jwt', typed_config: config }, ROUTER],
  };
  const clusters = [staticCluster('echo', [echo.port]), staticCluster('keys', [keysPort])];
  const proxy = await runProxy(httpListener('l', manager), clusters);
  return {
    proxy,
    close: async () => {
      await proxy.stop(0);
      await echo.close();
    },
  };
}

/** What comes of a request with a good token, which must come soon. */
async function ask({ proxy }: Stage): Promise<readonly [number, string]> {
  const from = Date.now();
  const { status, body } = await once(proxy.port, '/', BEARER);
  assert.ok(Date.now() - from < SOON_MS, `answered after ${Date.now() - from} ms`);
  return [status, body];
}

const deep = `{"keys":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
const many = JSON.stringify({ keys: Array.from({ length: 2000 }, () => ({ kty: 'oct', k: base64(SECRET) })) });

/** Servers that have no keys, each in its way. */
const servers: Readonly<Record<string, (socket: net.Socket) => void>> = {
  'says nothing': () => undefined,
  'goes away': (socket) => socket.destroy(),
  'sends a byte now and then': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
    const timer = setInterval(() => socket.write(' '), 20);
    socket.on('close', () => clearInterval(timer));
  },
  'sends the head alone': (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'),
  'speaks no HTTP': (socket) => socket.end('220 smtp.test\r\n'),
  'sends no JSON': (socket) => socket.write(answer('<html>')),
  'nests without end': (socket) => socket.write(answer(deep)),
  'has more keys than anybody': (socket) => socket.write(answer(many)),
  'says that it is somewhere else': (socket) =>
    socket.write('HTTP/1.1 302 Found\r\nlocation: /keys\r\ncontent-length: 0\r\n\r\n'),
};

for (const [name, behaviour] of Object.entries(servers)) {
  test(`no request passes or hangs where the server of the keys ${name}`, async () => {
    const keys = await startRaw(behaviour);
    const strict = await start(keys.port);
    const lenient = await start(keys.port, {}, { allow_missing_or_failed: {} });
    try {
      assert.deepEqual(await ask(strict), [401, FAILED]);
      assert.equal((await ask(lenient))[0], 200);
      assert.deepEqual(await ask(strict), [401, FAILED]);
    } finally {
      await strict.close();
      await lenient.close();
      keys.close();
    }
  });
}

test('a server without end is given up', async () => {
  let open = 0;
  const piece = Buffer.alloc(64 * 1024, 32);
  const keys = await startRaw((socket) => {
    open++;
    socket.on('close', () => open--);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  });
  const stage = await start(keys.port);
  try {
    assert.deepEqual(await ask(stage), [401, FAILED]);
    await until(() => open === 0);
  } finally {
    await stage.close();
    keys.close();
  }
});

test('requests that wait for keys share one answer', async () => {
  const asked = { count: 0 };
  const keys = await startRaw((socket) => {
    socket.on('data', () => {
      asked.count++;
      setTimeout(() => socket.write(answer(KEYS)), 100);
    });
  });
  const stage = await start(keys.port);
  try {
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(stage)));
    assert.deepEqual([...new Set(all.map(([status]) => status))], [200]);
    assert.equal(asked.count, 1);
  } finally {
    await stage.close();
    keys.close();
  }
});

test('nobody is asked on behalf of clients that have gone', async () => {
  let open = 0;
  const keys = await startRaw((socket) => {
    open++;
    socket.on('close', () => open--);
    socket.resume();
  });
  const stage = await start(keys.port, { http_uri: { uri: 'http://a', cluster: 'keys', timeout: '60s' } });
  try {
    const clients = [new Client(stage.proxy.port), new Client(stage.proxy.port)];
    for (const client of clients) client.send(`GET / HTTP/1.1\r\nhost: a\r\n${BEARER}\r\n`);
    await until(() => open === 1);
    clients[0]?.socket.destroy();
    await sleep(50);
    assert.equal(open, 1);
    clients[1]?.socket.destroy();
    await until(() => open === 0);
  } finally {
    await stage.close();
    keys.close();
  }
});

test('keys that are too old are asked for again, and without an answer no token is good', async () => {
  const asked = { count: 0 };
  const keys = await startRaw(says([KEYS, 'gone'], asked));
  const stage = await start(keys.port, { cache_duration: '1s' });
  try {
    assert.equal((await ask(stage))[0], 200);
    assert.equal((await ask(stage))[0], 200);
    assert.equal(asked.count, 1);
    await sleep(1100);
    assert.deepEqual(await ask(stage), [401, FAILED]);
    assert.equal(asked.count, 2);
  } finally {
    await stage.close();
    keys.close();
  }
});

test('keys are fetched ahead of requests, after failures again, and kept while there are no newer ones', async () => {
  const asked = { count: 0 };
  const keys = await startRaw(says(['bad', 'bad', KEYS, 'gone'], asked));
  const async_fetch = { failed_refetch_duration: '0.05s' };
  const stage = await start(keys.port, { cache_duration: '1s', async_fetch });
  try {
    await until(() => asked.count === 3);
    await sleep(50);
    assert.equal((await ask(stage))[0], 200);
    assert.equal(asked.count, 3);
    await until(() => asked.count > 4);
    assert.equal((await ask(stage))[0], 200);
  } finally {
    await stage.close();
    keys.close();
  }
});
