import assert from 'node:assert/strict';
import { test } from 'node:test';
import type protobufjs from 'protobufjs';
import {
  durationNanos,
  grpcService,
  type JsonObject,
  lookupMessage,
  nearestNames,
  serviceName,
  typeName,
} from './index.ts';
import { overlayFields } from './overlay.ts';
import { brokenResourceRules } from './resource-rules.ts';
import { brokenCollectionRules, brokenRules, type RuleSet, rulesOf } from './rules.ts';
import { checkScalar } from './scalars.ts';

test('every overlay field is part of its message, with its type and oneof', () => {
  for (const { message, field, number, type, repeated, oneof } of overlayFields) {
    const found = lookupMessage(message)?.fields[field];
    const where = `${message}.${field}`;
    assert.equal(found?.id, number, where);
    assert.equal(found?.type, type, where);
    assert.equal(found?.repeated, repeated ?? false, where);
    assert.equal(found?.partOf?.name, oneof, where);
  }
});

test('service definitions carry path and direction of each method', () => {
  const discovery = grpcService(serviceName.aggregatedDiscovery);
  assert.equal(
    discovery['DeltaAggregatedResources']?.path,
    '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
  );
  const logs = grpcService(serviceName.accessLog)['StreamAccessLogs'];
  assert.deepEqual([logs?.requestStream, logs?.responseStream], [true, false]);
  const message = { identifier: { log_name: 'egress:a' }, http_logs: { log_entry: [{ protocol_version: 2 }] } };
  const read = logs?.requestDeserialize(logs.requestSerialize(message)) as {
    readonly identifier: { readonly log_name: string };
  };
  assert.equal(read.identifier.log_name, 'egress:a');
  assert.throws(() => grpcService('envoy.service.nope.v3.Nope'), /no service/);
});

const scalars: readonly (readonly [type: string, value: unknown, expected: unknown])[] = [
  ['uint32', 5, 5],
  ['uint32', '5', 5],
  ['uint32', '5e1', 50],
  ['uint32', 5.5, undefined],
  ['uint32', 4294967296, undefined],
  ['int64', '-9223372036854775808', -9223372036854775808n],
  ['int64', '9223372036854775808', undefined],
  ['double', 'Infinity', Number.POSITIVE_INFINITY],
  ['double', '1.5', 1.5],
  ['float', 1e39, undefined],
  ['bool', 'true', undefined],
  ['string', 5, undefined],
  ['string', '\ud800', undefined],
];

for (const [type, value, expected] of scalars) {
  test(`${JSON.stringify(value)} as ${type} is ${String(expected)}`, () => {
    const checked = checkScalar(type, value);
    assert.deepEqual(checked.ok ? checked.value : undefined, expected);
  });
}

test('durations', () => {
  assert.equal(durationNanos('1.5s'), 1_500_000_000n);
  assert.equal(durationNanos('-0.000000001s'), -1n);
  for (const bad of ['1', '1m', 's', '1.s', '1.0000000001s', '999999999999s', 1])
    assert.equal(durationNanos(bad), undefined);
});

const rules: readonly (readonly [rules: object, value: string | number | bigint | boolean, ...faults: string[]])[] = [
  [{ string: { min_len: 2 } }, 'é', 'value length must be at least 2 characters'],
  [{ string: { max_bytes: 1 } }, 'é', 'value length must be at most 1 bytes'],
  [{ string: { pattern: '^a+$' } }, 'ab', 'value does not match regex pattern "^a+$"'],
  [{ string: { min_len: 3, ignore_empty: true } }, ''],
  [{ string: { in: ['http', 'https'] } }, 'ftp', 'value must be in list [http https]'],
  [
    { string: { well_known_regex: 'HTTP_HEADER_NAME', strict: true } },
    'a b',
    'value holds characters that a header cannot carry',
  ],
  [{ string: { well_known_regex: 'HTTP_HEADER_NAME', strict: false } }, 'a b'],
  [{ uint32: { gte: 200, lt: 600 } }, 600, 'value must be less than 600'],
  [{ uint64: { lte: 8388608 } }, 8388609n, 'value must be less than or equal to 8388608'],
  [{ duration: { gte: { nanos: 1000000 } } }, 999_999n, 'value must be greater than or equal to 0.001s'],
  [{ duration: { required: true, gt: {} } }, 1n],
  [{ bool: { const: true } }, false, 'value must equal true'],
  [{ enum: { not_in: 0 } }, 0, 'value must not be in list [0]'],
];

for (const [set, value, ...faults] of rules) {
  test(`${JSON.stringify(set)} of ${JSON.stringify(String(value))}`, () => {
    assert.deepEqual(brokenRules(set as Parameters<typeof brokenRules>[0], value), faults);
  });
}

