import { clusterBench } from './cluster.ts';
import { datapathBench } from './datapath/bench.ts';
import { type Figure, printFigures } from './figure.ts';
import { plannerBench } from './planner/bench.ts';
import { policyBench } from './policy.ts';
import { proxyBench } from './proxy/bench.ts';
import { routesBench } from './routes.ts';
import { xdsBench } from './xds.ts';

const benches: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  cluster: clusterBench,
  datapath: datapathBench,
  planner: plannerBench,
  policy: policyBench,
  proxy: proxyBench,
  routes: routesBench,
  xds: xdsBench,
};

const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const unknown = asked.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) {
  console.error(`unknown bench "${unknown}"; known: ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
const figures: Figure[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length === 0 || asked.includes(name)) figures.push(...(await bench()));
}
printFigures(figures, process.argv.includes('--json'));
