import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Figure, median } from '../figure.ts';
import { idleMemory } from './idle.ts';
import { loadOverHttp2, loadProgram, type Sample } from './load.ts';
import { type Product, startProducts } from './product.ts';
import { type Program, type ProgramName, type Programs, startPrograms } from './programs.ts';
import { figuresOf, inTurn, type Pace, type Row, report, type Samples } from './rows.ts';
import { prepareTools, type Tools, warn } from './tools.ts';
import { loadWorkers, type WorkersSample, workersFactor } from './workers.ts';

const http2Rows: readonly Row[] = [
  {
    name: 'HTTP/2 to HTTP/1.1, small GET, 16 connections of 8 streams',
    path: '/api/v1/small',
    connections: 16,
    streams: 8,
    against: ['nginx h2', 'Envoy'],
    goals: { rate: '0.6 of nginx, 1.0 of Envoy' },
  },
  {
    name: 'HTTP/2 to HTTP/1.1, small GET, 1 connection of 100 streams',
    path: '/api/v1/small',
    connections: 1,
    streams: 100,
    against: ['nginx h2', 'Envoy'],
    goals: {},
  },
  {
    name: 'HTTP/2 to HTTP/1.1, small GET, 1 connection of 1,000 streams',
    path: '/api/v1/small',
    connections: 1,
    streams: 1_000,
    against: ['nginx h2', 'Envoy'],
    goals: { p99: 'twice that of 100 streams, were the core not full in both' },
  },
];

const tlsRows: readonly Row[] = [
  {
    name: 'TLS, small GET, 64 connections',
    path: '/api/v1/small',
    connections: 64,
    tls: 'keep-alive',
    against: ['nginx TLS', 'Envoy TLS'],
    goals: { rate: '0.9 of nginx' },
  },
  {
    name: 'TLS, 1 MiB, 64 connections',
    path: '/api/v1/1m',
    connections: 64,
    tls: 'keep-alive',
    against: ['nginx TLS', 'Envoy TLS'],
    goals: {},
  },
  {
    name: 'TLS, a handshake for each small GET, 64 at a time',
    path: '/api/v1/small',
    connections: 64,
    tls: 'handshakes',
    against: ['nginx TLS', 'Envoy TLS'],
    goals: { rate: '0.8 of nginx' },
  },
];

const full: Pace = { rounds: 7, seconds: 3, warmUpSeconds: 3, idleConnections: 4_000 };
const quick: Pace = { rounds: 2, seconds: 1, warmUpSeconds: 1, idleConnections: 1_000 };

const rows: readonly Row[] = [
  {
    name: 'small GET, 64 connections',
    path: '/api/v1/small',
    connections: 64,
    against: ['nginx', 'HAProxy', 'Envoy', 'C relay'],
    goals: {
      rate: '1.0 of nginx and HAProxy, 2.0 of Envoy',
      processor: '1.6 or less of C relay',
      p99: '1.2 or less of the better of nginx and HAProxy',
      memory: '90 or less',
    },
  },
  {
    name: 'small GET, 1,000 connections',
    path: '/api/v1/small',
    connections: 1_000,
    against: ['nginx', 'HAProxy', 'Envoy', 'C relay'],
    goals: { rate: '1.0 of nginx' },
  },
  {
    name: '16 KiB, 64 connections',
    path: '/api/v1/16k',
    connections: 64,
    against: ['nginx 64k', 'HAProxy 64k', 'Envoy', 'C relay'],
    goals: { rate: '0.95 of nginx 64k' },
  },
  {
    name: '1 MiB, 64 connections',
    path: '/api/v1/1m',
    connections: 64,
    against: ['nginx 64k', 'HAProxy 64k', 'Envoy', 'C relay'],
    goals: { rate: '0.95 of nginx 64k' },
  },
];

