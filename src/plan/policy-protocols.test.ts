import { type Case, clients, echoes, egress, ingress, knp, port, testCases } from './test-support/policies.ts';
import { client, client2, dns, echoOther, echoSame } from './test-support/walkthrough.ts';
import { testWorld } from './test-support/world.ts';

/** The walk-through's pods, where the echo server on this node names an SCTP port and client2 has an account of its own. */
const { pods, identities } = testWorld(
  [
    client,
    client2,
    { ...echoSame, ports: [{ name: 'signal', containerPort: 2905, protocol: 'SCTP' }] },
    echoOther,
    dns,
  ],
  [],
);
const signal = { pods, identities };

const walkers = [client, client2, echoSame, echoOther, dns];
const accounted = testWorld(walkers, []).pods.map((pod) =>
  pod.metadata?.name === 'client2' && pod.spec ? { ...pod, spec: { ...pod.spec, serviceAccountName: 'runner' } } : pod,
);

const cases: readonly Case[] = [
  {
    name: 'SCTP: a port, a range, every port; no other protocol',
    policies: [
      egress(
        {
          toEndpoints: [{ matchLabels: { name: 'echo-same-node' } }],
          toPorts: port('2905', 'SCTP', { endPort: 2910 }),
        },
        { toEndpoints: [{ matchLabels: { name: 'echo-other-node' } }], toPorts: port('0', 'SCTP') },
      ),
    ],
    expect: [
      ['egress client>echo sctp/2904', 'default-deny'],
      ['egress client>echo sctp/2905', 'allow'],
      ['egress client>echo sctp/2910', 'allow'],
      ['egress client>echo sctp/2911', 'default-deny'],
      ['egress client>echo tcp/2905', 'default-deny'],
      ['egress client>far sctp/1', 'allow'],
      ['egress client>far udp/1', 'default-deny'],
    ],
  },
  {
    name: 'a named port means the port of that name and protocol',
    policies: [
      egress({ toEndpoints: [echoes], toPorts: port('signal', 'SCTP') }),
      ingress({ fromEndpoints: [clients], toPorts: port('signal', 'ANY') }),
    ],
    world: signal,
    expect: [
      ['egress client>echo sctp/2905', 'allow'],
      ['egress client>echo tcp/2905', 'default-deny'],
      ['egress client>far sctp/2905', 'default-deny'],
      ['ingress client>echo sctp/2905', 'allow'],
      ['ingress client>echo udp/2905', 'default-deny'],
    ],
  },
  {
    name: 'ICMP types by number, by number as text and by name; those of IPv6 have no effect with IPv4 alone',
    policies: [
      ingress({
        fromEndpoints: [clients],
        icmps: [{ fields: [{ type: 13 }, { type: '14' }, { type: 'EchoRequest' }, { type: 128, family: 'IPv6' }] }],
      }),
      egress({ toEndpoints: [echoes], icmps: [{ fields: [{ type: 'EchoRequest', family: 'IPv6' }] }] }),
    ],
    expect: [
      ['ingress client>echo icmp/13', 'allow'],
      ['ingress client>echo icmp/14', 'allow'],
      ['ingress client>echo icmp/8', 'allow'],
      ['ingress client>echo icmp/128', 'default-deny'],
      ['ingress client>echo icmp/3', 'default-deny'],
      ['ingress client>echo tcp/8', 'default-deny'],
      ['egress client>echo icmp/8', 'default-deny'],
      ['egress client>echo icmp/128', 'default-deny'],
    ],
  },
  {
    name: 'NetworkPolicy: ranges, SCTP, TCP where no protocol stands',
    policies: [
      knp({
        podSelector: clients,
        policyTypes: ['Egress'],
        egress: [{ ports: [{ port: 80, endPort: 82 }, { port: 2905, protocol: 'SCTP' }, { protocol: 'UDP' }] }],
      }),
    ],
    expect: [
      ['egress client>world tcp/79', 'default-deny'],
      ['egress client>world tcp/80', 'allow'],
      ['egress client>echo tcp/82', 'allow'],
      ['egress client>echo tcp/83', 'default-deny'],
      ['egress client>echo sctp/2905', 'allow'],
      ['egress client>echo sctp/80', 'default-deny'],
      ['egress client>echo udp/7', 'allow'],
      ['egress client>echo icmp/8', 'default-deny'],
      ['ingress echo>client tcp/1', 'allow'],
    ],
  },
  {
    name: 'NetworkPolicy: an empty podSelector is every pod of the namespace, an empty namespaceSelector every pod',
    policies: [
      knp({
        podSelector: clients,
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ from: [{ podSelector: {} }] }],
        egress: [{ to: [{ namespaceSelector: {} }] }],
      }),
    ],
    expect: [
      ['ingress echo>client tcp/1', 'allow'],
      ['ingress dns>client tcp/1', 'default-deny'],
      ['ingress world>client tcp/1', 'default-deny'],
      ['ingress node2>client tcp/1', 'default-deny'],
      ['egress client>dns udp/53', 'allow'],
      ['egress client>far tcp/1', 'allow'],
      ['egress client>world tcp/1', 'default-deny'],
      ['egress client>host tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'NetworkPolicy: both selectors of one peer must hold',
    policies: [
      knp({
        podSelector: clients,
        policyTypes: ['Egress'],
        egress: [
          {
            to: [
              {
                namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
                podSelector: { matchLabels: { 'k8s-app': 'other' } },
              },
            ],
          },
        ],
      }),
    ],
    expect: [['egress client>dns udp/53', 'default-deny']],
  },
  {
    name: 'NetworkPolicy without policyTypes: ingress always, egress when it has items',
    policies: [knp({ podSelector: clients })],
    expect: [
      ['ingress echo>client tcp/1', 'default-deny'],
      ['egress client>echo tcp/1', 'allow'],
    ],
  },
  {
    name: 'NetworkPolicy of egress alone: closed without items, ingress stays open whatever it lists',
    policies: [knp({ podSelector: clients, policyTypes: ['Egress'], ingress: [{ ports: [{ port: 1 }] }] })],
    expect: [
      ['egress client>echo tcp/1', 'default-deny'],
      ['ingress echo>client tcp/2', 'allow'],
    ],
  },
  {
    name: 'pods by their service account',
    policies: [ingress({ fromEndpoints: [{ matchLabels: { 'io.cilium.k8s.policy.serviceaccount': 'runner' } }] })],
    world: { pods: accounted, identities: testWorld(walkers, [], { pods: accounted }).identities },
    expect: [
      ['ingress client2>echo tcp/1', 'allow'],
      ['ingress client>echo tcp/1', 'default-deny'],
    ],
  },
];
testCases(cases);
