import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { inNetworkNamespace, openStreamSocketIn, openTransparentSocket } from '../../sys/index.ts';
import { httpListener, OK_RESPONSE, routes } from '../testing/harness.ts';

const NS = `proxy-${process.pid}`;
const CLIENT = '10.9.0.1';
const SERVER = '10.9.1.1';
const PORT = 15001;

function ip(...lines: string[]): void {
  for (const line of lines) execFileSync('ip', line.split(' '), { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** A node in the middle of a client's and a server's namespace, redirecting port 8080 to the proxy. */
function setUp(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root to make network namespaces';
  try {
    ip(`netns add ${NS}-n`, `netns add ${NS}-c`, `netns add ${NS}-s`);
  } catch (error) {
    return `cannot make network namespaces: ${error}`;
  }
  for (const [name, address, link] of [
    ['c', CLIENT, 'lxc0'],
    ['s', SERVER, 'lxc1'],
  ] as const) {
    const [node, pod] = [`-n ${NS}-n`, `-n ${NS}-${name}`];
    ip(`${node} link add ${link} type veth peer name eth0 netns ${NS}-${name}`, `${node} link set ${link} up`);
    ip(`${node} route add ${address}/32 dev ${link}`, `${pod} link set lo up`, `${pod} link set eth0 up`);
    ip(
      `${pod} addr add ${address}/32 dev eth0`,
      `${pod} route add 10.9.9.9 dev eth0`,
      `${pod} route add default via 10.9.9.9`,
    );
  }
  ip(`-n ${NS}-n link set lo up`, `-n ${NS}-n addr add 10.9.9.9/32 dev lo`);
  ip(`-n ${NS}-n rule add fwmark 0x200/0xf00 lookup 2004`, `-n ${NS}-n route add local 0.0.0.0/0 dev lo table 2004`);
  const rules = `table inet t {
    chain pre { type filter hook prerouting priority mangle; policy accept;
      meta l4proto tcp socket transparent 1 meta mark set 0x200 accept
      iifname "lxc0" tcp dport 8080 tproxy ip to 127.0.0.1:${PORT} meta mark set 0x200 accept
    }
  }`;
  const inside = ['netns', 'exec', `${NS}-n`];
  execFileSync('ip', [...inside, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0']);
  execFileSync('ip', [...inside, 'nft', '-f', '-'], { input: rules });
  return undefined;
}

function tearDown(): void {
  for (const name of ['n', 'c', 's']) {
    try {
      ip(`netns del ${NS}-${name}`);
    } catch {
      // Never made.
    }
  }
}

async function serve(namespace: string, seen: string[]): Promise<net.Server> {
  const server = net.createServer((socket) => {
    seen.push(socket.remoteAddress ?? '');
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(OK_RESPONSE));
  });
  const fd = inNetworkNamespace(`/run/netns/${namespace}`, () =>
    openTransparentSocket({ type: 'stream', address: '0.0.0.0', port: 8080 }),
  );
  await new Promise<void>((resolve) => server.listen({ fd }, resolve));
  return server;
}

function ask(host: string): Promise<string> {
  const fd = openStreamSocketIn(`/run/netns/${NS}-c`);
  const socket = new net.Socket({ fd, manualStart: true } as net.SocketConstructorOpts);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      resolve(bytes.toString());
      socket.destroy();
    });
    socket.setTimeout(5000, () => reject(new Error('no answer')));
    socket.connect({ host, port: 8080 }, () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'));
  });
}

async function startProxyIn(folder: string): Promise<ChildProcess> {
  const listener = httpListener('l', routes([{ match: { prefix: '/' }, route: { cluster: 'original' } }]), {
    address: { socket_address: { address: '127.0.0.1', port_value: PORT } },
    transparent: true,
    listener_filters: [
      {
        name: 'original_dst',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst' },
      },
      {
        name: 'original_src',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.listener.original_src.v3.OriginalSrc',
          mark: 2816,
        },
      },
    ],
  });
  const cluster = { name: 'original', type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', connect_timeout: '2s' };
  const file = path.join(folder, 'bootstrap.json');
  await writeFile(file, JSON.stringify({ static_resources: { listeners: [listener], clusters: [cluster] } }));
  const main = path.join(import.meta.dirname, '..', 'main.ts');
  const child = spawn('ip', ['netns', 'exec', `${NS}-n`, process.execPath, main, '-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (bytes) => {
      text += bytes;
      if (text.includes('is live')) resolve();
    });
    child.on('exit', () => reject(new Error(`the proxy ended: ${text}`)));
  });
  return child;
}

test('a redirected connection reaches its destination from the address of its client', async (context) => {
  const reason = setUp();
  if (reason !== undefined) {
    tearDown();
    context.skip(reason);
    return;
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'proxy-ns-'));
  const seen: string[] = [];
  let child: ChildProcess | undefined;
  let servers: readonly net.Server[] = [];
  try {
    servers = [await serve(`${NS}-s`, seen)];
    child = await startProxyIn(folder);
    assert.match(await ask(SERVER), /^HTTP\/1\.1 200 OK\r\n.*server: envoy\r\n/s);
    assert.deepEqual(seen, [CLIENT]);
    assert.match(await ask('10.9.1.2'), /^HTTP\/1\.1 503 Service Unavailable\r\n/);
  } finally {
    child?.kill('SIGTERM');
    if (child) await new Promise((resolve) => child?.once('exit', resolve));
    for (const server of servers) server.close();
    tearDown();
    await rm(folder, { recursive: true });
  }
});
