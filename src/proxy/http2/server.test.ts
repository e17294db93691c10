import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Backend,
  httpListener,
  type Json,
  routes,
  runProxy,
  startBackend,
  staticCluster,
} from '../testing/harness.ts';
import { ERROR, FRAME, FRAME_HEAD, PREFACE, putFrameHead, uint32 } from './frame.ts';

interface Setup {
  readonly port: number;
  readonly backend: Backend;
  readonly client: http2.ClientHttp2Session;
  readonly stop: (drainMs: number) => Promise<void>;
}

async function withProxy(
  manager: Json,
  respond: Parameters<typeof startBackend>[0],
  check: (setup: Setup) => Promise<void>,
): Promise<void> {
  const backend = await startBackend(respond);
  const listener = httpListener('l', { ...routes([{ match: { prefix: '/' }, route: { cluster: 'c' } }]), ...manager });
  const proxy = await runProxy(listener, [staticCluster('c', [backend.port])]);
  const client = http2.connect(`http://127.0.0.1:${proxy.port}`);
  client.on('error', () => {});
  try {
    await check({ port: proxy.port, backend, client, stop: (drainMs) => proxy.stop(drainMs) });
  } finally {
    client.destroy();
    await proxy.stop(0);
    await backend.close();
  }
}

interface Reply {
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: string;
}

async function ask(
  client: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string,
): Promise<Reply> {
  const stream = client.request(headers, { endStream: body === undefined });
  let text = '';
  let trailers: http2.IncomingHttpHeaders = {};
  stream.setEncoding('latin1').on('data', (piece: string) => (text += piece));
  stream.on('trailers', (came: http2.IncomingHttpHeaders) => (trailers = came));
  if (body !== undefined) stream.end(body);
  const ended = once(stream, 'end');
  const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  await ended;
  return { headers: answer, trailers, body: text };
}

test('a request goes to an HTTP/1.1 backend and its answer comes back', async () => {
  await withProxy({}, undefined, async ({ client, backend }) => {
    const reply = await ask(client, { ':path': '/a?b=c', ':authority': 'x.test', cookie: ['a=1', 'b=2'], 'x-y': 'z' });
    assert.equal(reply.headers[':status'], 200);
    assert.equal(reply.body, 'ok');
    const [head = ''] = backend.heads;
    assert.match(head, /^GET \/a\?b=c HTTP\/1\.1\r\nhost: x\.test\r\n/);
    assert.match(head, /\r\ncookie: a=1; b=2\r\n/);
    assert.match(head, /\r\nx-y: z\r\n/);
    assert.match(head, /\r\nx-forwarded-proto: http\r\n/);
    assert.doesNotMatch(head, /:path|connection/);
  });
});

test('HTTP/1.1 is served at the same place, whichever way the first bytes come', async () => {
  await withProxy({}, undefined, async ({ port }) => {
    for (const pieces of [
      ['GET / HTTP/1.1\r\nhost: a\r\n\r\n'],
      ['P', 'OST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n'],
    ]) {
      const socket = net.connect(port, '127.0.0.1');
      for (const piece of pieces) {
        socket.write(piece);
        await sleep(20);
      }
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      assert.match(bytes.toString(), /^HTTP\/1\.1 200 OK/);
      socket.destroy();
    }
  });
});

test('bodies go both ways, larger than every window, and what is announced is what comes', async () => {
  const large = 'b'.repeat(3_000_000);
  const respond = (_head: string, _socket: net.Socket, body: string): string =>
    `HTTP/1.1 200 OK\r\ncontent-length: ${large.length}\r\nx-got: ${body.length}\r\n\r\n${large}`;
  await withProxy(
    { http2_protocol_options: { initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 } },
    respond,
    async ({ client }) => {
      const body = 'u'.repeat(500_000);
      const reply = await ask(client, { ':method': 'POST', 'content-length': body.length }, body);
      assert.equal(reply.headers['x-got'], String(body.length));
      assert.equal(reply.body, large);
    },
  );
});

test('many streams are answered beside each other, each with its own', async () => {
  const respond = (head: string): string => {
    const path = /^GET (\S+)/.exec(head)?.[1] ?? '';
    return `HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`;
  };
  await withProxy({}, respond, async ({ client }) => {
    const replies = await Promise.all(Array.from({ length: 300 }, (_, at) => ask(client, { ':path': `/${at}` })));
    assert.deepEqual(
      replies.map(({ body }) => body),
      replies.map((_, at) => `/${at}`),
    );
  });
});

