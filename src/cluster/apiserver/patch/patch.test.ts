import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { KubernetesObject } from '../../store.ts';
import { builtinRootShape } from '../schema/builtin.ts';
import { StatusError } from '../status.ts';
import { applyObject } from './apply.ts';
import { recordUpdate } from './managed-fields.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic.ts';

const POD = builtinRootShape('core.v1.Pod');
const container = (name: string, extra: object = {}) => ({ name, image: name, ...extra });
const podWith = (...containers: object[]) => ({ spec: { containers } });

describe('strategic merge patch', () => {
  const cases: readonly [name: string, target: unknown, patch: unknown, result: unknown][] = [
    [
      'items merge by key',
      podWith(container('a'), container('b')),
      podWith({ name: 'b', image: 'x' }),
      podWith(container('a'), { name: 'b', image: 'x' }),
    ],
    ['new items are added', podWith(container('a')), podWith(container('b')), podWith(container('a'), container('b'))],
    [
      'an item is deleted',
      podWith(container('a'), container('b')),
      podWith({ name: 'a', $patch: 'delete' }),
      podWith(container('b')),
    ],
    [
      'a list is replaced',
      podWith(container('a'), container('b')),
      podWith(container('c'), { $patch: 'replace' }),
      podWith(container('c')),
    ],
    [
      'the order of the directive wins',
      podWith(container('a'), container('b')),
      { spec: { $setElementOrder_containers: 0, '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } },
      podWith(container('b'), container('a')),
    ],
    [
      'null deletes',
      { metadata: { labels: { a: '1', b: '2' } } },
      { metadata: { labels: { a: null } } },
      { metadata: { labels: { b: '2' } } },
    ],
    [
      'lists without a key are replaced',
      podWith({ name: 'a', args: ['1', '2'] }),
      podWith({ name: 'a', args: ['3'] }),
      podWith({ name: 'a', args: ['3'] }),
    ],
    [
      'sets of values grow',
      { metadata: { finalizers: ['a'] } },
      { metadata: { finalizers: ['b', 'a'] } },
      { metadata: { finalizers: ['a', 'b'] } },
    ],
    [
      'values are taken out of a set',
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
      { metadata: { finalizers: ['b'] } },
    ],
    [
      'retainKeys drops the other fields',
      { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
      { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'c' } }] } },
      { spec: { volumes: [{ name: 'v', configMap: { name: 'c' } }] } },
    ],
  ];
  for (const [name, target, patch, result] of cases) {
    test(name, () => {
      const before = structuredClone(target);
      assert.deepEqual(strategicMerge(POD, target, patch), result);
      assert.deepEqual(target, before, 'the target is not changed');
    });
  }

  test('an item without its key is refused', () => {
    assert.throws(() => strategicMerge(POD, podWith(container('a')), podWith({ image: 'x' })), /merge key: name/);
  });
});

test('merge patch: applying the same patch twice is applying it once', () => {
  const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const once = mergePatch(target, patch);
      assert.deepEqual(mergePatch(once, patch), once);
    }),
  );
});

describe('server-side apply', () => {
  const SHAPE = builtinRootShape('core.v1.ConfigMap');
  const author = (manager: string) => ({ manager, apiVersion: 'v1', time: '2024-05-01T10:00:00Z', subresource: '' });
  const config = (data: Record<string, string>): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', namespace: 'default' },
    data,
  });

  test('fields that the author no longer applies go away', () => {
    const first = applyObject(SHAPE, undefined, config({ a: '1', b: '2' }), author('me'), false);
    const second = applyObject(SHAPE, first, config({ a: '1' }), author('me'), false);
    assert.deepEqual(second['data'], { a: '1' });
  });

  test('a field that another applied too stays', () => {
    const first = applyObject(SHAPE, undefined, config({ a: '1', b: '2' }), author('me'), false);
    const shared = applyObject(SHAPE, first, config({ b: '2' }), author('you'), false);
    assert.deepEqual(applyObject(SHAPE, shared, config({ a: '1' }), author('me'), false)['data'], { a: '1', b: '2' });
  });

  test('another value for another’s field conflicts, and force takes the field over', () => {
    const created = recordUpdate(SHAPE, config({ a: '1' }), undefined, author('editor'));
    assert.throws(
      () => applyObject(SHAPE, created, config({ a: '2' }), author('me'), false),
      (error: unknown) =>
        error instanceof StatusError &&
        error.status.code === 409 &&
        error.status.details?.causes?.[0]?.field === '.data.a' &&
        error.message.includes('conflict with "editor" using v1'),
    );
    const forced = applyObject(SHAPE, created, config({ a: '2' }), author('me'), true);
    assert.deepEqual(forced['data'], { a: '2' });
    assert.doesNotThrow(() => applyObject(SHAPE, forced, config({ a: '3' }), author('me'), false));
  });

  test('the same again is no change', () => {
    const first = applyObject(SHAPE, undefined, config({ a: '1' }), author('me'), false);
    const later = { ...author('me'), time: '2024-05-01T11:00:00Z' };
    assert.deepEqual(applyObject(SHAPE, first, config({ a: '1' }), later, false), first);
  });
});
