import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationNanos, grpcService, lookupMessage, nearestNames, serviceName } from './index.ts';
import { overlayFields } from './overlay.ts';
import { brokenCollectionRules, brokenRules } from './rules.ts';
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
