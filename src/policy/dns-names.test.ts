import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileDnsMatch } from './dns-names.ts';

test('matchPattern', () => {
  const matches = compileDnsMatch({ matchPattern: '*.Cilium.io' });
  assert.equal(matches('sub.cilium.io.'), true);
  assert.equal(matches('cilium.io.'), false);
});

test('matchName is exact and knows no pattern', () => {
  assert.equal(compileDnsMatch({ matchName: 'One.One' })('one.one.'), true);
  assert.equal(compileDnsMatch({ matchName: '*.one' })('one.one.'), false);
});
