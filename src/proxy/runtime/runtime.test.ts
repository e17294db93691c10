import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Issue } from '../../base/index.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import { chanceOf, readRuntime } from './read.ts';
import type { Runtime } from './runtime.ts';

function read(layers: readonly JsonObject[]): { readonly runtime: Runtime; readonly issues: readonly Issue[] } {
  const issues: Issue[] = [];
  return { runtime: readMessage({ layers: [...layers] }, '', issues, readRuntime), issues };
}

test('later layers win; inner names join with dots; fractions are values', () => {
  const { runtime, issues } = read([
    {
      name: 'base',
      static_layer: { a: 5, b: { c: '7', d: true, e: { numerator: 5, denominator: 'MILLION' } }, f: 2.5 },
    },
    { name: 'admin', admin_layer: {} },
    { name: 'over', static_layer: { a: 6 } },
  ]);
  assert.deepEqual(issues, []);
  const none = { numerator: 1, denominator: 100 };
  assert.equal(runtime.integer('a', 0), 6);
  assert.equal(runtime.integer('b.c', 0), 7);
  assert.equal(runtime.integer('f', 9), 9);
  assert.equal(runtime.double('f', 9), 2.5);
  assert.equal(runtime.flag('b.d', false), true);
  assert.equal(runtime.flag('a', false), true);
  assert.equal(runtime.flag('x', true), true);
  assert.deepEqual(runtime.fraction('b.e', none), { numerator: 5, denominator: 1_000_000 });
  assert.deepEqual(runtime.fraction('a', none), { numerator: 6, denominator: 100 });
  assert.deepEqual(runtime.fraction('f', none), none);
  runtime.modify(
    new Map([
      ['a', '1'],
      ['x', 'false'],
      ['b.c', '400'],
    ]),
  );
  assert.equal(runtime.integer('a', 0), 6);
  assert.equal(runtime.flag('x', true), false);
  assert.deepEqual(runtime.fraction('b.c', none), { numerator: 100, denominator: 100 });
  assert.deepEqual(runtime.dump().get('a'), { layers: ['5', '1', '6'], final: '6' });
  runtime.modify(new Map([['x', '']]));
  assert.equal(runtime.flag('x', true), true);
});

test('a chance follows the runtime, or the configuration where it says nothing', () => {
  const { runtime } = read([{ name: 'admin', admin_layer: {} }]);
  const chance = chanceOf(runtime, 'k', { numerator: 10, denominator: 100 });
  assert.deepEqual([chance(9), chance(10)], [true, false]);
  runtime.modify(new Map([['k', '50']]));
  assert.deepEqual([chance(49), chance(50)], [true, false]);
});

test('what cannot be a value or a layer is refused', () => {
  const table: readonly (readonly [readonly JsonObject[], RegExp])[] = [
    [[{ name: 'a', static_layer: { l: [1] } }], /Invalid runtime entry value for l/],
    [
      [
        { name: 'a', admin_layer: {} },
        { name: 'b', admin_layer: {} },
      ],
      /Too many admin layers/,
    ],
    [
      [
        { name: 'a', static_layer: {} },
        { name: 'a', static_layer: {} },
      ],
      /Duplicate layer name: a/,
    ],
    [[{ name: 'a', disk_layer: { symlink_root: '/' } }], /disk_layer is not supported/],
  ];
  for (const [layers, message] of table) assert.match(read(layers).issues[0]?.message ?? '', message);
});
