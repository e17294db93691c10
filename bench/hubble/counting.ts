import { randomUUID } from 'node:crypto';
import { defaultHubbleMetrics } from '../../src/embedded/addons.ts';
import { buildFlow, createFlowMetrics, readMetrics } from '../../src/hubble/index.ts';
import type { Flow } from '../../src/model/flow/index.ts';
import { type Figure, median } from '../figure.ts';
import { benchLookups, httpEvent, packetEvent } from './events.ts';

const flowsMade = 10_000;
const turns = 20;
const rounds = 5;

/** Processor time of one flow in the metrics that a cluster counts unless it is set otherwise. */
export function countingBench(): readonly Figure[] {
  const configs = readMetrics(defaultHubbleMetrics);
  if (!configs.ok) throw new Error(configs.error);
  const lookups = benchLookups('ciliate/node-1');
  const figureOf = (what: string, make: (number: number) => readonly Flow[]): Figure => {
    const metrics = createFlowMetrics({ configs: configs.value, openMetrics: false });
    const flows = Array.from({ length: flowsMade }, (_, number) => make(number)).flat();
    const count = (): number => {
      const before = process.cpuUsage();
      for (let turn = 0; turn < turns; turn++) for (const flow of flows) metrics.observe(flow);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / (turns * flows.length);
    };
    count();
    return { figure: `counting a flow of ${what}`, value: median(Array.from({ length: rounds }, count)), unit: 'µs' };
  };
  return [
    figureOf('a packet', (number) => buildFlow(packetEvent(number, 0n), lookups, randomUUID)),
    figureOf('HTTP', (number) => buildFlow(httpEvent(number, 0n), lookups, randomUUID)),
  ];
}
