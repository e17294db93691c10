import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../base/testing/index.ts';
import { httpListener, routes, runProxy, startBackend, staticCluster } from '../../testing/harness.ts';

/** More than the kernel keeps of two connections, whose windows grow to 32 MiB and whose senders keep 4 MiB. */
const TOTAL = 128 * 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 'p');

/** A server of raw TCP that hands each connection over. */
async function serve(onSocket: (socket: net.Socket) => void): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as net.AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Writes as much as the other side takes, for a while; the number of bytes it took. */
async function fill(socket: net.Socket, total: number): Promise<number> {
  let sent = 0;
  const quiet = (): Promise<'drain' | 'quiet'> =>
    Promise.race([
      new Promise<'drain'>((done) => socket.once('drain', () => done('drain'))),
      sleep(400, 'quiet' as const),
    ]);
  while (sent < total) {
    sent += PIECE.length;
    if (!socket.write(PIECE) && (await quiet()) === 'quiet') break;
  }
  return sent;
}

test('a client that does not read stops its upstream; when it reads on it gets everything', async (context) => {
  let upstreamTook = 0;
  const backend = await serve((socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${TOTAL}\r\n\r\n`);
      void (async () => {
        upstreamTook = await fill(socket, TOTAL);
        for (let sent = upstreamTook; sent < TOTAL; sent += PIECE.length) {
          if (!socket.write(PIECE)) await new Promise((done) => socket.once('drain', done));
        }
      })();
    });
  });
  const proxy = await runProxy(
    httpListener('l', routes([{ match: { prefix: '/' }, route: { cluster: 'c', timeout: '0s' } }])),
    [staticCluster('c', [backend.port])],
  );
  const client = net.connect(proxy.port, '127.0.0.1');
  context.after(async () => {
    client.destroy();
    await proxy.stop(0);
    backend.close();
  });
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  client.pause();
  await until(() => upstreamTook > 0);
  assert.ok(upstreamTook < TOTAL, 'the upstream could send everything');
  let received = 0;
  const whole = new Promise<void>((done) => {
    client.on('data', (bytes) => {
      received += bytes.length;
      if (received >= TOTAL) done();
    });
  });
  client.resume();
  await whole;
});

for (const [name, retry] of [
  ['', {}],
  [', also where the body is kept for a retry', { retry_policy: { retry_on: '5xx' } }],
] as const) {
  test(`an upstream that does not read stops its client${name}`, async (context) => {
    const backend = await serve((socket) => socket.pause());
    const proxy = await runProxy(
      httpListener('l', routes([{ match: { prefix: '/' }, route: { cluster: 'c', timeout: '0s', ...retry } }])),
      [staticCluster('c', [backend.port])],
    );
    const client = net.connect(proxy.port, '127.0.0.1');
    context.after(async () => {
      client.destroy();
      await proxy.stop(0);
      backend.close();
    });
    client.on('error', () => undefined);
    client.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${TOTAL}\r\n\r\n`);
    assert.ok((await fill(client, TOTAL)) < TOTAL, 'the client could send everything');
  });
}

test('a mirror that does not read stops the client like its own upstream', async () => {
  const backend = await serve((socket) => socket.resume());
  const mirror = await serve((socket) => socket.pause());
  const action = { cluster: 'c', timeout: '0s', request_mirror_policies: [{ cluster: 'm' }] };
  const proxy = await runProxy(httpListener('l', routes([{ match: { prefix: '/' }, route: action }])), [
    staticCluster('c', [backend.port]),
    staticCluster('m', [mirror.port]),
  ]);
  const client = net.connect(proxy.port, '127.0.0.1');
  client.on('error', () => undefined);
  try {
    client.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${TOTAL}\r\n\r\n`);
    assert.ok((await fill(client, TOTAL)) < TOTAL, 'the client could send everything');
  } finally {
    client.destroy();
    await proxy.stop(0);
    backend.close();
    mirror.close();
  }
});

test('no response meets the wrong request: clients that pipeline, backends that answer late, close and answer twice', async () => {
  let served = 0;
  const backend = await startBackend((head, socket) => {
    const id = /x-id: (\S+)/.exec(head)?.[1] ?? '';
    const answer = `HTTP/1.1 200 OK\r\nx-id: ${id}\r\ncontent-length: ${id.length}\r\n\r\n${id}`;
    switch (served++ % 7) {
      case 0:
        setTimeout(() => socket.write(answer), 60);
        return undefined;
      case 1:
        socket.destroy();
        return undefined;
      case 2:
        return answer + answer;
      case 3:
        setTimeout(() => socket.write(answer), 15);
        return undefined;
      default:
        return answer;
    }
  });
  const retry_policy = {
    retry_on: '5xx,reset',
    num_retries: 2,
    per_try_timeout: '0.03s',
    retry_back_off: { base_interval: '0.001s' },
  };
  const proxy = await runProxy(
    httpListener('l', routes([{ match: { prefix: '/' }, route: { cluster: 'c', timeout: '2s', retry_policy } }])),
    [staticCluster('c', [backend.port], { circuit_breakers: { thresholds: [{ max_retries: 1000 }] } })],
  );
  const clients = Array.from({ length: 6 }, async (_, number) => {
    const socket = net.connect(proxy.port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
    });
    const ids = Array.from({ length: 25 }, (__, at) => `c${number}-${at}`);
    socket.write(ids.map((id) => `GET / HTTP/1.1\r\nhost: a\r\nx-id: ${id}\r\n\r\n`).join(''));
    const deadline = Date.now() + 20_000;
    const count = (): number => text.split('HTTP/1.1 ').length - 1;
    while (count() < ids.length && Date.now() < deadline) await sleep(10);
    socket.destroy();
    const answers = text.split('HTTP/1.1 ').slice(1);
    assert.equal(answers.length, ids.length);
    for (const [at, answer] of answers.entries()) {
      if (answer.startsWith('200')) assert.ok(answer.endsWith(`\r\n\r\n${ids[at]}`), `${ids[at]} got ${answer}`);
      else assert.match(answer, /^50[234] /);
    }
  });
  await Promise.all(clients);
  await proxy.stop(0);
  await backend.close();
});
