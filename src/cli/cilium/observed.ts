import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../kube/index.ts';
import { CommandFault, listObjects } from './cluster.ts';

const annotation = 'ciliate.dev/observed-resource-version';
const pauseMs = 50;

/** Waits until every node's agent has put this version of a setting, policy or Envoy configuration into force. */
export async function untilObserved(client: KubeClient, version: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const nodes = await listObjects(client, 'cilium.io', 'v2', 'ciliumnodes');
    const behind = nodes.filter(({ metadata }) => BigInt(metadata.annotations?.[annotation] ?? '0') < BigInt(version));
    if (nodes.length > 0 && behind.length === 0) return;
    if (performance.now() > deadline) {
      const names = behind.map(({ metadata }) => metadata.name).join(', ');
      throw new CommandFault(`the change is not in force after ${timeoutMs / 1000} s on: ${names || 'any node'}`);
    }
    await sleep(pauseMs);
  }
}
