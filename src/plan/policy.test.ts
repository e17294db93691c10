import { type Case, clients, cnp, echoes, egress, ingress, knp, port, testCases } from './test-support/policies.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';

const cases: readonly Case[] = [
  {
    name: 'a Layer-3 allow covers every port and protocol and isolates the direction only',
    policies: [egress({ toEndpoints: [echoes] })],
    expect: [
      ['egress client>echo tcp/8080', 'allow'],
      ['egress client>far icmp/8', 'allow'],
      ['egress client>dns udp/53', 'default-deny'],
      ['egress client>world tcp/80', 'default-deny'],
      ['egress echo>world tcp/80', 'allow'],
      ['ingress echo>client tcp/80', 'allow'],
    ],
  },
  {
    name: 'peers without a namespace are those of the own one; another can be named',
    policies: [egress({ toEndpoints: [{ matchLabels: { 'k8s-app': 'kube-dns' } }] })],
    expect: [['egress client>dns udp/53', 'default-deny']],
  },
  {
    name: 'a namespace label reaches over namespaces, also in the dotted spelling',
    policies: [egress({ toEndpoints: [{ matchLabels: { 'k8s.io.kubernetes.pod.namespace': 'kube-system' } }] })],
    expect: [['egress client>dns udp/53', 'allow']],
  },
  {
    name: 'labels of the namespace select',
    policies: [
      egress({
        toEndpoints: [{ matchLabels: { 'io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name': 'kube-system' } }],
      }),
    ],
    expect: [
      ['egress client>dns udp/53', 'allow'],
      ['egress client>echo tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'a selector that only leaves out namespaces means pods of the others, no node and nothing of the world',
    policies: [
      egress({
        toEndpoints: [
          {
            matchExpressions: [
              {
                key: 'io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name',
                operator: 'NotIn',
                values: ['cilium-test'],
              },
            ],
          },
        ],
      }),
      knp({
        podSelector: echoes,
        ingress: [
          {
            from: [
              {
                namespaceSelector: {
                  matchExpressions: [
                    { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['cilium-test'] },
                  ],
                },
              },
            ],
          },
        ],
      }),
    ],
    expect: [
      ['egress client>dns udp/53', 'allow'],
      ['egress client>echo tcp/80', 'default-deny'],
      ['egress client>node2 tcp/80', 'default-deny'],
      ['egress client>world tcp/80', 'default-deny'],
      ['ingress dns>echo tcp/80', 'allow'],
      ['ingress client>echo tcp/80', 'default-deny'],
      ['ingress world>echo tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'world-ipv4 is a label of dual-stack clusters: with one family it selects nobody',
    policies: [egress({ toEntities: ['world-ipv4'] })],
    expect: [['egress client>world tcp/80', 'default-deny']],
  },
  {
    name: 'DNS rules on SCTP let nothing pass, since no proxy speaks it',
    policies: [
      egress({
        toEntities: ['all'],
        toPorts: [{ ports: [{ port: '53', protocol: 'SCTP' }], rules: { dns: [{ matchPattern: '*' }] } }],
      }),
    ],
    expect: [['egress client>dns sctp/53', 'default-deny']],
  },
  {
    name: 'matchExpressions',
    policies: [
      egress({ toEndpoints: [{ matchExpressions: [{ key: 'name', operator: 'NotIn', values: ['echo-same-node'] }] }] }),
    ],
    expect: [
      ['egress client>far tcp/1', 'allow'],
      ['egress client>echo tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'an empty item isolates and allows nothing',
    policies: [egress({})],
    expect: [['egress client>echo tcp/8080', 'default-deny']],
  },
  {
    name: 'an empty peer list allows nothing',
    policies: [ingress({ fromEndpoints: [], toPorts: port('8080') })],
    expect: [['ingress client>echo tcp/8080', 'default-deny']],
  },
  {
    name: 'ports alone allow every peer, the world included',
    policies: [egress({ toPorts: port('80') })],
    expect: [
      ['egress client>world tcp/80', 'allow'],
      ['egress client>echo tcp/80', 'allow'],
      ['egress client>world udp/80', 'default-deny'],
    ],
  },
  {
    name: 'protocol ANY is TCP, UDP and SCTP but not ICMP; ranges include both ends',
    policies: [egress({ toEntities: ['all'], toPorts: port('100', 'ANY', { endPort: 110 }) })],
    expect: [
      ['egress client>echo tcp/100', 'allow'],
      ['egress client>echo udp/110', 'allow'],
      ['egress client>echo sctp/105', 'allow'],
      ['egress client>echo tcp/111', 'default-deny'],
      ['egress client>echo icmp/8', 'default-deny'],
    ],
  },
  {
    name: 'ICMP types',
    policies: [ingress({ fromEntities: ['all'], icmps: [{ fields: [{ type: 8, family: 'IPv4' }] }] })],
    expect: [
      ['ingress client>echo icmp/8', 'allow'],
      ['ingress client>echo icmp/0', 'default-deny'],
      ['ingress client>echo tcp/8', 'default-deny'],
    ],
  },
  {
    name: 'entities',
    policies: [egress({ toEntities: ['cluster'] })],
    expect: [
      ['egress client>dns udp/53', 'allow'],
      ['egress client>host tcp/22', 'allow'],
      ['egress client>node2 tcp/22', 'allow'],
      ['egress client>api tcp/6443', 'allow'],
      ['egress client>world tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'world is everything outside, ranges that policies name included',
    policies: [
      egress({ toEntities: ['world'] }),
      cnp({ endpointSelector: clients, egressDeny: [{ toCIDR: ['1.0.0.2/32'] }] }, 'q'),
    ],
    expect: [
      ['egress client>world tcp/80', 'allow'],
      ['egress client>one tcp/80', 'allow'],
      ['egress client>two tcp/80', 'deny'],
      ['egress client>node2 tcp/80', 'default-deny'],
      ['egress client>dns tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'the API server and the host have entities of their own',
    policies: [egress({ toEntities: ['kube-apiserver'] }), ingress({ fromEntities: ['host'] })],
    expect: [
      ['egress client>api tcp/6443', 'allow'],
      ['egress client>node2 tcp/6443', 'default-deny'],
      ['ingress host>echo tcp/8080', 'allow'],
      ['ingress client>echo tcp/8080', 'default-deny'],
    ],
  },
  {
    name: 'CIDR set with an exception; never pods',
    policies: [egress({ toCIDRSet: [{ cidr: '1.0.0.0/8', except: ['1.0.0.1/32'] }] }, { toCIDR: ['10.0.0.0/8'] })],
    expect: [
      ['egress client>two tcp/1', 'allow'],
      ['egress client>one tcp/1', 'default-deny'],
      ['egress client>echo tcp/1', 'default-deny'],
      ['egress client>world tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'an exception is a hole in its own item only',
    policies: [
      egress(
        { toCIDRSet: [{ cidr: '1.0.0.0/8', except: ['1.0.0.1/32'] }] },
        { toCIDR: ['0.0.0.0/0'], toPorts: port('80') },
      ),
    ],
    expect: [
      ['egress client>one tcp/80', 'allow'],
      ['egress client>one tcp/81', 'default-deny'],
      ['egress client>two tcp/81', 'allow'],
    ],
  },
  {
    name: 'toServices: pods behind a Service, backends of one without selector',
    policies: [
      egress(
        {
          toServices: [{ k8sService: { serviceName: 'echo-same-node', namespace: 'cilium-test' } }],
          toPorts: port('8080'),
        },
        { toServices: [{ k8sService: { serviceName: 'kubernetes', namespace: 'default' } }] },
      ),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'allow'],
      ['egress client>far tcp/8080', 'default-deny'],
      ['egress client>api tcp/6443', 'allow'],
    ],
  },
  {
    name: 'named ports: the own one on ingress, the peer’s on egress',
    policies: [ingress({ toPorts: port('http-8080') }), egress({ toEndpoints: [{}], toPorts: port('http-8080') })],
    expect: [
      ['ingress client>echo tcp/8080', 'allow'],
      ['ingress client>echo tcp/8081', 'default-deny'],
      ['egress client>far tcp/8080', 'allow'],
      ['egress client>client2 tcp/8080', 'default-deny'],
    ],
  },
  {
    name: 'a deny wins over any allow, however narrow',
    policies: [
      egress({ toEndpoints: [echoes], toPorts: port('8080') }),
      cnp(
        { endpointSelector: clients, egressDeny: [{ toEndpoints: [{ matchLabels: { name: 'echo-same-node' } }] }] },
        'd',
      ),
    ],
    expect: [
      ['egress client>echo tcp/8080', 'deny'],
      ['egress client>far tcp/8080', 'allow'],
      ['egress client>echo tcp/8080 GET /', 'denied cnp/cilium-test/d/spec.egressDeny[0]'],
      ['egress client>far tcp/8080 GET /', 'allowed'],
    ],
  },
  {
    name: 'NetworkPolicy: ports without peers, peers without ports, ipBlock',
    policies: [
      knp({
        podSelector: { matchLabels: { kind: 'echo' } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            from: [
              { podSelector: { matchLabels: { other: 'client' } } },
              { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
            ],
          },
          { ports: [{ port: 90 }] },
        ],
        egress: [{ to: [{ ipBlock: { cidr: '1.0.0.0/24', except: ['1.0.0.1/32'] } }] }],
      }),
    ],
    expect: [
      ['ingress client2>echo udp/1', 'allow'],
      ['ingress dns>echo tcp/1', 'allow'],
      ['ingress client>echo tcp/1', 'default-deny'],
      ['ingress world>echo tcp/90', 'allow'],
      ['egress echo>two tcp/1', 'allow'],
      ['egress echo>one tcp/1', 'default-deny'],
    ],
  },
  {
    name: 'NetworkPolicy with an empty ingress item allows everything',
    policies: [knp({ podSelector: {}, ingress: [{}] })],
    expect: [['ingress world>echo tcp/9', 'allow']],
  },
  {
    name: 'mode always: closed without any rule',
    policies: [],
    world: { config: { ...walkthroughWorld().config, enablePolicy: 'always' } },
    expect: [
      ['egress client>echo tcp/8080', 'default-deny'],
      ['egress client>echo tcp/8080 GET /', 'denied'],
    ],
  },
  {
    name: 'mode never: open whatever the rules say',
    policies: [egress({}), cnp({ endpointSelector: {}, egressDeny: [{ toEntities: ['all'] }] }, 'd')],
    world: { config: { ...walkthroughWorld().config, enablePolicy: 'never' } },
    expect: [
      ['egress client>echo tcp/8080', 'allow'],
      ['egress client>echo tcp/8080 GET /', 'allowed'],
    ],
  },
  {
    name: 'pods without an identity are closed',
    policies: [],
    world: { identities: new Map() },
    expect: [['egress client>echo tcp/8080', 'default-deny']],
  },
];

testCases(cases);
