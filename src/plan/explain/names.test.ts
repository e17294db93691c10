import { clients, echoes, egress, ingress, port } from '../test-support/policies.ts';
import { type Case, pod, testExplanations } from './test-support.ts';

const allowDns = {
  toEndpoints: [{ matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'kube-system', 'k8s-app': 'kube-dns' } }],
  toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], rules: { dns: [{ matchPattern: '*.example.org' }] } }],
};
const toName = { toFQDNs: [{ matchName: 'www.example.org' }], toPorts: port('443') };
const queryAllowed = [
  'DNS query for www.example.org.',
  'egress L3/L4 allowed: through the proxy (cilium-dns-egress)',
  '  by p spec.egress[0].toPorts[0]',
  'egress L7 allowed: a rule allows the name www.example.org.',
  '  by p spec.egress[0].toPorts[0].rules.dns[0]',
  'ingress L3/L4 allowed: no policy isolates its ingress',
];
const standIn = '! an address of the world (192.0.2.1) stands for those of www.example.org';

const cases: readonly Case[] = [
  {
    name: 'a server name',
    policies: [egress({ toEntities: ['world'], toPorts: [{ ...port('443')[0], serverNames: ['*.example.org'] }] })],
    to: { kind: 'address', address: '1.1.0.1' },
    ask: { port: 443, serverName: 'WWW.example.org' },
    expect: [
      '1.1.0.1',
      'egress L3/L4 allowed: through the proxy (cilium-tls-egress)',
      '  by p spec.egress[0].toPorts[0]',
      'egress L7 allowed: a rule allows the server name WWW.example.org',
      '  by p spec.egress[0].toPorts[0]',
      'ALLOWED',
    ],
  },
  {
    name: 'a request inside of TLS, which the proxy reads',
    policies: [
      egress({
        toEntities: ['world'],
        toPorts: [
          {
            ...port('443')[0],
            serverNames: ['a.example'],
            terminatingTLS: { secret: { name: 's' } },
            rules: { http: [{ path: '/a' }] },
          },
        ],
      }),
    ],
    to: { kind: 'address', address: '1.1.0.1' },
    ask: { port: 443, serverName: 'B.example', http: { method: 'GET', path: '/a', headers: {} } },
    expect: [
      '1.1.0.1',
      'egress L3/L4 allowed: through the proxy (cilium-http-egress/tls:cilium-test/s)',
      '  by p spec.egress[0].toPorts[0]',
      'egress L7 denied: a Secret of its rules does not hold what it has to: TLS connections are closed',
      '  near p spec.egress[0].toPorts[0].rules.http[0]: it allows a.example as server name',
      '! CiliumNetworkPolicy cilium-test/p is not in force as it is written: spec.egress[0].toPorts[0].terminatingTLS.secret: secrets "s" not found: TLS is refused; the rest of the policy is in force',
      'DENIED',
    ],
  },
  {
    name: 'another server name, of a backend on the same node',
    policies: [
      egress({ toEndpoints: [echoes], toPorts: [{ ...port('8080')[0], serverNames: ['a.example'] }] }),
      ingress({ fromEndpoints: [clients], toPorts: [{ ...port('8080')[0], serverNames: ['b.example'] }] }),
    ],
    to: pod('echo-same-node'),
    ask: { serverName: 'a.example' },
    expect: [
      'cilium-test/echo-same-node',
      'egress L3/L4 allowed: through the proxy (cilium-tls-egress)',
      '  by p spec.egress[0].toPorts[0]',
      'egress L7 allowed: a rule allows the server name a.example',
      '  by p spec.egress[0].toPorts[0]',
      'ingress L3/L4 allowed: through the proxy (cilium-tls-ingress)',
      '  by i spec.ingress[0].toPorts[0]',
      'ingress L7 denied: nothing allows the server name a.example: the connection is reset',
      '  near i spec.ingress[0].toPorts[0]: it allows b.example',
      'DENIED',
    ],
  },
  {
    name: 'a name that may not be asked for',
    policies: [egress(allowDns, toName)],
    to: { kind: 'name', name: 'other.org' },
    ask: { port: 443 },
    expect: [
      'DNS query for other.org.',
      'egress L3/L4 allowed: through the proxy (cilium-dns-egress)',
      '  by p spec.egress[0].toPorts[0]',
      'egress L7 denied: nothing allows the name other.org.: the answer is REFUSED',
      '  near p spec.egress[0].toPorts[0].rules.dns[0]: it allows *.example.org',
      'ingress L3/L4 allowed: no policy isolates its ingress',
      'other.org',
      'egress L3/L4 denied: nothing allows TCP 443',
      '  isolated by p spec',
      '  near p spec.egress[1].toPorts[0]: its peer would have to be an address learnt for www.example.org',
      '! an address of the world (192.0.2.1) stands for those of other.org',
      'DENIED',
    ],
  },
  {
    name: 'an address that a name may stand for',
    policies: [egress(allowDns, toName)],
    to: { kind: 'address', address: '93.184.216.34' },
    ask: { port: 443 },
    expect: [
      '93.184.216.34',
      'egress L3/L4 denied: nothing allows TCP 443',
      '  isolated by p spec',
      '  near p spec.egress[1].toPorts[0]: its peer would have to be an address learnt for www.example.org',
      '! addresses that the node has learnt from DNS are not known here: ask for the name where a toFQDNs rule is meant',
      'DENIED',
    ],
  },
  {
    name: 'an address that was learnt',
    policies: [egress(allowDns, toName)],
    world: {
      learntNames: new Map([
        ['www.example.org.', ['93.184.216.34']],
        ['cdn.example.org.', ['93.184.216.34', '93.184.216.35']],
      ]),
    },
    to: { kind: 'address', address: '93.184.216.34' },
    ask: { port: 443 },
    expect: [
      'node-1 knows it as cdn.example.org., www.example.org.',
      '93.184.216.34',
      'egress L3/L4 allowed: a rule allows it',
      '  by p spec.egress[1].toPorts[0]',
      'ALLOWED',
    ],
  },
  {
    name: 'an address that was learnt for another name',
    policies: [egress(allowDns, toName)],
    world: { learntNames: new Map([['cdn.example.org.', ['93.184.216.34']]]) },
    to: { kind: 'address', address: '93.184.216.34' },
    ask: { port: 443 },
    expect: [
      'node-1 knows it as cdn.example.org.',
      '93.184.216.34',
      'egress L3/L4 denied: nothing allows TCP 443',
      '  isolated by p spec',
      '  near p spec.egress[1].toPorts[0]: its peer would have to be an address learnt for www.example.org',
      'DENIED',
    ],
  },
  {
    name: 'an address that was not learnt',
    policies: [],
    world: { learntNames: new Map() },
    to: { kind: 'address', address: '93.184.216.34' },
    expect: [
      'node-1 knows it as nothing',
      '93.184.216.34',
      'egress L3/L4 allowed: no policy isolates its egress',
      'ALLOWED',
    ],
  },
  {
    name: 'a name whose addresses the DNS proxy learns',
    policies: [egress(allowDns, toName)],
    to: { kind: 'name', name: 'www.example.org' },
    ask: { port: 443 },
    expect: [
      ...queryAllowed,
      'www.example.org',
      'egress L3/L4 allowed: a rule allows it',
      '  by p spec.egress[1].toPorts[0]',
      standIn,
      'ALLOWED',
    ],
  },
  {
    name: 'a name that was learnt',
    policies: [egress(allowDns, toName)],
    world: { learntNames: new Map([['www.example.org.', ['93.184.216.34']]]) },
    to: { kind: 'name', name: 'www.example.org' },
    ask: { port: 443 },
    expect: [
      ...queryAllowed,
      'www.example.org at 93.184.216.34',
      'egress L3/L4 allowed: a rule allows it',
      '  by p spec.egress[1].toPorts[0]',
      'ALLOWED',
    ],
  },
  {
    name: 'a name whose query nobody sees',
    policies: [egress({ toEntities: ['cluster'] }, toName)],
    to: { kind: 'name', name: 'www.example.org' },
    ask: { port: 443 },
    expect: [
      'DNS query for www.example.org.',
      'egress L3/L4 allowed: a rule allows it',
      '  by p spec.egress[0]',
      'ingress L3/L4 allowed: no policy isolates its ingress',
      'www.example.org',
      'egress L3/L4 denied: nothing allows TCP 443',
      '  isolated by p spec',
      '  near p spec.egress[1].toPorts[0]: its peer would have to be an address learnt for www.example.org',
      '  near p spec.egress[0]: its peer would have to be the entity cluster',
      '! the DNS proxy does not see the query, so toFQDNs rules learn no address of www.example.org',
      standIn,
      'DENIED',
    ],
  },
];

testExplanations(cases);
