import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Affinity, PodAffinityTerm, PodSpec } from 'kubernetes-types/core/v1.d.ts';
import type { Namespace, Node, Pod } from '../kinds.ts';
import { readyNode } from '../test-support.ts';
import { decide } from './decide.ts';
import { clusterView } from './view.ts';

export interface PodFacts {
  readonly name?: string;
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  readonly on?: string;
  readonly owner?: string;
  readonly phase?: string;
  readonly spec?: Partial<PodSpec>;
  readonly affinity?: Affinity;
}

export function pod({
  name = 'new',
  labels = {},
  namespace = 'shop',
  on,
  owner,
  phase,
  spec,
  affinity,
}: PodFacts = {}): Pod {
  const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'o', uid: owner ?? '', controller: true };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, ...(owner === undefined ? {} : { ownerReferences: [reference] }) },
    spec: {
      containers: [],
      ...spec,
      ...(on === undefined ? {} : { nodeName: on }),
      ...(affinity === undefined ? {} : { affinity }),
    },
    ...(phase === undefined ? {} : { status: { phase } }),
  };
}

export const hostname = 'kubernetes.io/hostname';
export const zone = 'topology.kubernetes.io/zone';

export function term(labels: Record<string, string>, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm {
  return { topologyKey: hostname, labelSelector: { matchLabels: labels }, ...more };
}

export const near = (...terms: PodAffinityTerm[]): Affinity => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
export const apart = (...terms: PodAffinityTerm[]): Affinity => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
export const ratherNear = (weight: number, podAffinityTerm: PodAffinityTerm): Affinity => ({
  podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] },
});
export const ratherApart = (weight: number, podAffinityTerm: PodAffinityTerm): Affinity => ({
  podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] },
});
export const onNodes = (key: string, operator: string, ...values: string[]): Affinity => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
    },
  },
});
export const tainted = (key: string, effect: string, value?: string): Partial<Node['spec']> => ({
  taints: [{ key, effect, ...(value === undefined ? {} : { value }) }],
});

export const a = readyNode('a');
export const b = readyNode('b');
export const zoned = [
  readyNode('a', { labels: { [zone]: 'east' } }),
  readyNode('b', { labels: { [zone]: 'east' } }),
  readyNode('c', { labels: { [zone]: 'west' } }),
];
export const client = pod({ name: 'client', labels: { name: 'client' }, on: 'b' });
export const notReady: Node = { ...a, status: { conditions: [{ type: 'Ready', status: 'False' }] } };

export interface Case {
  readonly name: string;
  readonly nodes?: readonly Node[];
  readonly present?: readonly Pod[];
  readonly namespaces?: readonly Namespace[];
  readonly pod?: PodFacts;
  /** The node chosen, or the message. */
  readonly expected: string;
}

export const toNone = (reason: string, count = 2): string => `0/${count} nodes are available: ${reason}.`;
/** One test per case: the decision for its pod on nodes `a` and `b` unless the case names others. */
export function testDecisions(cases: readonly Case[]): void {
  for (const { name, nodes = [a, b], present = [], namespaces = [], pod: facts, expected } of cases) {
    test(name, () => {
      const decision = decide(pod(facts), clusterView(nodes, present, namespaces));
      assert.equal('node' in decision ? decision.node.metadata.name : decision.message, expected);
    });
  }
}
