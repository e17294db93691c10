import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileDnsMatch } from './dns-names.ts';

const cases: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
  ['*.cilium.io', 'sub.cilium.io.', true],
  ['*.cilium.io', 'cilium.io.', false],
  ['*.cilium.io', 'a.b.cilium.io.', false],
  ['*cilium.io', 'cilium.io.', true],
  ['*cilium.io', 'subcilium.io.', true],
  ['*cilium.io', 'www.cilium.io.', false],
  ['sub*.cilium.io', 'sub.cilium.io.', true],
  ['sub*.cilium.io', 'subway.cilium.io.', true],
  ['a*b*c.io', 'axxbxxbc.io.', true],
  ['a*b*c.io', 'axxcxxb.io.', false],
  ['**.cilium.io', 'a.b.cilium.io.', true],
  ['**.cilium.io', 'a.cilium.io.', true],
  ['**.cilium.io', 'cilium.io.', false],
  ['*', 'anything.at.all.', true],
  ['*', '.', true],
  ['**', 'a.', true],
  ['CILIUM.io.', 'cilium.io.', true],
  ['cilium.io', 'ciliumXio.', false],
];
for (const [matchPattern, name, expected] of cases) {
  test(`pattern ${matchPattern} ${expected ? 'matches' : 'does not match'} ${name}`, () => {
    assert.equal(compileDnsMatch({ matchPattern })(name), expected);
  });
}

test('matchName is exact and knows no pattern', () => {
  assert.equal(compileDnsMatch({ matchName: 'One.One' })('one.one.'), true);
  assert.equal(compileDnsMatch({ matchName: '*.one' })('one.one.'), false);
});

test('a hostile pattern takes no time', () => {
  const matches = compileDnsMatch({ matchPattern: `${'*a'.repeat(30)}b.io` });
  assert.equal(matches(`${'a'.repeat(63)}.io.`), false);
});
