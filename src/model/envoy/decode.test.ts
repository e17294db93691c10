import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIssue } from '../../base/index.ts';
import { decodeBinary, decodeEnvoyJson, encodeResource, type JsonObject, typeName, typeUrl } from './index.ts';

function faults(json: unknown, type?: string): readonly string[] {
  const result = decodeEnvoyJson(json, { path: 'r', ...(type === undefined ? {} : { type }) });
  return result.ok ? [] : result.error.map(formatIssue);
}

function decoded(json: unknown, type?: string): JsonObject {
  const result = decodeEnvoyJson(json, { path: 'r', ...(type === undefined ? {} : { type }) });
  assert.ok(result.ok, result.ok ? '' : result.error.map(formatIssue).join('\n'));
  return result.value.value;
}

const cluster = (fields: object): object => ({ '@type': typeUrl.cluster, name: 'c', ...fields });
const route = (fields: object): object => ({
  '@type': typeUrl.route,
  name: 'r',
  virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, ...fields }] }],
});
const at = 'r.virtual_hosts[0].routes[0]';

const FILTER_CONFIG = 'envoy.config.route.v3.FilterConfig';

const refused: readonly (readonly [what: string, json: unknown, ...expected: string[]])[] = [
  [
    'an unknown field',
    route({ route: { cluster: 'x', timout: '1s' } }),
    `${at}.route.timout: unknown field of envoy.config.route.v3.RouteAction; allowed: timeout, cors, idle_timeout, flush_timeout, priority`,
  ],
  [
    'a wrong kind of value',
    route({ route: 'x' }),
    `${at}.route: expected an object of type envoy.config.route.v3.RouteAction, found "x"`,
  ],
  [
    'two members of a oneof',
    route({ route: { cluster: 'x', cluster_header: 'y' } }),
    `${at}.route: cluster and cluster_header exclude each other; allowed: one of cluster, cluster_header, weighted_clusters, cluster_specifier_plugin, inline_cluster_specifier_plugin`,
  ],
  [
    'no member of a required oneof',
    route({}),
    `${at}: action: value is required; allowed: one of route, redirect, direct_response, filter_action, non_forwarding_action`,
  ],
  [
    'a field in both spellings',
    cluster({ connect_timeout: '1s', connectTimeout: '2s' }),
    'r.connectTimeout: field is set twice, also as connect_timeout',
  ],
  [
    'an unknown enum value',
    cluster({ lb_policy: 'NOPE' }),
    'r.lb_policy: unknown value "NOPE" of envoy.config.cluster.v3.Cluster.LbPolicy; allowed: ROUND_ROBIN, LEAST_REQUEST, RING_HASH, RANDOM, MAGLEV, CLUSTER_PROVIDED, LOAD_BALANCING_POLICY_CONFIG',
  ],
  ['a number outside an enum', cluster({ lb_policy: 99 }), 'r.lb_policy: value must be one of the defined enum values'],
  [
    'a duration without unit',
    cluster({ connect_timeout: 5 }),
    'r.connect_timeout: found 5; allowed: seconds with the suffix s, for instance 1.5s',
  ],
  [
    'a duration that must be positive',
    cluster({ connect_timeout: '0s' }),
    'r.connect_timeout: value must be greater than 0s',
  ],
  [
    'a number out of range',
    cluster({ per_connection_buffer_limit_bytes: -1 }),
    'r.per_connection_buffer_limit_bytes: found -1; allowed: an integer from 0 to 4294967295',
  ],
  [
    'a number over its limit',
    cluster({ outlier_detection: { max_ejection_percent: 101 } }),
    'r.outlier_detection.max_ejection_percent: value must be less than or equal to 100',
  ],
  ['an empty name', { '@type': typeUrl.cluster }, 'r.name: value length must be at least 1 characters'],
  [
    'an empty list',
    { '@type': typeUrl.route, virtual_hosts: [{ name: 'v', domains: [] }] },
    'r.virtual_hosts[0].domains: value must contain at least 1 item(s)',
  ],
  [
    'an object where a list belongs',
    { '@type': typeUrl.route, virtual_hosts: {} },
    'r.virtual_hosts: expected a list, found an object; allowed: a list of envoy.config.route.v3.VirtualHost',
  ],
  [
    'null in a list',
    { '@type': typeUrl.route, virtual_hosts: [null] },
    'r.virtual_hosts[0]: expected an object of type envoy.config.route.v3.VirtualHost, found null',
  ],
  [
    'an unknown nested type',
    cluster({ typed_extension_protocol_options: { 'a.b': { '@type': 'x/cilium.BpfMetadata' } } }),
    'r.typed_extension_protocol_options[a.b].@type: unknown type "x/cilium.BpfMetadata"; allowed: type.googleapis.com/<message of the Envoy v3 API>',
  ],
  [
    'a nested configuration without type',
    cluster({ typed_extension_protocol_options: { a: {} } }),
    'r.typed_extension_protocol_options[a]: "@type" is missing; allowed: type.googleapis.com/<message>',
  ],
  [
    'a filter of a route without a message',
    { '@type': `x/${FILTER_CONFIG}`, config: { config: {} } },
    'r.config: "@type" is missing; allowed: type.googleapis.com/<message>',
  ],
  [
    'a version 2 type',
    { '@type': 'type.googleapis.com/envoy.config.filter.http.router.v2.Router' },
    'r.@type: unknown type "type.googleapis.com/envoy.config.filter.http.router.v2.Router"; allowed: type.googleapis.com/<message of the Envoy v3 API>',
  ],
  [
    'a line break in a header',
    route({ route: { cluster: 'x' }, request_headers_to_add: [{ header: { key: 'a', value: 'b\n' } }] }),
    `${at}.request_headers_to_add[0].header.value: value holds characters that a header cannot carry`,
  ],
  [
    'a required message',
    { '@type': 'x/envoy.config.core.v3.TypedExtensionConfig', name: 'a' },
    'r.typed_config: value is required; allowed: a google.protobuf.Any',
  ],
  [
    'bytes that are no base64',
    { '@type': 'x/envoy.config.core.v3.DataSource', inline_bytes: '%' },
    'r.inline_bytes: found "%"; allowed: base64 text',
  ],
  ['something that is no object', 'x', 'r: expected an object, found "x"; allowed: an object with "@type"'],
  [
    'several at once',
    cluster({ x: 1, connect_timeout: '0s' }),
    'r.x: unknown field of envoy.config.cluster.v3.Cluster; allowed: name, type, filters, lb_policy, metadata',
    'r.connect_timeout: value must be greater than 0s',
  ],
];