/** Measures ciliate-proxy against nginx, HAProxy, Envoy and a byte relay, each with the same work and one core. */
export async function proxyBench(options: { readonly quick: boolean }): Promise<readonly Figure[]> {
  const pace = options.quick ? quick : full;
  const tools = prepareTools();
  if (tools.programs.wrk === undefined) throw new Error('bench proxy: wrk is missing, nothing can be measured');
  const folder = mkdtempSync(path.join(tmpdir(), 'ciliate-bench-'));
  try {
    await using programs = await startPrograms(tools, folder);
    const [first, ...others] = rows;
    const figures = first ? [...figuresOf(first, await measure(first, programs, pace))] : [];
    // Before the rows that leave memory behind which idle connections would then take.
    figures.push(await idleFigure(programs, pace));
    for (const row of [...others, ...tlsRows, ...(programs.h2load.length > 0 ? http2Rows : [])])
      figures.push(...figuresOf(row, await measure(row, programs, pace)));
    if (first) figures.push(...(await workersFigures(first, programs, pace)));
    figures.push(...(await productFigures(tools, folder, pace)));
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(row: Row, { list, wrk, h2load }: Programs, pace: Pace): Promise<Samples> {
  const own: ProgramName = row.tls ? 'ours TLS' : 'ours';
  const chosen = list
    .filter(({ name }) => name === own || row.against.includes(name))
    .map((program): Program => (program.name === own ? { ...program, name: 'ours' } : program));
  const load = ({ pid, port }: Program, seconds: number): Promise<Sample> => {
    const url = `${row.tls ? 'https' : 'http'}://127.0.0.1:${port}${row.path}`;
    const { connections, streams, tls } = row;
    if (streams !== undefined) return loadOverHttp2(pid, { h2load, url, connections, streams, seconds });
    return loadProgram(pid, { wrk, url, connections, seconds, fresh: tls === 'handshakes' });
  };
  const samples = await inTurn(chosen, load, pace);
  for (const [name, list] of samples) report(row, name, list);
  return samples;
}

const idlePeers: readonly ProgramName[] = ['nginx', 'HAProxy', 'Envoy'];

async function idleFigure({ list }: Programs, { idleConnections }: Pace): Promise<Figure> {
  const kept = new Map<ProgramName, number>();
  for (const program of list.filter(({ name }) => name === 'ours' || idlePeers.includes(name))) {
    kept.set(program.name, await idleMemory(program, idleConnections));
  }
  return {
    figure: 'each further idle connection: resident memory',
    value: kept.get('ours') ?? Number.NaN,
    unit: 'KiB',
    goal: '12 or less',
    peers: Object.fromEntries([...kept].filter(([name]) => name !== 'ours')),
  };
}

/** One worker and two in turn, as often as everything else. */
async function workersFigures(row: Row, { list, wrk }: Programs, pace: Pace): Promise<readonly Figure[]> {
  const one = list.find(({ name }) => name === 'ours');
  const two = list.find(({ name }) => name === 'ours, two workers');
  if (!one || !two) return [];
  const load = ({ port }: Program, seconds: number) => {
    return { wrk, url: `http://127.0.0.1:${port}${row.path}`, connections: row.connections, seconds };
  };
  await loadProgram(two.pid, load(two, pace.warmUpSeconds));
  const pairs: (readonly [Sample, WorkersSample])[] = [];
  for (let round = 0; round < pace.rounds; round++) {
    const single = await loadProgram(one.pid, load(one, pace.seconds));
    pairs.push([single, await loadWorkers(two, load(two, pace.seconds))]);
  }
  return [
    {
      figure: 'two workers on two cores: requests of one worker, from processor time and balance',
      value: median(pairs.map(([single, both]) => workersFactor(single, both))),
      unit: 'times',
      goal: '1.8 or more',
    },
    {
      figure: 'the second worker: resident memory',
      value: median(pairs.map(([single, both]) => both.memory - single.memory)),
      unit: 'MiB',
      goal: '30 or less',
    },
  ];
}

const productRows = [
  { name: 'as `ciliate up` builds it, small GET, 64 connections', path: '/api/v1/small', connections: 64 },
  { name: 'as `ciliate up` builds it, small GET, 1,000 connections', path: '/api/v1/small', connections: 1_000 },
  { name: 'as `ciliate up` builds it, 16 KiB, 64 connections', path: '/api/v1/16k', connections: 64 },
  { name: 'as `ciliate up` builds it, 1 MiB, 64 connections', path: '/api/v1/1m', connections: 64 },
].map((row): Row => ({ ...row, against: ['Envoy'], goals: { rate: '2.0 of Envoy' } }));

/** The same with redirected connections, the client's address kept, discovered policy and a gRPC access log. */
async function productFigures(tools: Tools, folder: string, pace: Pace): Promise<readonly Figure[]> {
  if (process.getuid?.() !== 0) {
    warn('not root: the figures of the listener as `ciliate up` builds it are missing');
    return [];
  }
  await using products = await startProducts(tools, folder);
  const { wrk } = products;
  const figures: Figure[] = [];
  for (const row of productRows) {
    const load = ({ pid, url }: Product, seconds: number): Promise<Sample> => {
      return loadProgram(pid, { wrk, url: `${url}${row.path}`, connections: row.connections, seconds });
    };
    const samples = await inTurn(products.list, load, pace);
    for (const [name, list] of samples) report(row, name, list);
    figures.push(...figuresOf(row, samples));
  }
  return figures;
}
