import type { Figure } from '../figure.ts';
import { prepareTools } from '../proxy/tools.ts';
import { costBench } from './cost.ts';
import { countingBench } from './counting.ts';
import { fileBench } from './file.ts';
import { latencyBench } from './latency.ts';
import { ringBench } from './ring.ts';

/** What seeing costs: from a request to its line, through a node's ring, through a recorded file, into the metrics, and of the data plane's speed. */
export async function hubbleBench(): Promise<readonly Figure[]> {
  const tools = prepareTools();
  return [
    ...(await latencyBench(tools)),
    ...(await ringBench(tools)),
    ...(await fileBench()),
    ...countingBench(),
    ...(await costBench(tools)),
  ];
}
