import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from '../base/index.ts';
import { encodeResource, type GrpcMessage, typeUrl } from '../model/envoy/index.ts';
import { createClientCache, type ResourceUpdate } from './client-cache.ts';

const any = (name: string, timeout = '1s'): GrpcMessage => ({
  type_url: typeUrl.cluster,
  value: encodeResource(typeUrl.cluster, { name, connect_timeout: timeout }),
});
const state = (...resources: readonly GrpcMessage[]): GrpcMessage => ({ resources });
const nothing = new Set<string>();
const FILE_SINK = 'type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink';

/** Cluster `b` with a field 99 in its `eds_cluster_config`. */
function strange(): GrpcMessage {
  const value = Buffer.concat([encodeResource(typeUrl.cluster, { name: 'b' }), Buffer.from([0x1a, 3, 0x98, 6, 1])]);
  return { type_url: typeUrl.cluster, value };
}

function updateOf(read: Result<ResourceUpdate, string>): ResourceUpdate {
  if (read.ok) return read.value;
  throw new Error(read.error);
}

test('a full state tells what changed and what is gone', () => {
  const cache = createClientCache(typeUrl.cluster, 'sotw');
  assert.deepEqual([...updateOf(cache.read(state(any('a'), any('b')), nothing)).changed.keys()], ['a', 'b']);
  cache.accept(new Map());
  const update = updateOf(cache.read(state(any('a', '2s')), nothing));
  assert.deepEqual([[...update.changed], update.removed], [[['a', { name: 'a', connect_timeout: '2s' }]], ['b']]);
});

test('what was refused comes again, what was accepted does not', () => {
  const cache = createClientCache(typeUrl.cluster, 'sotw');
  cache.read(state(any('a'), any('b')), nothing);
  cache.accept(new Map([['a', 'no']]));
  assert.deepEqual([...updateOf(cache.read(state(any('a'), any('b')), nothing)).changed.keys()], ['a']);
  cache.discard();
  assert.deepEqual([...updateOf(cache.read(state(any('a'), any('b')), nothing)).changed.keys()], ['a']);
});

test('a response with something that is no valid resource is refused as a whole', () => {
  const cache = createClientCache(typeUrl.cluster, 'sotw');
  const refusals: readonly (readonly [GrpcMessage, RegExp])[] = [
    [{ type_url: typeUrl.cluster, value: Buffer.from([0x0a, 0x7f]) }, /^resource 1: index out of range/],
    [{ type_url: 'x/y.Z' }, /^resource 1: type x\/y.Z instead of/],
    [any('b', '0s'), /^resource 1: b: connect_timeout: value must be greater than 0s$/],
    [any(''), /^resource 1: : name: value length must be at least 1 characters$/],
    [strange(), /^resource 1: b: eds_cluster_config: field 99 of .*EdsClusterConfig is not known/],
  ];
  for (const [bad, words] of refusals) {
    const read = cache.read(state(any('a'), bad), nothing);
    assert.match(read.ok ? 'accepted' : read.error, words);
    cache.discard();
  }
  assert.deepEqual([...updateOf(cache.read(state(any('a')), nothing)).changed.keys()], ['a']);
});

test('a resource with a broken extension, or one that occurs twice, is told apart from the good ones', () => {
  const cache = createClientCache(typeUrl.cluster, 'sotw');
  const health = {
    name: 'b',
    health_checks: [
      {
        timeout: '1s',
        interval: '1s',
        unhealthy_threshold: 1,
        healthy_threshold: 1,
        event_logger: [{ name: 'e', typed_config: { '@type': FILE_SINK } }],
        tcp_health_check: {},
      },
    ],
  };
  const bad = { type_url: typeUrl.cluster, value: encodeResource(typeUrl.cluster, health) };
  const update = updateOf(cache.read(state(any('a'), bad, any('c'), any('c', '4s')), nothing));
  assert.deepEqual([[...update.changed.keys()], update.removed, update.repeated], [['a', 'c'], [], ['c']]);
  assert.deepEqual(
    [...update.broken].map(([name, { reason }]) => [name, reason]),
    [['b', 'health_checks[0].event_logger[0].typed_config.event_log_path: value length must be at least 1 characters']],
  );
});

test('only a delta response removes by name, and missing names are told', () => {
  const cache = createClientCache(typeUrl.cluster, 'delta');
  cache.read({ resources: [{ name: 'a', version: '7', resource: any('a') }] }, new Set(['a', 'b']));
  cache.accept(new Map());
  assert.deepEqual(cache.versions(), { a: '7' });
  const update = updateOf(cache.read({ resources: [], removed_resources: ['a', 'b'] }, new Set(['a', 'b'])));
  assert.deepEqual([update.removed, update.missing()], [['a'], ['b']]);
});
