import fc from 'fast-check';
import { compare } from './compare.ts';
import { bootstrap, cluster, listener, manager } from './config.ts';
import { type RandomTable, randomTable } from './random-table.ts';
import { runScenario } from './run-scenario.ts';
import type { Kind } from './subject.ts';
import type { Outcome, Request, Scenario } from './types.ts';

/** Milliseconds for which a failure is made smaller. */
const SHRINK_MS = 120_000;
/** Without these there is no table. */
const KEPT: ReadonlySet<string> = new Set(['hosts', 'config', 'requests']);

export interface RandomRun {
  readonly tables: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** Plays random route tables against both proxies; undefined when they agree, else the smallest table found where they do not. */
export async function compareRandom(
  envoy: Kind,
  ours: Kind,
  { tables, seed, say }: RandomRun,
): Promise<string | undefined> {
  let requests = 0;
  let refusals = 0;
  for (const table of fc.sample(randomTable, { numRuns: tables, seed })) {
    const { faults, failing, refused } = await compareTable(envoy, ours, table);
    if (faults.length > 0) {
      say(`seed ${seed}: the proxies differ after ${requests} requests; making the table smaller`);
      const differs = async (one: RandomTable): Promise<boolean> =>
        (await compareTable(envoy, ours, one)).faults.length > 0;
      const alone = { ...table, requests: failing.slice(0, 1) };
      const smallest = await makeSmaller((await differs(alone)) ? alone : table, differs);
      const { faults: left } = await compareTable(envoy, ours, smallest);
      return [...left, '', JSON.stringify(smallest, undefined, 1)].join('\n');
    }
    if (refused) refusals++;
    else requests += table.requests.length;
  }
  say(
    `seed ${seed}: ${requests} requests through ${tables - refusals} tables agree, ${refusals} tables are refused by both`,
  );
  return undefined;
}

/** Takes away whatever can go while the proxies still differ, the large parts first. */
async function makeSmaller(
  table: RandomTable,
  differs: (table: RandomTable) => Promise<boolean>,
): Promise<RandomTable> {
  const end = Date.now() + SHRINK_MS;
  let best = table;
  for (let changed = true; changed; ) {
    changed = false;
    for (const smaller of withoutParts(best)) {
      if (Date.now() > end) return best;
      if (!(await differs(smaller as RandomTable))) continue;
      best = smaller as RandomTable;
      changed = true;
      break;
    }
  }
  return best;
}

/** The value without one of its parts: half of a list, one of its items, a field, and the same of the parts themselves. */
function* withoutParts(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const half = items.length >> 1;
    if (items.length > 2) yield* [items.slice(half), items.slice(0, half)];
    for (const index of items.keys()) yield items.toSpliced(index, 1);
    for (const [index, item] of items.entries()) {
      for (const smaller of withoutParts(item)) yield items.with(index, smaller);
    }
  } else if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value);
    for (const [key] of fields) {
      if (!KEPT.has(key)) yield Object.fromEntries(fields.filter(([other]) => other !== key));
    }
    for (const [key, inner] of fields) for (const smaller of withoutParts(inner)) yield { ...value, [key]: smaller };
  }
}

interface Comparison {
  readonly faults: readonly string[];
  readonly failing: readonly Request[];
  readonly refused: boolean;
}

async function compareTable(envoy: Kind, ours: Kind, table: RandomTable): Promise<Comparison> {
  const scenario = scenarioOf(table);
  const [theirs, own] = await Promise.all([outcomesOf(scenario, envoy), outcomesOf(scenario, ours)]);
  if (theirs instanceof Error || own instanceof Error) {
    if (theirs instanceof Error && own instanceof Error) return { faults: [], failing: [], refused: true };
    const text = (one: unknown): string => (one instanceof Error ? `refuses: ${one.message}` : 'accepts');
    return { faults: [`Envoy ${text(theirs)}`, `ciliate-proxy ${text(own)}`], failing: [], refused: false };
  }
  const faults: string[] = [];
  const failing = table.requests.filter((_, index) => {
    const name = String(index);
    const [left, right] = [theirs.get(name), own.get(name)];
    const lines = left && right ? compare(left, right) : ['no outcome'];
    if (lines.length > 0) faults.push(`request ${name}`, ...lines);
    return lines.length > 0;
  });
  return { faults, failing, refused: false };
}

async function outcomesOf(scenario: Scenario, kind: Kind): Promise<ReadonlyMap<string, Outcome> | Error> {
  try {
    return await runScenario(scenario, kind);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function scenarioOf({ hosts, config, requests }: RandomTable): Scenario {
  return {
    feature: 'random route tables',
    name: 'random',
    backends: ['http', 'http'],
    stats: false,
    bootstrap: (places) => {
      const table = { name: 'routes', virtual_hosts: hosts, ...config };
      const filters = [manager(places, { route_config: table })];
      return bootstrap(places, [listener(places, 0, filters)], [cluster(places, 0), cluster(places, 1)]);
    },
    cases: requests.map((request, index) => ({ name: String(index), requests: [request] })),
  };
}
