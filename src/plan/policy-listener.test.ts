import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodePlan, plan, type World } from './index.ts';
import { clients, cnp, echoes, egress, get, ingress, testCases } from './test-support/policies.ts';
import { client, echoSame, walkthroughWorld } from './test-support/walkthrough.ts';
import { podAddress } from './test-support/world.ts';
import { listenerVerdict } from './verdicts/request.ts';

const prefix = 'type.googleapis.com/';
const toCluster = (cluster: string, name = 'l'): object => ({
  '@type': `${prefix}envoy.config.listener.v3.Listener`,
  name,
  filter_chains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.tcp_proxy',
          typed_config: {
            '@type': `${prefix}envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`,
            stat_prefix: 't',
            cluster,
          },
        },
      ],
    },
  ],
});
const originalDst = {
  '@type': `${prefix}envoy.config.cluster.v3.Cluster`,
  name: 'o',
  type: 'ORIGINAL_DST',
  lb_policy: 'CLUSTER_PROVIDED',
};
const elsewhere = { '@type': `${prefix}envoy.config.cluster.v3.Cluster`, name: 's', type: 'STATIC' };

function config(
  name: string,
  resources: readonly object[] = [toCluster('o'), originalDst],
  namespace?: string,
): object {
  return {
    apiVersion: 'cilium.io/v2',
    kind: namespace === undefined ? 'CiliumClusterwideEnvoyConfig' : 'CiliumEnvoyConfig',
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    spec: { resources },
  };
}

const to = (name: string, more: object = {}, port = '80', kind = 'CiliumClusterwideEnvoyConfig') => [
  { ports: [{ port, protocol: 'TCP' }], listener: { envoyConfig: { kind, name }, name: 'l', ...more } },
];
const world = { toEntities: ['world'] };
const ports = (...numbers: string[]) => [{ ports: numbers.map((port) => ({ port, protocol: 'TCP' })) }];
const configs: Partial<World> = { envoyConfigs: [config('a'), config('b'), config('a', undefined, 'cilium-test')] };