test('a client that takes nothing of one stream gets the others', async () => {
  const large = 'l'.repeat(2_000_000);
  const respond = (head: string): string => {
    const body = head.includes('/large') ? large : 'small';
    return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  };
  await withProxy({}, respond, async ({ client }) => {
    await once(client, 'connect');
    client.setLocalWindowSize(1_000_000);
    const slow = client.request({ ':path': '/large' });
    await once(slow, 'response');
    slow.pause();
    for (let round = 0; round < 5; round++) assert.equal((await ask(client, { ':path': '/small' })).body, 'small');
    let length = 0;
    slow.on('data', (bytes: Buffer) => (length += bytes.length)).resume();
    await once(slow, 'end');
    assert.equal(length, large.length);
  });
});

test('a stream that the client resets ends its request, and no other', async () => {
  await withProxy(
    {},
    (head) => (head.includes('/never') ? undefined : 'HTTP/1.1 204 No Content\r\n\r\n'),
    async ({ client, backend }) => {
      const never = client.request({ ':path': '/never' });
      never.on('error', () => {});
      while (backend.heads.length === 0) await sleep(5);
      never.close(http2.constants.NGHTTP2_CANCEL);
      assert.equal((await ask(client, { ':path': '/' })).headers[':status'], 204);
    },
  );
});

test('local replies, timeouts and grpc answers', async () => {
  const manager = routes([
    { match: { path: '/slow' }, route: { cluster: 'c', timeout: '0.1s' } },
    { match: { path: '/gone' }, route: { cluster_header: 'x-cluster' } },
  ]);
  await withProxy(
    { ...manager },
    () => undefined,
    async ({ client }) => {
      assert.equal((await ask(client, { ':path': '/none' })).headers[':status'], 404);
      assert.equal((await ask(client, { ':path': '/gone' })).headers[':status'], 503);
      const slow = await ask(client, { ':path': '/slow' });
      assert.deepEqual([slow.headers[':status'], slow.body], [504, 'upstream request timeout']);
      const grpc = await ask(client, { ':path': '/slow', ':method': 'POST', 'content-type': 'application/grpc' }, '');
      assert.deepEqual([grpc.headers[':status'], grpc.headers['grpc-status']], [200, '14']);
    },
  );
});

test('a proxy that drains lets the client know and finishes what is under way', async () => {
  await withProxy(
    {},
    (_head, socket) =>
      void setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'), 200) as undefined,
    async ({ client, backend, stop }) => {
      const told = once(client, 'goaway');
      const reply = ask(client, { ':path': '/' });
      while (backend.heads.length === 0) await sleep(5);
      const stopped = stop(3000);
      assert.equal((await reply).body, 'ok');
      assert.equal(((await told) as [number])[0], ERROR.NO_ERROR);
      await stopped;
    },
  );
});

test('extended CONNECT becomes an upgrade to the backend', async () => {
  const respond = (head: string, socket: net.Socket): string => {
    assert.match(head, /^GET \/chat HTTP\/1\.1/);
    assert.match(head, /\r\nupgrade: websocket\r\nconnection: upgrade\r\n/);
    socket.on('data', (bytes) => socket.write(bytes));
    return 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
  };
  const manager = { http2_protocol_options: { allow_connect: true }, upgrade_configs: [{ upgrade_type: 'websocket' }] };
  await withProxy(manager, respond, async ({ client }) => {
    await once(client, 'remoteSettings');
    const stream = client.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/chat',
      ':authority': 'a',
      ':scheme': 'http',
    });
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    assert.equal(headers[':status'], 200);
    assert.equal(headers['upgrade'], undefined);
    stream.write('hello');
    const [echo] = (await once(stream, 'data')) as [Buffer];
    assert.equal(echo.toString(), 'hello');
    stream.destroy();
  });
});

const frame = (type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer => {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload;
  const head = Buffer.alloc(FRAME_HEAD);
  putFrameHead(head, 0, bytes.length, type, flags, id);
  return Buffer.concat([head, bytes]);
};
const SETTINGS = frame(FRAME.SETTINGS, 0, 0);
/** `GET http://a/`. */
const REQUEST = '828684410161';
const many = (count: number, one: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => one));

