import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fail, ok, type Result } from '../base/index.ts';
import { openLog } from './files.ts';
import { type ClusterHome, makeHome } from './home.ts';
import { type ClusterRecord, isRunning, processStartTime, readRecord, writeRecord } from './record.ts';
import { stopCluster } from './stop.ts';
import { beforeFabric, hostNetworkDescriptor, inFabric } from './uplink-helper.ts';
import { planUplink, type UplinkPlan } from './uplink-plan.ts';
import { uplinkLogFile } from './uplink-status.ts';

export interface LaunchOptions {
  readonly nodes: number;
  /** Changes the stored mode; absent keeps what the cluster had (vxlan at first). */
  readonly datapathMode?: 'vxlan' | 'direct';
  readonly externalTarget?: string;
  /** Folders that data planes may load HTTP filters from. */
  readonly filterModules?: readonly string[];
  /** False keeps the cluster from reaching what lies beyond its host. */
  readonly uplink?: boolean;
}

export interface RunningCluster {
  readonly record: ClusterRecord;
  readonly process: ChildProcess;
}

/** Descriptors of the cluster process beyond the standard three. */
export const clusterDescriptors = { api: 3, relay: 4, control: 5, page: 6 } as const;

const startTimeoutMs = 60_000;
const hubblePort = 4245;
/** `ciliate ui` and `cilium hubble ui` take 12000. */
const pagePort = 12_001;

/**
 * Starts the cluster in namespaces of its own and waits until its nodes are Ready.
 * The listening sockets of the API server, of Hubble Relay and of the page for flows are opened here, on the host's loopback, and handed inside:
 * besides these and the uplink the cluster has no way out, and nothing of it is left on the host when its first process ends.
 */
export async function launchCluster(
  home: ClusterHome,
  options: LaunchOptions,
): Promise<Result<RunningCluster, string>> {
  makeHome(home);
  const previous = readRecord(home);
  if (previous && isRunning(previous))
    return fail(`a cluster is already running in ${home.directory} (pid ${previous.pid}); stop it with: ciliate down`);
  await stopCluster(home);
  const [ports, uplink] = await Promise.all([
    openPorts(home),
    options.uplink === false ? withoutUplink : planUplink(home.directory, searchPath()),
  ]);
  const child = spawnCluster(home, options, ports, uplink);
  closeServers(ports);
  const ready = await waitUntilReady(child, path.join(home.logs, 'cluster.log'));
  if (!ready.ok) {
    if (child.pid !== undefined) killGroup(child.pid);
    return ready;
  }
  const pid = child.pid ?? 0;
  const startTime = processStartTime(pid);
  if (startTime === undefined) return fail(`the cluster ended at once; see ${path.join(home.logs, 'cluster.log')}`);
  const { api, relay, page } = ports;
  const opened = { apiPort: api.port, relayPort: relay.port, pagePort: page.port };
  const record = { pid, startTime, ...opened, nodes: options.nodes };
  writeRecord(home, record);
  return ok({ record, process: child });
}

interface OpenPort {
  readonly server: net.Server;
  readonly port: number;
  readonly fd: number;
}

type OpenPorts = Readonly<Record<'api' | 'relay' | 'page', OpenPort>>;

async function openPorts(home: ClusterHome): Promise<OpenPorts> {
  const file = path.join(home.state, 'ports.json');
  const kept: { api?: number; relay?: number; page?: number } = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : {};
  const api = await openPort([kept.api ?? 0, 0]);
  const relay = await openPort([kept.relay ?? hubblePort, 0]);
  const page = await openPort([kept.page ?? pagePort, 0]);
  writeFileSync(file, JSON.stringify({ api: api.port, relay: relay.port, page: page.port }));
  return { api, relay, page };
}

/** The first of the wished ports that is free; 0 stands for any. */
async function openPort(wished: readonly number[]): Promise<OpenPort> {
  for (const port of wished) {
    const server = net.createServer();
    const listening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen({ host: '127.0.0.1', port }, () => resolve(true));
    });
    if (!listening) continue;
    const handle = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
    const address = server.address();
    if (address !== null && typeof address === 'object') return { server, port: address.port, fd: handle.fd };
  }
  throw new Error('no free port on 127.0.0.1');
}

function closeServers(ports: OpenPorts): void {
  for (const { server } of Object.values(ports)) server.close();
}

const withoutUplink: UplinkPlan = { via: 'none', reason: 'switched off by --no-uplink' };

/** Ordinary users often have no system programs on their PATH. */
function searchPath(): string {
  return `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
}

/** The first process of the namespaces: prepares `/run` and leaves the host's network for the fabric. */
function initScript(uplink: UplinkPlan, home: ClusterHome): string {
  return `
mount -t tmpfs tmpfs /run && mkdir -p /run/netns /run/ciliate || exit 1
${beforeFabric(uplink, uplinkLogFile(home))}
fabric=$1
shift
exec unshare --net sh -c "$fabric" ciliate-init "$@"
`;
}

/** In the fabric it starts the cluster process, reaps orphans and passes SIGTERM on. */
function fabricScript(uplink: UplinkPlan): string {
  return `
ip link set lo up || exit 1
${inFabric(uplink)}
trap 'kill -TERM $child 2>/dev/null' TERM
trap '' INT HUP
"$@" &
child=$!
exec ${hostNetworkDescriptor}<&-
while kill -0 $child 2>/dev/null; do wait $child; done
`;
}

function spawnCluster(home: ClusterHome, options: LaunchOptions, ports: OpenPorts, uplink: UplinkPlan): ChildProcess {
  const main = path.join(import.meta.dirname, 'main.ts');
  const log = openLog(path.join(home.logs, 'cluster.log'));
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const unshare = [
    ...asUser,
    '--mount',
    '--pid',
    '--fork',
    '--kill-child=SIGKILL',
    '--mount-proc',
    'sh',
    '-c',
    initScript(uplink, home),
    'ciliate-init',
    fabricScript(uplink),
  ];
  const program = [process.execPath, '--max-semi-space-size=2', main, JSON.stringify({ home, options, uplink })];
  const child = spawn('unshare', [...unshare, ...program], {
    detached: true,
    stdio: ['ignore', log, log, ports.api.fd, ports.relay.fd, 'pipe', ports.page.fd],
    env: {
      ...process.env,
      CILIATE_API_PORT: String(ports.api.port),
      PATH: searchPath(),
    },
  });
  closeSync(log);
  return child;
}

/** The cluster process says `ready` on its control descriptor, or `failed: why` before it ends. */
async function waitUntilReady(child: ChildProcess, logFile: string): Promise<Result<void, string>> {
  const streams: readonly unknown[] = child.stdio;
  const control = streams[clusterDescriptors.control] as Readable;
  return new Promise((resolve) => {
    let text = '';
    const finish = (result: Result<void, string>): void => {
      clearTimeout(timer);
      control.removeAllListeners();
      child.removeAllListeners();
      control.destroy();
      resolve(result);
    };
    const timer = setTimeout(
      () => finish(fail(`the cluster was not ready after ${startTimeoutMs / 1000} s; see ${logFile}`)),
      startTimeoutMs,
    );
    child.once('error', (error) => finish(fail(`unshare could not be started: ${error.message}`)));
    child.once('exit', (code) =>
      finish(fail(`the cluster ended with code ${code} before it was ready; see ${logFile}`)),
    );
    control.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.startsWith('ready\n')) finish(ok(undefined));
      else if (text.startsWith('failed: ') && text.endsWith('\n')) finish(fail(text.slice('failed: '.length).trim()));
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
