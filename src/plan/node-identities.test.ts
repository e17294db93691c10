import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from './index.ts';
import { clients, cnp, echoes, egress, ingress, testCases } from './test-support/policies.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';
import { identityOf } from './verdicts/packet.ts';

const base = walkthroughWorld();
const nodes = base.nodes.map((node) => ({
  ...node,
  metadata: { ...node.metadata, labels: { 'kubernetes.io/hostname': node.metadata?.name ?? '', zone: 'a', bare: '' } },
}));
const config = { ...base.config, nodeSelectorLabels: true };
const world = { nodes, config };
const zone = (value: string) => [{ matchLabels: { zone: value } }];

testCases([
  {
    name: 'of the labels of nodes those count that node-labels lets',
    policies: [egress({ toNodes: zone('a') }), ingress({ fromNodes: [{ matchLabels: { 'node:bare': '' } }] })],
    world: { nodes, config: { ...config, nodeLabels: 'node:bare' } },
    expect: [
      ['egress client>node2 tcp/80', 'default-deny'],
      ['ingress node2>echo tcp/80', 'allow'],
    ],
  },
  {
    name: 'nodes by a label: the other nodes that have it, not the node itself, no pod',
    policies: [egress({ toNodes: zone('a') }), ingress({ fromNodes: [{ matchLabels: { 'node:bare': '' } }] })],
    world,
    expect: [
      ['egress client>node2 tcp/80', 'allow'],
      ['egress client>host tcp/80', 'default-deny'],
      ['egress client>far tcp/80', 'default-deny'],
      ['egress client>world tcp/80', 'default-deny'],
      ['ingress node2>echo tcp/80', 'allow'],
      ['ingress client>echo tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'a label that no node has selects nobody, an empty selector every other node',
    policies: [egress({ toNodes: zone('b') }), ingress({ fromNodes: [{}] })],
    world,
    expect: [
      ['egress client>node2 tcp/80', 'default-deny'],
      ['ingress node2>echo tcp/80', 'allow'],
      ['ingress far>echo tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'nodes with an identity of their own stay remote nodes and part of the cluster, and can be denied',
    policies: [
      egress({ toEntities: ['remote-node'] }),
      cnp(
        {
          endpointSelector: echoes,
          ingress: [{ fromEntities: ['cluster'] }],
          ingressDeny: [{ fromNodes: zone('a') }],
        },
        'q',
      ),
    ],
    world,
    expect: [
      ['egress client>node2 tcp/80', 'allow'],
      ['ingress node2>echo tcp/80', 'deny'],
      ['ingress client>echo tcp/80', 'allow'],
    ],
  },
]);

test('an identity of the scope of nodes, with labels of source node', () => {
  const made = plan(walkthroughWorld(world));
  const [found, ...others] = [...made.identities].filter(([id]) => id > 0xffff);
  assert.deepEqual(others, []);
  assert.equal((found?.[0] ?? 0) >>> 24, 0x02);
  assert.deepEqual(found?.[1], [
    'node:bare',
    'node:kubernetes.io/hostname=node-2',
    'node:zone=a',
    'reserved:remote-node',
  ]);
});

test('an API server is at the address that it is reached at, not at the router of its node', () => {
  const endpointSlices = base.endpointSlices.map((slice) =>
    slice.metadata?.name === 'kubernetes-x' ? { ...slice, endpoints: [{ addresses: ['172.30.0.2'] }] } : slice,
  );
  const made = plan(walkthroughWorld({ ...world, endpointSlices }));
  const labelsAt = (address: string) => made.identities.get(identityOf(made, address)) ?? [];
  assert.ok(labelsAt('172.30.0.2').includes('reserved:kube-apiserver'));
  assert.ok(!labelsAt('10.244.2.1').includes('reserved:kube-apiserver'));
  assert.ok(labelsAt('10.244.2.1').includes('node:zone=a'));
});

test('without the setting nodes cannot be selected, in the words of Cilium', () => {
  const policies = [cnp({ endpointSelector: clients, egress: [{ toNodes: zone('a') }] })];
  const made = plan(walkthroughWorld({ nodes, policies }));
  const { status, message } = made.reports[0]?.condition ?? {};
  assert.equal(status, 'False');
  assert.match(
    message ?? '',
    /FromNodes\/ToNodes rules can only be applied when the "enable-node-selector-labels" flag is set/,
  );
  assert.deepEqual(
    [...made.identities.keys()].filter((id) => id > 0xffff),
    [],
  );
});
