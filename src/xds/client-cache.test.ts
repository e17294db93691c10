import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeResource, type GrpcMessage, typeUrl } from '../model/envoy/index.ts';
import { createClientCache } from './client-cache.ts';

const any = (name: string, timeout = '1s'): GrpcMessage => ({
  type_url: typeUrl.cluster,
  value: encodeResource(typeUrl.cluster, { name, connect_timeout: timeout }),
});
const state = (...resources: readonly GrpcMessage[]): GrpcMessage => ({ resources });
const nothing = new Set<string>();

test('a full state tells what changed and what is gone', () => {
  const cache = createClientCache(typeUrl.cluster, 'sotw');
  assert.deepEqual([...cache.read(state(any('a'), any('b')), nothing).update.changed.keys()], ['a', 'b']);
  cache.accept(new Map());
  const { update } = cache.read(state(any('a', '2s')), nothing);
  assert.deepEqual([[...update.changed], update.removed], [[['a', { name: 'a', connect_timeout: '2s' }]], ['b']]);
});

test('what was refused comes again, what was accepted does not', () => {
  const cache = createClientCache(typeUrl.cluster, 'sotw');
  cache.read(state(any('a'), any('b')), nothing);
  cache.accept(new Map([['a', 'no']]));
  assert.deepEqual([...cache.read(state(any('a'), any('b')), nothing).update.changed.keys()], ['a']);
  cache.discard();
  assert.deepEqual([...cache.read(state(any('a'), any('b')), nothing).update.changed.keys()], ['a']);
});

test('a resource that cannot be read is reported and removes nothing', () => {
  const cache = createClientCache(typeUrl.cluster, 'sotw');
  cache.read(state(any('a'), any('b')), nothing);
  cache.accept(new Map());
  const torn = { type_url: typeUrl.cluster, value: Buffer.from([0x0a, 0x7f]) };
  const { update, broken } = cache.read(state(any('a'), torn, { type_url: 'x/y.Z' }), nothing);
  assert.deepEqual([update.removed, [...broken.keys()]], [[], ['resource 1', 'resource 2']]);
  const twice = cache.read(state(any('a', '3s'), any('a', '4s')), nothing);
  assert.deepEqual([[...twice.broken], twice.update.changed.size], [[['a', 'occurs twice in one response']], 0]);
});

test('only a delta response removes by name, and missing names are told', () => {
  const cache = createClientCache(typeUrl.cluster, 'delta');
  cache.read({ resources: [{ name: 'a', version: '7', resource: any('a') }] }, new Set(['a', 'b']));
  cache.accept(new Map());
  assert.deepEqual(cache.versions(), { a: '7' });
  const { update } = cache.read({ resources: [], removed_resources: ['a', 'b'] }, new Set(['a', 'b']));
  assert.deepEqual([update.removed, update.missing], [['a'], ['b']]);
});