for (const [what, json, ...expected] of refused) {
  test(`refuses ${what} with its path`, () => {
    assert.deepEqual(faults(json), expected);
  });
}

test('both spellings of names decode to the original ones, and defaults are left out', () => {
  const json = decoded(
    cluster({ connectTimeout: '1.50s', lbPolicy: 0, perConnectionBufferLimitBytes: '42', type: 3, metadata: null }),
  );
  assert.deepEqual(json, { name: 'c', connect_timeout: '1.500s', per_connection_buffer_limit_bytes: 42, type: 'EDS' });
});

test('members of a oneof and wrapped values keep their defaults', () => {
  const json = decoded(route({ route: { cluster: 'x', timeout: '0s', retry_policy: { num_retries: 0 } } }));
  assert.deepEqual(JSON.parse(JSON.stringify(json)).virtual_hosts[0].routes[0], {
    match: { prefix: '/' },
    route: { cluster: 'x', timeout: '0s', retry_policy: { num_retries: 0 } },
  });
});

test('the text "0" is no default', () => {
  assert.equal(decoded(cluster({ alt_stat_name: '0' }))['alt_stat_name'], '0');
});

test('a message of a package that is not published is known where Envoy has gained it', () => {
  const json = { value: { present_match: true }, invert: true };
  assert.deepEqual(decoded(json, 'envoy.extensions.matching.input_matchers.metadata.v3.Metadata'), json);
});

test('an Any survives the wire with its type, its structs and its 64-bit numbers', () => {
  const filter = {
    name: 'f',
    typed_config: {
      '@type': `type.googleapis.com/${typeName.httpConnectionManager}`,
      stat_prefix: 's',
      route_config: { name: 'r' },
      http_filters: [{ name: 'r', typed_config: { '@type': `type.googleapis.com/${typeName.router}` } }],
    },
  };
  const listener = {
    name: 'l',
    metadata: { filter_metadata: { a: { text: 'x', list: [1, null, true, { deep: 'y' }] } } },
    filter_chains: [{ filters: [filter] }],
  };
  assert.deepEqual(decodeBinary(typeUrl.listener, encodeResource(typeUrl.listener, listener)), listener);
  const limits = { max_requests: '18446744073709551615' };
  const options = { '@type': 'x/google.protobuf.UInt64Value', value: limits.max_requests };
  assert.deepEqual(
    decoded({ '@type': 'x/envoy.config.core.v3.TypedExtensionConfig', name: 'a', typed_config: options }),
    {
      name: 'a',
      typed_config: options,
    },
  );
});

