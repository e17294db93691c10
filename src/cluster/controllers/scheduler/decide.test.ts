import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Affinity, PodAffinityTerm, PodSpec } from 'kubernetes-types/core/v1.d.ts';
import type { Namespace, Node, Pod } from '../kinds.ts';
import { readyNode } from '../test-support.ts';
import { decide } from './decide.ts';
import { clusterView } from './view.ts';

interface PodFacts {
  readonly name?: string;
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  readonly on?: string;
  readonly owner?: string;
  readonly phase?: string;
  readonly spec?: Partial<PodSpec>;
  readonly affinity?: Affinity;
}

function pod({ name = 'new', labels = {}, namespace = 'shop', on, owner, phase, spec, affinity }: PodFacts = {}): Pod {
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

const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';

function term(labels: Record<string, string>, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm {
  return { topologyKey: hostname, labelSelector: { matchLabels: labels }, ...more };
}

const near = (...terms: PodAffinityTerm[]): Affinity => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const apart = (...terms: PodAffinityTerm[]): Affinity => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const ratherNear = (weight: number, podAffinityTerm: PodAffinityTerm): Affinity => ({
  podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] },
});
const ratherApart = (weight: number, podAffinityTerm: PodAffinityTerm): Affinity => ({
  podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] },
});
const onNodes = (key: string, operator: string, ...values: string[]): Affinity => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
    },
  },
});
const tainted = (key: string, effect: string, value?: string): Partial<Node['spec']> => ({
  taints: [{ key, effect, ...(value === undefined ? {} : { value }) }],
});

const a = readyNode('a');
const b = readyNode('b');
const zoned = [
  readyNode('a', { labels: { [zone]: 'east' } }),
  readyNode('b', { labels: { [zone]: 'east' } }),
  readyNode('c', { labels: { [zone]: 'west' } }),
];
const client = pod({ name: 'client', labels: { name: 'client' }, on: 'b' });
const notReady: Node = { ...a, status: { conditions: [{ type: 'Ready', status: 'False' }] } };

interface Case {
  readonly name: string;
  readonly nodes?: readonly Node[];
  readonly present?: readonly Pod[];
  readonly namespaces?: readonly Namespace[];
  readonly pod?: PodFacts;
  /** The node chosen, or the message. */
  readonly expected: string;
}

const toNone = (reason: string, count = 2): string => `0/${count} nodes are available: ${reason}.`;

