import type { Labels } from '../../../base/index.ts';
import type { Namespace, Node, Pod } from '../kinds.ts';
import { isTerminal } from '../pods.ts';

/** A pod that holds a place on a node. */
export interface PlacedPod {
  readonly pod: Pod;
  readonly node: Node;
}

/** What a placement depends on. */
export interface ClusterView {
  readonly nodes: readonly Node[];
  readonly placed: readonly PlacedPod[];
  namespaceLabels(namespace: string): Labels;
}

/** The view of the present objects. Ended pods hold no place; those being deleted do until they are gone. */
export function clusterView(
  nodes: readonly Node[],
  pods: readonly Pod[],
  namespaces: readonly Namespace[],
): ClusterView & { readonly placed: PlacedPod[] } {
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]));
  const labels = new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const placed = pods.flatMap((pod) => {
    const node = byName.get(pod.spec.nodeName ?? '');
    return node && !isTerminal(pod) ? [{ pod, node }] : [];
  });
  return { nodes, placed, namespaceLabels: (namespace) => labels.get(namespace) ?? {} };
}
