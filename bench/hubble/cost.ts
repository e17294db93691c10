import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import * as grpc from '@grpc/grpc-js';
import { createPeerPool } from '../../src/hubble/relay/pool.ts';
import { projectRoot } from '../../test/e2e/cluster.ts';
import { type Figure, median } from '../figure.ts';
import { loadProgram, type Sample } from '../proxy/load.ts';
import { createNetwork } from '../proxy/network.ts';
import { answers, writeBootstrap } from '../proxy/product.ts';
import { ended, pinned, pinTo } from '../proxy/programs.ts';
import { type Tools, warn } from '../proxy/tools.ts';

const rounds = 15;
const seconds = 2;
const connections = 64;
const places = { seen: { port: 8080, listener: 15_001 }, unseen: { port: 8081, listener: 15_002 } } as const;
type Variant = keyof typeof places;

/**
 * The data plane's requests a second with its access log going to an agent that has a follower, of those without an access log. The agent gets
 * what load and backend leave of their core, so most of its flows are lost: a data plane at its limit makes more than any node keeps.
 */
export async function costBench(tools: Tools): Promise<readonly Figure[]> {
  const { taskset, wrk: loader } = tools.programs;
  if (process.getuid?.() !== 0 || !tools.backend || !loader || !taskset) {
    warn('no root, wrk, taskset or gcc: what L7 visibility costs is missing');
    return [];
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ciliate-bench-'));
  const network = createNetwork(new Map(Object.values(places).map(({ port, listener }) => [port, listener])));
  const children: ChildProcess[] = [];
  const run = (namespace: string, command: readonly string[]): ChildProcess => {
    const log = openSync(path.join(folder, 'out'), 'a');
    const child = spawn('ip', ['netns', 'exec', namespace, ...command], {
      stdio: ['ignore', log, log],
      cwd: folder,
      env: { ...process.env, BACKEND_ADDRESS: network.serverAddress },
    });
    children.push(child);
    return child;
  };
  const samples: Record<Variant, Sample[]> = { seen: [], unseen: [] };
  const followers: Follower[] = [];
  try {
    const ports = Object.values(places).map(({ port }) => String(port));
    run(network.server, pinTo(tools, pinned.load, [tools.backend, ...ports, '8082']));
    const pids = new Map<Variant, number>();
    for (const variant of ['seen', 'unseen'] as const) {
      const socket = path.join(folder, `${variant}.sock`);
      followers.push(
        await startAgent(taskset, children, variant, [socket, String(places[variant].listener), network.clientAddress]),
      );
      const file = writeBootstrap(folder, variant, socket);
      const program = [process.execPath, path.join(projectRoot, 'src/proxy/main.ts'), '-c', file];
      pids.set(variant, run(network.node, pinTo(tools, pinned.program, program)).pid ?? 0);
      await answers(network, urlOf(network.serverAddress, variant));
    }
    const wrk = ['ip', 'netns', 'exec', network.client, ...pinTo(tools, pinned.load, [loader])];
    const load = (variant: Variant): Promise<Sample> => {
      const url = `${urlOf(network.serverAddress, variant)}/api/v1/small`;
      return loadProgram(pids.get(variant) ?? 0, { wrk, url, connections, seconds });
    };
    await load('seen');
    await load('unseen');
    const seenBefore = followers[0]?.received() ?? 0;
    for (let round = 0; round < rounds; round++) {
      const order: readonly Variant[] = round % 2 === 0 ? ['seen', 'unseen'] : ['unseen', 'seen'];
      for (const variant of order) samples[variant].push(await load(variant));
    }
    return figuresOf(samples, ((followers[0]?.received() ?? 0) - seenBefore) / 2);
  } finally {
    for (const follower of followers) follower.close();
    await Promise.all(children.map(ended));
    network[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}

function urlOf(address: string, variant: Variant): string {
  return `http://${address}:${places[variant].port}`;
}

interface Follower {
  readonly received: () => number;
  readonly close: () => void;
}

/** An agent and one who follows its flows as the relay does. */
async function startAgent(
  taskset: string,
  children: ChildProcess[],
  variant: Variant,
  args: readonly string[],
): Promise<Follower> {
  const program = [
    process.execPath,
    '--max-semi-space-size=2',
    path.join(import.meta.dirname, 'agent.ts'),
    ...args,
    variant,
  ];
  const child = spawn(taskset, ['-c', pinned.load, ...program], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line = ''] = await createInterface({ input: child.stdout })
    [Symbol.asyncIterator]()
    .next()
    .then(({ value }) => [value ?? '']);
  const { port } = JSON.parse(line) as { port: number };
  const pool = createPeerPool(grpc, () => [{ name: variant, address: `127.0.0.1:${port}` }]);
  const [peer] = pool.connections();
  await peer?.ready(5_000);
  let received = 0;
  const call = peer?.getFlows({ follow: true });
  call?.on('error', () => {});
  call?.on('data', () => {
    received++;
  });
  return { received: () => received, close: () => pool.close() };
}

function figuresOf({ seen: on, unseen: off }: Record<Variant, Sample[]>, seen: number): readonly Figure[] {
  const ratio = (key: 'rate' | 'processor'): number =>
    median(on.map((sample, round) => sample[key] / (off[round]?.[key] ?? Number.NaN)));
  const least = (samples: readonly Sample[]): number => Math.min(...samples.map(({ processor }) => processor));
  const requests = on.reduce((sum, { rate }) => sum + rate * seconds, 0);
  const figure = 'data plane with L7 visibility';
  return [
    {
      figure: `${figure}: requests a second`,
      value: median(on.map(({ rate }) => rate)),
      unit: '/s',
      peers: { 'without access log': median(off.map(({ rate }) => rate)) },
      ratios: { 'without access log': ratio('rate') },
      goal: '0.85 or more',
    },
    {
      figure: `${figure}: processor time a request`,
      value: median(on.map(({ processor }) => processor)),
      unit: 'µs',
      peers: { 'without access log': median(off.map(({ processor }) => processor)) },
      ratios: { 'without access log': ratio('processor') },
    },
    {
      figure: `${figure}: least processor time a request of all rounds`,
      value: least(on),
      unit: 'µs',
      peers: { 'without access log': least(off) },
      ratios: { 'without access log': least(on) / least(off) },
    },
    { figure: `${figure}: requests that a follower saw`, value: (seen / requests) * 100, unit: '%' },
  ];
}
