import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpListener, routes, startBackend, staticCluster } from '../testing/harness.ts';
import { InheritedSockets } from './inherited.ts';
import { openMeetingFolder } from './place.ts';

const main = path.resolve(import.meta.dirname, '../main.ts');

interface Process {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

function start(folder: string, ...flags: readonly string[]): Process {
  const args = [main, '-c', path.join(folder, 'bootstrap.json'), '--base-id', '7', ...flags];
  const env = { ...process.env, XDG_RUNTIME_DIR: folder };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let text = '';
  child.stderr?.on('data', (bytes) => {
    text += bytes;
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, output: () => text, exit };
}

async function startLive(folder: string, ...flags: readonly string[]): Promise<Process> {
  const started = start(folder, ...flags);
  for (let waited = 0; !started.output().includes('is live'); waited += 20) {
    assert.ok(waited < 20_000 && started.child.exitCode === null, `not live: ${started.output()}`);
    await sleep(20);
  }
  return started;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Load {
  readonly done: { keptAlive: number; fresh: number; streams: number };
  readonly failures: string[];
  stop(): Promise<void>;
}

const PAUSE_MS = 5;

/** Asks again and again, over connections that are kept, new ones, and HTTP/2; what is not 200 is a failure. */
function load(port: number): Load {
  const done = { keptAlive: 0, fresh: 0, streams: 0 };
  const failures: string[] = [];
  let going = true;
  const get = (agent: http.Agent): Promise<number> =>
    new Promise((resolve, reject) => {
      const request = http.get({ port, host: '127.0.0.1', agent, path: '/', timeout: 5000 }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error('timeout')));
      request.on('error', reject);
    });
  const again = async (name: keyof Load['done'], ask: () => Promise<number>): Promise<void> => {
    while (going) {
      try {
        const status = await ask();
        if (status === 200) done[name]++;
        else failures.push(`${name}: ${status}`);
      } catch (error) {
        failures.push(`${name}: ${String(error)}`);
      }
      await sleep(PAUSE_MS);
    }
  };
  const kept = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const fresh = new http.Agent({ keepAlive: false });
  const sessions = new Set<http2.ClientHttp2Session>();
  const stream = streams(port, sessions);
  const loops = [
    ...Array.from({ length: 4 }, () => again('keptAlive', () => get(kept))),
    ...Array.from({ length: 4 }, () => again('fresh', () => get(fresh))),
    ...Array.from({ length: 2 }, () => again('streams', stream())),
  ];
  return {
    done,
    failures,
    stop: async () => {
      going = false;
      await Promise.all(loops);
      kept.destroy();
      for (const session of sessions) session.destroy();
    },
  };
}

/** Each makes streams on a connection of its own, and a new one where the proxy has asked for that. */
function streams(port: number, sessions: Set<http2.ClientHttp2Session>): () => () => Promise<number> {
  return () => {
    let session: http2.ClientHttp2Session | undefined;
    return () => {
      if (!session || session.closed || session.destroyed) {
        const made = http2.connect(`http://127.0.0.1:${port}`);
        made.on('error', () => undefined);
        made.on('goaway', () => made.close());
        sessions.add(made);
        session = made;
      }
      const asked = session;
      return new Promise((resolve, reject) => {
        const request = asked.request({ ':path': '/' });
        request.setTimeout(5000, () => request.close(http2.constants.NGHTTP2_CANCEL));
        request.on('response', (headers) => resolve(Number(headers[':status'])));
        request.on('error', reject);
        request.on('close', () => reject(new Error('closed without an answer')));
        request.resume();
        request.end();
      });
    };
  };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hot-restart-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('three restarts under load fail no request', { timeout: 120_000 }, () =>
  inFolder(async (folder) => {
    const backend = await startBackend();
    const [port, adminPort] = [await freePort(), await freePort()];
    const listener = httpListener('l', routes([{ match: { prefix: '/' }, route: { cluster: 'c' } }]), {
      address: { socket_address: { address: '127.0.0.1', port_value: port } },
    });
    const bootstrap = {
      admin: { address: { socket_address: { address: '127.0.0.1', port_value: adminPort } } },
      static_resources: { listeners: [listener], clusters: [staticCluster('c', [backend.port])] },
    };
    await writeFile(path.join(folder, 'bootstrap.json'), JSON.stringify(bootstrap));
    const times = ['--drain-time-s', '1', '--parent-shutdown-time-s', '3'];
    const processes = [await startLive(folder, ...times, '--concurrency', '2')];
    const running = load(port);
    const admin = async (at: string): Promise<string> => (await fetch(`http://127.0.0.1:${adminPort}${at}`)).text();
    try {
      await sleep(300);
      for (const [index, workers] of ['1', '2', '1'].entries()) {
        const epoch = String(index + 1);
        processes.push(await startLive(folder, ...times, '--concurrency', workers, '--restart-epoch', epoch));
        assert.match(await admin('/stats?filter=hot_restart'), new RegExp(`hot_restart_epoch: ${epoch}\\n`));
        assert.equal(await processes.at(-2)?.exit, 0, processes.at(-2)?.output());
        await sleep(200);
      }
      await running.stop();
      const { done, failures } = running;
      assert.deepEqual(failures, []);
      assert.ok(
        Object.values(done).every((count) => count > 100),
        JSON.stringify(done),
      );
      const total = done.keptAlive + done.fresh + done.streams;
      // Counters go from one to the next.
      const counted = Number(
        /downstream_rq_2xx: (\d+)/.exec(await admin('/stats?filter=http\\.l\\.downstream_rq_2xx'))?.[1],
      );
      assert.ok(counted >= total * 0.98 && counted <= total, `${counted} of ${total}`);
      const info = JSON.parse(await admin('/server_info')) as { command_line_options: { restart_epoch: number } };
      assert.equal(info.command_line_options.restart_epoch, 3);
    } finally {
      await running.stop();
      for (const { child } of processes) child.kill('SIGKILL');
      await Promise.all(processes.map(({ exit }) => exit));
      await backend.close();
    }
  }),
);

test('a successor that does not come to life leaves everything as it was', { timeout: 60_000 }, () =>
  inFolder(async (folder) => {
    const [port, adminPort] = [await freePort(), await freePort()];
    const bootstrapOf = (to: number): string =>
      JSON.stringify({
        admin: { address: { socket_address: { address: '127.0.0.1', port_value: adminPort } } },
        static_resources: {
          listeners: [
            httpListener('l', routes([{ match: { prefix: '/' }, direct_response: { status: 200 } }]), {
              address: { socket_address: { address: '127.0.0.1', port_value: to } },
            }),
          ],
        },
      });
    const blocker = net.createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const file = path.join(folder, 'bootstrap.json');
    await writeFile(file, bootstrapOf(port));
    const first = await startLive(folder);
    try {
      await writeFile(file, bootstrapOf((blocker.address() as net.AddressInfo).port));
      const second = start(folder, '--restart-epoch', '1');
      assert.equal(await second.exit, 1);
      assert.match(second.output(), /cannot bind/);
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
      const ready = async (): Promise<string> => (await fetch(`http://127.0.0.1:${adminPort}/ready`)).text();
      let said = '';
      for (let waited = 0; said === '' && waited < 10_000; waited += 50) {
        await sleep(50);
        said = await ready().catch(() => '');
      }
      assert.equal(said, 'LIVE\n');
      const same = start(folder);
      assert.equal(await same.exit, 1);
      assert.match(same.output(), /in use/);
      const orphan = start(folder, '--restart-epoch', '5');
      assert.equal(await orphan.exit, 1);
      assert.match(orphan.output(), /the process of epoch 4/);
    } finally {
      first.child.kill('SIGKILL');
      await first.exit;
      blocker.close();
    }
  }),
);

test('a folder that others may look into, or that is none, is refused', () =>
  inFolder(async (folder) => {
    const own = path.join(folder, 'own');
    assert.deepEqual(await openMeetingFolder(own), { ok: true, value: own });
    await chmod(own, 0o755);
    const open = await openMeetingFolder(own);
    assert.match(open.ok ? '' : open.error, /open to other users/);
    await mkdir(path.join(folder, 'real'), { mode: 0o700 });
    await symlink(path.join(folder, 'real'), path.join(folder, 'link'));
    const link = await openMeetingFolder(path.join(folder, 'link'));
    assert.match(link.ok ? '' : link.error, /no folder/);
    await writeFile(path.join(folder, 'file'), '');
    assert.equal((await openMeetingFolder(path.join(folder, 'file'))).ok, false);
    assert.equal(await readFile(path.join(folder, 'file'), 'utf8'), '');
  }));

test('workers share the sockets of the process before', () => {
  const sockets = [{ address: 'a', descriptors: [4, 5, 6] }];
  const [one, other] = [new InheritedSockets(sockets, 0, 2), new InheritedSockets(sockets, 1, 2)];
  assert.deepEqual([one.take('a'), other.take('a'), one.take('a'), one.take('b')], [[4, 6], [5], [], []]);
  assert.deepEqual(new InheritedSockets(sockets, 3, 4).take('a'), []);
});
