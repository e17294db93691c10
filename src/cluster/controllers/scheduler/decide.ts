import type { Node, Pod } from '../kinds.ts';
import { controllerOf } from '../owners.ts';
import { affinityRefusal } from './affinity.ts';
import { nodeRefusal } from './nodes.ts';
import { preferenceScores } from './scores.ts';
import type { ClusterView } from './view.ts';

export type Decision = { readonly node: Node } | { readonly message: string };

/**
 * Chooses the node for a pod, or says in kube-scheduler's words why none will do.
 * Among nodes that will do: the highest preference, then the fewest pods of the same owner, then the fewest pods, then the name.
 */
export function decide(pod: Pod, view: ClusterView): Decision {
  const refusals = new Map<string, number>();
  const feasible: Node[] = [];
  for (const node of view.nodes) {
    const refusal = nodeRefusal(pod, node) ?? capacityRefusal(pod, node, view) ?? affinityRefusal(pod, node, view);
    if (refusal === undefined) feasible.push(node);
    else refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
  }
  const best = bestOf(pod, feasible, view);
  return best ? { node: best } : { message: refusalMessage(view.nodes.length, refusals) };
}

function refusalMessage(nodes: number, refusals: ReadonlyMap<string, number>): string {
  if (nodes === 0) return 'no nodes available to schedule pods';
  const reasons = [...refusals].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${reasons.join(', ')}.`;
}

function bestOf(pod: Pod, feasible: readonly Node[], view: ClusterView): Node | undefined {
  const scores = preferenceScores(pod, feasible, view);
  const owner = controllerOf(pod)?.uid;
  const ranked = feasible.map((node) => {
    const here = view.placed.filter((other) => other.node === node);
    const siblings = owner === undefined ? 0 : here.filter((other) => controllerOf(other.pod)?.uid === owner).length;
    return { node, score: scores.get(node) ?? 0, siblings, pods: here.length };
  });
  ranked.sort(
    (left, right) =>
      right.score - left.score ||
      left.siblings - right.siblings ||
      left.pods - right.pods ||
      (left.node.metadata.name < right.node.metadata.name ? -1 : 1),
  );
  return ranked[0]?.node;
}

/** The node's pod limit and the host ports taken. */
function capacityRefusal(pod: Pod, node: Node, view: ClusterView): string | undefined {
  const here = view.placed.filter((other) => other.node === node);
  const limit = Number(node.status?.allocatable?.['pods'] ?? Number.POSITIVE_INFINITY);
  if (here.length >= limit) return 'Too many pods';
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return undefined;
  const taken = new Set(here.flatMap((other) => hostPorts(other.pod)));
  return wanted.some((port) => taken.has(port))
    ? "node(s) didn't have free ports for the requested pod ports"
    : undefined;
}

function hostPorts(pod: Pod): string[] {
  return pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, protocol = 'TCP' }) => (hostPort ? [`${protocol}/${hostPort}`] : [])),
  );
}
