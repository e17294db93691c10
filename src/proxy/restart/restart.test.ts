import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { XdsServer } from '../../xds/index.ts';
import { server } from '../testing/certificates.ts';
import { ADS, adsBootstrap, startControlPlane } from '../testing/control-plane.ts';
import { freePort, httpListener, routes, startBackend, staticCluster } from '../testing/harness.ts';
import { pair, tlsListener } from '../testing/tls.ts';
import { InheritedSockets } from './inherited.ts';
import { openMeetingFolder, socketPath } from './place.ts';
import { takeOver } from './predecessor.ts';
import { inFolder, load, start, startLive } from './testing.ts';

/** What the admin interface says once it is there. */
async function readiness(adminPort: number): Promise<string> {
  const ready = async (): Promise<string> => (await fetch(`http://127.0.0.1:${adminPort}/ready`)).text();
  let said = '';
  for (let waited = 0; said === '' && waited < 10_000; waited += 50) {
    await sleep(50);
    said = await ready().catch(() => '');
  }
  return said;
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

test('restarts under load over TLS fail no request, with everything from a control plane', { timeout: 120_000 }, () =>
  inFolder(async (folder) => {
    const backend = await startBackend();
    const plane = await startControlPlane();
    const [port, adminPort] = [await freePort(), await freePort()];
    const context = {
      common_tls_context: {
        tls_certificate_sds_secret_configs: [{ name: 'own', sds_config: ADS }],
        alpn_protocols: ['h2', 'http/1.1'],
      },
    };
    const listener = tlsListener(context, routes([{ match: { prefix: '/' }, route: { cluster: 'c' } }]), {
      address: { socket_address: { address: '127.0.0.1', port_value: port } },
    });
    const resources = {
      listeners: new Map([['l', listener]]),
      routes: new Map(),
      clusters: new Map([['c', staticCluster('c', [backend.port])]]),
      endpoints: new Map(),
      secrets: new Map([['own', { name: 'own', tls_certificate: pair(server) }]]),
      extensionConfigs: new Map(),
    };
    await plane.xds.publish(resources as unknown as Parameters<XdsServer['publish']>[0]);
    const bootstrap = {
      ...adsBootstrap(plane.socket, 'DELTA_GRPC'),
      admin: { address: { socket_address: { address: '127.0.0.1', port_value: adminPort } } },
    };
    await writeFile(path.join(folder, 'bootstrap.json'), JSON.stringify(bootstrap));
    const times = ['--drain-time-s', '1', '--parent-shutdown-time-s', '3'];
    const processes = [await startLive(folder, ...times, '--concurrency', '2')];
    const running = load(port, true);
    try {
      await sleep(300);
      for (const epoch of ['1', '2']) {
        processes.push(await startLive(folder, ...times, '--concurrency', '2', '--restart-epoch', epoch));
        assert.equal(await processes.at(-2)?.exit, 0, processes.at(-2)?.output());
      }
      await running.stop();
      assert.deepEqual(running.failures, []);
      assert.ok(
        Object.values(running.done).every((count) => count > 50),
        JSON.stringify(running.done),
      );
    } finally {
      await running.stop();
      for (const { child } of processes) child.kill('SIGKILL');
      await Promise.all(processes.map(({ exit }) => exit));
      await plane.close();
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
      assert.equal(await readiness(adminPort), 'LIVE\n');
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

test('the admin interface comes back once its address is free, where the successor has gone', { timeout: 60_000 }, () =>
  inFolder(async (folder) => {
    const adminPort = await freePort();
    const admin = { address: { socket_address: { address: '127.0.0.1', port_value: adminPort } } };
    await writeFile(path.join(folder, 'bootstrap.json'), JSON.stringify({ admin }));
    const first = await startLive(folder);
    const holder = net.createServer((socket) => socket.destroy());
    try {
      const taken = takeOver(socketPath(path.join(folder, 'ciliate-proxy'), 7, 0));
      assert.ok(taken.ok, taken.ok ? '' : taken.error);
      await new Promise<void>((resolve) => holder.listen(adminPort, '127.0.0.1', resolve));
      taken.value.close();
      await sleep(300);
      await new Promise((resolve) => holder.close(resolve));
      assert.equal(await readiness(adminPort), 'LIVE\n');
    } finally {
      holder.close();
      first.child.kill('SIGKILL');
      await first.exit;
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
