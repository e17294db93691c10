import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { buildWorld, type NodeHandle, plainPlan, pods, startNode } from '../../src/datapath/testing/world.ts';
import type { DatapathPlan, PolicyEntry } from '../../src/plan/index.ts';
import { type Figure, median } from '../figure.ts';

// Runs inside namespaces of its own, started by bench.ts, and prints its figures as JSON.

const run = promisify(execFile);
const traffic = path.join(import.meta.dirname, 'traffic.mjs');
const PORT = 7000;
const ROUNDS = 7;
const TRAFFIC_MS = 1500;
const PEERS = 1000;
const sizes = { few: 10, many: 10_000 } as const;

/** So many entries of pod b by peer, from an identity on that nobody has; pod a may reach it besides. */
function entries(count: number): readonly PolicyEntry[] {
  const made = Array.from({ length: count - 1 }, (_, at) => entry(20_000 + at));
  return [...made, entry(pods.a.identity)];
}

function entry(peer: number): PolicyEntry {
  const { address } = pods.b;
  return {
    endpoint: address,
    direction: 'ingress',
    peer,
    protocol: 'tcp',
    port: PORT,
    action: 'allow',
    rules: ['cnp/default/bench/spec.ingress[0]'],
  };
}

function planWith(policy: readonly PolicyEntry[]): DatapathPlan {
  const plain = plainPlan(1);
  const endpoints = plain.endpoints.map((one) => (one.podName === 'b' ? { ...one, enforceIngress: true } : one));
  return { ...plain, endpoints, policy };
}

function planWithoutPod(): DatapathPlan {
  const plain = plainPlan(1);
  return {
    ...plain,
    endpoints: plain.endpoints.filter(({ podName }) => podName !== 'b'),
    ipcache: plain.ipcache.filter(({ cidr }) => cidr !== `${pods.b.address}/32`),
  };
}

async function apply(node: NodeHandle, plan: DatapathPlan): Promise<number> {
  const { ok, text, milliseconds = Number.NaN } = await node.call({ do: 'apply', plan });
  if (!ok) throw new Error(text);
  return milliseconds;
}

async function podFigure(node: NodeHandle): Promise<Figure> {
  const times: number[] = [];
  for (let round = 0; round < 2 * ROUNDS; round++) {
    await apply(node, planWithoutPod());
    times.push(await apply(node, planWith(entries(PEERS))));
  }
  const figure = `a pod with ${PEERS.toLocaleString('en')} peers selected comes: compiled and in the kernel`;
  return { figure, value: median(times), unit: 'ms', goal: '20 or less' };
}

async function measure(mode: 'stream' | 'turns'): Promise<number> {
  const args = [process.execPath, traffic, mode, pods.b.address, String(PORT), String(TRAFFIC_MS)];
  const { stdout } = await run('nsenter', ['--net=/run/netns/a', ...args], { timeout: 10 * TRAFFIC_MS });
  return Number(stdout);
}

/** Few and many entries in turn, in the other direction every second round. */
async function trafficFigure(node: NodeHandle, mode: 'stream' | 'turns', figure: string): Promise<Figure> {
  const seen = { few: [] as number[], many: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const size of round % 2 === 0 ? (['few', 'many'] as const) : (['many', 'few'] as const)) {
      await apply(node, planWith(entries(sizes[size])));
      seen[size].push(await measure(mode));
    }
  }
  const ratios = seen.many.map((value, round) => value / (seen.few[round] ?? Number.NaN));
  return { figure, value: median(ratios), unit: 'of the same with 10 entries', goal: '0.95 or more' };
}

async function served(): Promise<ChildProcess> {
  const args = ['--net=/run/netns/b', process.execPath, traffic, 'serve', String(PORT)];
  const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

buildWorld();
const node = await startNode(1);
const server = await served();
const figures = [
  await podFigure(node),
  await trafficFigure(node, 'stream', 'bytes a second between pods of one node at 10,000 map entries'),
  await trafficFigure(node, 'turns', 'round trips a second between pods of one node at 10,000 map entries'),
];
server.kill();
await node.stop();
console.log(JSON.stringify(figures));
process.exit();
