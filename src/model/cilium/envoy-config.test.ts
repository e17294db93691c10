import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from '../../base/index.ts';
import { typeName, typeUrl } from '../envoy/index.ts';
import {
  ciliumResourceDefinitions,
  decodeEnvoyConfig,
  normaliseEnvoyConfig,
  scopeAnnotationPrefix,
  validateEnvoyConfig,
} from './index.ts';

const manager = `type.googleapis.com/${typeName.httpConnectionManager}`;

function config(
  spec: object,
  { kind = 'CiliumEnvoyConfig', version = 'v2', namespace = 'shop' } = {},
): Readonly<Record<string, unknown>> {
  return { apiVersion: `cilium.io/${version}`, kind, metadata: { name: 'c', namespace }, spec };
}

const listener = {
  '@type': typeUrl.listener,
  name: 'l',
  filterChains: [
    {
      filters: [
        {
          name: 'm',
          typedConfig: {
            '@type': manager,
            stat_prefix: 's',
            rds: { routeConfigName: 'r' },
            httpFilters: [{ name: 'envoy.filters.http.router' }],
          },
        },
      ],
      transport_socket: {
        name: 'tls',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
          common_tls_context: { tls_certificate_sds_secret_configs: [{ name: 'shop/cert' }] },
        },
      },
    },
  ],
};
const ads = { ads: {}, resource_api_version: 'V3' };

test('configuration sources and the router are filled in, in either spelling', () => {
  const clusters = [
    { '@type': typeUrl.cluster, name: 'a', type: 'EDS' },
    { '@type': typeUrl.cluster, name: 'b', type: 'EDS', edsClusterConfig: { serviceName: 'shop/b' } },
    { '@type': typeUrl.cluster, name: 'd' },
  ];
  const result = decodeEnvoyConfig(config({ resources: [listener, ...clusters] }));
  assert.ok(result.ok, result.ok ? '' : result.error.map(formatIssue).join('\n'));
  const [first, ...rest] = result.value.resources.map(({ value }) => JSON.parse(JSON.stringify(value)));
  const chain = first.filter_chains[0];
  assert.deepEqual(chain.filters[0].typed_config.rds, { route_config_name: 'r', config_source: ads });
  assert.deepEqual(chain.filters[0].typed_config.http_filters, [
    { name: 'envoy.filters.http.router', typed_config: { '@type': `type.googleapis.com/${typeName.router}` } },
  ]);
  assert.deepEqual(chain.transport_socket.typed_config.common_tls_context.tls_certificate_sds_secret_configs, [
    { name: 'shop/cert', sds_config: ads },
  ]);
  assert.deepEqual(
    rest.map((cluster) => cluster.eds_cluster_config),
    [{ eds_config: ads }, { eds_config: ads, service_name: 'shop/b' }, undefined],
  );
});

test('normalising leaves alone what is there and what is broken', () => {
  const given = config({
    resources: ['x', { '@type': typeUrl.cluster, type: 'EDS', eds_cluster_config: { eds_config: { self: {} } } }],
  });
  assert.deepEqual(normaliseEnvoyConfig(given), given);
  assert.deepEqual(normaliseEnvoyConfig({ spec: 1 }), { spec: 1 });
});

