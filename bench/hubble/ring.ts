import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { createPeerPool } from '../../src/hubble/relay/pool.ts';
import { decodeMessage, type GetFlowsResponse, toNumber } from '../../src/model/flow/index.ts';
import type { Figure } from '../figure.ts';
import { pinned, pinTo } from '../proxy/programs.ts';
import type { Tools } from '../proxy/tools.ts';

const rate = 50_000;
const seconds = 10;
const warmUpSeconds = 5;
const quietMs = 1_000;

interface Said {
  readonly sent: number;
  readonly seconds: number;
  readonly share: number;
}

/** 50,000 flows a second into one node's Observer on a core of its own, and out of it to one follower as the relay is one. */
export async function ringBench(tools: Tools): Promise<readonly Figure[]> {
  const program = [process.execPath, '--max-semi-space-size=2', path.join(import.meta.dirname, 'node.ts')];
  const [command = '', ...args] = pinTo(tools, pinned.program, program);
  const node = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: node.stdout })[Symbol.asyncIterator]();
  const said = async <T>(): Promise<T> => JSON.parse((await lines.next()).value ?? 'null') as T;
  const { port } = await said<{ port: number }>();
  const pool = createPeerPool(grpc, () => [{ name: 'node', address: `127.0.0.1:${port}` }]);
  try {
    const [peer] = pool.connections();
    if (!peer || !(await peer.ready(5_000))) throw new Error("the node's Observer is not reached");
    let received = 0;
    let lost = 0;
    let lastAt = performance.now();
    const call = peer.getFlows({ follow: true });
    call.on('error', () => {});
    call.on('data', ({ message }: { message: { bytes: Buffer } }) => {
      lastAt = performance.now();
      const told = message.bytes.length < shortestFlow ? lostOf(message.bytes) : 0;
      if (told > 0) lost += told;
      else received++;
    });
    const load = async (runSeconds: number): Promise<Said> => {
      node.stdin.write(`${rate} ${rate * runSeconds}\n`);
      const told = await said<Said>();
      while (performance.now() - lastAt < quietMs) await sleep(50);
      return told;
    };
    await sleep(200);
    await load(warmUpSeconds);
    received = 0;
    lost = 0;
    const told = await load(seconds);
    call.cancel();
    return figuresOf(told, received, lost);
  } finally {
    pool.close();
    node.kill('SIGKILL');
  }
}

function figuresOf({ sent, seconds: took, share }: Said, received: number, lost: number): readonly Figure[] {
  return [
    { figure: "flows into a node's Observer", value: sent / took, unit: '/s', goal: `${rate}` },
    { figure: 'of these missing at its follower / told as lost', value: sent - received, unit: `/ ${lost}`, goal: '0' },
    { figure: 'processor of the Observer, of one core', value: share * 100, unit: '%', goal: '100 or less' },
  ];
}

/** Bytes below which a response cannot be a flow of the bench, so that only a lost event is ever decoded. */
const shortestFlow = 100;

function lostOf(bytes: Buffer): number {
  return toNumber(decodeMessage<GetFlowsResponse>('observer.GetFlowsResponse', bytes).lost_events?.num_events_lost);
}