/** What a client sends behind its preface, and the error code of the GOAWAY that it gets; undefined: none, the connection just ends. */
const hostile: readonly (readonly [string, Buffer, number | undefined])[] = [
  ['no SETTINGS first', frame(FRAME.PING, 0, 0, '0000000000000000'), ERROR.PROTOCOL_ERROR],
  [
    'a frame larger than allowed',
    Buffer.concat([SETTINGS, frame(FRAME.DATA, 0, 1, Buffer.alloc(16_385))]),
    ERROR.FRAME_SIZE_ERROR,
  ],
  ['DATA of a stream that is not open', Buffer.concat([SETTINGS, frame(FRAME.DATA, 0, 1, '00')]), ERROR.PROTOCOL_ERROR],
  ['an even stream', Buffer.concat([SETTINGS, frame(FRAME.HEADERS, 5, 2, REQUEST)]), ERROR.PROTOCOL_ERROR],
  [
    'a block that is no HPACK',
    Buffer.concat([SETTINGS, frame(FRAME.HEADERS, 5, 1, 'ffffffff')]),
    ERROR.COMPRESSION_ERROR,
  ],
  [
    'a request without a path',
    Buffer.concat([SETTINGS, frame(FRAME.HEADERS, 5, 1, '8286410161')]),
    ERROR.PROTOCOL_ERROR,
  ],
  [
    'a connection header',
    Buffer.concat([SETTINGS, frame(FRAME.HEADERS, 5, 1, `${REQUEST}400a636f6e6e656374696f6e0161`)]),
    ERROR.PROTOCOL_ERROR,
  ],
  [
    'an upper case name',
    Buffer.concat([SETTINGS, frame(FRAME.HEADERS, 5, 1, `${REQUEST}4001580161`)]),
    ERROR.PROTOCOL_ERROR,
  ],
  [
    'a line break in a value',
    Buffer.concat([SETTINGS, frame(FRAME.HEADERS, 5, 1, `${REQUEST}400178030d0a61`)]),
    ERROR.PROTOCOL_ERROR,
  ],
  [
    'another frame amid a block',
    Buffer.concat([SETTINGS, frame(FRAME.HEADERS, 1, 1, REQUEST), frame(FRAME.PING, 0, 0, '0000000000000000')]),
    ERROR.PROTOCOL_ERROR,
  ],
  [
    'blocks without end',
    Buffer.concat([
      SETTINGS,
      frame(FRAME.HEADERS, 1, 1, REQUEST),
      many(200, frame(FRAME.CONTINUATION, 0, 1, '4001780161')),
    ]),
    ERROR.ENHANCE_YOUR_CALM,
  ],
  [
    'empty blocks',
    Buffer.concat([SETTINGS, frame(FRAME.HEADERS, 1, 1, REQUEST), many(3, frame(FRAME.CONTINUATION, 0, 1))]),
    undefined,
  ],
  [
    'empty DATA',
    Buffer.concat([SETTINGS, frame(FRAME.HEADERS, 4, 1, REQUEST), many(3, frame(FRAME.DATA, 0, 1))]),
    undefined,
  ],
  ['PRIORITY without end', Buffer.concat([SETTINGS, many(102, frame(FRAME.PRIORITY, 0, 3, '0000000000'))]), undefined],
  [
    'WINDOW_UPDATE without end',
    Buffer.concat([SETTINGS, many(7, frame(FRAME.WINDOW_UPDATE, 0, 0, '00000001'))]),
    undefined,
  ],
  [
    'a window beyond its largest',
    Buffer.concat([SETTINGS, frame(FRAME.WINDOW_UPDATE, 0, 0, '7fffffff')]),
    ERROR.FLOW_CONTROL_ERROR,
  ],
  [
    'a setting out of range',
    Buffer.concat([frame(FRAME.SETTINGS, 0, 0, '000400000000'.replace('00000000', 'ffffffff'))]),
    ERROR.FLOW_CONTROL_ERROR,
  ],
  [
    'a pushed stream',
    Buffer.concat([SETTINGS, frame(FRAME.PUSH_PROMISE, 4, 1, `00000002${REQUEST}`)]),
    ERROR.PROTOCOL_ERROR,
  ],
  [
    'streams that are opened and reset',
    Buffer.concat([
      SETTINGS,
      ...Array.from({ length: 600 }, (_, at) =>
        Buffer.concat([
          frame(FRAME.HEADERS, 5, 2 * at + 1, REQUEST),
          frame(FRAME.RST_STREAM, 0, 2 * at + 1, '00000008'),
        ]),
      ),
    ]),
    undefined,
  ],
];

test('what HTTP/2 does not allow ends the connection with its error code, and nothing else', async () => {
  await withProxy(
    {},
    () => undefined,
    async ({ port, client }) => {
      // Each takes the second that a connection is given to be closed by its client.
      const ends = hostile.map(async ([what, bytes, expected]) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('error', () => {});
        const pieces: Buffer[] = [];
        socket.on('data', (piece) => pieces.push(piece));
        socket.write(Buffer.concat([PREFACE, bytes]));
        await once(socket, 'close', { signal: AbortSignal.timeout(10_000) }).catch(() =>
          assert.fail(`${what}: the connection stays`),
        );
        assert.equal(goawayCode(Buffer.concat(pieces)), expected, what);
      });
      await Promise.all(ends);
      const alive = await new Promise<Error | null>((resolve) => client.ping((error) => resolve(error)));
      assert.equal(alive, null);
    },
  );
});

function goawayCode(bytes: Buffer): number | undefined {
  for (let at = 0; at + FRAME_HEAD <= bytes.length; at += FRAME_HEAD + bytes.readUIntBE(at, 3))
    if (bytes[at + 3] === FRAME.GOAWAY) return uint32(bytes, at + FRAME_HEAD + 4);
  return undefined;
}
