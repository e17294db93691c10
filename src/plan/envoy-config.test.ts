import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originalDstCluster } from './envoy-json.ts';
import { policyListener } from './http-listeners.ts';
import { type NodePlan, type ObjectReport, plan, type World } from './index.ts';
import { routed } from './test-support/evaluate.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';

const manager = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

interface Parts {
  readonly route?: object;
  readonly cluster?: object;
  readonly filters?: readonly object[];
  readonly listener?: object;
}

/** A working configuration with one listener, one route for everything and one cluster; each part can be changed. */
function resources({ route = {}, cluster = {}, filters, listener = {} }: Parts = {}): object[] {
  const http = {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': manager,
      stat_prefix: 's',
      rds: { route_config_name: 'r' },
      http_filters: [{ name: 'envoy.filters.http.router' }],
    },
  };
  return [
    {
      '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
      name: 'l',
      filter_chains: [{ filters: filters ?? [http] }],
      ...listener,
    },
    {
      '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
      name: 'r',
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          routes: [
            {
              match: { prefix: '/' },
              route: { weighted_clusters: { clusters: [{ name: 'cilium-test/echo-same-node', weight: 1 }] }, ...route },
            },
          ],
        },
      ],
    },
    {
      '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
      name: 'cilium-test/echo-same-node',
      type: 'EDS',
      connect_timeout: '5s',
      ...cluster,
    },
  ];
}

interface ConfigOptions {
  readonly name?: string;
  readonly created?: string;
  readonly annotations?: object;
  readonly spec?: object;
  readonly resources?: object[];
}

function config({
  name = 'cfg',
  created = '2026-01-01T00:00:00Z',
  annotations = {},
  spec = {},
  resources: own,
}: ConfigOptions = {}): object {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumEnvoyConfig',
    metadata: { name, namespace: 'cilium-test', creationTimestamp: created, annotations },
    spec: { services: [{ name: 'echo-same-node' }], resources: own ?? resources(), ...spec },
  };
}

/** The plan without the policy listeners, which stand in every plan. */
function planned(configs: readonly object[], rest: Partial<World> = {}): NodePlan {
  const made = plan(walkthroughWorld({ envoyConfigs: configs, ...rest }));
  const standing = new Set<string>([...Object.values(policyListener), originalDstCluster]);
  const others = <T>(map: ReadonlyMap<string, T>) => new Map([...map].filter(([name]) => !standing.has(name)));
  const xds = { ...made.xds, listeners: others(made.xds.listeners), clusters: others(made.xds.clusters) };
  return { ...made, xds, proxyPorts: others(made.proxyPorts) };
}
const condition = (made: NodePlan, type: string, name = 'cfg'): ObjectReport['condition'] | undefined =>
  made.reports.find((report) => report.name === name && report.condition.type === type)?.condition;

test('a namespaced configuration: qualified names, a port, redirect of its own namespace’s Service', () => {
  const made = planned([config({ spec: { services: [{ name: 'echo-same-node', namespace: 'elsewhere' }] } })]);
  assert.deepEqual([...made.xds.listeners.keys()], ['cilium-test/cfg/l']);
  assert.deepEqual([...made.xds.routes.keys()], ['cilium-test/cfg/r']);
  assert.deepEqual([...made.xds.endpoints.keys()], ['cilium-test/echo-same-node', 'cilium-test/echo-same-node:*']);
  const port = made.proxyPorts.get('cilium-test/cfg/l') ?? 0;
  assert.ok(port >= 10_000 && port <= 20_000);
  assert.deepEqual(made.datapath.serviceRedirects, [
    { address: '10.96.0.21', port: 8080, proxyPort: port, listener: 'cilium-test/cfg/l' },
  ]);
  assert.equal(routed(made, 'cilium-test/cfg/l', '/').clusters[0]?.backends.length, 1);
  assert.equal(condition(made, 'Ready')?.status, 'True');
});

