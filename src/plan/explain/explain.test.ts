import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../plan.ts';
import { clients, cnp, echoes, egress, get, ingress, knp, port } from '../test-support/policies.ts';
import {
  client,
  client2,
  echoOther,
  echoSame,
  walkthroughPods,
  walkthroughWorld,
} from '../test-support/walkthrough.ts';
import { podAddress } from '../test-support/world.ts';
import { policyVerdict } from '../verdicts/packet.ts';
import { explain } from './explain.ts';
import { type Case, cluster, namespace, pod, request, service, testExplanations } from './test-support.ts';
import type { Question } from './types.ts';

const toEchoes = [{ toEndpoints: [echoes] }];
const cases: readonly Case[] = [
  {
    name: 'without policies',
    policies: [],
    to: pod('echo-other-node'),
    expect: [
      'cilium-test/echo-other-node',
      'egress L3/L4 allowed: no policy isolates its egress',
      'ingress L3/L4 allowed: no policy isolates its ingress',
      'ALLOWED',
    ],
  },
  {
    name: 'rules of both ends, on two nodes',
    policies: [egress(...toEchoes), ingress({ fromEndpoints: [{ matchLabels: { other: 'client' } }] })],
    to: pod('echo-other-node'),
    expect: [
      'cilium-test/echo-other-node',
      'egress L3/L4 allowed: a rule allows it',
      '  by p spec.egress[0]',
      'ingress L3/L4 denied: nothing allows TCP 8080',
      '  isolated by i spec',
      '  near i spec.ingress[0]: its peer needs the label other=client and has none',
      'DENIED',
    ],
  },
  {
    name: 'a port that is not the one',
    policies: [egress({ toEndpoints: [echoes], toPorts: port('80') })],
    to: pod('echo-same-node'),
    expect: [
      'cilium-test/echo-same-node',
      'egress L3/L4 denied: nothing allows TCP 8080',
      '  isolated by p spec',
      '  near p spec.egress[0].toPorts[0]: it allows TCP 80, not TCP 8080',
      'ingress L3/L4 allowed: no policy isolates its ingress',
      'DENIED',
    ],
  },
  {
    name: 'two things that do not fit are no near miss',
    policies: [egress({ toEndpoints: [clients], toPorts: port('80') })],
    to: pod('echo-same-node'),
    expect: [
      'cilium-test/echo-same-node',
      'egress L3/L4 denied: nothing allows TCP 8080',
      '  isolated by p spec',
      'ingress L3/L4 allowed: no policy isolates its ingress',
      'DENIED',
    ],
  },
  {
    name: 'a rule that denies',
    policies: [cnp({ endpointSelector: clients, egress: [{ toEntities: ['all'] }], egressDeny: toEchoes })],
    to: pod('echo-same-node'),
    expect: [
      'cilium-test/echo-same-node',
      'egress L3/L4 denied: a rule denies it',
      '  by p spec.egressDeny[0]',
      'ingress L3/L4 allowed: no policy isolates its ingress',
      'DENIED',
    ],
  },
  {
    name: 'HTTP rules of both ends',
    policies: [
      egress({ toEndpoints: [echoes], toPorts: get('/a.*') }),
      ingress({ fromEndpoints: [clients], toPorts: get('/ab') }),
    ],
    to: service('echo-same-node'),
    ask: request('/ac'),
    expect: [
      'backend cilium-test/echo-same-node:8080',
      'egress L3/L4 allowed: through the proxy (cilium-http-egress)',
      '  by p spec.egress[0].toPorts[0]',
      'egress L7 allowed: a rule allows GET /ac',
      '  by p spec.egress[0].toPorts[0].rules.http[0]',
      'ingress L3/L4 allowed: through the proxy (cilium-http-ingress)',
      '  by i spec.ingress[0].toPorts[0]',
      'ingress L7 denied: nothing allows GET /ac: the answer is 403',
      '  near i spec.ingress[0].toPorts[0].rules.http[0]: its path has to be /ab',
      'DENIED',
    ],
  },
  {
    name: 'HTTP rules of the client, a closed backend on the same node: the proxy answers',
    policies: [egress({ toEndpoints: [echoes], toPorts: get('/a') }), ingress({ toPorts: port('80') })],
    to: pod('echo-same-node'),
    ask: request('/a'),
    expect: [
      'cilium-test/echo-same-node',
      'egress L3/L4 allowed: through the proxy (cilium-http-egress)',
      '  by p spec.egress[0].toPorts[0]',
      'egress L7 allowed: a rule allows GET /a',
      '  by p spec.egress[0].toPorts[0].rules.http[0]',
      'ingress L3/L4 denied: nothing allows TCP 8080: the answer is 403',
      '  isolated by i spec',
      '  near i spec.ingress[0].toPorts[0]: it allows TCP 80, not TCP 8080',
      'DENIED',
    ],
  },
  {
    name: 'HTTP rules of the client, a closed backend on another node: the proxy does not reach it',
    policies: [
      egress({ toEndpoints: [echoes], toPorts: get('/a') }),
      cnp({ endpointSelector: echoes, ingressDeny: [{ fromEntities: ['all'] }] }, 'd'),
    ],
    to: pod('echo-other-node'),
    ask: request('/a'),
    expect: [
      'cilium-test/echo-other-node',
      'egress L3/L4 allowed: through the proxy (cilium-http-egress)',
      '  by p spec.egress[0].toPorts[0]',
      'egress L7 allowed: a rule allows GET /a',
      '  by p spec.egress[0].toPorts[0].rules.http[0]',
      'ingress L3/L4 denied: a rule denies it: the answer is 503',
      '  by d spec.ingressDeny[0]',
      'DENIED',
    ],
  },
  {
    name: 'a header and a host',
    policies: [
      egress({
        toEndpoints: [echoes],
        toPorts: [{ ...port('8080')[0], rules: { http: [{ host: 'echo-.*:8080', headers: ['X-Key: true'] }] } }],
      }),
    ],
    to: service('echo-same-node'),
    ask: request('/', { 'x-key': 'false' }),
    expect: [
      'backend cilium-test/echo-same-node:8080',
      'egress L3/L4 allowed: through the proxy (cilium-http-egress)',
      '  by p spec.egress[0].toPorts[0]',
      'egress L7 denied: nothing allows GET /: the answer is 403',
      '  near p spec.egress[0].toPorts[0].rules.http[0]: its header X-Key has to be true',
      'ingress L3/L4 allowed: no policy isolates its ingress',
      'DENIED',
    ],
  },
  {
    name: 'no request to judge',
    policies: [egress({ toEndpoints: [echoes], toPorts: get('/a') })],
    to: pod('echo-same-node'),
    expect: [
      'cilium-test/echo-same-node',
      'egress L3/L4 allowed: through the proxy (cilium-http-egress)',
      '  by p spec.egress[0].toPorts[0]',
      'egress L7 unasked: each request is judged by itself; name one with --http',
      '  by p spec.egress[0].toPorts[0].rules.http[0]',
      'ingress L3/L4 allowed: no policy isolates its ingress',
      'ALLOWED',
    ],
  },
  {
    name: 'another node, closed by a host policy',
    policies: [
      {
        ...cnp({ nodeSelector: {}, ingress: [{ fromEntities: ['cluster'], toPorts: port('22') }] }, 'host'),
        kind: 'CiliumClusterwideNetworkPolicy',
        metadata: { name: 'host' },
      },
    ],
    world: { config: { ...walkthroughWorld().config, enableHostFirewall: true } },
    to: { kind: 'address', address: '172.30.0.2' },
    expect: [
      '172.30.0.2',
      'egress L3/L4 allowed: no policy isolates its egress',
      'ingress L3/L4 denied: nothing allows TCP 8080',
      '  isolated by host spec',
      '  near host spec.ingress[0].toPorts[0]: it allows TCP 22, not TCP 8080',
      'DENIED',
    ],
  },
  {
    name: 'an address of the outside',
    policies: [egress({ toCIDRSet: [{ cidr: '1.0.0.0/8', except: ['1.1.0.0/16'] }] })],
    to: { kind: 'address', address: '1.1.0.1' },
    ask: { port: 443 },
    expect: [
      '1.1.0.1',
      'egress L3/L4 denied: nothing allows TCP 443',
      '  isolated by p spec',
      '  near p spec.egress[0]: its peer would have to be an address of 1.0.0.0/8 outside of 1.1.0.0/16',
      'DENIED',
    ],
  },
  {
    name: 'a NetworkPolicy without rules, and a policy that cannot be enforced',
    policies: [
      knp({ podSelector: {}, policyTypes: ['Ingress'] }),
      cnp({ endpointSelector: {}, ingress: [{ fromGroups: [{ aws: { labels: { a: 'b' } } }] }] }, 'groups'),
    ],
    to: pod('echo-same-node'),
    expect: [
      'cilium-test/echo-same-node',
      'egress L3/L4 allowed: no policy isolates its egress',
      'ingress L3/L4 denied: nothing allows TCP 8080',
      '  isolated by k spec',
      "! CiliumNetworkPolicy cilium-test/groups is not in force as it is written: spec.ingress[0]: a cloud provider's groups (fromGroups, toGroups) cannot be resolved here",
      'DENIED',
    ],
  },
];

