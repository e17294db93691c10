import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodePlan } from '../node-plan.ts';
import { plan } from '../plan.ts';
import { clients, cnp, echoes, egress, get, ingress, port } from '../test-support/policies.ts';
import { client, client2, echoOther, echoSame, walkthroughWorld } from '../test-support/walkthrough.ts';
import { podAddress } from '../test-support/world.ts';
import { policyVerdict } from '../verdicts/packet.ts';
import { requestVerdict } from '../verdicts/request.ts';
import { explain } from './explain.ts';
import { cluster, namespace, service } from './test-support.ts';
import type { Follow, Followed, Question } from './types.ts';

const url = (name: string) => `type.googleapis.com/${name}`;
const edsOf = (name: string) => ({
  '@type': url('envoy.config.cluster.v3.Cluster'),
  name,
  type: 'EDS',
  connect_timeout: '1s',
});
const config = (clusters: readonly object[], metadata: object = {}) => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumEnvoyConfig',
  metadata: { name: 'shop', namespace, ...metadata },
  spec: {
    services: [{ name: 'echo-same-node', namespace }],
    backendServices: [{ name: 'echo-other-node', namespace }],
    resources: [
      {
        '@type': url('envoy.config.listener.v3.Listener'),
        name: 'front',
        filter_chains: [
          {
            filters: [
              {
                name: 'envoy.filters.network.http_connection_manager',
                typed_config: {
                  '@type': url('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
                  stat_prefix: 's',
                  rds: { route_config_name: 'ways' },
                  http_filters: [{ name: 'envoy.filters.http.router' }],
                },
              },
            ],
          },
        ],
      },
      {
        '@type': url('envoy.config.route.v3.RouteConfiguration'),
        name: 'ways',
        virtual_hosts: [
          { name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'here' } }] },
        ],
      },
      { '@type': url('envoy.config.cluster.v3.Cluster'), name: 'here', type: 'STATIC', connect_timeout: '1s' },
      ...clusters,
    ],
  },
});

const sameCluster = `${namespace}/echo-same-node`;
const otherCluster = `${namespace}/echo-other-node`;
type Way = Followed['ways'][number];

/** Stands for the data plane: leads every request these ways, as `becomes`. */
function follows(
  ways: readonly Partial<Way>[],
  becomes: Partial<Way['request']> = {},
  rest: Partial<Followed> = {},
): Follow {
  return (_listener, _routes, { method, path, authority, headers }) => ({
    ok: true,
    value: {
      routes: `${namespace}/shop/ways`,
      filters: [],
      ways: ways.map((way) => ({
        share: 1 / ways.length,
        virtualHost: `${namespace}/shop/v`,
        route: { path: 'virtual_hosts[0].routes[0]', match: { prefix: '/' } },
        cluster: undefined,
        reply: undefined,
        request: { method, path, authority, headers, ...becomes },
        ...way,
      })),
      ...rest,
    },
  });
}

function ask(
  policies: readonly object[],
  follow: Follow | undefined,
  rest: Partial<Question> = {},
  cec = config([edsOf(sameCluster), edsOf(otherCluster)]),
) {
  const http = { method: 'GET', path: '/a', headers: {} };
  const question: Question = {
    from: { namespace, name: 'client' },
    to: service('echo-same-node'),
    protocol: 'tcp',
    http,
    ...rest,
  };
  const answer = explain(cluster(policies, { envoyConfigs: [cec] }), question, follow);
  assert.ok(answer.ok, answer.ok ? '' : answer.error);
  return answer.value;
}

test('a way says who took the Service, by which route it goes where, and what becomes of the request', () => {
  const [part, more] = ask([], follows([{ cluster: sameCluster }], { path: '/b', authority: 'other' })).parts;
  assert.equal(more, undefined);
  assert.equal(part?.title, 'backend cilium-test/echo-same-node:8080');
  const object = { kind: 'CiliumEnvoyConfig', namespace, name: 'shop' };
  assert.deepEqual(part?.taken, {
    how: 'service',
    listener: 'front',
    by: { ...object, path: 'spec.resources[0]' },
    virtualHost: 'v',
    place: { ...object, path: 'spec.resources[1].virtual_hosts[0].routes[0]' },
    match: 'prefix /',
    share: 1,
    cluster: sameCluster,
    becomes: { method: 'GET', path: '/b', authority: 'other' },
  });
});

test('each cluster that may be chosen is judged; one that is denied denies', () => {
  const answer = ask(
    [ingress({ fromEndpoints: [{ matchLabels: { name: 'nobody' } }] })],
    follows([{ cluster: sameCluster }, { cluster: otherCluster }]),
  );
  assert.equal(answer.allowed, false);
  assert.deepEqual(
    answer.parts.map(({ title, taken, allowed, steps }) => [title, taken?.share, allowed, steps.at(-1)?.reason]),
    [
      ['backend cilium-test/echo-same-node:8080', 0.5, false, 'nothing allows TCP 8080: the answer is 403'],
      ['backend cilium-test/echo-other-node:8080', 0.5, false, 'nothing allows TCP 8080: the answer is 503'],
    ],
  );
});

