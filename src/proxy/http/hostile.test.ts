import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { httpListener, type Json, once, routes, runProxy, startBackend, staticCluster } from '../testing/harness.ts';

/** A repeatable stream of numbers, 0 up to `limit`. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * limit);
  };
}

const PIECES = [
  'GET / HTTP/1.1\r\n',
  'POST /x HTTP/1.1\r\n',
  'CONNECT a:80 HTTP/1.1\r\n',
  'CONNECT b:80 HTTP/1.1\r\n',
  'HEAD / HTTP/1.0\r\n',
  'Host: a\r\n',
  'Host: \r\n',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  '\r\n',
  '3\r\nabc\r\n',
  '0\r\n\r\n',
  'abc',
  '\n',
  '\0',
  ' x\r\n',
];

const ANSWERS = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 204 X\r\n',
  'HTTP/1.1 101 X\r\n',
  'HTTP/1.0 200\r\n',
  ...PIECES.slice(5),
];

function talk(port: number, pieces: readonly string[], abort: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
    for (const piece of pieces) socket.write(piece, 'latin1');
    if (abort) setImmediate(() => socket.destroy());
    else setTimeout(() => socket.destroy(), 40);
  });
}

test('clients and upstreams that send anything at all: the proxy goes on serving and keeps nothing', async () => {
  const next = numbers(7);
  const some = (list: readonly string[]): string[] =>
    Array.from({ length: 1 + next(9) }, () => list[next(list.length)] ?? '');
  const request = (): string[] => {
    const start = next(5) === 0 ? [] : [PIECES[next(4)] ?? '', 'Host: a\r\n'];
    return next(3) === 0 ? [...start, ...some(PIECES)] : [...start, PIECES[5 + next(9)] ?? '', '\r\n', ...some(PIECES)];
  };
  let wild = true;
  const backend = await startBackend((_, socket) => {
    if (!wild) return 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
    if (next(4) === 0) socket.destroy();
    return `${ANSWERS[next(4)]}${some(ANSWERS).join('')}\r\n`;
  });
  const action = { cluster: 'c', timeout: '0.02s', retry_policy: { retry_on: '5xx', num_retries: 1 } };
  const upgrades = { upgrade_configs: [{ upgrade_type: 'websocket' }] };
  const connect = (config: Json): Json => ({ ...action, upgrade_configs: [{ upgrade_type: 'CONNECT', ...config }] });
  const toB = { headers: [{ name: ':authority', string_match: { exact: 'b:80' } }] };
  const proxy = await runProxy(
    httpListener('l', {
      ...routes([
        { match: { connect_matcher: {}, ...toB }, route: connect({ connect_config: {} }) },
        { match: { connect_matcher: {} }, route: connect({}) },
        { match: { path: '/calm' }, route: { cluster: 'c', timeout: '10s' } },
        { match: { prefix: '/' }, route: action },
      ]),
      ...upgrades,
      delayed_close_timeout: '0.01s',
    }),
    [staticCluster('c', [backend.port])],
    { admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } } },
  );
  try {
    for (let round = 0; round < 40; round++) {
      await Promise.all(Array.from({ length: 16 }, () => talk(proxy.port, request(), next(3) === 0)));
    }
    assert.ok(backend.heads.length > 50, 'requests reach the upstream');
    wild = false;
    for (let count = 0; count < 5; count++) assert.equal((await once(proxy.port, '/calm')).body, 'ok');
    const stats = await (await fetch(`http://${proxy.adminAddress}/stats`)).text();
    assert.match(stats, /http\.l\.downstream_rq_active: 0\n/);
    assert.match(stats, /cluster\.c\.upstream_rq_active: 0\n/);
  } finally {
    await proxy.stop(0);
    await backend.close();
  }
});