const refused: readonly (readonly [spec: object, ...issues: string[]])[] = [
  [
    { resources: [{ '@type': `type.googleapis.com/${typeName.router}` }] },
    `spec.resources[0].@type: unsupported type: type.googleapis.com/${typeName.router}; allowed: ${[typeUrl.listener, typeUrl.route, typeUrl.cluster, typeUrl.endpoint, typeUrl.secret].join(', ')}`,
  ],
  [{ resources: [{ '@type': typeUrl.listener }] }, 'spec.resources[0].name: unspecified Listener name'],
  [
    {
      resources: [
        { '@type': typeUrl.route, name: 'r' },
        { '@type': typeUrl.route, name: 'r' },
      ],
    },
    'spec.resources[1].name: duplicate RouteConfiguration name "r"',
  ],
  [
    { resources: [{ '@type': typeUrl.endpoint }] },
    'spec.resources[0].cluster_name: value length must be at least 1 characters',
  ],
  [
    { resources: [{ '@type': typeUrl.cluster, name: 'c', connect_timout: '1s' }] },
    'spec.resources[0].connect_timout: unknown field of envoy.config.cluster.v3.Cluster; allowed: connect_timeout, preconnect_policy, dns_jitter, respect_dns_ttl, alt_stat_name',
  ],
  [{ resources: [{}] }, 'spec.resources[0]: "@type" is missing; allowed: type.googleapis.com/<message>'],
  [{ resources: [], services: [{}] }, 'spec.services[0].name: name must be specified; allowed: the name of a Service'],
  [
    { resources: [], services: [{ name: 'a', ports: [70000] }] },
    'spec.services[0].ports[0]: found 70000; allowed: 0 to 65535',
  ],
  [
    { resources: [], backendServices: [{ name: 'a', number: [80] }] },
    'spec.backendServices[0].number[0]: found 80; allowed: a port number or name as text',
  ],
];

for (const [spec, ...issues] of refused) {
  test(`refuses ${issues[0]}`, () => {
    assert.deepEqual(validateEnvoyConfig(config(spec)).map(formatIssue), issues);
  });
}

test('what only the cluster can tell is accepted', () => {
  const routes = {
    '@type': typeUrl.route,
    name: 'r',
    virtual_hosts: [
      {
        name: 'v',
        domains: ['*'],
        routes: [{ match: { safe_regex: { regex: '(?=x)' } }, route: { cluster: 'nowhere' } }],
      },
    ],
  };
  assert.deepEqual(validateEnvoyConfig(config({ services: [{ name: 'gone' }], resources: [routes] })), []);
});

/** Kind, version, what the Services' namespace becomes when the entry says `other` and when it says nothing. */
const scopes = [
  ['CiliumEnvoyConfig', 'v2', 'shop', 'shop'],
  ['CiliumEnvoyConfig', 'v2alpha1', 'other', 'default'],
  ['CiliumClusterwideEnvoyConfig', 'v2', 'other', 'default'],
] as const;

for (const [kind, version, named, unnamed] of scopes) {
  test(`Services of a ${version} ${kind} are looked for in ${named} and ${unnamed}`, () => {
    const result = decodeEnvoyConfig(
      config({ services: [{ name: 'a', namespace: 'other' }, { name: 'b' }], resources: [] }, { kind, version }),
    );
    assert.ok(result.ok);
    assert.deepEqual(
      result.value.services.map(({ namespace }) => namespace),
      [named, unnamed],
    );
    assert.equal(result.value.namespace, named === 'shop' ? 'shop' : undefined);
  });
}

test('definitions name each resource as its group does and say where scopes differ', () => {
  const names = ciliumResourceDefinitions.map(
    ({ metadata, spec }) =>
      `${metadata.name} ${spec.scope} ${spec.names.shortNames.join()} ${spec.versions.map(({ name }) => name).join()}`,
  );
  assert.deepEqual(names, [
    'ciliumnetworkpolicies.cilium.io Namespaced cnp,ciliumnp v2',
    'ciliumclusterwidenetworkpolicies.cilium.io Cluster ccnp v2',
    'ciliumenvoyconfigs.cilium.io Namespaced cec v2,v2alpha1',
    'ciliumclusterwideenvoyconfigs.cilium.io Cluster ccec v2',
    'ciliumendpoints.cilium.io Namespaced cep,ciliumep v2',
    'ciliumidentities.cilium.io Cluster ciliumid v2',
    'ciliumnodes.cilium.io Cluster cn,ciliumn v2',
    'ciliumcidrgroups.cilium.io Cluster ccg v2,v2alpha1',
  ]);
  const annotated = ciliumResourceDefinitions.filter(({ metadata }) => metadata.annotations);
  assert.deepEqual(
    annotated.map(({ metadata }) => metadata.annotations),
    [{ [`${scopeAnnotationPrefix}v2alpha1`]: 'Cluster' }],
  );
  for (const { spec } of ciliumResourceDefinitions)
    assert.equal(spec.versions.filter(({ storage }) => storage).length, 1);
});