test('what the listener answers by itself asks no policy', () => {
  const denied = [egress({ toEndpoints: [{ matchLabels: { name: 'nobody' } }] })];
  const answer = ask(denied, follows([{ route: undefined, reply: { status: 404 } }]));
  assert.equal(answer.allowed, true);
  assert.deepEqual(answer.parts, [
    {
      title: 'answer of the listener',
      steps: [],
      allowed: true,
      taken: {
        how: 'service',
        listener: 'front',
        by: { kind: 'CiliumEnvoyConfig', namespace, name: 'shop', path: 'spec.resources[0]' },
        virtualHost: 'v',
        place: { kind: 'CiliumEnvoyConfig', namespace, name: 'shop', path: 'spec.resources[1]' },
        share: 1,
        reply: { status: 404 },
      },
    },
  ]);
});

test('a cluster without backends answers 503; where one of DNS names leads is not judged', () => {
  const dns = {
    '@type': url('envoy.config.cluster.v3.Cluster'),
    name: 'far',
    type: 'STRICT_DNS',
    connect_timeout: '1s',
  };
  const answer = ask(
    [],
    follows([{ cluster: `${namespace}/shop/here` }, { cluster: `${namespace}/shop/far` }]),
    {},
    config([dns]),
  );
  assert.deepEqual(
    answer.parts.map(({ title, taken }) => [title, taken?.cluster, taken?.reply?.status]),
    [
      ['cluster here has no backends', 'here', 503],
      ['backends of cluster far', 'far', undefined],
    ],
  );
  assert.deepEqual(answer.warnings, [
    'where cluster far leads is known to the data plane alone: policy on its backends is not judged',
  ]);
});

test('with the node for source, a backend on another node sees the node', () => {
  const byNode = [ingress({ fromEntities: ['remote-node'] })];
  const sourceOf = (annotation: string) =>
    ask(
      byNode,
      follows([{ cluster: otherCluster }]),
      {},
      config([edsOf(otherCluster)], { annotations: { 'cec.cilium.io/use-original-source-address': annotation } }),
    ).allowed;
  assert.deepEqual([sourceOf('false'), sourceOf('true')], [true, false]);
});

test('filters that are not followed are named', () => {
  const { warnings } = ask([], follows([{ cluster: sameCluster }], {}, { filters: ['cors', 'fault'] }));
  assert.deepEqual(warnings, [
    'filters of the listener may answer or change the request before it is routed, which is not followed: cors, fault',
  ]);
});

/** Questions whose routes are not followed, and the end of the note that says so. */
const unfollowed: readonly (readonly [what: string, follow: Follow | undefined, http: boolean, note: RegExp])[] = [
  ['no request', follows([{ cluster: sameCluster }]), false, /; name a request with --http to follow its routes$/],
  ['nobody to ask', undefined, true, /; its routes are not followed here$/],
  ['a fault', () => ({ ok: false, error: 'because' }), true, /; its routes cannot be followed: because$/],
];

for (const [what, follow, http, note] of unfollowed) {
  test(`not followed, ${what}: all backends of the clusters are judged`, () => {
    const question: Question = {
      from: { namespace, name: 'client' },
      to: service('echo-same-node'),
      protocol: 'tcp',
      ...(http && { http: { method: 'GET', path: '/', headers: {} } }),
    };
    const answer = explain(
      cluster([], { envoyConfigs: [config([edsOf(sameCluster), edsOf(otherCluster)])] }),
      question,
      follow,
    );
    assert.ok(answer.ok);
    assert.deepEqual(
      answer.value.parts.map(({ title }) => title),
      ['backend cilium-test/echo-same-node:8080, backend cilium-test/echo-other-node:8080'],
    );
    assert.match(answer.value.warnings[0] ?? '', note);
  });
}

const led = egress({
  toEndpoints: [{ matchLabels: { name: 'echo-same-node' } }],
  toPorts: [{ ...port('8080')[0], listener: { envoyConfig: { name: 'shop' }, name: 'front' } }],
});
const original = {
  '@type': url('envoy.config.cluster.v3.Cluster'),
  name: 'original',
  type: 'ORIGINAL_DST',
  lb_policy: 'CLUSTER_PROVIDED',
};

/** A configuration of the same resources that takes no Service over. */
function ledConfig(clusters: readonly object[], filters?: readonly object[]) {
  const made = config(clusters);
  const backendServices = [...made.spec.services, ...made.spec.backendServices];
  const [listener, ...rest] = made.spec.resources;
  const resources = filters ? [{ ...listener, filter_chains: [{ filters }] }, ...rest] : made.spec.resources;
  return { ...made, spec: { ...made.spec, services: [], backendServices, resources } };
}

