import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Issue } from '../../base/index.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { ResponseHead } from '../http/head.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { type Json, runProxy, staticCluster } from '../testing/harness.ts';
import { isEstablished, keepResponseHead, readTunneling, type Tunneling, tunnelRequest } from './tunneling.ts';

const peer = { address: '127.0.0.1', port: 80 };
const someone = (): StreamInfo =>
  new StreamInfo({ local: peer, remote: peer, directLocal: peer, directRemote: peer } as ConstructorParameters<
    typeof StreamInfo
  >[0]);

function read(json: JsonObject): { readonly tunneling: Tunneling; readonly issues: readonly Issue[] } {
  const issues: Issue[] = [];
  return { tunneling: readMessage(json, 'tunnel', issues, readTunneling), issues };
}

test('a tunnel is asked for with the host, the path of POST, and the headers that are wanted', () => {
  const connect = tunnelRequest(read({ hostname: 'a.example:443', post_path: '' }).tunneling, someone());
  assert.deepEqual([connect?.method, connect?.authority, connect?.path], ['CONNECT', 'a.example:443', '']);
  const post = read({
    hostname: '%DOWNSTREAM_LOCAL_PORT%.example',
    use_post: true,
    headers_to_add: [{ header: { key: 'X-A', value: 'b' } }],
  });
  assert.deepEqual(post.issues, []);
  const head = tunnelRequest(post.tunneling, someone());
  assert.deepEqual([head?.method, head?.authority, head?.path], ['POST', '80.example', '/']);
  assert.equal(head?.headers.get('x-a'), 'b');
});

test('a host that would end or split the request line is none', () => {
  for (const host of ['a b', 'a\r\nx: y', 'a\tb', '\u{e4}.example']) {
    const info = someone();
    info.setMetadata('a', 'b', host);
    const { tunneling } = read({ hostname: '%DYNAMIC_METADATA(a:b)%' });
    assert.equal(tunnelRequest(tunneling, info), undefined, JSON.stringify(host));
  }
});

test('what is faulty is named with its path', () => {
  const table: readonly (readonly [JsonObject, string])[] = [
    [{}, 'tunnel.hostname'],
    [{ hostname: '%NOPE%' }, 'tunnel.hostname'],
    [{ hostname: 'a', post_path: '/a' }, 'tunnel.post_path'],
    [{ hostname: 'a', use_post: true, post_path: '/a b' }, 'tunnel.post_path'],
    [
      { hostname: 'a', headers_to_add: [{ header: { key: 'host', value: 'b' } }] },
      'tunnel.headers_to_add[0].header.key',
    ],
    [{ hostname: 'a', request_id_extension: {} }, 'tunnel.request_id_extension.typed_config'],
  ];
  for (const [json, path] of table) {
    assert.deepEqual(
      read(json).issues.map((issue) => issue.path),
      [path],
      JSON.stringify(json),
    );
  }
});

test('any 2xx that goes on makes a tunnel, and its head is kept for access logs', () => {
  const head = new ResponseHead();
  const verdicts = [101, 199, 200, 204, 299, 300, 407].map((status) => {
    head.status = status;
    return [isEstablished(head, false, 'HTTP/1.1'), isEstablished(head, true, 'HTTP/1.1')];
  });
  const [yes, no] = [
    [true, false],
    [false, false],
  ];
  assert.deepEqual(verdicts, [no, no, yes, yes, yes, no, no]);
  head.status = 201;
  assert.equal(isEstablished(head, false, 'HTTP/2'), false);
  head.status = 200;
  head.headers.add('x-a', 'b');
  const info = someone();
  keepResponseHead(info, head);
  assert.deepEqual(info.filterState, {
    'envoy.tcp_proxy.propagate_response_headers': {
      headers: [
        { key: ':status', value: '200' },
        { key: 'x-a', value: 'b' },
      ],
    },
  });
});

const TOTAL = 48 * 1024 * 1024;

/** A client of a TCP proxy that tunnels through `serve`. */
function withTunnel(
  tunneling: Json,
  serve: (socket: net.Socket) => void,
  check: (client: net.Socket) => Promise<void>,
): Promise<void> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => serve(socket));
  });
  return tunnelTo(server, tunneling, {}, check);
}

const ofHttp2: Json = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: {
        http2_protocol_options: { initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 },
      },
    },
  },
};