test('what is injected: loopback address, transparent, source address, access log, denial body, limits, policy filters', () => {
  const made = planned([config()]);
  const listener = made.xds.listeners.get('cilium-test/cfg/l');
  assert.equal(listener?.['transparent'], true);
  const text = JSON.stringify(listener);
  for (const part of ['127.0.0.1', 'original_src', 'original_dst', 'egress:cilium-test/cfg/l', 'Access denied\\r\\n']) {
    assert.ok(text.includes(part), part);
  }
  const cluster = JSON.stringify(made.xds.clusters.get('cilium-test/echo-same-node'));
  assert.ok(/"max_retries":128/.test(cluster));
  assert.ok(
    /ciliate\/egress-deny.*ciliate\/egress".*ciliate\/ingress-deny.*ciliate\/ingress".*upstream_codec/.test(cluster),
  );
});

test('the user’s own settings stay: circuit breakers, upstream filters, mappers, access logs', () => {
  const name = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const mutation = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
  const options = {
    '@type': `type.googleapis.com/${name}`,
    explicit_http_config: { http_protocol_options: {} },
    http_filters: [
      { name: 'mine', typed_config: { '@type': mutation, mutations: {} } },
      {
        name: 'envoy.filters.http.upstream_codec',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec' },
      },
    ],
  };
  const cluster = {
    circuit_breakers: { thresholds: [{ max_requests: 2 }] },
    typed_extension_protocol_options: { [name]: options },
  };
  const made = planned([config({ resources: resources({ cluster }) })]);
  const value = JSON.stringify(made.xds.clusters.get('cilium-test/echo-same-node'));
  assert.ok(value.includes('"max_requests":2') && !value.includes('max_retries'));
  const names = [...value.matchAll(/"name":"([^"]+)"/g)].map(([, each]) => each);
  assert.deepEqual(
    names.filter((each) => each !== 'cilium-test/echo-same-node'),
    [
      'mine',
      'ciliate/egress-deny',
      'ciliate/egress',
      'ciliate/ingress-deny',
      'ciliate/ingress',
      'envoy.filters.http.upstream_codec',
    ],
  );
});

test('use-original-source-address false leaves the proxy’s own address', () => {
  const annotations = { 'cec.cilium.io/use-original-source-address': 'false' };
  assert.ok(!JSON.stringify([...planned([config({ annotations })]).xds.listeners]).includes('original_src'));
});

