import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, type Issue } from '../../base/index.ts';
import type { JsonObject } from '../config/fields.ts';
import { type RunningProxy, startProxy } from '../index.ts';
import { DEFAULT_DRAIN } from '../listener/drain.ts';
import { singleLogger } from '../log/logs.ts';
import { adminRuntime } from '../runtime/read.ts';
import { httpListener, type Json, once, routes, staticCluster } from '../testing/harness.ts';
import { type Change, inverseOf, keyOf } from './change.ts';
import { createEngine } from './engine.ts';
import { createWorkers } from './group.ts';
import type { Remote } from './remote.ts';

const log = createLogger('proxy-test');
const direct = routes([{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'ok' } } }]);
const ADMIN = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };

function start(listeners: readonly Json[], concurrency: number): Promise<RunningProxy> {
  return startProxy({ bootstrap: { admin: ADMIN, static_resources: { listeners } }, log, concurrency });
}

async function statsOf(proxy: RunningProxy, prefix: string): Promise<Record<string, number>> {
  const response = await fetch(`http://${proxy.adminAddress}/stats`);
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith(prefix));
  return Object.fromEntries(
    lines.map((line) => [line.slice(prefix.length).split(': ')[0], Number(line.split(': ')[1])]),
  );
}

test('two workers share a port of the kernel, and their counts are one', async () => {
  const proxy = await start([httpListener('l', direct, { stat_prefix: 'l' })], 2);
  try {
    const [address = ''] = proxy.listenerAddresses('l');
    const port = Number(address.split(':')[1]);
    for (let count = 0; count < 40; count++) assert.equal((await once(port, '/')).body, 'ok');
    const counts = await statsOf(proxy, 'listener.l.');
    const [first = 0, second = 0] = [counts['worker_0.downstream_cx_total'], counts['worker_1.downstream_cx_total']];
    assert.ok(first > 0 && second > 0, `${first} and ${second}`);
    assert.deepEqual([first + second, counts['downstream_cx_total'], counts['http.l.downstream_rq_2xx']], [40, 40, 40]);
    assert.equal((await statsOf(proxy, 'server.'))['concurrency'], 2);
  } finally {
    await proxy.stop(0);
  }
});

test('sockets that cannot be bound twice are shared', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'worker-'));
  const socketPath = path.join(folder, 'l.sock');
  const listeners = [
    httpListener('pipe', direct, { stat_prefix: 'p', address: { pipe: { path: socketPath } } }),
    httpListener('single', direct, { stat_prefix: 's', enable_reuse_port: false }),
  ];
  const proxy = await start(listeners, 3);
  const over = (options: http.RequestOptions): Promise<number> =>
    new Promise((resolve, reject) => {
      http
        .get({ ...options, agent: false, headers: { host: 'a' } }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        })
        .on('error', reject);
    });
  try {
    const port = Number(proxy.listenerAddresses('single')[0]?.split(':')[1]);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, at) => over(at % 2 ? { socketPath } : { host: '127.0.0.1', port })),
    );
    assert.deepEqual([...new Set(answers)], [200]);
    for (const prefix of ['p', 's']) {
      const counts = await statsOf(proxy, `listener.${prefix}.`);
      const each = [0, 1, 2].map((worker) => counts[`worker_${worker}.downstream_cx_total`] ?? 0);
      assert.equal(
        each.reduce((sum, count) => sum + count, 0),
        30,
      );
    }
  } finally {
    await proxy.stop(0);
    await rm(folder, { recursive: true });
  }
});

