import { parseArgs } from 'node:util';
import { clusterBench } from './cluster.ts';
import { datapathBench } from './datapath/bench.ts';
import { type Figure, printFigures } from './figure.ts';
import { hubbleBench } from './hubble/bench.ts';
import { plannerBench } from './planner/bench.ts';
import { policyBench } from './policy.ts';
import { proxyBench } from './proxy/bench.ts';
import { grpcBench } from './proxy/grpc.ts';
import { moduleBench } from './proxy/module.ts';
import { routesBench } from './routes.ts';
import { uiBench } from './ui/bench.ts';
import { xdsBench } from './xds.ts';

interface Options {
  /** Seconds instead of minutes where a bench knows how. */
  readonly quick: boolean;
}

const benches: Readonly<Record<string, (options: Options) => Promise<readonly Figure[]>>> = {
  cluster: clusterBench,
  datapath: datapathBench,
  grpc: grpcBench,
  hubble: hubbleBench,
  module: moduleBench,
  planner: plannerBench,
  policy: policyBench,
  proxy: proxyBench,
  routes: routesBench,
  ui: uiBench,
  xds: xdsBench,
};

const usage = `usage: npm run bench [-- [NAME...] [--quick] [--json]]

Measures and prints figures with their goals; bench/README.md says what each name measures.
names: ${Object.keys(benches).join(', ')}; all of them when none is given`;

/** The command line, or what is wrong with it. */
function read(args: readonly string[]) {
  try {
    const options = {
      help: { type: 'boolean', short: 'h' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    } as const;
    const { values, positionals: names } = parseArgs({ args: [...args], options, allowPositionals: true });
    const unknown = names.find((name) => !Object.hasOwn(benches, name));
    return unknown === undefined ? { ...values, names } : `unknown bench "${unknown}"`;
  } catch (error) {
    return (error as Error).message;
  }
}

const asked = read(process.argv.slice(2));
if (typeof asked === 'string') {
  console.error(`${asked}\n\n${usage}`);
  process.exit(2);
}
if (asked.help) {
  console.log(usage);
  process.exit(0);
}
const figures: Figure[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (asked.names.length === 0 || asked.names.includes(name)) figures.push(...(await bench(asked)));
}
printFigures(figures, asked.json);