testExplanations(cases);

/** Questions without an answer. */
const refused: readonly (readonly [what: string, question: Partial<Question>, error: RegExp])[] = [
  [
    'no such pod',
    { from: { namespace, name: 'x' } },
    /there is no pod cilium-test\/x; in cilium-test: client, client2/,
  ],
  ['no such Service', { to: service('x') }, /there is no Service cilium-test\/x/],
  ['no such port of a Service', { to: service('echo-same-node'), port: 1 }, /--port 1 is none of its ports.*8080\/TCP/],
  ['no such name of a port', { to: pod('echo-same-node'), port: 'web' }, /has no TCP port web; it has tcp\/http-8080/],
  ['a named port of an address', { to: { kind: 'address', address: '1.1.1.1' }, port: 'http' }, /no named ports/],
];

for (const [what, rest, error] of refused) {
  test(`refused: ${what}`, () => {
    const question: Question = {
      from: { namespace, name: 'client' },
      to: pod('echo-same-node'),
      port: 80,
      protocol: 'tcp',
      ...rest,
    };
    const answer = explain(cluster([]), question);
    assert.match(answer.ok ? '' : answer.error, error);
  });
}

test('what is said is what the plans of both nodes say', () => {
  const policies = [
    egress({ toEndpoints: [echoes], toPorts: port('8080') }, { toEntities: ['kube-apiserver'] }),
    ingress({ fromEndpoints: [{ matchLabels: { other: 'client' } }] }),
    knp({ podSelector: { matchLabels: { kind: 'client' } }, policyTypes: ['Ingress'] }),
  ];
  const world = walkthroughWorld({ policies });
  const plans = ['node-1', 'node-2'].map((nodeName) => plan({ ...world, nodeName }));
  for (const from of [client, client2, echoSame, echoOther]) {
    for (const to of walkthroughPods.filter((one) => one !== from && one.namespace === undefined)) {
      for (const number of [8080, 9090]) {
        const packet = {
          source: podAddress(from),
          destination: podAddress(to),
          protocol: 'tcp',
          port: number,
        } as const;
        const ends = [
          policyVerdict(plans[from.node - 1] as never, packet, 'egress'),
          policyVerdict(plans[to.node - 1] as never, packet, 'ingress'),
        ];
        const expected = ends.every(({ kind }) => kind === 'allow');
        const answer = explain(cluster(policies), {
          from: { namespace, name: from.name },
          to: pod(to.name),
          port: number,
          protocol: 'tcp',
        });
        assert.equal(answer.ok && answer.value.allowed, expected, `${from.name} ${to.name} ${number}`);
      }
    }
  }
});

