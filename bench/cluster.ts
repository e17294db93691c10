import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot, testCluster } from '../test/e2e/cluster.ts';
import { type Figure, median } from './figure.ts';
import { processorSeconds, processTree, proportionalMemory } from './processes.ts';

const rounds = 5;
const settleMs = 5_000;
const idleSeconds = 20;
const workloads = path.join(projectRoot, 'examples/workloads.yaml');

/** Starts a cluster in a fresh home, deploys the walk-through's workloads, lets it idle, stops it; medians over the rounds. */
export async function clusterBench(): Promise<readonly Figure[]> {
  const up: number[] = [];
  const ready: number[] = [];
  const down: number[] = [];
  let memory = Number.NaN;
  let processor = Number.NaN;
  for (let round = 0; round < rounds; round += 1) {
    await using cluster = await testCluster();
    up.push(await timed(() => cluster.ciliate('up', '--detach')));
    ready.push(
      await timed(async () => {
        await cluster.kubectl('apply', '-f', workloads);
        return cluster.kubectl(
          'wait',
          '-n',
          'cilium-test',
          '--for=condition=Available',
          'deployment',
          '--all',
          '--timeout=60s',
        );
      }),
    );
    if (round === rounds - 1) {
      await sleep(settleMs);
      const { pid } = JSON.parse(readFileSync(path.join(cluster.home, 'run/cluster.json'), 'utf8')) as { pid: number };
      const tree = processTree(pid);
      const before = processorSeconds(tree);
      await sleep(idleSeconds * 1_000);
      processor = ((processorSeconds(tree) - before) / idleSeconds) * 100;
      memory = proportionalMemory(tree);
    }
    down.push(await timed(() => cluster.ciliate('down')));
  }
  return [
    { figure: 'ciliate up to two Ready nodes', value: median(up), unit: 's', goal: '2 or less' },
    { figure: 'walk-through workloads Ready', value: median(ready), unit: 's', goal: '4 or less' },
    { figure: 'ciliate down', value: median(down), unit: 's', goal: '1 or less' },
    { figure: 'idle memory (PSS), workloads included', value: memory, unit: 'MiB', goal: '450 or less' },
    { figure: 'idle processor, of one core', value: processor, unit: '%', goal: 'under 2' },
  ];
}

async function timed(work: () => Promise<{ readonly exitCode: number; readonly stderr: string }>): Promise<number> {
  const startedAt = performance.now();
  const { exitCode, stderr } = await work();
  if (exitCode !== 0) throw new Error(stderr);
  return (performance.now() - startedAt) / 1_000;
}
