import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mersenneTwister } from './mersenne.ts';
import { murmurHash2 } from './murmur.ts';
import { toBigInt } from './xxhash64.ts';

test('murmurHash2 gives the hashes of libstdc++', () => {
  // std::hash<std::string>, as Envoy's own tests have it.
  for (const [text, hash] of [
    ['foo', 9631199822919835226n],
    ['bar', 11474628671133349555n],
    ['foo\nbar', 16306510975912980159n],
    ['lyft', 12847078931730529320n],
    ['', 6142509188972423790n],
  ] as const) {
    assert.equal(toBigInt(murmurHash2(Buffer.from(text))), hash, text);
  }
});

test('the Mersenne Twister gives the numbers of std::mt19937', () => {
  // C++ standard, [rand.predef]: the 10000th number with the default seed.
  const next = mersenneTwister(5489);
  let value = 0;
  for (let count = 0; count < 10_000; count++) value = next();
  assert.equal(value, 4_123_659_995);
});
