import { readyNode } from '../test-support.ts';
import { a, b, hostname, notReady, onNodes, pod, tainted, testDecisions, toNone } from './test-support.ts';

testDecisions([
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
]);
