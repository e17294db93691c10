import { type Figure, median } from '../figure.ts';
import type { Sample } from './load.ts';
import type { ProgramName } from './programs.ts';
import { warn } from './tools.ts';

export interface Pace {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly idleConnections: number;
}

export interface Row {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  /** Streams of each connection that are open at a time; undefined: the load speaks HTTP/1.1. */
  readonly streams?: number;
  /** Over TLS; `handshakes`: each request over a connection of its own. */
  readonly tls?: 'keep-alive' | 'handshakes';
  readonly against: readonly ProgramName[];
  readonly goals: Readonly<Partial<Record<'rate' | 'processor' | 'p99' | 'memory', string>>>;
}

export type Samples = ReadonlyMap<ProgramName, readonly Sample[]>;

/** Every program in turn in each round, in the other direction every second time, so that drift of the machine hits all alike. */
export async function inTurn<P extends { readonly name: ProgramName }>(
  programs: readonly P[],
  load: (program: P, seconds: number) => Promise<Sample>,
  { rounds, seconds, warmUpSeconds }: Omit<Pace, 'idleConnections'>,
): Promise<Samples> {
  for (const program of programs) await load(program, warmUpSeconds);
  const samples = new Map(programs.map(({ name }) => [name, [] as Sample[]]));
  for (let round = 0; round < rounds; round++) {
    for (const program of round % 2 === 0 ? programs : programs.toReversed())
      samples.get(program.name)?.push(await load(program, seconds));
  }
  return samples;
}

export function report(row: Pick<Row, 'name'>, name: ProgramName, samples: readonly Sample[]): void {
  const faults = samples.reduce((sum, sample) => sum + sample.faults, 0);
  if (faults > 0) warn(`${row.name}: ${faults} requests through ${name} failed`);
  const share = median(samples.map((sample) => sample.share));
  if (share < 0.85) {
    warn(`${row.name}: ${name} had ${Math.round(share * 100)} % of its core, so go by processor time, not by rates`);
  }
}

export function figuresOf(row: Pick<Row, 'name' | 'goals'>, samples: Samples): readonly Figure[] {
  const { goals } = row;
  return [
    figureOf(`${row.name}: requests a second`, 'rate', '/s', samples, goals.rate),
    figureOf(`${row.name}: processor time a request`, 'processor', 'µs', samples, goals.processor),
    figureOf(`${row.name}: half of the requests within`, 'median', 'ms', samples, undefined),
    figureOf(`${row.name}: 99 % of the requests within`, 'p99', 'ms', samples, goals.p99),
    figureOf(`${row.name}: resident memory`, 'memory', 'MiB', samples, goals.memory),
  ];
}

function figureOf(figure: string, key: keyof Sample, unit: string, samples: Samples, goal: string | undefined): Figure {
  const ours = samples.get('ours') ?? [];
  const others = [...samples].filter(([name]) => name !== 'ours');
  const values = (list: readonly Sample[]): readonly number[] => list.map((sample) => sample[key]);
  return {
    figure,
    value: median(values(ours)),
    unit,
    ...(goal !== undefined && { goal }),
    peers: Object.fromEntries(others.map(([name, list]) => [name, median(values(list))])),
    ratios: Object.fromEntries(others.map(([name, list]) => [name, median(paired(values(ours), values(list)))])),
  };
}

function paired(ours: readonly number[], theirs: readonly number[]): readonly number[] {
  return ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
}