test('sizes and repetition of lists', () => {
  assert.deepEqual(brokenCollectionRules({ repeated: { min_items: 1 } }, []), [
    'value must contain at least 1 item(s)',
  ]);
  assert.deepEqual(brokenCollectionRules({ repeated: { max_items: 1, unique: true } }, [1, 1]), [
    'value must contain no more than 1 item(s)',
    'repeated value must contain unique items',
  ]);
});

test('nearest names come first, whatever their case', () => {
  assert.deepEqual(nearestNames('connectTimout', ['name', 'connect_timeout', 'type'], 1), ['connect_timeout']);
});

const ROUTES = 'envoy.config.route.v3.RouteConfiguration';
const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const rulesOfResources: readonly (readonly [type: string, json: JsonObject, broken: readonly string[]])[] = [
  ['envoy.config.cluster.v3.Cluster', { name: 'c', connect_timeout: '1s' }, []],
  [
    'envoy.config.cluster.v3.Cluster',
    { connect_timeout: '0s', health_checks: [{ timeout: '1s' }] },
    [
      'connect_timeout: value must be greater than 0s',
      'health_checks[0].interval: value is required',
      'health_checks[0].unhealthy_threshold: value is required',
      'health_checks[0].healthy_threshold: value is required',
      'health_checks[0]: health_checker: value is required',
      'name: value length must be at least 1 characters',
    ],
  ],
  [
    ROUTES,
    { virtual_hosts: [{ name: 'v', domains: ['a'], routes: [{ match: { prefix: '/' }, route: { cluster: '' } }] }] },
    ['virtual_hosts[0].routes[0].route.cluster: value length must be at least 1 characters'],
  ],
  [
    'envoy.config.listener.v3.Filter',
    { name: 'f', typed_config: { '@type': `type.googleapis.com/${MANAGER}`, route_config: {}, codec_type: 7 } },
    [
      'typed_config.codec_type: value must be one of the defined enum values',
      'typed_config.stat_prefix: value length must be at least 1 characters',
    ],
  ],
];

for (const [type, json, broken] of rulesOfResources) {
  test(`${type} ${JSON.stringify(json).slice(0, 80)} breaks ${broken.length} rules`, () => {
    const found = lookupMessage(type);
    assert.ok(found);
    const told = brokenResourceRules(found, json).map(({ path, message }) => `${path}: ${message}`);
    assert.deepEqual(told.toSorted(), [...broken].sort());
  });
}

const KINDS: Readonly<Record<string, RegExp>> = {
  repeated: /^(?:min_items|max_items|unique|items|ignore_empty)$/,
  map: /^(?:min_pairs|max_pairs|keys|values|ignore_empty)$/,
  message: /^(?:required|skip)$/,
  any: /^required$/,
  duration: /^(?:required|lte?|gte?)$/,
  string: /^(?:(?:min|max)_(?:len|bytes)|in|not_in|const|pattern|prefix|suffix|well_known_regex|strict|ignore_empty)$/,
  bytes: /^(?:min|max)_len$/,
  enum: /^(?:defined_only|in|not_in|const)$/,
  bool: /^const$/,
};
const NUMBER = /^(?:lte?|gte?|in|not_in|const|ignore_empty)$/;

/** Every validation rule of the published files, with where it stands. */
function conditionsIn(type: protobufjs.ReflectionObject, found: [string, string, string][] = []): typeof found {
  const note = (rules: RuleSet | undefined, where: string): void => {
    for (const [kind, conditions] of Object.entries(rules ?? {})) {
      for (const [name, limit] of Object.entries(conditions)) {
        found.push([kind, name, where]);
        if (/^(?:items|keys|values)$/.test(name)) note(limit as RuleSet, where);
      }
    }
  };
  const { fieldsArray = [], nestedArray = [] } = type as Partial<protobufjs.Type>;
  for (const field of fieldsArray) note(rulesOf(field), field.fullName);
  for (const inner of nestedArray) conditionsIn(inner, found);
  return found;
}

test('every validation rule of the messages we take is one that is checked', () => {
  for (const name of [typeName.bootstrap, MANAGER, typeName.router, ROUTES, typeName.httpProtocolOptions])
    lookupMessage(name);
  const root = lookupMessage(typeName.bootstrap)?.root;
  assert.ok(root);
  const conditions = conditionsIn(root);
  assert.ok(conditions.length > 500, `found ${conditions.length}`);
  for (const [kind, name, where] of conditions)
    assert.match(name, KINDS[kind] ?? NUMBER, `${kind}.${name} of ${where}`);
});