/** The same over HTTP/2. */
function withHttp2Tunnel(
  serve: (stream: http2.ServerHttp2Stream) => void,
  check: (client: net.Socket) => Promise<void>,
): Promise<void> {
  const server = http2.createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200 });
    serve(stream);
  });
  return tunnelTo(server, {}, ofHttp2, check);
}

async function tunnelTo(
  server: net.Server,
  tunneling: Json,
  more: Json,
  check: (client: net.Socket) => Promise<void>,
): Promise<void> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  const type = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  const tunneling_config = { hostname: 'a:80', ...tunneling };
  const typed_config = { '@type': type, stat_prefix: 't', cluster: 'c', tunneling_config };
  const proxy = await runProxy(
    {
      name: 'l',
      address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
      filter_chains: [{ filters: [{ name: 'tcp', typed_config }] }],
    },
    [staticCluster('c', [port], more)],
  );
  const client = net.connect(proxy.port, '127.0.0.1');
  client.on('error', () => undefined);
  try {
    await check(client);
  } finally {
    client.destroy();
    await proxy.stop(0);
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

test('what a client sends before it ends its side reaches the host to the last byte', async () => {
  for (const tunneling of [{}, { use_post: true }]) {
    let text = '';
    let ended = false;
    await withTunnel(
      tunneling,
      (socket) => {
        socket.on('data', (bytes) => {
          text += bytes.toString('latin1');
        });
        socket.on('end', () => {
          ended = true;
        });
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
      },
      async (client) => {
        for (let piece = 0; piece < 64; piece++) client.write('p'.repeat(65_536));
        client.end('last');
        for (let turn = 0; turn < 400 && !ended; turn++) await sleep(25);
      },
    );
    assert.ok(ended);
    assert.equal(text.replaceAll(/[^p]/g, '').length, 64 * 65_536);
    assert.match(text, 'use_post' in tunneling ? /last\r\n0\r\n\r\n$/ : /plast$/);
  }
});

/** How much a client can send before it is stopped. */
async function sendable(client: net.Socket): Promise<number> {
  const piece = Buffer.alloc(65_536);
  let sent = 0;
  while (sent < TOTAL) {
    sent += piece.length;
    if (client.write(piece)) continue;
    const drained = new Promise<boolean>((done) => client.once('drain', () => done(true)));
    if (!(await Promise.race([drained, sleep(400, false)]))) break;
  }
  return sent;
}

test('a client is stopped by a host that does not read through the tunnel', async () => {
  const check = async (client: net.Socket): Promise<void> => {
    const sent = await sendable(client);
    assert.ok(sent < TOTAL / 2, `the client could send ${sent} of ${TOTAL}`);
  };
  const silent = (socket: net.Socket): void => {
    socket.pause();
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
  };
  await withTunnel({}, silent, check);
  await withHttp2Tunnel((stream) => stream.pause(), check);
});

test('a host is stopped by a client that does not read, and either side of a tunnel over HTTP/2 ends on its own', async () => {
  let refused = 0;
  let text = '';
  await withHttp2Tunnel(
    (stream) => {
      const piece = Buffer.alloc(65_536, 'h');
      let left = TOTAL;
      const more = (): void => {
        while (left > 0) {
          left -= piece.length;
          if (!stream.write(piece)) return;
        }
        stream.end('over');
      };
      stream.on('drain', more);
      stream.on('data', (bytes: Buffer) => {
        text += bytes.toString('latin1');
      });
      stream.on('end', more);
      setTimeout(() => {
        refused = left;
      }, 600).unref();
    },
    async (client) => {
      client.pause();
      for (let piece = 0; piece < 32; piece++) client.write('p'.repeat(65_536));
      client.end('last');
      for (let turn = 0; turn < 400 && refused === 0; turn++) await sleep(25);
      let came = 0;
      let end = '';
      client.on('data', (bytes: Buffer) => {
        came += bytes.length;
        end = bytes.subarray(-4).toString('latin1');
      });
      client.resume();
      await new Promise((done) => client.once('end', done));
      assert.ok(refused > TOTAL / 2, `${refused} of ${TOTAL} waited`);
      assert.equal(came, TOTAL + 4);
      assert.equal(end, 'over');
    },
  );
  assert.equal(text.length, 32 * 65_536 + 4);
  assert.match(text, /last$/);
});
