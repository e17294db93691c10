import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpListener, type Json, routes, runProxy, staticCluster, type TestProxy } from '../../testing/harness.ts';

/** Far more than the kernel's buffers hold between a host and a client: up to 4 MiB of what is sent and 32 of what is received, both twice. */
const TOTAL = 256 * 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 'p');

interface Setup {
  readonly proxy: TestProxy;
  readonly client: net.Socket;
}

/** A client, a proxy with one CONNECT route and a backend of raw TCP. */
async function withTunnel(
  onSocket: (socket: net.Socket) => void,
  config: Json,
  check: (setup: Setup) => Promise<void>,
): Promise<void> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  const upgrade_configs = [{ upgrade_type: 'CONNECT', ...config }];
  const proxy = await runProxy(
    httpListener('l', routes([{ match: { connect_matcher: {} }, route: { cluster: 'c', upgrade_configs } }])),
    [staticCluster('c', [port])],
  );
  const client = net.connect(proxy.port, '127.0.0.1');
  client.on('error', () => undefined);
  try {
    await check({ proxy, client });
  } finally {
    client.destroy();
    await proxy.stop(0);
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const CONNECT = 'CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n';
const terminated = { connect_config: {} };

/** Writes as much as the other side takes, for a while; the number of bytes it took. */
async function fill(socket: net.Socket, total: number): Promise<number> {
  let sent = 0;
  while (sent < total) {
    sent += PIECE.length;
    if (socket.write(PIECE)) continue;
    const drained = new Promise<boolean>((done) => socket.once('drain', () => done(true)));
    if (!(await Promise.race([drained, sleep(400, false)]))) break;
  }
  return sent;
}

async function firstBytes(socket: net.Socket): Promise<string> {
  return new Promise((done) => socket.once('data', (bytes) => done(bytes.toString('latin1'))));
}

test('what goes through a tunnel arrives whole and in order, in both directions at once', async () => {
  const up = randomBytes(8 * 1024 * 1024);
  const down = randomBytes(8 * 1024 * 1024);
  const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  for (const config of [terminated, {}]) {
    const arrived: Buffer[] = [];
    const received: Buffer[] = [];
    await withTunnel(
      (socket) => {
        let answered = config === terminated;
        if (answered) socket.write(down);
        socket.on('data', (bytes) => {
          if (answered) {
            arrived.push(bytes);
            return;
          }
          answered = true;
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          socket.write(down);
        });
      },
      config,
      async ({ client }) => {
        client.write(CONNECT);
        client.write(up);
        client.on('data', (bytes) => received.push(bytes));
        const all = (): boolean =>
          Buffer.concat(arrived).length >= up.length && Buffer.concat(received).length > down.length;
        for (let turn = 0; turn < 400 && !all(); turn++) await sleep(25);
      },
    );
    const text = Buffer.concat(received);
    const head = text.subarray(0, text.indexOf('\r\n\r\n') + 4);
    assert.match(head.toString('latin1'), /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(sum(text.subarray(head.length)), sum(down));
    assert.equal(sum(Buffer.concat(arrived)), sum(up));
  }
});

test('a client is stopped by a host that does not read, and by one that has not agreed to the tunnel', async () => {
  for (const config of [terminated, {}]) {
    await withTunnel(
      (socket) => socket.pause(),
      config,
      async ({ client }) => {
        client.write(CONNECT);
        const taken = await fill(client, TOTAL);
        assert.ok(taken < TOTAL / 2, `the client could send ${taken} of ${TOTAL}`);
      },
    );
  }
});

test('a host is stopped by a client that does not read', async () => {
  let taken = 0;
  await withTunnel(
    (socket) => void fill(socket, TOTAL).then((bytes) => (taken = bytes)),
    terminated,
    async ({ client }) => {
      client.pause();
      client.write(CONNECT);
      for (let turn = 0; turn < 100 && taken === 0; turn++) await sleep(50);
      assert.ok(taken > 0 && taken < TOTAL / 2, `the host could send ${taken} of ${TOTAL}`);
    },
  );
});

test('what a refused client sends on is not read as a request', async () => {
  let requests = 0;
  await withTunnel(
    (socket) => {
      socket.on('data', () => {
        requests++;
        socket.write('HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n');
      });
    },
    {},
    async ({ client }) => {
      client.write(`${CONNECT}${CONNECT}${CONNECT}`);
      assert.match(await firstBytes(client), /^HTTP\/1\.1 407 [\s\S]*connection: close\r\n/);
      client.write(CONNECT);
      await sleep(100);
      assert.equal(requests, 1);
    },
  );
});