const cases: readonly Case[] = [
  { name: 'empty cluster: by name', expected: 'a' },
  { name: 'no nodes', nodes: [], expected: 'no nodes available to schedule pods' },
  { name: 'a node that is not ready is passed over', nodes: [notReady, b], expected: 'b' },
  { name: 'no node ready', nodes: [notReady], expected: toNone('1 node(s) were not ready', 1) },
  { name: 'cordoned', nodes: [readyNode('a', { spec: { unschedulable: true } }), b], expected: 'b' },
  {
    name: 'cordoned but tolerated',
    nodes: [readyNode('a', { spec: { unschedulable: true } }), b],
    pod: { spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] } },
    expected: 'a',
  },
  {
    name: 'nodeSelector',
    nodes: [a, readyNode('b', { labels: { disk: 'ssd' } })],
    pod: { spec: { nodeSelector: { disk: 'ssd' } } },
    expected: 'b',
  },
  {
    name: 'nodeSelector nowhere',
    nodes: [a, b],
    pod: { spec: { nodeSelector: { disk: 'ssd' } } },
    expected: toNone("2 node(s) didn't match Pod's node affinity/selector"),
  },
  { name: 'node affinity In', pod: { affinity: onNodes(hostname, 'In', 'b') }, expected: 'b' },
  { name: 'node affinity NotIn', pod: { affinity: onNodes(hostname, 'NotIn', 'a') }, expected: 'b' },
  {
    name: 'node affinity Gt',
    nodes: [readyNode('a', { labels: { cpu: '4' } }), readyNode('b', { labels: { cpu: '16' } })],
    pod: { affinity: onNodes('cpu', 'Gt', '8') },
    expected: 'b',
  },
  {
    name: 'node affinity Lt of no number',
    pod: { affinity: onNodes(hostname, 'Lt', '8') },
    expected: toNone("2 node(s) didn't match Pod's node affinity/selector"),
  },
  {
    name: 'node affinity by the name field',
    pod: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }],
          },
        },
      },
    },
    expected: 'b',
  },
  {
    name: 'preferred node affinity',
    pod: {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, preference: { matchExpressions: [{ key: hostname, operator: 'In', values: ['b'] }] } },
          ],
        },
      },
    },
    expected: 'b',
  },
  { name: 'taint', nodes: [readyNode('a', { spec: tainted('k', 'NoSchedule') }), b], expected: 'b' },
  {
    name: 'taint everywhere',
    nodes: [readyNode('a', { spec: tainted('k', 'NoExecute', 'v') })],
    expected: toNone('1 node(s) had untolerated taint {k: v}', 1),
  },
  {
    name: 'tolerated by value',
    nodes: [readyNode('a', { spec: tainted('k', 'NoSchedule', 'v') }), b],
    pod: { spec: { tolerations: [{ key: 'k', value: 'v' }] } },
    expected: 'a',
  },
  {
    name: 'toleration of another value',
    nodes: [readyNode('a', { spec: tainted('k', 'NoSchedule', 'v') }), b],
    pod: { spec: { tolerations: [{ key: 'k', value: 'w' }] } },
    expected: 'b',
  },
  {
    name: 'toleration of another effect',
    nodes: [readyNode('a', { spec: tainted('k', 'NoSchedule') }), b],
    pod: { spec: { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }] } },
    expected: 'b',
  },
  {
    name: 'everything tolerated',
    nodes: [readyNode('a', { spec: tainted('k', 'NoSchedule') }), b],
    pod: { spec: { tolerations: [{ operator: 'Exists' }] } },
    expected: 'a',
  },
  {
    name: 'soft taint is avoided',
    nodes: [readyNode('a', { spec: tainted('k', 'PreferNoSchedule') }), b],
    expected: 'b',
  },
  {
    name: 'soft taint is no refusal',
    nodes: [readyNode('a', { spec: tainted('k', 'PreferNoSchedule') })],
    expected: 'a',
  },

  {
    name: 'affinity: beside the pod it names',
    present: [client],
    pod: { affinity: near(term({ name: 'client' })) },
    expected: 'b',
  },
  {
    name: 'affinity: nobody to be beside',
    pod: { affinity: near(term({ name: 'client' })) },
    expected: toNone("2 node(s) didn't match pod affinity rules"),
  },
  {
    name: 'affinity: a pod not placed yet does not count',
    present: [pod({ labels: { name: 'client' } })],
    pod: { affinity: near(term({ name: 'client' })) },
    expected: toNone("2 node(s) didn't match pod affinity rules"),
  },
  {
    name: 'affinity: an ended pod does not count',
    present: [{ ...client, status: { phase: 'Succeeded' } }],
    pod: { affinity: near(term({ name: 'client' })) },
    expected: toNone("2 node(s) didn't match pod affinity rules"),
  },
  {
    name: 'affinity: first of its own group',
    pod: { labels: { app: 'x' }, affinity: near(term({ app: 'x' })) },
    expected: 'a',
  },
  {
    name: 'affinity: second of its own group',
    present: [pod({ name: 'x1', labels: { app: 'x' }, on: 'b' })],
    pod: { labels: { app: 'x' }, affinity: near(term({ app: 'x' })) },
    expected: 'b',
  },
  {
    name: 'affinity: first of its group, but without the topology label',
    pod: { labels: { app: 'x' }, affinity: near(term({ app: 'x' }, { topologyKey: zone })) },
    expected: toNone("2 node(s) didn't match pod affinity rules"),
  },
  {
    name: 'affinity: one pod must meet every term',
    present: [pod({ labels: { x: '1' }, on: 'a' }), pod({ labels: { y: '1' }, on: 'a' })],
    pod: { affinity: near(term({ x: '1' }), term({ y: '1' })) },
    expected: toNone("2 node(s) didn't match pod affinity rules"),
  },
  {
    name: 'affinity: other namespaces do not count',
    present: [pod({ labels: { name: 'client' }, namespace: 'other', on: 'b' })],
    pod: { affinity: near(term({ name: 'client' })) },
    expected: toNone("2 node(s) didn't match pod affinity rules"),
  },
  {
    name: 'affinity: a namespace listed',
    present: [pod({ labels: { name: 'client' }, namespace: 'other', on: 'b' })],
    pod: { affinity: near(term({ name: 'client' }, { namespaces: ['other'] })) },
    expected: 'b',
  },
  {
    name: 'affinity: namespaces by labels',
    present: [pod({ labels: { name: 'client' }, namespace: 'other', on: 'b' })],
    namespaces: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', labels: { team: 'x' } } }],
    pod: { affinity: near(term({ name: 'client' }, { namespaceSelector: { matchLabels: { team: 'x' } } })) },
    expected: 'b',
  },
  {
    name: 'affinity: all namespaces by the empty selector',
    present: [pod({ labels: { name: 'client' }, namespace: 'other', on: 'b' })],
    pod: { affinity: near(term({ name: 'client' }, { namespaceSelector: {} })) },
    expected: 'b',
  },
  {
    name: 'affinity: by zone',
    nodes: zoned,
    present: [pod({ labels: { name: 'client' }, on: 'c' })],
    pod: { affinity: near(term({ name: 'client' }, { topologyKey: zone })) },
    expected: 'c',
  },

  {
    name: 'anti-affinity: away from the pod it names',
    present: [pod({ labels: { name: 'client' }, on: 'a' })],
    pod: { affinity: apart(term({ name: 'client' })) },
    expected: 'b',
  },
  {
    name: 'anti-affinity: nowhere to go',
    nodes: [b],
    present: [client],
    pod: { affinity: apart(term({ name: 'client' })) },
    expected: toNone("1 node(s) didn't match pod anti-affinity rules", 1),
  },
  {
    name: 'anti-affinity: by zone',
    nodes: zoned,
    present: [pod({ labels: { name: 'client' }, on: 'a' })],
    pod: { affinity: apart(term({ name: 'client' }, { topologyKey: zone })) },
    expected: 'c',
  },
  {
    name: 'anti-affinity: symmetric',
    present: [pod({ name: 'echo', on: 'a', affinity: apart(term({ name: 'client' })) })],
    pod: { labels: { name: 'client' } },
    expected: 'b',
  },
  {
    name: 'anti-affinity: symmetric, nowhere to go',
    nodes: [a],
    present: [pod({ name: 'echo', on: 'a', affinity: apart(term({ name: 'client' })) })],
    pod: { labels: { name: 'client' } },
    expected: toNone("1 node(s) didn't satisfy existing pods anti-affinity rules", 1),
  },
  {
    name: 'anti-affinity: against itself does not hinder the first',
    pod: { labels: { app: 'x' }, affinity: apart(term({ app: 'x' })) },
    expected: 'a',
  },
  {
    name: 'reasons are counted',
    present: [pod({ labels: { name: 'client' }, on: 'a' })],
    nodes: [a, readyNode('b', { spec: { unschedulable: true } })],
    pod: { affinity: apart(term({ name: 'client' })) },
    expected: toNone("1 node(s) didn't match pod anti-affinity rules, 1 node(s) were unschedulable"),
  },

  {
    name: 'preferred affinity',
    present: [client],
    pod: { affinity: ratherNear(10, term({ name: 'client' })) },
    expected: 'b',
  },
  {
    name: 'preferred affinity without anybody is no refusal',
    pod: { affinity: ratherNear(10, term({ name: 'client' })) },
    expected: 'a',
  },
  {
    name: 'preferred anti-affinity',
    present: [pod({ labels: { name: 'client' }, on: 'a' }), pod({ on: 'b' }), pod({ on: 'b' })],
    pod: { affinity: ratherApart(10, term({ name: 'client' })) },
    expected: 'b',
  },
  {
    name: 'weights decide',
    present: [pod({ labels: { x: '1' }, on: 'a' }), pod({ labels: { y: '1' }, on: 'b' })],
    pod: {
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, podAffinityTerm: term({ x: '1' }) },
            { weight: 20, podAffinityTerm: term({ y: '1' }) },
          ],
        },
      },
    },
    expected: 'b',
  },
  {
    name: 'preference of a present pod counts',
    present: [pod({ on: 'b', affinity: ratherNear(5, term({ app: 'x' })) }), pod({ on: 'a' })],
    pod: { labels: { app: 'x' } },
    expected: 'b',
  },
  {
    name: 'requirement of a present pod draws',
    present: [pod({ on: 'b', labels: { app: 'x' }, affinity: near(term({ app: 'x' })) }), pod({ on: 'a' })],
    pod: { labels: { app: 'x' } },
    expected: 'b',
  },

  { name: 'fewest pods', present: [pod({ on: 'a' })], expected: 'b' },
  {
    name: 'fewest of the same owner before fewest pods',
    present: [pod({ on: 'a' }), pod({ on: 'a' }), pod({ on: 'b', owner: 'rs' })],
    pod: { owner: 'rs' },
    expected: 'a',
  },
  { name: 'ended pods take no place', present: [pod({ on: 'a', phase: 'Succeeded' })], expected: 'a' },
  {
    name: 'host port taken',
    present: [
      pod({ on: 'a', spec: { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80 }] }] } }),
      pod({ on: 'b' }),
      pod({ on: 'b' }),
    ],
    pod: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80 }] }] } },
    expected: 'b',
  },
  {
    name: 'node full',
    nodes: [{ ...a, status: { ...a.status, allocatable: { pods: '1' } } }],
    present: [pod({ on: 'a' })],
    expected: toNone('1 Too many pods', 1),
  },
];