testCases([
  {
    name: 'a rule redirects TCP to the listener of a cluster-wide configuration, and allows nothing else',
    world: configs,
    policies: [egress({ ...world, toPorts: to('a') })],
    expect: [
      ['egress client>world tcp/80', 'redirect /a/l'],
      ['egress client>world udp/80', 'default-deny'],
      ['egress client>world tcp/81', 'default-deny'],
      ['egress client>echo tcp/80', 'default-deny'],
    ],
  },
  {
    name: 'without a kind a namespaced policy means a configuration of its namespace',
    world: configs,
    policies: [egress({ ...world, toPorts: [{ ...to('a')[0], listener: { envoyConfig: { name: 'a' }, name: 'l' } }] })],
    expect: [['egress client>world tcp/80', 'redirect cilium-test/a/l']],
  },
  {
    name: 'port 0 is every port; HTTP is stronger than a listener without priority, a listener with one than HTTP',
    world: configs,
    policies: [
      egress(
        { ...world, toPorts: to('a', {}, '0') },
        { toEntities: ['all'], toPorts: get('/') },
        { toEndpoints: [echoes], toPorts: to('b', { priority: 1 }, '0') },
      ),
    ],
    expect: [
      ['egress client>world tcp/1', 'redirect /a/l'],
      ['egress client>world tcp/65535', 'redirect /a/l'],
      ['egress client>world tcp/8080', 'redirect cilium-http-egress'],
      ['egress client>echo tcp/8080', 'redirect /b/l'],
      ['egress client>echo tcp/8081', 'redirect /b/l'],
      ['egress client>dns tcp/8080', 'redirect cilium-http-egress'],
    ],
  },
  {
    name: 'of two listeners for the same peers the one with the higher priority takes all',
    world: configs,
    policies: [egress({ ...world, toPorts: to('a') }, { ...world, toPorts: to('b', { priority: 100 }) })],
    expect: [['egress client>world tcp/80', 'redirect /b/l']],
  },
  {
    name: 'the same with equal priorities cannot be merged: both are closed, the rest stays',
    world: configs,
    policies: [egress({ ...world, toPorts: [...to('a'), ...ports('81')] }, { ...world, toPorts: to('b') })],
    expect: [
      ['egress client>world tcp/80', 'default-deny'],
      ['egress client>world tcp/81', 'allow'],
    ],
  },
  {
    name: 'of a rule for two ports, each opens requests for the pods that no HTTP rule there is for',
    world: configs,
    policies: [
      egress({ toPorts: [{ ...to('a')[0], ports: [{ port: '8500' }, { port: '1', endPort: 65535 }] }] }),
      cnp({ endpointSelector: { matchLabels: { name: 'client' } }, egress: [{ toPorts: get('/') }] }, 'q'),
    ],
    expect: [
      ['egress client>far tcp/8080 GET /', 'allowed'],
      ['egress client>far tcp/8080 GET /x', 'denied'],
      ['egress client2>far tcp/8080 GET /x', 'allowed'],
    ],
  },
  {
    name: 'an allow beside it does not keep the connection from the listener, a deny does',
    world: configs,
    policies: [
      cnp({
        endpointSelector: clients,
        egress: [{ ...world, toPorts: [...to('a'), ...ports('80')] }, world],
        egressDeny: [{ toCIDR: ['1.0.0.1/32'] }],
      }),
    ],
    expect: [
      ['egress client>world tcp/80', 'redirect /a/l'],
      ['egress client>one tcp/80', 'deny'],
    ],
  },
  {
    name: 'a listener that is not there: nothing is redirected, and default deny holds',
    world: configs,
    policies: [egress({ ...world, toPorts: [...to('none'), ...to('a', { name: 'm' }, '82'), ...ports('81')] })],
    expect: [
      ['egress client>world tcp/80', 'default-deny'],
      ['egress client>world tcp/82', 'default-deny'],
      ['egress client>world tcp/81', 'allow'],
    ],
  },
  {
    name: 'requests through a listener pass where no HTTP rule speaks of them',
    world: configs,
    policies: [egress({ toEndpoints: [echoes], toPorts: to('a', {}, '8080') })],
    expect: [
      ['egress client>echo tcp/8080 GET /x', 'allowed'],
      ['egress client>dns tcp/8080 GET /x', 'denied'],
    ],
  },
  {
    name: 'a rule to a listener does not open requests that HTTP rules of others speak of',
    world: configs,
    policies: [egress({ toEndpoints: [echoes], toPorts: to('a', {}, '8080') }, { toPorts: get('/a') })],
    expect: [
      ['egress client>echo tcp/8080 GET /a', 'allowed'],
      ['egress client>echo tcp/8080 GET /b', 'denied'],
    ],
  },
  {
    name: 'and stays open on the ports and for the peers that they do not speak of',
    world: configs,
    policies: [
      egress({ toPorts: to('a', {}, '0') }, { toEndpoints: [echoes], toPorts: get('/a') }),
      cnp({ endpointSelector: { matchLabels: { other: 'client' } }, egress: [{ toEndpoints: [echoes] }] }, 'q'),
    ],
    expect: [
      ['egress client>echo tcp/8081 GET /b', 'allowed'],
      ['egress client>dns tcp/8080 GET /b', 'allowed'],
      ['egress client>echo tcp/8080 GET /b', 'denied'],
      ['egress client2>echo tcp/8080 GET /b', 'allowed'],
      ['egress client2>dns tcp/8080 GET /b', 'allowed'],
    ],
  },
]);

const messages: readonly (readonly [name: string, items: readonly object[], message: string | undefined])[] = [
  ['all is well', [{ ...world, toPorts: to('a') }], undefined],
  [
    'no such configuration',
    [{ ...world, toPorts: to('none') }],
    'spec.egress[0].toPorts[0].listener: nothing is redirected to listener "l": CiliumClusterwideEnvoyConfig none with such a listener is not in force; the rest of the policy is in force',
  ],
  [
    'no such listener',
    [{ ...world, toPorts: to('a', { name: 'm' }, '80', 'CiliumEnvoyConfig') }],
    'spec.egress[0].toPorts[0].listener: nothing is redirected to listener "m": CiliumEnvoyConfig cilium-test/a with such a listener is not in force; the rest of the policy is in force',
  ],
  [
    'a TCP proxy to hosts of its own',
    [{ ...world, toPorts: to('s') }],
    'spec.egress[0].toPorts[0].listener: nothing is redirected to listener "l": it sends TCP to cluster "/s/s", which is not of type ORIGINAL_DST: policy cannot be judged on its backends; the rest of the policy is in force',
  ],
  [
    'two listeners',
    [
      { ...world, toPorts: to('a') },
      { ...world, toPorts: to('b') },
    ],
    'spec.egress[0].toPorts[0]: cannot merge conflicting CiliumEnvoyConfig Listeners (/a/l//b/l) with the same priority (126) with CiliumNetworkPolicy cilium-test/p spec.egress[1].toPorts[0]; spec.egress[1].toPorts[0]: cannot merge conflicting CiliumEnvoyConfig Listeners (/a/l//b/l) with the same priority (126) with CiliumNetworkPolicy cilium-test/p spec.egress[0].toPorts[0]; the rest of the policy is in force',
  ],
  [
    'a listener and HTTP rules',
    [
      { ...world, toPorts: to('a', {}, '8080') },
      { ...world, toPorts: get('/') },
    ],
    'spec.egress[0].toPorts[0]: cannot merge conflicting L7 parsers (http/crd) with CiliumNetworkPolicy cilium-test/p spec.egress[1].toPorts[0]; spec.egress[1].toPorts[0]: cannot merge conflicting L7 parsers (http/crd) with CiliumNetworkPolicy cilium-test/p spec.egress[0].toPorts[0]; the rest of the policy is in force',
  ],
];
const all = [config('a'), config('b'), config('s', [toCluster('s'), elsewhere]), config('a', undefined, 'cilium-test')];
for (const [name, items, message] of messages) {
  test(`the condition says so: ${name}`, () => {
    const made = plan(walkthroughWorld({ envoyConfigs: all, policies: [egress(...items)] }));
    const { condition } = made.reports.find(({ kind }) => kind === 'CiliumNetworkPolicy') ?? {};
    assert.equal(condition?.status, message === undefined ? 'True' : 'False');
    assert.equal(condition?.message, message ?? 'Policy validation succeeded');
  });
}