const broken: readonly (readonly [name: string, options: ConfigOptions, reason: string, message: RegExp])[] = [
  [
    'unknown cluster',
    { resources: resources({ route: { weighted_clusters: { clusters: [{ name: 'nope', weight: 1 }] } } }) },
    'MissingReference',
    /spec\.resources\[1\]\.virtual_hosts\[0\]\.routes\[0\]\.route\.weighted_clusters\.clusters\[0\]\.name: cluster "nope" is not defined; allowed: cilium-test\/echo-same-node/,
  ],
  [
    'no route configuration',
    { resources: resources().toSpliced(1, 1) },
    'MissingReference',
    /spec\.resources\[0\]\.filter_chains\[0\]\.filters\[0\]\.typed_config\.rds\.route_config_name: route configuration "r" is not defined/,
  ],
  [
    'no Service',
    { spec: { services: [{ name: 'ghost' }] } },
    'ServiceNotFound',
    /spec\.services\[0\]: Service cilium-test\/ghost does not exist/,
  ],
  [
    'no such port',
    { spec: { services: [{ name: 'echo-same-node', ports: [81] }] } },
    'PortNotFound',
    /spec\.services\[0\]\.ports\[0\]: Service cilium-test\/echo-same-node has no TCP port 81; allowed: .*8080 \(http\)/,
  ],
  [
    'no such backend port',
    { spec: { backendServices: [{ name: 'echo-other-node', number: ['web'] }] } },
    'PortNotFound',
    /spec\.backendServices\[0\]\.number\[0\]/,
  ],
  [
    'not RE2',
    { resources: resources({ route: { regex_rewrite: { pattern: { regex: '(?=a)' }, substitution: '/' } } }) },
    'Invalid',
    /spec\.resources\[1\]\..*regex_rewrite\.pattern\.regex: .*RE2/,
  ],
  [
    'unlisted Service',
    { resources: resources({ cluster: { eds_cluster_config: { service_name: 'cilium-test/echo-other-node' } } }) },
    'MissingReference',
    /spec\.resources\[2\]\.eds_cluster_config\.service_name: Service cilium-test\/echo-other-node is in no spec\.services/,
  ],
  [
    'unknown listener',
    { spec: { services: [{ name: 'echo-same-node', listener: 'x' }] } },
    'Invalid',
    /spec\.services\[0\]\.listener: listener "x" is not defined; allowed: one of cilium-test\/cfg\/l/,
  ],
  ['no listener', { resources: resources().slice(1) }, 'Invalid', /no Listener in spec\.resources/],
  ['unknown field', { resources: resources({ cluster: { timout: '1s' } }) }, 'Invalid', /spec\.resources\[2\]\.timout/],
  [
    'a Service taken over by a TCP proxy',
    {
      resources: resources({
        filters: [
          {
            name: 'envoy.filters.network.tcp_proxy',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
              stat_prefix: 's',
              cluster: 'cilium-test/echo-same-node',
            },
          },
        ],
      }),
    },
    'Invalid',
    /without an HTTP connection manager/,
  ],
  [
    'switching policy off by route',
    {
      resources: resources({
        route: {
          weighted_clusters: {
            clusters: [
              {
                name: 'cilium-test/echo-same-node',
                weight: 1,
                typed_per_filter_config: {
                  'ciliate/egress': {
                    '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig',
                    disabled: true,
                  },
                },
              },
            ],
          },
        },
      }),
    },
    'Invalid',
    /"ciliate\/egress" is a filter that enforces policy/,
  ],
];
for (const [name, options, reason, message] of broken) {
  test(`${name}: changes no traffic and says why`, () => {
    const made = planned([config(options)]);
    const { xds, datapath, proxyPorts } = made;
    assert.equal(xds.listeners.size + xds.routes.size + xds.clusters.size + xds.endpoints.size + proxyPorts.size, 0);
    assert.deepEqual(datapath.serviceRedirects, []);
    for (const type of ['Accepted', 'Ready']) {
      const found = condition(made, type);
      assert.equal(found?.status, 'False');
      assert.equal(found?.reason, reason);
      assert.match(found?.message ?? '', message);
    }
  });
}

test('a version that the data plane refused counts as not working, whatever its status has become', () => {
  const versioned = (generation: number, status?: object) => {
    const object = config() as { readonly metadata: object };
    return { ...object, metadata: { ...object.metadata, uid: 'u', generation }, ...(status && { status }) };
  };
  const refused = new Map([['CiliumEnvoyConfig/cilium-test/cfg', { uid: 'u', generation: 2, message: 'no MAGLEV' }]]);
  const alone = planned([versioned(2)], { refused });
  assert.equal(alone.xds.listeners.size, 0);
  assert.equal(condition(alone, 'Ready')?.reason, 'Refused');
  assert.match(condition(alone, 'Ready')?.message ?? '', /the data plane refuses it: no MAGLEV$/);
  const lastGood = (object: object) => new Map([['CiliumEnvoyConfig/cilium-test/cfg', object]]);
  const sameVersion = planned([versioned(2, { conditions: [] })], { refused, lastGood: lastGood(versioned(2)) });
  assert.equal(sameVersion.xds.listeners.size, 0);
  const before = planned([versioned(2)], { refused, lastGood: lastGood(versioned(1)) });
  assert.equal(before.xds.listeners.size, 1);
  assert.match(condition(before, 'Ready')?.message ?? '', /the version before stays in force/);
});