test('what one worker uses of a cluster counts against the limits of all', async () => {
  let arrived = 0;
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined).on('data', () => arrived++);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const backend = (server.address() as net.AddressInfo).port;
  const thresholds = [{ max_requests: 3, track_remaining: true }];
  const clusters = [staticCluster('c', [backend], { connect_timeout: '10s', circuit_breakers: { thresholds } })];
  const listeners = [
    httpListener('l', routes([{ match: { prefix: '/' }, route: { cluster: 'c' } }]), { stat_prefix: 'l' }),
  ];
  const proxy = await startProxy({
    bootstrap: { admin: ADMIN, static_resources: { listeners, clusters } },
    log,
    concurrency: 2,
  });
  const clients: net.Socket[] = [];
  try {
    const [address = ''] = proxy.listenerAddresses('l');
    let refused = 0;
    for (let count = 1; count <= 16; count++) {
      const client = net.connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) });
      clients.push(client);
      client
        .on('error', () => undefined)
        .on('data', (bytes) => {
          if (bytes.toString('latin1').startsWith('HTTP/1.1 503')) refused++;
        });
      client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      for (const end = performance.now() + 10_000; arrived + refused < count && performance.now() < end; )
        await sleep(2);
    }
    assert.deepEqual([arrived, refused], [3, 13]);
    const counts = await statsOf(proxy, 'listener.l.');
    assert.ok((counts['worker_0.downstream_cx_total'] ?? 0) > 0 && (counts['worker_1.downstream_cx_total'] ?? 0) > 0);
    const limits = await statsOf(proxy, 'cluster.c.circuit_breakers.default.');
    assert.deepEqual([limits['rq_open'], limits['remaining_rq']], [1, 0]);
  } finally {
    for (const client of clients) client.destroy();
    await proxy.stop(0);
    const closed = new Promise<boolean>((done) => server.close(() => done(true)));
    assert.ok(await Promise.race([closed, sleep(5000, false)]), 'a worker that ended holds its connections');
  }
});

test('a change that one worker refuses is in force in none', async () => {
  const first = createEngine({
    worker: 0,
    workers: 2,
    node: { id: '', cluster: '' },
    bindConfig: undefined,
    runtime: adminRuntime(),
    logs: singleLogger(log),
    drain: DEFAULT_DRAIN,
    logFlushMs: undefined,
    moduleFolders: [],
    fixedSecrets: [],
    ticketSeed: Buffer.alloc(48),
    logSink: { refuses: () => true, push: () => undefined },
  });
  const taken: string[] = [];
  const second: Remote = {
    apply: (changes) => {
      taken.push(...changes.map((one) => `${one.kind} ${keyOf(one)}`));
      return Promise.resolve(changes.map(refusal));
    },
    stats: () => Promise.resolve([]),
    descriptors: async () => [],
    hostCounts: () => Promise.resolve(new Map()),
    command: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
  const refusal = (change: Change): readonly Issue[] =>
    change.kind === 'cluster' && change.json['connect_timeout'] === '9s' ? [{ path: '', message: 'no' }] : [];
  const quiet = createLogger('quiet');
  quiet.level = 'silent';
  const workers = createWorkers(first, [second], quiet);
  const cluster = (name: string, timeout: string): Change => ({
    kind: 'cluster',
    json: { ...staticCluster(name, [1]), connect_timeout: timeout } as JsonObject,
  });
  assert.deepEqual(await workers.apply([cluster('a', '1s'), cluster('b', '9s')]), [[], [{ path: '', message: 'no' }]]);
  assert.deepEqual([first.clusters.get('a')?.config.connectTimeout, first.clusters.get('b')], [1000, undefined]);
  assert.deepEqual((await workers.apply([cluster('a', '9s')]))[0]?.length, 1);
  assert.equal(first.clusters.get('a')?.config.connectTimeout, 1000);
  assert.deepEqual(taken, [
    'cluster cluster a',
    'cluster cluster b',
    'remove cluster b',
    'cluster cluster a',
    'cluster cluster a',
  ]);
  const faulty = await workers.apply([{ kind: 'cluster', json: { name: 'c', type: 'NONE' } }]);
  assert.equal(faulty[0]?.length, 1);
  assert.equal(taken.length, 5);
  await workers.stop(0);
});

test('the way back of a change', () => {
  const put: Change = { kind: 'route', json: { name: 'r s' } };
  const before: Change = { kind: 'route', json: { name: 'r s', virtual_hosts: [] } };
  assert.deepEqual(inverseOf(put, before), before);
  assert.deepEqual(inverseOf(put, undefined), { kind: 'remove', of: 'route', name: 'r s' });
  assert.equal(
    keyOf({ kind: 'endpoints', json: { cluster_name: 'c' } }),
    keyOf({ kind: 'remove', of: 'endpoints', name: 'c' }),
  );
});
