import { spawn } from 'node:child_process';
import { processorMicroseconds, processTree, residentMemory } from '../processes.ts';

export interface Sample {
  /** Requests a second. */
  readonly rate: number;
  /** Microseconds of processor time a request, of all threads of the program. */
  readonly processor: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
  /** MiB. */
  readonly memory: number;
  /** Share of one core that the program had. */
  readonly share: number;
  /** Responses that were not 2xx, and connections that failed. */
  readonly faults: number;
}

export interface Load {
  readonly wrk: readonly string[];
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
}

/** Loads a program from one thread with keep-alive connections, each asking again as soon as it is answered. */
export async function loadProgram(pid: number, { wrk, url, connections, seconds }: Load): Promise<Sample> {
  const options = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    '--timeout',
    '10s',
    '-H',
    `Host: ${benchHost}`,
  ];
  const pids = processTree(pid);
  const before = processorMicroseconds(pids);
  const startedAt = performance.now();
  const text = await output([...wrk, ...options, url]);
  const elapsed = (performance.now() - startedAt) / 1_000;
  const used = processorMicroseconds(pids) - before;
  const requests = number(/(\d+) requests in/.exec(text)?.[1]);
  return {
    rate: number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    processor: used / requests,
    median: milliseconds(/\s50%\s+([\d.]+)(us|ms|s|m)/.exec(text)),
    p99: milliseconds(/\s99%\s+([\d.]+)(us|ms|s|m)/.exec(text)),
    memory: residentMemory(pids),
    share: used / 1e6 / elapsed,
    faults: faults(text),
  };
}

export const benchHost = 'api.bench.test';

function faults(text: string): number {
  const socket = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const other = /Non-2xx or 3xx responses: (\d+)/.exec(text);
  return [...(socket?.slice(1) ?? []), other?.[1] ?? '0'].reduce((sum, count) => sum + Number(count), 0);
}

const inMilliseconds: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 };

function milliseconds(match: RegExpExecArray | null): number {
  return number(match?.[1]) * (inMilliseconds[match?.[2] ?? ''] ?? Number.NaN);
}

function number(text: string | undefined): number {
  return text === undefined ? Number.NaN : Number(text);
}

function output([program = '', ...args]: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}
