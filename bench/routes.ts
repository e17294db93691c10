import type { Issue } from '../src/base/index.ts';
import type { JsonObject } from '../src/proxy/config/fields.ts';
import { RequestHead } from '../src/proxy/http/head.ts';
import { StreamInfo } from '../src/proxy/http/stream-info.ts';
import { compileRouteTable, type RouteTable } from '../src/proxy/route/table.ts';
import { Runtime } from '../src/proxy/runtime/runtime.ts';
import { StatsStore } from '../src/proxy/stats/store.ts';
import { type Figure, median } from './figure.ts';

const SIZES = [10, 1000, 10_000];
const ROUNDS = 15;
const MATCHES = 200_000;
const PEER = { address: '127.0.0.1', port: 1 };
const RUNTIME = new Runtime();

interface Asked {
  readonly host: string;
  readonly path: string;
}

/** A table that grows, and a request for its entry of that index. */
interface Kind {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly table: (size: number) => JsonObject;
  readonly request: (index: number) => Asked;
  /** The most that the largest may cost, by what the smallest costs. */
  readonly goal: string;
}

const GOAL = '1.3 or less';
const route = (match: JsonObject): JsonObject => ({ match, route: { cluster: 'c' } });
const list = <T>(size: number, make: (index: number) => T): T[] =>
  Array.from({ length: size }, (_, index) => make(index));
const oneHost = (match: (index: number) => JsonObject): Kind['table'] => {
  return (size) => ({ virtual_hosts: [{ name: 'v', domains: ['*'], routes: list(size, (at) => route(match(at))) }] });
};
const hosts = (domain: (index: number) => string): Kind['table'] => {
  return (size) => ({
    virtual_hosts: list(size, (at) => ({ name: `v${at}`, domains: [domain(at)], routes: [route({ prefix: '/' })] })),
  });
};
const padded = (index: number): string => String(index).padStart(5, '0');

const kinds: readonly Kind[] = [
  {
    name: 'virtual hosts',
    sizes: SIZES,
    table: hosts((at) => `host-${padded(at)}.example.com`),
    request: (at) => ({ host: `host-${padded(at)}.example.com`, path: '/some/path' }),
    goal: GOAL,
  },
  {
    name: 'virtual hosts by suffix',
    sizes: SIZES,
    table: hosts((at) => `*.host-${padded(at)}.example.com`),
    request: (at) => ({ host: `www.host-${padded(at)}.example.com`, path: '/some/path' }),
    goal: GOAL,
  },
  {
    name: 'prefixes',
    sizes: SIZES,
    table: oneHost((at) => ({ prefix: `/service/${padded(at)}/` })),
    request: (at) => ({ host: 'h', path: `/service/${padded(at)}/items` }),
    goal: GOAL,
  },
  {
    name: 'separated prefixes',
    sizes: SIZES,
    table: oneHost((at) => ({ path_separated_prefix: `/service/${padded(at)}` })),
    request: (at) => ({ host: 'h', path: `/service/${padded(at)}/items` }),
    goal: GOAL,
  },
  {
    name: 'exact paths',
    sizes: SIZES,
    table: oneHost((at) => ({ path: `/service/${padded(at)}/items` })),
    request: (at) => ({ host: 'h', path: `/service/${padded(at)}/items` }),
    goal: GOAL,
  },
  {
    name: 'regexes',
    sizes: SIZES,
    table: oneHost((at) => ({ safe_regex: { regex: `/service/${padded(at)}/[a-z]+` } })),
    request: (at) => ({ host: 'h', path: `/service/${padded(at)}/items` }),
    goal: GOAL,
  },
  {
    name: 'regexes that begin alike',
    sizes: SIZES,
    table: oneHost((at) => ({ safe_regex: { regex: `/[a-z]+/${padded(at)}/[a-z]+` } })),
    request: (at) => ({ host: 'h', path: `/service/${padded(at)}/items` }),
    goal: '',
  },
];

/** What choosing a route costs: the processor's time, so that other work on the machine counts less. */
export function routesBench(): Promise<readonly Figure[]> {
  return Promise.resolve(kinds.flatMap(measureKind));
}

function measureKind({ name, sizes, table, request, goal }: Kind): readonly Figure[] {
  const tables = sizes.map((size) => compiled(table(size)));
  const samples = sizes.map(() => [] as number[]);
  const ratios: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const costs = tables.map(({ find }, at) => costOf(find, sizes[at] as number, request, goal === ''));
    if (round < 0) continue;
    for (const [at, cost] of costs.entries()) samples[at]?.push(cost);
    ratios.push((costs.at(-1) as number) / (costs[0] as number));
  }
  const largest = sizes.at(-1) as number;
  return [
    ...sizes.map((size, at) => ({ figure: `match, ${size} ${name}`, value: median(samples[at] ?? []), unit: 'ns' })),
    { figure: `${largest} ${name} by ${sizes[0]}`, value: median(ratios), unit: 'times', ...(goal ? { goal } : {}) },
    { figure: `compile, ${largest} ${name}`, value: tables.at(-1)?.took ?? 0, unit: 'ms' },
  ];
}

interface Compiled {
  readonly find: RouteTable;
  readonly took: number;
}

function compiled(json: JsonObject): Compiled {
  const issues: Issue[] = [];
  const start = process.cpuUsage();
  const find = compileRouteTable(json, '', issues, {
    readFilters: () => new Map(),
    runtime: RUNTIME,
    stats: new StatsStore().scope(),
    hasCluster: () => true,
    validateClusters: false,
  });
  const { user, system } = process.cpuUsage(start);
  const took = (user + system) / 1000;
  if (issues.length > 0) throw new Error(issues[0]?.message);
  return { find, took };
}

/** Requests for ten entries spread over the table: those for the largest touch no more memory than those for the smallest. */
function costOf(table: RouteTable, size: number, request: (index: number) => Asked, inOrder: boolean): number {
  const infos = list(10, (at) => infoOf(request(Math.floor((at * size) / 10))));
  const matches = inOrder ? Math.max(200, Math.floor((MATCHES * 10) / size)) : MATCHES;
  let found = 0;
  const start = process.cpuUsage();
  for (let at = 0; at < matches; at++) if (table.find(infos[at % 10] as StreamInfo, at)) found++;
  const { user, system } = process.cpuUsage(start);
  if (found !== matches) throw new Error('a request found no route');
  return ((user + system) * 1000) / matches;
}

function infoOf({ host, path }: Asked): StreamInfo {
  const head = new RequestHead();
  head.method = 'GET';
  head.path = path;
  head.authority = host;
  head.hasAuthority = true;
  const info = new StreamInfo({ remote: PEER, directRemote: PEER, local: PEER });
  info.request = head;
  return info;
}
