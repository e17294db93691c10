import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileDnsPattern, normalizeDnsName } from './dns-names.ts';

const cases: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
  ['*.cilium.io', 'sub.cilium.io.', true],
  ['*.cilium.io', 'cilium.io.', false],
  ['*.cilium.io', 'a.b.cilium.io.', false],
  ['*cilium.io', 'cilium.io.', true],
  ['*cilium.io', 'subcilium.io.', true],
  ['*cilium.io', 'www.cilium.io.', false],
  ['sub*.cilium.io', 'sub1.cilium.io.', true],
  ['sub*.cilium.io', 'su.cilium.io.', false],
  ['**.cilium.io', 'a.b.cilium.io.', true],
  ['**.cilium.io', 'a.cilium.io.', true],
  ['**.cilium.io', 'cilium.io.', false],
  ['a.**.io', 'a.b.io.', true],
  ['a.**.io', 'a.b.c.io.', false],
  ['*', 'anything.at.all.', true],
  ['**', 'anything.', true],
  ['***', 'a.b.', true],
  ['***.cilium.io', 'a.b.cilium.io.', true],
  ['***.cilium.io', 'cilium.io.', false],
  ['**x.cilium.io', 'a.x.cilium.io.', false],
  ['**x.cilium.io', 'ax.cilium.io.', true],
  ['*.', 'x.', true],
  ['*', '.', true],
  ['*', 'not a name.', false],
  ['*.SVC.cluster.local', 'Echo.svc.Cluster.local', true],
  ['a*b*c.io', 'aXbYc.io', true],
  ['a*b*c.io', 'acb.io', false],
  ['ab*ba.io', 'aba.io', false],
  ['sub*.cilium.io', 'sub.cilium.io.', true],
  ['CILIUM.io.', 'cilium.io.', true],
  ['cilium.io', 'ciliumXio.', false],
];

test('matchPattern', () => {
  for (const [pattern, name, expected] of cases)
    assert.equal(compileDnsPattern(pattern)(name), expected, `${pattern} ${name}`);
});

test('names compare without case and final dot', () => {
  assert.equal(normalizeDnsName('One.one.one.one'), normalizeDnsName('one.ONE.one.one.'));
  assert.notEqual(normalizeDnsName('one.one'), normalizeDnsName('xone.one'));
});

test('no pattern takes long', () => {
  const begun = performance.now();
  assert.equal(compileDnsPattern(`${'*a'.repeat(120)}b`)('a'.repeat(250)), false);
  assert.ok(performance.now() - begun < 100);
});
