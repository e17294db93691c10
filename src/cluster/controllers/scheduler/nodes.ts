import type { NodeSelectorRequirement, NodeSelectorTerm, Taint, Toleration } from 'kubernetes-types/core/v1.d.ts';
import { selectorMatches } from '../../../base/index.ts';
import type { Node, Pod } from '../kinds.ts';

/** Why a node cannot take a pod whatever else runs there, in Kubernetes' words; undefined when it can. */
export function nodeRefusal(pod: Pod, node: Node): string | undefined {
  if (node.spec?.unschedulable && !tolerates(pod, unschedulableTaint)) return 'node(s) were unschedulable';
  if (!isNodeReady(node)) return 'node(s) were not ready';
  const refused = untolerated(pod, node);
  if (refused) return `node(s) had untolerated taint {${refused.key}: ${refused.value ?? ''}}`;
  if (!matchesNodeSelection(pod, node)) return "node(s) didn't match Pod's node affinity/selector";
  return undefined;
}

const unschedulableTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

function isNodeReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** The first taint that keeps the pod off the node. */
export function untolerated(pod: Pod, node: Node): Taint | undefined {
  return node.spec?.taints?.find(
    (taint) => (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerates(pod, taint),
  );
}

export function tolerates(pod: Pod, taint: Taint): boolean {
  return (pod.spec.tolerations ?? []).some((toleration) => tolerationMatches(toleration, taint));
}

function tolerationMatches({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return Boolean(key) && operator === 'Equal' && value === (taint.value ?? '');
}

/** nodeSelector and required node affinity; both must hold. */
export function matchesNodeSelection(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** A term's requirements all hold; a term without any matches no node. */
export function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => holds(requirement, node.metadata.labels ?? {})) &&
    matchFields.every((requirement) => holds(requirement, { 'metadata.name': node.metadata.name }))
  );
}

function holds(
  { key, operator, values = [] }: NodeSelectorRequirement,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (operator !== 'Gt' && operator !== 'Lt') {
    return selectorMatches({ matchExpressions: [{ key, operator, values }] }, labels);
  }
  const [bound] = values;
  const value = labels[key];
  if (bound === undefined || value === undefined || !/^-?\d+$/.test(bound) || !/^-?\d+$/.test(value)) return false;
  return operator === 'Gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}
