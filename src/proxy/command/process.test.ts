import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, httpListener, type Json, ROUTER, routes, staticCluster } from '../testing/harness.ts';

const main = path.resolve(import.meta.dirname, '../main.ts');

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Started {
  readonly child: ChildProcess;
  readonly admin: string;
  readonly exit: Promise<number | null>;
  readonly output: () => string;
}

async function start(
  folder: string,
  listener: Json,
  clusters: readonly Json[],
  ...flags: readonly string[]
): Promise<Started> {
  const file = path.join(folder, 'bootstrap.json');
  const address = path.join(folder, 'admin');
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  await writeFile(file, JSON.stringify({ admin, static_resources: { listeners: [listener], clusters } }));
  const child = spawn(process.execPath, [main, '-c', file, '--admin-address-path', address, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr?.on('data', (bytes) => {
    text += bytes;
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  for (let waited = 0; !text.includes('is live'); waited += 20) {
    assert.ok(waited < 20_000 && child.exitCode === null, `not live: ${text}`);
    await sleep(20);
  }
  return { child, admin: await readFile(address, 'utf8'), exit, output: () => text };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'proxy-process-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('SIGTERM lets a request end, closes what is idle, and the process ends well', () =>
  inFolder(async (folder) => {
    const port = await freePort();
    let answer: (() => void) | undefined;
    const backend = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        answer = () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      });
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const listener = httpListener(
      'l',
      routes([
        { match: { path: '/direct' }, direct_response: { status: 200 } },
        { match: { prefix: '/' }, route: { cluster: 'c' } },
      ]),
      { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    );
    const cluster = staticCluster('c', [(backend.address() as net.AddressInfo).port]);
    const { child, admin, exit } = await start(folder, listener, [cluster], '--drain-time-s', '20');
    const [busy, idle] = [new Client(port), new Client(port)];
    assert.equal((await idle.get('/direct')).status, 200);
    busy.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    while (!answer) await sleep(10);
    child.kill('SIGTERM');
    await idle.rest();
    const ready = await fetch(`http://${admin}/ready`);
    assert.deepEqual([ready.status, await ready.text()], [503, 'DRAINING\n']);
    answer();
    const last = await busy.read();
    assert.deepEqual([last.status, last.headers.includes('connection: close')], [200, true]);
    assert.equal(await exit, 0);
    backend.close();
  }));

test('a second signal ends the process at once', () =>
  inFolder(async (folder) => {
    const port = await freePort();
    const silent = net.createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const listener = httpListener('l', routes([{ match: { prefix: '/' }, route: { cluster: 'c', timeout: '0s' } }]), {
      address: { socket_address: { address: '127.0.0.1', port_value: port } },
    });
    const cluster = staticCluster('c', [(silent.address() as net.AddressInfo).port]);
    const { child, exit, output } = await start(folder, listener, [cluster]);
    const client = new Client(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await sleep(200);
    child.kill('SIGTERM');
    while (!output().includes('draining')) await sleep(10);
    child.kill('SIGTERM');
    assert.equal(await exit, 1);
    client.close();
    silent.close();
  }));

test('faults end the process with 1, each on a line with its place', () =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'b.yaml');
    await writeFile(file, 'node: {id: one}\nadmn: {}\n');
    const child = spawn(process.execPath, [main, '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr?.on('data', (bytes) => {
      text += bytes;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 1);
    assert.match(text, new RegExp(`^ciliate-proxy: ${file}:2:1: admn: unknown field .*allowed: admin,`));
  }));

test('promises and timers that a filter module forgets do not end the proxy', () =>
  inFolder(async (folder) => {
    const port = await freePort();
    const forgets = `export default { onRequestHeaders({ reply }) {
      void Promise.reject(new Error('forgotten'));
      void Promise.reject(5);
      setTimeout(() => { throw new Error('in a timer'); }, 1);
    } };`;
    await writeFile(path.join(folder, 'forgets.ts'), forgets);
    const module = {
      name: 'forgets',
      typed_config: { '@type': 'type.googleapis.com/ciliate.filters.http.module.v1.Module', module: 'forgets.ts' },
    };
    const listener = httpListener(
      'l',
      {
        ...routes([{ match: { prefix: '/' }, direct_response: { status: 200 } }]),
        http_filters: [module, ROUTER],
      },
      { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    );
    const proxy = await start(folder, listener, [], '--filter-modules', folder);
    const client = new Client(port);
    try {
      for (let count = 0; count < 3; count++) {
        assert.equal((await client.get('/')).status, 200);
        await sleep(50);
      }
      const log = proxy.output();
      assert.match(
        log,
        /\[error\]\[filter\] a filter module left an error uncaught error="Error: forgotten \(.*forgets\.ts:2/,
      );
      assert.match(log, /Error: in a timer \(.*forgets\.ts:4/);
      assert.match(log, /thrown: 5/);
    } finally {
      client.close();
      proxy.child.kill('SIGKILL');
      await proxy.exit;
    }
  }));