test('a configuration that turns bad stays in force as it was', () => {
  const before = planned([config()]);
  const bad = config({ resources: resources().slice(1) });
  const after = planned([bad], { lastGood: before.lastGood, proxyPorts: before.proxyPorts });
  assert.deepEqual({ ...after, reports: [] }, { ...before, reports: [] });
  assert.match(condition(after, 'Accepted')?.message ?? '', /the version before stays in force/);
});

test('a Service without ready backends: in force, not ready', () => {
  const world = walkthroughWorld();
  const endpointSlices = world.endpointSlices.map((slice) => ({ ...slice, endpoints: [] }));
  const made = planned([config()], { endpointSlices });
  assert.equal(made.datapath.serviceRedirects.length, 1);
  assert.equal(condition(made, 'Accepted')?.status, 'True');
  assert.match(condition(made, 'Ready')?.message ?? '', /no ready backend for cilium-test\/echo-same-node/);
});

test('of two that take the same Service the older one gets it, whatever their order', () => {
  const configs = [config({ name: 'b' }), config({ name: 'a', created: '2026-02-01T00:00:00Z' })];
  for (const list of [configs, [...configs].reverse()]) {
    const made = planned(list);
    assert.equal(made.datapath.serviceRedirects[0]?.listener, 'cilium-test/b/l');
    assert.equal(condition(made, 'Accepted', 'b')?.status, 'True');
    assert.equal(condition(made, 'Accepted', 'a')?.reason, 'Conflict');
    assert.match(condition(made, 'Accepted', 'a')?.message ?? '', /taken over by CiliumEnvoyConfig cilium-test\/b/);
  }
});

test('clusters can be shared between configurations by name', () => {
  const routes = config({ name: 'routes', resources: resources().slice(0, 2) });
  const clusters = config({
    name: 'clusters',
    spec: { services: [], backendServices: [{ name: 'echo-same-node' }] },
    resources: resources().slice(2),
  });
  const made = planned([routes, clusters]);
  assert.equal(condition(made, 'Ready', 'routes')?.status, 'True');
  assert.equal(condition(planned([routes]), 'Ready', 'routes')?.reason, 'MissingReference');
});

test('nodeSelector: only on matching nodes', () => {
  const nodeSelector = { matchLabels: { 'kubernetes.io/hostname': 'node-2' } };
  const configs = [config({ spec: { services: [{ name: 'echo-same-node' }], nodeSelector } })];
  assert.equal(planned(configs).xds.listeners.size, 0);
  assert.deepEqual(planned(configs).reports, []);
  assert.equal(planned(configs, { nodeName: 'node-2' }).xds.listeners.size, 1);
});

test('switched off: nothing is applied and the condition says so', () => {
  const made = planned([config()], { config: { ...walkthroughWorld().config, enableEnvoyConfig: false } });
  assert.equal(made.xds.listeners.size + made.datapath.serviceRedirects.length, 0);
  assert.equal(condition(made, 'Accepted')?.reason, 'Disabled');
});

test('a listener with an address of its own is used as it is', () => {
  const address = { socket_address: { address: '0.0.0.0', port_value: 9090 } };
  const made = planned([
    config({
      spec: { services: [], backendServices: [{ name: 'echo-same-node' }] },
      resources: resources({ listener: { address } }),
    }),
  ]);
  assert.deepEqual(made.xds.listeners.get('cilium-test/cfg/l')?.['address'], address);
  assert.equal(made.proxyPorts.size, 0);
});

test('endpoints by port number or name', () => {
  const cluster = { eds_cluster_config: { service_name: 'cilium-test/echo-same-node:http' } };
  const made = planned([config({ resources: resources({ cluster }) })]);
  const assignment = JSON.stringify(made.xds.endpoints.get('cilium-test/echo-same-node:http'));
  assert.ok(assignment.includes('10.244.1.12'));
});
