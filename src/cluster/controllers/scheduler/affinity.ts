import type { PodAffinityTerm, WeightedPodAffinityTerm } from 'kubernetes-types/core/v1.d.ts';
import { selectorMatches } from '../../../base/index.ts';
import type { Node, Pod } from '../kinds.ts';
import type { ClusterView } from './view.ts';

/** Why the pods that run keep a pod off a node, in Kubernetes' words; undefined when they do not. */
export function affinityRefusal(pod: Pod, node: Node, view: ClusterView): string | undefined {
  if (!affinityHolds(pod, node, view)) return "node(s) didn't match pod affinity rules";
  if (requiredAnti(pod).some((term) => someMatchInDomain(pod, term, node, view))) {
    return "node(s) didn't match pod anti-affinity rules";
  }
  if (refusedByPresent(pod, node, view)) return "node(s) didn't satisfy existing pods anti-affinity rules";
  return undefined;
}

export function requiredAffinity(pod: Pod): readonly PodAffinityTerm[] {
  return pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

function requiredAnti(pod: Pod): readonly PodAffinityTerm[] {
  return pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

export function preferredAffinity(pod: Pod): readonly WeightedPodAffinityTerm[] {
  return pod.spec.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}

export function preferredAnti(pod: Pod): readonly WeightedPodAffinityTerm[] {
  return pod.spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** Whether `other` is what the term of `owner` selects: by namespace (default: the owner's own) and labels. */
export function termSelects(owner: Pod, term: PodAffinityTerm, other: Pod, view: ClusterView): boolean {
  const namespace = other.metadata.namespace ?? '';
  const listed = term.namespaces ?? [];
  const inNamespace =
    listed.length === 0 && !term.namespaceSelector
      ? namespace === owner.metadata.namespace
      : listed.includes(namespace) || selectorMatches(term.namespaceSelector, view.namespaceLabels(namespace));
  return inNamespace && selectorMatches(term.labelSelector, other.metadata.labels ?? {});
}

/** Whether two nodes lie in the same topology domain; a node without the label lies in none. */
export function sameDomain(topologyKey: string, left: Node, right: Node): boolean {
  const value = left.metadata.labels?.[topologyKey];
  return value !== undefined && right.metadata.labels?.[topologyKey] === value;
}

/**
 * Required pod affinity. A pod counts only when every term selects it. When none counts anywhere and the pod would select
 * itself, it is the first of its group and may go to any node that has the topology labels.
 */
function affinityHolds(pod: Pod, node: Node, view: ClusterView): boolean {
  const terms = requiredAffinity(pod);
  if (terms.length === 0) return true;
  if (terms.some(({ topologyKey }) => node.metadata.labels?.[topologyKey] === undefined)) return false;
  const counted = view.placed.filter((other) => terms.every((term) => termSelects(pod, term, other.pod, view)));
  if (terms.every(({ topologyKey }) => counted.some((other) => sameDomain(topologyKey, node, other.node)))) return true;
  return counted.length === 0 && terms.every((term) => termSelects(pod, term, pod, view));
}

function someMatchInDomain(pod: Pod, term: PodAffinityTerm, node: Node, view: ClusterView): boolean {
  return view.placed.some(
    (other) => sameDomain(term.topologyKey, node, other.node) && termSelects(pod, term, other.pod, view),
  );
}

/** Anti-affinity is symmetric: a pod that runs keeps off newcomers that its own terms select. */
function refusedByPresent(pod: Pod, node: Node, view: ClusterView): boolean {
  return view.placed.some((other) =>
    requiredAnti(other.pod).some(
      (term) => sameDomain(term.topologyKey, node, other.node) && termSelects(other.pod, term, pod, view),
    ),
  );
}
