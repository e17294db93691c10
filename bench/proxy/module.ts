import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../test/e2e/cluster.ts';
import { type Figure, median, quartiles } from '../figure.ts';
import { benchHost } from './load.ts';
import { envoyBootstrap } from './peers.ts';
import { answers, ended, freePorts, pinned, pinTo, start } from './programs.ts';
import { prepareTools, type Tools } from './tools.ts';

/** Requests that a listener gets at a time: many short bursts, since what disturbs one then mostly disturbs its neighbours. */
const BURST = 200;
const WARM_UP_ROUNDS = 60;

const folder = path.join(import.meta.dirname, 'module');
const type = (name: string): string => `type.googleapis.com/${name}`;
const module = (file: string): object => ({
  name: 'tag',
  typed_config: { '@type': type('ciliate.filters.http.module.v1.Module'), module: file },
});
const append = {
  header: { key: 'x-module', value: '%REQ(x-request-id)%' },
  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
};
const mutation = {
  '@type': type('envoy.extensions.filters.http.header_mutation.v3.HeaderMutation'),
  mutations: { request_mutations: [{ append }] },
};

/** Filters that stand before all others, by the names of the listeners that differ in them alone. */
const variants = {
  without: [],
  native: [{ name: 'tag', typed_config: mutation }],
  module: [module('tag.ts')],
  'both heads': [module('heads.ts')],
} as const;
type Variant = keyof typeof variants;
const names = Object.keys(variants) as readonly Variant[];

/** Microseconds a request: of processor time of the proxy, and from the first to the last of a slice. */
interface Slice {
  readonly processor: number;
  readonly wall: number;
}

type Round = Readonly<Record<Variant, Slice>>;

/** What a filter in TypeScript that reads and sets one header costs: listeners of one proxy that differ in it alone, loaded in turn. */
export async function moduleBench({ quick }: { readonly quick: boolean }): Promise<readonly Figure[]> {
  const tools = prepareTools();
  if (tools.pairs === undefined || tools.backend === undefined) throw new Error('bench module: gcc is missing');
  const work = mkdtempSync(path.join(tmpdir(), 'ciliate-bench-'));
  const children: ChildProcess[] = [];
  try {
    const [one = 0, two = 0, sink = 0, ...ports] = await freePorts(3 + names.length);
    const backend = pinTo(tools, pinned.load, [tools.backend, ...[one, two, sink].map(String)]);
    children.push(start('backend', backend, work));
    await answers(one);
    const backends = { host: '127.0.0.1', backends: [one, two], sink } as const;
    const listeners = names.map((name, index) => {
      const { static_resources } = envoyBootstrap(backends, ports[index] ?? 0, path.join(work, 'log'), variants[name]);
      return { ...static_resources, listeners: static_resources.listeners.map((one) => ({ ...one, name })) };
    });
    const proxy = startProxy(tools, work, {
      static_resources: { ...listeners[0], listeners: listeners.flatMap((one) => one.listeners) },
    });
    children.push(proxy);
    for (const port of ports) await answers(port, proxy, path.join(work, 'proxy.out'));
    const command = pinTo(tools, pinned.load, [tools.pairs]);
    const bursts = (count: number): readonly string[] => [String(proxy.pid), String(count), String(BURST)];
    const target = [benchHost, '/api/v1/small', ...ports.map(String)];
    await play([...command, ...bursts(WARM_UP_ROUNDS), ...target]);
    return figuresOf(quieter(roundsIn(await play([...command, ...bursts(quick ? 600 : 3000), ...target]))));
  } finally {
    await Promise.all(children.map(ended));
    rmSync(work, { recursive: true });
  }
}

function startProxy(tools: Tools, work: string, bootstrap: object): ChildProcess {
  const file = path.join(work, 'bootstrap.json');
  writeFileSync(file, JSON.stringify(bootstrap));
  const main = path.join(projectRoot, 'src/proxy/main.ts');
  const command = [process.execPath, main, '-c', file, '--filter-modules', folder];
  return start('proxy', pinTo(tools, pinned.program, command), work);
}

function play([program = '', ...args]: readonly string[]): Promise<string> {
  return promisify(execFile)(program, args, { maxBuffer: 10_000_000 }).then(({ stdout }) => stdout);
}

/** Each line is of one round: nanoseconds of processor time and on the clock, listener by listener. */
function roundsIn(text: string): readonly Round[] {
  const lines = text.trim().split('\n');
  return lines.map((line) => {
    const numbers = line.split(' ').map((word) => Number(word) / 1_000 / BURST);
    const slices = names.map((name, at) => [name, { processor: numbers[2 * at], wall: numbers[2 * at + 1] }]);
    return Object.fromEntries(slices) as Round;
  });
}

/** The half of the rounds that took least: what others do to the machine makes all three of a round longer, and differ by chance. */
function quieter(rounds: readonly Round[]): readonly Round[] {
  const sum = (round: Round): number => names.reduce((total, name) => total + round[name].processor, 0);
  return rounds.toSorted((a, b) => sum(a) - sum(b)).slice(0, rounds.length >> 1);
}

function figuresOf(rounds: readonly Round[]): readonly Figure[] {
  const more = (kind: keyof Slice, having: Variant, without: Variant): Pick<Figure, 'value' | 'quartiles' | 'unit'> => {
    const pairs = rounds.map((round) => round[having][kind] - round[without][kind]);
    return { value: median(pairs), quartiles: quartiles(pairs), unit: 'µs' };
  };
  const all = (kind: keyof Slice, name: Variant): number => median(rounds.map((round) => round[name][kind]));
  const filter = 'filter in TypeScript that reads and sets a header';
  const peers = (kind: keyof Slice) => ({
    'without it': all(kind, 'without'),
    header_mutation: all(kind, 'native'),
  });
  return [
    {
      figure: `${filter}: processor time more a request`,
      ...more('processor', 'module', 'without'),
      goal: '1 or less',
    },
    { figure: 'header_mutation that does the same: processor time more', ...more('processor', 'native', 'without') },
    { figure: 'the filter in TypeScript more than header_mutation', ...more('processor', 'module', 'native') },
    {
      figure: 'one with hooks on both heads: processor time more a request',
      ...more('processor', 'both heads', 'without'),
    },
    { figure: `${filter}: time on the clock more a request`, ...more('wall', 'module', 'without') },
    { figure: 'processor time a request', value: all('processor', 'module'), unit: 'µs', peers: peers('processor') },
    { figure: 'time on the clock a request', value: all('wall', 'module'), unit: 'µs', peers: peers('wall') },
  ];
}