test('in audit mode what Layer 3 and 4 would drop is said to pass, what HTTP rules refuse is not', () => {
  const policies = [
    egress({ toEndpoints: [echoes], toPorts: get('/a') }),
    cnp({ endpointSelector: echoes, ingressDeny: [{ fromEndpoints: [clients] }] }, 'd'),
  ];
  const world = cluster(policies);
  const audited = { ...world, config: { ...world.config, policyAuditMode: true } };
  const answer = (path: string, number: number) => {
    const http = { method: 'GET', path, headers: {} };
    const to = pod('echo-same-node');
    const said = explain(audited, { from: { namespace, name: 'client' }, to, port: number, protocol: 'tcp', http });
    assert.ok(said.ok);
    const steps = said.value.parts.flatMap((part) => part.steps);
    return [said.value.allowed, ...steps.map(({ layer, verdict }) => `${layer} ${verdict}`)];
  };
  assert.deepEqual(answer('/a', 8080), [true, 'L3/L4 allowed', 'L7 allowed', 'L3/L4 audited']);
  assert.deepEqual(answer('/b', 8080), [false, 'L3/L4 allowed', 'L7 denied', 'L3/L4 audited']);
  assert.deepEqual(answer('/a', 9090), [true, 'L3/L4 audited', 'L3/L4 audited']);
});