for (const { name, nodes = [a, b], present = [], namespaces = [], pod: facts, expected } of cases) {
  test(name, () => {
    const decision = decide(pod(facts), clusterView(nodes, present, namespaces));
    assert.equal('node' in decision ? decision.node.metadata.name : decision.message, expected);
  });
}

test('whatever the order of nodes and pods, the decision is the same and breaks no anti-affinity', () => {
  const names = ['a', 'b', 'c', 'd'];
  const presentPods = fc.array(
    fc.record({ on: fc.constantFrom(...names), app: fc.constantFrom('x', 'y'), hates: fc.constantFrom('x', 'y', 'z') }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(presentPods, fc.shuffledSubarray(names, { minLength: 1 }), (facts, order) => {
      const present = facts.map(({ on, app, hates }, index) =>
        pod({ name: `p${index}`, on, labels: { app }, affinity: apart(term({ app: hates })) }),
      );
      const newcomer = pod({ labels: { app: 'x' }, affinity: apart(term({ app: 'y' })) });
      const nodes = order.map((name) => readyNode(name));
      const decision = decide(newcomer, clusterView(nodes, present, []));
      const turned = decide(newcomer, clusterView([...nodes].reverse(), [...present].reverse(), []));
      assert.deepEqual(decision, turned);
      const hostile = (name: string) =>
        facts.some(({ on, app, hates }) => on === name && (app === 'y' || hates === 'x'));
      if ('node' in decision) assert.ok(!hostile(decision.node.metadata.name));
      else assert.ok(order.every(hostile));
    }),
  );
});
