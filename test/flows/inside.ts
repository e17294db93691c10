import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveOnSocket } from '../../src/agent/servers.ts';
import { createLogger } from '../../src/base/index.ts';
import { bootstrapText } from '../../src/embedded/bootstrap.ts';
import { createXdsServer } from '../../src/xds/index.ts';
import { startBackends } from './backends.ts';
import { exchange } from './client.ts';
import { createLogCollector } from './log-collector.ts';
import { setUpNetwork } from './network.ts';
import type { Played } from './played.ts';
import { exchanges } from './table.ts';
import { planned } from './world.ts';

/** A data plane that has not come after so long is not coming. */
const readyMs = 15_000;
/** Entries wait in a data plane for 20 ms at most. */
const entryMs = 1500;
const quietMs = 40;

const main = path.resolve(import.meta.dirname, '../../src/proxy/main.ts');

/**
 * Starts a data plane (`ciliate-proxy`, or the path of an Envoy) in a namespace of its own, drives it by the plan and prints what became of the
 * exchanges as JSON (`Played`).
 */
async function play(program: string): Promise<Played> {
  setUpNetwork();
  await startBackends();
  const folder = mkdtempSync(path.join(tmpdir(), 'flows-'));
  const socket = path.join(folder, 'agent.sock');
  const log = createLogger('flows');
  log.level = 'silent';
  const xds = createXdsServer({ log });
  const collector = createLogCollector();
  const serving = await serveOnSocket(socket, [...xds.services, collector.service]);
  const proxyLog = path.join(folder, 'proxy.log');
  const child = startDataPlane(program, bootstrapFile(folder, socket), proxyLog);
  try {
    await xds.publish(planned.xds);
    await until(() => xds.connected().length > 0, readyMs);
    if (xds.connected().length === 0) throw new Error(`no data plane came: ${readFileSync(proxyLog, 'utf8')}`);
    const { state, rejections } = await xds.publish(planned.xds);
    const played: Played['exchanges'] = {};
    for (const one of exchanges) {
      collector.take();
      const answer = await exchange(one);
      await until(() => collector.lastAt() > 0 && performance.now() - collector.lastAt() > quietMs, entryMs);
      played[one.name] = { answer, entries: collector.take() };
    }
    return {
      resources: [state, ...rejections.map(({ typeUrl, message }) => `${typeUrl}: ${message}`)],
      exchanges: played,
    };
  } finally {
    child.kill('SIGKILL');
    xds.close();
    await serving.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function bootstrapFile(folder: string, agentSocket: string): string {
  const file = path.join(folder, 'bootstrap.yaml');
  const adminSocket = path.join(folder, 'admin.sock');
  const metrics = { address: '127.0.0.1', port: 9964 };
  writeFileSync(file, bootstrapText({ nodeName: 'node-1', clusterName: 'ciliate', agentSocket, adminSocket, metrics }));
  return file;
}

function startDataPlane(program: string, bootstrap: string, log: string): ChildProcess {
  const out = openSync(log, 'w');
  const options = { stdio: ['ignore' as const, out, out] };
  if (program === 'ciliate-proxy') return spawn(process.execPath, [main, '-c', bootstrap], options);
  return spawn(program, ['-c', bootstrap, '--concurrency', '1', '--disable-hot-restart', '-l', 'warning'], options);
}

async function until(holds: () => boolean, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!holds() && performance.now() < deadline) await sleep(5);
}

const played = await play(process.argv[2] ?? '');
process.stdout.write(JSON.stringify(played), () => process.exit(0));