test('where rules to a listener ask for server names, it looks at them before anything else', () => {
  const named = (port: string) => [{ ...to('a', {}, port)[0], serverNames: ['a.b'] }];
  const made = (...policies: object[]) => {
    const next = plan(walkthroughWorld({ envoyConfigs: all, policies }));
    const value = next.xds.listeners.get('/a/l');
    const [chain] = (value?.['filter_chains'] ?? []) as { filters: { name: string }[] }[];
    const first = (value?.['listener_filters'] ?? []) as { name: string }[];
    return {
      filters: chain?.filters.map(({ name }) => name.replace('envoy.filters.network.', '')),
      inspects: first.some(({ name }) => name === 'envoy.filters.listener.tls_inspector'),
      passes: (port: number, serverName?: string) => {
        const connection = { client: podAddress(client), backend: '8.8.8.8', port };
        return listenerVerdict(next, serverName === undefined ? connection : { ...connection, serverName }, '/a/l')
          .allowed;
      },
    };
  };
  const asked = made(egress({ ...world, toPorts: [...named('443'), ...to('a', {}, '80')] }));
  assert.deepEqual(asked.filters, ['ciliate/listener-names//a/l', 'ciliate/tls-ingress', 'tcp_proxy']);
  assert.equal(asked.inspects, true);
  assert.deepEqual(
    [asked.passes(443, 'a.b'), asked.passes(443, 'c.d'), asked.passes(443), asked.passes(80), asked.passes(81)],
    [true, false, false, true, true],
  );
  const plainly = made(egress({ ...world, toPorts: to('a', {}, '443') }));
  assert.deepEqual([plainly.filters, plainly.inspects], [['ciliate/tls-ingress', 'tcp_proxy'], false]);
  const merged = made(egress({ ...world, toPorts: named('443') }, { ...world, toPorts: to('a', {}, '443') }));
  assert.deepEqual([merged.passes(443), merged.passes(443, 'a.b')], [false, true]);
  const others = made(
    egress({ ...world, toPorts: named('443') }, { toCIDR: ['8.0.0.0/8'], toPorts: to('a', {}, '443') }),
  );
  assert.equal(others.passes(443), true);
});

test('a node without the pods that meet the conflict says the same', () => {
  const policies = [egress({ ...world, toPorts: to('a') }, { ...world, toPorts: to('b') })];
  const of = (nodeName: string) => {
    const made = plan(walkthroughWorld({ nodeName, envoyConfigs: all, policies }));
    return made.reports.filter(({ kind }) => kind === 'CiliumNetworkPolicy');
  };
  assert.deepEqual(of('node-2'), of('node-1'));
});

test('a listener that takes connections of rules asks for the ingress rules of backends on its node', () => {
  const filtersOf = (made: NodePlan): readonly unknown[] => {
    const [chain] = (made.xds.listeners.get('/a/l')?.['filter_chains'] ?? []) as { filters: { name: string }[] }[];
    return chain?.filters.map(({ name }) => name) ?? [];
  };
  const target = egress({ toEndpoints: [echoes], toPorts: to('a', {}, '8080') });
  const made = plan(walkthroughWorld({ envoyConfigs: all, policies: [target, ingress({ toPorts: get('/') })] }));
  assert.deepEqual(filtersOf(made), ['ciliate/tls-ingress', 'envoy.filters.network.tcp_proxy']);
  const rules = JSON.stringify(made.xds.extensionConfigs.get('ciliate/tls-ingress'));
  assert.match(rules, new RegExp(`not_rule.*${podAddress(echoSame)}`));
  assert.doesNotMatch(rules, new RegExp(podAddress(client)));
  assert.deepEqual(filtersOf(plan(walkthroughWorld({ envoyConfigs: all }))), ['envoy.filters.network.tcp_proxy']);
});
