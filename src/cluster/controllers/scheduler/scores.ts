import type { Node, Pod } from '../kinds.ts';
import { preferredAffinity, preferredAnti, requiredAffinity, sameDomain, termSelects } from './affinity.ts';
import { matchesTerm, tolerates } from './nodes.ts';
import type { ClusterView, PlacedPod } from './view.ts';

/** kube-scheduler's default weight of a running pod's required affinity for a newcomer it selects. */
const hardAffinityWeight = 1;

/** Kubernetes' default weights of its scoring plugins. */
const pluginWeight = { taints: 3, nodeAffinity: 2, podAffinity: 2 };

/** Preference of each node for the pod: taints of effect PreferNoSchedule, preferred node affinity, preferred pod (anti-)affinity both ways. */
export function preferenceScores(pod: Pod, nodes: readonly Node[], view: ClusterView): ReadonlyMap<Node, number> {
  const total = new Map<Node, number>();
  const add = (weight: number, raw: (node: Node) => number): void => {
    for (const [node, score] of normalised(nodes, raw)) total.set(node, (total.get(node) ?? 0) + weight * score);
  };
  add(pluginWeight.taints, (node) => -intolerable(pod, node));
  add(pluginWeight.nodeAffinity, (node) => nodeAffinityScore(pod, node));
  add(pluginWeight.podAffinity, (node) => podAffinityScore(pod, node, view));
  return total;
}

/** Raw scores stretched to 0..100; all 0 when they do not differ. */
function normalised(nodes: readonly Node[], raw: (node: Node) => number): readonly (readonly [Node, number])[] {
  const scores = nodes.map((node) => [node, raw(node)] as const);
  const lowest = Math.min(...scores.map(([, score]) => score));
  const span = Math.max(...scores.map(([, score]) => score)) - lowest;
  return scores.map(([node, score]) => [node, span === 0 ? 0 : Math.floor((100 * (score - lowest)) / span)]);
}

function intolerable(pod: Pod, node: Node): number {
  const soft = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'PreferNoSchedule');
  return soft.filter((taint) => !tolerates(pod, taint)).length;
}

function nodeAffinityScore(pod: Pod, node: Node): number {
  const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0);
}

function podAffinityScore(pod: Pod, node: Node, view: ClusterView): number {
  return view.placed.reduce((sum, other) => sum + attraction(pod, other, node, view), 0);
}

/** How much a placed pod draws the newcomer to a node (negative: pushes it away), by the terms of both. */
function attraction(pod: Pod, other: PlacedPod, node: Node, view: ClusterView): number {
  let score = 0;
  for (const { weight, podAffinityTerm: term } of preferredAffinity(pod)) {
    if (sameDomain(term.topologyKey, node, other.node) && termSelects(pod, term, other.pod, view)) score += weight;
  }
  for (const { weight, podAffinityTerm: term } of preferredAnti(pod)) {
    if (sameDomain(term.topologyKey, node, other.node) && termSelects(pod, term, other.pod, view)) score -= weight;
  }
  for (const term of requiredAffinity(other.pod)) {
    if (sameDomain(term.topologyKey, node, other.node) && termSelects(other.pod, term, pod, view))
      score += hardAffinityWeight;
  }
  for (const { weight, podAffinityTerm: term } of preferredAffinity(other.pod)) {
    if (sameDomain(term.topologyKey, node, other.node) && termSelects(other.pod, term, pod, view)) score += weight;
  }
  for (const { weight, podAffinityTerm: term } of preferredAnti(other.pod)) {
    if (sameDomain(term.topologyKey, node, other.node) && termSelects(other.pod, term, pod, view)) score -= weight;
  }
  return score;
}