test('a filter of a route that is turned on and no more survives the wire', () => {
  const json = decoded({ '@type': `x/${FILTER_CONFIG}`, config: {} });
  assert.deepEqual(json, { config: {} });
  assert.deepEqual(decodeBinary(FILTER_CONFIG, encodeResource(FILTER_CONFIG, { config: {} })), json);
});

test('an Any of a type that is not published is shown as bytes', () => {
  const wire = Buffer.concat([
    Buffer.from([0x0a, 1, 0x61, 0x12, 9, 0x0a, 4]),
    Buffer.from('x/y.'),
    Buffer.from([0x12, 1, 7]),
  ]);
  assert.deepEqual(decodeBinary(typeUrl.extensionConfig, wire), {
    name: 'a',
    typed_config: { '@type': 'x/y.', value: 'Bw==' },
  });
});

test('fields that the published files lack are known', () => {
  const json = decoded(route({ route: { cluster: 'x', host_rewrite: '%REQ(a)%', path_rewrite: '/b' } }));
  assert.deepEqual(decodeBinary(typeUrl.route, encodeResource(typeUrl.route, json)), json);
  assert.match(
    faults(route({ route: { cluster: 'x', host_rewrite: 'a', auto_host_rewrite: true } })).join(),
    /exclude each other/,
  );
});

test('a bootstrap decodes by its type', () => {
  const bootstrap = {
    node: { id: 'n', cluster: 'c' },
    dynamic_resources: {
      ads_config: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
      },
    },
    static_resources: { clusters: [{ name: 'xds', connect_timeout: '1s' }] },
  };
  assert.deepEqual(decoded(bootstrap, typeName.bootstrap), bootstrap);
  assert.match(
    faults({ nodee: {} }, typeName.bootstrap).join(),
    /^r.nodee: unknown field of envoy.config.bootstrap.v3.Bootstrap; allowed: node,/,
  );
  assert.deepEqual(
    faults({ '@type': typeUrl.cluster }, typeName.bootstrap)[0],
    `r.@type: found "${typeUrl.cluster}"; allowed: type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap`,
  );
});

test('hostile nesting and names end in a fault, not in a crash', () => {
  let deep: object = { any: true };
  for (let level = 0; level < 5000; level++) deep = { not_rule: deep };
  assert.match(
    faults({ '@type': 'x/envoy.config.rbac.v3.Permission', ...deep }).join(),
    /nested deeper than 90 levels/,
  );
  assert.match(
    faults(JSON.parse(`{"@type":"${typeUrl.cluster}","name":"c","__proto__":{"x":1}}`)).join(),
    /^r.__proto__: unknown field/,
  );
  for (const name of [
    '../../etc/passwd',
    'envoy..v3.X',
    'a'.repeat(1000),
    'envoy.config.cluster.v3.cluster',
    'constructor',
    '__proto__',
  ]) {
    assert.equal(faults({ '@type': name }).length, 1, name);
  }
});

test('whatever JSON comes, the answer is a value or issues', () => {
  const keys = fc.constantFrom(
    'name',
    'type',
    'connect_timeout',
    'lb_policy',
    'metadata',
    'load_assignment',
    'endpoints',
    '@type',
    'health_checks',
    'x',
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, '', '1s', 'EDS', 'NaN', typeUrl.cluster),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(keys, tie('node'), { maxKeys: 4 }),
    ),
  })).node;
  fc.assert(
    fc.property(tree, (json) => {
      const result = decodeEnvoyJson(json, { path: 'r', type: typeUrl.cluster });
      if (result.ok)
        assert.deepEqual(
          decodeBinary(typeUrl.cluster, encodeResource(typeUrl.cluster, result.value.value)),
          result.value.value,
        );
      else assert.ok(result.error.every(({ path }) => path.startsWith('r')));
    }),
    { numRuns: 300 },
  );
});
