import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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
  /** Each request over a connection of its own. */
  readonly fresh?: boolean;
}

/** Loads a program from one thread with keep-alive connections, each asking again as soon as it is answered. */
export async function loadProgram(
  pid: number,
  { wrk, url, connections, seconds, fresh = false }: Load,
): Promise<Sample> {
  const options = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    '--timeout',
    '10s',
    '-H',
    `Host: ${benchHost}`,
    ...(fresh ? ['-H', 'Connection: close'] : []),
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

interface Http2Load {
  readonly h2load: readonly string[];
  readonly url: string;
  readonly connections: number;
  readonly streams: number;
  readonly seconds: number;
  /** More options of h2load. */
  readonly options?: readonly string[];
}

/** The same over HTTP/2, with so many streams of each connection open all the time. */
export async function loadOverHttp2(
  pid: number,
  { h2load, url, connections, streams, seconds, options: more = [] }: Http2Load,
): Promise<Sample> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ciliate-h2load-'));
  const log = path.join(folder, 'log');
  const options = [`-c${connections}`, `-m${streams}`, '-t1', `-D${seconds}`, `--log-file=${log}`, ...more];
  const pids = processTree(pid);
  const before = processorMicroseconds(pids);
  const startedAt = performance.now();
  const text = await output([...h2load, ...options, '-H', `:authority: ${benchHost}`, url]);
  const elapsed = (performance.now() - startedAt) / 1_000;
  const used = processorMicroseconds(pids) - before;
  // Of each request: when it was sent, its status, and the microseconds to its end.
  const times = readFileSync(log, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [Number(line.split('\t')[2]) / 1_000]))
    .sort((a, b) => a - b);
  rmSync(folder, { recursive: true });
  const requests = number(/(\d+) 2xx/.exec(text)?.[1]);
  return {
    rate: number(/finished in [\d.]+m?s, ([\d.]+) req\/s/.exec(text)?.[1]),
    processor: used / requests,
    median: times[Math.floor(times.length / 2)] ?? Number.NaN,
    p99: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
    memory: residentMemory(pids),
    share: used / 1e6 / elapsed,
    faults: number(/(\d+) failed/.exec(text)?.[1]),
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
