import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startBackends } from './backends.ts';
import { keepAborting, keepAsking, keepEchoing, type Load } from './clients.ts';
import { bootstrap, type ControlPlane, resourcesAt, startControlPlane, type Wiring } from './control-plane.ts';
import { fault, newTally } from './tally.ts';

/**
 * `npm run soak [-- --minutes N] [--seed S]`: mixed load on a proxy whose configuration changes every 100 ms, whose backends die and
 * whose clients leave at any byte. Ends with exit code 0 when no response was lost, doubled, garbled or somebody else's, and when memory and
 * handles are level after the warm-up.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, seed: { type: 'string', default: '1' } },
});
const minutes = Number(values.minutes);
const sampleMs = Math.min(10_000, minutes * 2_000);
const changeMs = 100;
const warmUpShare = 0.25;
const allowedGrowth = { rss: 1.1, handles: 1.25 };

interface Sample {
  readonly atSeconds: number;
  readonly rss: number;
  readonly handles: number;
}

/** The same sequence for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startProxy(plane: ControlPlane, folder: string): Promise<ChildProcess> {
  const adminPort = await freePort();
  const file = path.join(folder, 'bootstrap.json');
  await writeFile(file, JSON.stringify(bootstrap(plane.socket, adminPort)));
  const program = path.resolve(import.meta.dirname, '../../src/proxy/main.ts');
  const child = spawn(process.execPath, [program, '-c', file], { stdio: ['ignore', 'inherit', 'inherit'] });
  while (plane.xds.connected().length === 0) {
    if (child.exitCode !== null) throw new Error('the proxy ended at its start');
    await sleep(50);
  }
  return child;
}

function sampleOf(pid: number, startedAt: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    atSeconds: Math.round((performance.now() - startedAt) / 1000),
    rss: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
    handles: readdirSync(`/proc/${pid}/fd`).length,
  };
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** Compares the first quarter after the warm-up with the last one. */
function levelOf(samples: readonly Sample[], of: (sample: Sample) => number): { first: number; last: number } {
  const warm = samples.slice(Math.floor(samples.length * warmUpShare));
  const quarter = Math.max(1, warm.length >> 2);
  return { first: median(warm.slice(0, quarter).map(of)), last: median(warm.slice(-quarter).map(of)) };
}

async function main(): Promise<number> {
  const random = seeded(Number(values.seed));
  const tally = newTally();
  const folder = await mkdtemp(path.join(tmpdir(), 'soak-proxy-'));
  const plane = await startControlPlane();
  const backends = await startBackends(4, random);
  const echo = net.createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const wiring: Wiring = {
    httpPort: await freePort(),
    tcpPort: await freePort(),
    backends: backends.ports,
    echo: (echo.address() as net.AddressInfo).port,
  };
  const proxy = await startProxy(plane, folder);
  const startedAt = performance.now();
  const endsAt = startedAt + minutes * 60_000;
  const over = (): boolean => performance.now() >= endsAt || proxy.exitCode !== null;
  const samples: Sample[] = [];
  let changes = 0;
  const change = async (): Promise<void> => {
    const { state, rejections } = await plane.xds.publish(resourcesAt(changes++, random, wiring));
    if (state === 'rejected') fault(tally, `rejected: ${JSON.stringify(rejections).slice(0, 300)}`);
  };
  try {
    await change();
    const load: Load = { tally, random, over, httpPort: wiring.httpPort, tcpPort: wiring.tcpPort };
    await Promise.all([
      ...Array.from({ length: 8 }, () => keepAsking(load, 1)),
      ...Array.from({ length: 2 }, () => keepAsking(load, 4)),
      ...Array.from({ length: 3 }, () => keepAborting(load)),
      ...Array.from({ length: 2 }, () => keepEchoing(load)),
      repeat(over, changeMs, change),
      repeat(over, 1_500, () => backends.disturb(random)),
      repeat(over, sampleMs, async () => {
        const sample = sampleOf(proxy.pid ?? 0, startedAt);
        samples.push(sample);
        const { requests, answered, unavailable, cut, aborted, faults } = tally;
        console.log(
          `${String(sample.atSeconds).padStart(5)} s  rss ${sample.rss.toFixed(0)} MiB  handles ${sample.handles}  changes ${changes}  ` +
            `requests ${requests}  answered ${answered}  unavailable ${unavailable}  cut ${cut}  aborted ${aborted}  faults ${faults.length}`,
        );
      }),
    ]);
    if (proxy.exitCode !== null) fault(tally, `the proxy ended with ${proxy.exitCode}`);
  } finally {
    proxy.kill('SIGKILL');
    await backends.close();
    echo.close();
    await plane.close();
    await rm(folder, { recursive: true, force: true });
  }
  return verdict(samples, tally.faults);
}

async function repeat(over: () => boolean, everyMs: number, work: () => Promise<void>): Promise<void> {
  for (let next = performance.now(); !over(); next += everyMs) {
    await sleep(Math.max(0, next - performance.now()));
    if (!over()) await work();
  }
}

function verdict(samples: readonly Sample[], faults: readonly string[]): number {
  const rss = levelOf(samples, (sample) => sample.rss);
  const handles = levelOf(samples, (sample) => sample.handles);
  console.log(`\nrss after warm-up ${rss.first.toFixed(1)} MiB, at the end ${rss.last.toFixed(1)} MiB`);
  console.log(`handles after warm-up ${handles.first}, at the end ${handles.last}`);
  for (const text of faults.slice(0, 20)) console.log(`fault: ${text}`);
  const leaks = rss.last > rss.first * allowedGrowth.rss || handles.last > handles.first * allowedGrowth.handles;
  console.log(
    faults.length === 0 && !leaks ? 'soak held' : `soak failed: ${faults.length} faults${leaks ? ', not level' : ''}`,
  );
  return faults.length === 0 && !leaks ? 0 : 1;
}

process.exitCode = await main();
process.exit();
