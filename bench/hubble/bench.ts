import type { Figure } from '../figure.ts';
import { prepareTools } from '../proxy/tools.ts';
import { fileBench } from './file.ts';
import { ringBench } from './ring.ts';

/** What seeing costs: flows through a node's ring to a follower, and through a recorded file. */
export async function hubbleBench(): Promise<readonly Figure[]> {
  const tools = prepareTools();
  return [...(await ringBench(tools)), ...(await fileBench())];
}
