import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { threeWayPatch } from './three-way.ts';

type Fields = Readonly<Record<string, unknown>>;

const cases: readonly {
  readonly name: string;
  readonly last?: Fields;
  readonly wanted: Fields;
  readonly live: Fields;
  readonly patch: Fields | undefined;
}[] = [
  { name: 'nothing to do', wanted: { a: 1 }, live: { a: 1, b: 2 }, patch: undefined },
  { name: 'set', wanted: { a: { b: 2 } }, live: { a: { b: 1, c: 1 } }, patch: { a: { b: 2 } } },
  { name: 'add', wanted: { a: { b: 2 } }, live: {}, patch: { a: { b: 2 } } },
  {
    name: 'remove what was applied before',
    last: { a: { x: 1, y: 1 } },
    wanted: { a: { y: 1 } },
    live: { a: { x: 1, y: 1, z: 1 } },
    patch: { a: { x: null } },
  },
  { name: 'what others added stays', last: {}, wanted: {}, live: { x: 1 }, patch: undefined },
  { name: 'removed already', last: { x: 1 }, wanted: {}, live: {}, patch: undefined },
  {
    name: 'defaults in list items are no difference',
    wanted: { ports: [{ port: 80 }] },
    live: { ports: [{ port: 80, protocol: 'TCP' }] },
    patch: undefined,
  },
  {
    name: 'another list is set as a whole',
    wanted: { ports: [{ port: 81 }] },
    live: { ports: [{ port: 80, protocol: 'TCP' }] },
    patch: { ports: [{ port: 81 }] },
  },
  { name: 'a shorter list', wanted: { l: [1] }, live: { l: [1, 2] }, patch: { l: [1] } },
  {
    name: 'a field gone from a list item',
    last: { l: [{ name: 'a', args: ['x'] }] },
    wanted: { l: [{ name: 'a' }] },
    live: { l: [{ name: 'a', args: ['x'] }] },
    patch: { l: [{ name: 'a' }] },
  },
  { name: 'explicit null removes', wanted: { a: null }, live: { a: 1 }, patch: { a: null } },
  { name: 'a map becomes text', wanted: { a: 't' }, live: { a: { b: 1 } }, patch: { a: 't' } },
];

for (const { name, last, wanted, live, patch } of cases) {
  test(name, () => assert.deepEqual(threeWayPatch(last, wanted, live), patch));
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

test('applying the patch once leaves nothing to do', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const { tree } = fc.letrec<{ tree: Fields; value: unknown }>((tie) => ({
    tree: fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    value: fc.oneof(
      { maxDepth: 3 },
      fc.integer({ max: 3, min: 0 }),
      fc.array(fc.integer({ max: 2, min: 0 }), { maxLength: 2 }),
      tie('tree'),
    ),
  }));
  fc.assert(
    fc.property(tree, tree, tree, (last, wanted, live) => {
      const patch = threeWayPatch(last, wanted, live);
      const result = patch ? mergePatch(live, patch) : live;
      assert.equal(threeWayPatch(last, wanted, result as Fields), undefined);
    }),
  );
});
