import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../test/e2e/cluster.ts';
import { type Figure, median } from '../figure.ts';
import { loadProgram, type Sample } from './load.ts';
import { envoyBootstrap } from './peers.ts';
import { answers, ended, freePorts, pinned, pinTo, start } from './programs.ts';
import { prepareTools, type Tools } from './tools.ts';

const folder = path.join(import.meta.dirname, 'module');
const filter = {
  name: 'tag',
  typed_config: { '@type': 'type.googleapis.com/ciliate.filters.http.module.v1.Module', module: 'tag.ts' },
};

interface Proxy {
  readonly pid: number;
  readonly port: number;
}

/** What a filter in TypeScript that reads and sets one header costs: two proxies that differ in it alone, loaded in turn. */
export async function moduleBench({ quick }: { readonly quick: boolean }): Promise<readonly Figure[]> {
  const tools = prepareTools();
  const { wrk } = tools.programs;
  if (wrk === undefined || tools.backend === undefined) throw new Error('bench module: wrk or gcc is missing');
  const work = mkdtempSync(path.join(tmpdir(), 'ciliate-bench-'));
  const children: ChildProcess[] = [];
  try {
    const [one = 0, two = 0, sink = 0, ...ports] = await freePorts(5);
    const backend = pinTo(tools, pinned.load, [tools.backend, ...[one, two, sink].map(String)]);
    children.push(start('backend', backend, work));
    await answers(one);
    const backends = { host: '127.0.0.1', backends: [one, two], sink } as const;
    const proxies: Proxy[] = [];
    for (const [index, name] of ['without', 'with'].entries()) {
      const port = ports[index] ?? 0;
      const bootstrap = envoyBootstrap(backends, port, path.join(work, `${name}.log`), name === 'with' ? [filter] : []);
      const child = startProxy(tools, work, name, bootstrap);
      children.push(child);
      await answers(port, child, path.join(work, `${name}.out`));
      proxies.push({ pid: child.pid ?? 0, port });
    }
    return figuresOf(await measure(proxies, pinTo(tools, pinned.load, [wrk]), quick));
  } finally {
    await Promise.all(children.map(ended));
    rmSync(work, { recursive: true });
  }
}

function startProxy(tools: Tools, work: string, name: string, bootstrap: object): ChildProcess {
  const file = path.join(work, `${name}.json`);
  writeFileSync(file, JSON.stringify(bootstrap));
  const main = path.join(projectRoot, 'src/proxy/main.ts');
  const command = [process.execPath, main, '-c', file, '--filter-modules', folder];
  return start(name, pinTo(tools, pinned.program, command), work);
}

/** Without and with, one right after the other, in the other order every second time. */
async function measure(
  proxies: readonly Proxy[],
  wrk: readonly string[],
  quick: boolean,
): Promise<readonly (readonly Sample[])[]> {
  const load = ({ pid, port }: Proxy, seconds: number): Promise<Sample> =>
    loadProgram(pid, { wrk, url: `http://127.0.0.1:${port}/api/v1/small`, connections: 64, seconds });
  for (const proxy of proxies) await load(proxy, 3);
  const rounds: (readonly Sample[])[] = [];
  for (let round = 0; round < (quick ? 6 : 14); round++) {
    const order = round % 2 === 0 ? proxies : proxies.toReversed();
    const samples: Sample[] = [];
    for (const proxy of order) samples.push(await load(proxy, quick ? 1 : 2));
    rounds.push(round % 2 === 0 ? samples : samples.toReversed());
  }
  return rounds;
}

function figuresOf(rounds: readonly (readonly Sample[])[]): readonly Figure[] {
  const pairs = rounds.map(
    ([without, having]) => [without?.processor ?? Number.NaN, having?.processor ?? Number.NaN] as const,
  );
  return [
    {
      figure: 'filter in TypeScript that reads and sets a header: processor time more a request',
      value: median(pairs.map(([without, having]) => having - without)),
      unit: 'µs',
      goal: '1 or less',
    },
    {
      figure: 'the same: processor time a request',
      value: median(pairs.map(([, having]) => having)),
      unit: 'µs',
      peers: { 'without it': median(pairs.map(([without]) => without)) },
      ratios: { 'without it': median(pairs.map(([without, having]) => having / without)) },
    },
  ];
}