test('a rule may lead to a listener: to where the client was going, judged as it leaves, or elsewhere, judged twice', () => {
  const policies = [led, ingress({ fromEndpoints: [clients], toPorts: get('/b') })];
  const answer = ask(
    policies,
    follows([{ cluster: `${namespace}/shop/original` }, { cluster: otherCluster }], { path: '/b' }),
    { to: { kind: 'pod', namespace, name: 'echo-same-node' } },
    ledConfig([edsOf(otherCluster), original]),
  );
  assert.deepEqual(
    answer.parts.map(({ title, taken, steps }) => [
      title,
      taken?.how,
      ...steps.map(({ direction, layer, verdict, reason }) => `${direction} ${layer} ${verdict}: ${reason}`),
    ]),
    [
      [
        'backend cilium-test/echo-same-node:8080',
        'rule',
        'egress L3/L4 allowed: through the proxy (cilium-test/shop/front)',
        'ingress L3/L4 allowed: through the proxy (cilium-http-ingress)',
        'ingress L7 allowed: a rule allows GET /b',
      ],
      [
        'backend cilium-test/echo-other-node:8080',
        'rule',
        'egress L3/L4 allowed: through the proxy (cilium-test/shop/front)',
        'egress L3/L4 denied: nothing allows TCP 8080: the answer is 403',
        'ingress L3/L4 allowed: through the proxy (cilium-http-ingress)',
        'ingress L7 allowed: a rule allows GET /b',
      ],
    ],
  );
});

test('a rule that leads to a listener for TCP leads on to where the client was going', () => {
  const tcp = {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: {
      '@type': url('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'),
      stat_prefix: 't',
      cluster: 'original',
    },
  };
  const nobody: Follow = () => assert.fail('there is no route to follow');
  const to = { kind: 'pod', namespace, name: 'echo-same-node' } as const;
  const answer = ask([led], nobody, { to }, ledConfig([original, edsOf(sameCluster), edsOf(otherCluster)], [tcp]));
  assert.deepEqual([answer.allowed, answer.warnings, answer.parts.map(({ taken }) => taken)], [true, [], [undefined]]);
});

const policySets: readonly (readonly object[])[] = [
  [],
  [egress({ toEndpoints: [echoes] })],
  [egress({ toEndpoints: [clients] })],
  [egress({ toEndpoints: [echoes], toPorts: get('/a') })],
  [egress({ toEndpoints: [{ matchLabels: { other: 'echo' } }], toPorts: get('/b') }, { toPorts: port('9090') })],
  [cnp({ endpointSelector: clients, egress: [{ toEntities: ['all'] }], egressDeny: [{ toEndpoints: [echoes] }] })],
  [ingress({ fromEndpoints: [clients], toPorts: get('/a') })],
  [ingress({ fromEndpoints: [{ matchLabels: { other: 'client' } }] })],
  [
    cnp({ endpointSelector: echoes, ingressDeny: [{ fromEndpoints: [clients] }] }, 'd'),
    egress({ toEndpoints: [echoes], toPorts: get('/.*') }),
  ],
];

test('what is said of a backend is what the proxy says and, on another node, that node', () => {
  const cec = config([edsOf(sameCluster), edsOf(otherCluster)]);
  for (const [index, policies] of policySets.entries()) {
    const world = walkthroughWorld({ policies, envoyConfigs: [cec] });
    const [near, far] = ['node-1', 'node-2'].map((nodeName) => plan({ ...world, nodeName })) as [NodePlan, NodePlan];
    for (const from of [client, client2]) {
      for (const path of ['/a', '/b']) {
        const request = {
          client: podAddress(from),
          port: 8080,
          path,
          method: 'GET',
          authority: 'echo-same-node:8080',
          headers: {},
        };
        const verdicts = [echoSame, echoOther].map((backend) => {
          const packet = {
            source: podAddress(from),
            destination: podAddress(backend),
            protocol: 'tcp',
            port: 8080,
          } as const;
          const passes = requestVerdict(near, { ...request, backend: podAddress(backend) }).allowed;
          const arrives = backend === echoSame ? 'allow' : policyVerdict(far, packet, 'ingress').kind;
          const judged =
            arrives === 'redirect'
              ? requestVerdict(far, { ...request, backend: podAddress(backend) }).allowed
              : arrives === 'allow';
          return passes && judged;
        });
        const said = ask(policies, follows([{ cluster: sameCluster }, { cluster: otherCluster }], { path }), {
          from: { namespace, name: from.name },
        });
        assert.deepEqual(
          said.parts.map(({ allowed }) => allowed),
          verdicts,
          `policies ${index}, ${from.name} ${path}`,
        );
      }
    }
  }
});
