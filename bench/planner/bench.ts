import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Figure } from '../figure.ts';
import type { PlannerSample } from './inside.ts';

const run = promisify(execFile);
/** As the embedded cluster starts its agents. */
const agentFlags = ['--max-semi-space-size=2'];
const TIMEOUT_MS = 120_000;
const scales = [0.1, 1, 2] as const;

/** What a plan costs one node's agent, in clusters of 500, 5,000 and 10,000 pods. */
export async function plannerBench(): Promise<readonly Figure[]> {
  const samples = new Map<number, PlannerSample>();
  for (const scale of scales) {
    const inside = path.join(import.meta.dirname, 'inside.ts');
    const { stdout } = await run(process.execPath, [...agentFlags, inside, String(scale)], { timeout: TIMEOUT_MS });
    samples.set(scale, JSON.parse(stdout) as PlannerSample);
  }
  const figure = (name: string, unit: string, goal: string | undefined, of: (sample: PlannerSample) => number) => {
    const [small, full, large] = scales.map((scale) => of(samples.get(scale) as PlannerSample));
    const peers = { 'a tenth': small ?? Number.NaN, double: large ?? Number.NaN };
    return { figure: name, value: full ?? Number.NaN, unit, peers, ...(goal !== undefined && { goal }) };
  };
  return [
    figure('first plan of 5,000 pods and 1,000 policies', 'ms', '1,000 or less', ({ first }) => first),
    figure('a pod comes: planned', 'ms', '10 or less', ({ podComes }) => podComes),
    figure('a pod goes: planned', 'ms', '10 or less', ({ podGoes }) => podGoes),
    figure('a policy changes: planned', 'ms', '100 or less', ({ policyChanges }) => policyChanges),
    figure('a pod goes: what changes in the kernel', 'ms', undefined, ({ kernelDifference }) => kernelDifference),
    figure('resident memory of the planning process', 'MiB', '300 MB or less', ({ memory }) => memory),
  ];
}
