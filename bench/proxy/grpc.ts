import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../test/e2e/cluster.ts';
import type { Figure } from '../figure.ts';
import { benchHost, loadOverHttp2, type Sample } from './load.ts';
import { httpManager } from './peers.ts';
import { answers, ended, freePorts, type Program, pinned, pinTo, start } from './programs.ts';
import { figuresOf, inTurn, type Pace, type Row, report } from './rows.ts';
import { prepareTools, type Tools } from './tools.ts';

/** Calls of services whose answer takes so many milliseconds. */
const delays = [0, 45, 450] as const;
type Delay = (typeof delays)[number];

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const SERVICE = '/bench.Echo/';

interface GrpcRow extends Pick<Row, 'name' | 'goals'> {
  readonly delay: Delay;
  readonly connections: number;
  readonly streams: number;
  /** Calls a second of each connection; undefined: each stream calls again as soon as it is answered. */
  readonly rate?: number;
}

const RATE = 2_000;

const rows: readonly GrpcRow[] = [
  {
    name: 'gRPC unary, 16 connections of 8 streams',
    delay: 0,
    connections: 16,
    streams: 8,
    goals: { rate: '0.8 of Envoy' },
  },
  {
    name: 'gRPC unary, 2,000 a second over 1 connection, 90 streams at a time of 45 ms',
    delay: 45,
    connections: 1,
    streams: 1_000,
    rate: RATE,
    goals: {},
  },
  {
    name: 'gRPC unary, 2,000 a second over 1 connection, 900 streams at a time of 450 ms',
    delay: 450,
    connections: 1,
    streams: 1_000,
    rate: RATE,
    goals: { p99: 'less than twice that of 90 streams over their delays' },
  },
];

const full: Omit<Pace, 'idleConnections'> = { rounds: 7, seconds: 4, warmUpSeconds: 3 };
const quick: Omit<Pace, 'idleConnections'> = { rounds: 2, seconds: 2, warmUpSeconds: 2 };

/** gRPC through ciliate-proxy and Envoy with the same bootstrap: as fast as it goes, and at one rate with few and many streams of one connection. */
export async function grpcBench(options: { readonly quick: boolean }): Promise<readonly Figure[]> {
  const tools = prepareTools();
  const { h2load } = tools.programs;
  if (h2load === undefined || tools.grpcBackend === undefined) throw new Error('bench grpc: h2load or gcc is missing');
  const folder = mkdtempSync(path.join(tmpdir(), 'ciliate-bench-'));
  const children: ChildProcess[] = [];
  try {
    const ports = await freePorts(delays.length);
    const words = ports.map((port, index) => `${port}:${delays[index]}`);
    children.push(start('grpc-backend', pinTo(tools, pinned.load, [tools.grpcBackend, ...words]), folder));
    const programs: Program[] = [];
    for (const name of ['ours', 'Envoy'] as const) {
      if (name === 'Envoy' && tools.envoy === undefined) continue;
      const [port = 0] = await freePorts(1);
      const child = start(name, command(tools, name, bootstrap(port, ports, path.join(folder, name)), folder), folder);
      children.push(child);
      await answers(port, child, path.join(folder, `${name}.out`), call);
      programs.push({ name, port, pid: child.pid ?? 0 });
    }
    // One empty message.
    const message = path.join(folder, 'message');
    writeFileSync(message, Buffer.alloc(5));
    const figures: Figure[] = [];
    for (const row of rows) {
      const load = ({ pid, port }: Program, seconds: number): Promise<Sample> =>
        loadRow(row, pid, pinTo(tools, pinned.load, [h2load]), port, message, seconds);
      const samples = await inTurn(programs, load, options.quick ? quick : full);
      for (const [name, list] of samples) report(row, name, list);
      figures.push(...figuresOf(row, samples));
    }
    return figures;
  } finally {
    await Promise.all(children.map(ended));
    rmSync(folder, { recursive: true });
  }
}

/** Times of the sample are those over the delay. */
async function loadRow(
  { delay, connections, streams, rate }: GrpcRow,
  pid: number,
  h2load: readonly string[],
  port: number,
  message: string,
  seconds: number,
): Promise<Sample> {
  const options = ['-d', message, '-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  if (rate !== undefined) options.push(`--rps=${rate}`);
  const url = `http://127.0.0.1:${port}${SERVICE}${delay}`;
  const sample = await loadOverHttp2(pid, { h2load, url, connections, streams, seconds, options });
  return { ...sample, median: sample.median - delay, p99: sample.p99 - delay };
}

function command(tools: Tools, name: 'ours' | 'Envoy', config: object, folder: string): readonly string[] {
  const file = path.join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(config));
  const program =
    name === 'ours'
      ? [process.execPath, path.join(projectRoot, 'src/proxy/main.ts'), '-c', file]
      : [tools.envoy ?? '', '-c', file, '--concurrency', '1', '--use-dynamic-base-id', '-l', 'error'];
  return pinTo(tools, pinned.program, program);
}

/** The work of the `proxy` bench, over HTTP/2 on either side. */
function bootstrap(port: number, backends: readonly number[], log: string): object {
  const routes = delays.map((delay) => ({
    match: { path: `${SERVICE}${delay}` },
    route: { cluster: `after-${delay}`, timeout: '15s' },
  }));
  const hosts = [{ name: 'api', domains: [benchHost], routes }];
  const manager = httpManager(`${log}.log`, [], { method: 'POST', prefix: SERVICE }, hosts);
  const address = (to: number): object => ({ socket_address: { address: '127.0.0.1', port_value: to } });
  return {
    node: { id: 'bench', cluster: 'bench' },
    static_resources: {
      listeners: [
        {
          name: 'bench',
          address: address(port),
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
      clusters: delays.map((delay, index) => ({
        name: `after-${delay}`,
        type: 'STATIC',
        connect_timeout: '5s',
        circuit_breakers: { thresholds: [{ max_requests: 16384 }] },
        typed_extension_protocol_options: {
          [OPTIONS]: {
            '@type': `type.googleapis.com/${OPTIONS}`,
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
        load_assignment: {
          cluster_name: `after-${delay}`,
          endpoints: [{ lb_endpoints: [{ endpoint: { address: address(backends[index] ?? 0) } }] }],
        },
      })),
    },
  };
}

/** Asks once whether a call comes to its end with status OK. */
function call(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const failed = (error: Error): void => {
      session.destroy();
      reject(error);
    };
    session.on('error', failed);
    session.setTimeout(2_000, () => failed(new Error(`no answer on port ${port}`)));
    const fields = { ':path': `${SERVICE}0`, ':method': 'POST', ':authority': benchHost };
    const stream = session.request({ ...fields, 'content-type': 'application/grpc', te: 'trailers' });
    stream.on('error', failed);
    stream.on('trailers', (trailers) => {
      session.destroy();
      if (trailers['grpc-status'] === '0') resolve();
      else reject(new Error(`grpc-status ${trailers['grpc-status']}`));
    });
    stream.resume();
    stream.end(Buffer.alloc(5));
  });
}
