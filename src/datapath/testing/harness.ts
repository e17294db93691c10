import assert from 'node:assert/strict';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { DatapathPlan, PolicyEntry } from '../../plan/index.ts';
import type { WireEvent } from './node-process.ts';
import { answerMs, silenceMs } from './waits.ts';
import { buildWorld, connect, type NodeHandle, type Pod, plainPlan, pods, serve, startNode } from './world.ts';

// Two nodes with their agents and a server in every pod, and what the cases share.

buildWorld();
export const nodes: readonly NodeHandle[] = [await startNode(1), await startNode(2)];
const servers = Object.values(pods).map((pod) => serve(pod.name, 8080, pod.name));
servers.push(serve('world', 80, 'world'));
after(async () => {
  for (const server of servers) server.close();
  for (const node of nodes) await node.stop();
  // The runner says what failed, and in its exit code that something did, only after this.
  setTimeout(() => process.exit(), 5000).unref();
});

export async function applyAll(change: (node: number) => Partial<DatapathPlan>): Promise<number[]> {
  const times: number[] = [];
  for (const [index, node] of nodes.entries()) {
    const done = await node.call({ do: 'apply', plan: plainPlan(index + 1, change(index + 1)) });
    assert.ok(done.ok, done.text);
    times.push(done.milliseconds ?? 0);
  }
  return times;
}

/** What a connection said, closed again. */
export async function said(from: string, address: string, port = 8080, timeoutMs = answerMs): Promise<string> {
  const { said: text, socket } = await connect(from, address, port, timeoutMs);
  socket.destroy();
  return text;
}

/** The same where nothing should be said. */
export const saidSoon = (from: string, address: string, port = 8080): Promise<string> =>
  said(from, address, port, silenceMs);

/** Policy entries of one endpoint on its node, with the endpoint enforced. */
export function policyFor(pod: Pod, direction: PolicyEntry['direction'], entries: readonly Partial<PolicyEntry>[]) {
  return (node: number): Partial<DatapathPlan> => {
    if (node !== pod.node) return {};
    const enforce = direction === 'egress' ? { enforceEgress: true } : { enforceIngress: true };
    return {
      endpoints: plainPlan(node).endpoints.map((one) => (one.podName === pod.name ? { ...one, ...enforce } : one)),
      policy: entries.map((entry) => ({
        endpoint: pod.address,
        direction,
        peer: 0,
        protocol: 'tcp',
        port: 0,
        action: 'allow',
        rules: [],
        ...entry,
      })),
    };
  };
}

/** What a node has told since; on a busy machine the first word may take a moment, and the others come one by one. */
export const eventsOf = async (node: number): Promise<WireEvent[]> => {
  const events = nodes[node - 1]?.events ?? [];
  await delay(60);
  for (let waited = 0; events.length === 0 && waited < 500; waited += 20) await delay(20);
  return restOf(events);
};
async function restOf(events: WireEvent[]): Promise<WireEvent[]> {
  for (let before = -1; before !== events.length; await delay(20)) before = events.length;
  return events.splice(0);
}
/** Where packets from and to an address were seen; another connection may still be ending. */
export const pointsOf = (events: readonly WireEvent[], address = ''): string[] => {
  const seen = events.filter(({ from, to }) => [from, to].some((end) => end.startsWith(address)));
  return [...new Set(seen.flatMap((event) => (event.kind === 'trace' && event.point ? [event.point] : [])))].sort();
};
export const forget = async (): Promise<void> => {
  await delay(60);
  for (const { events } of nodes) await restOf(events);
};

export const frontend = {
  namespace: 'default',
  name: 'web',
  address: '10.96.0.20',
  protocol: 'tcp',
  port: 80,
} as const;
export const backendsOf = (...of: readonly Pod[]) => of.map(({ address }) => ({ address, port: 8080 }));
