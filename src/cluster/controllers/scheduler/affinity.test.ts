import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readyNode } from '../test-support.ts';
import { decide } from './decide.ts';
import {
  a,
  apart,
  b,
  client,
  near,
  pod,
  ratherApart,
  ratherNear,
  term,
  testDecisions,
  toNone,
  zone,
  zoned,
} from './test-support.ts';
import { clusterView } from './view.ts';

testDecisions([
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
]);

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
