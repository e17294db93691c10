import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, createRate, formatRate, perSecond, rememberedSeconds, series, sumOver } from './rates.ts';

test('counts leave a rate after its seconds', () => {
  const rate = createRate();
  for (let second = 100; second < 110; second++) count(rate, second * 1000, 2);
  assert.equal(perSecond(rate, 109_500), 2);
  assert.equal(perSecond(rate, 114_500), 1);
  assert.equal(perSecond(rate, 119_500), 0);
  assert.equal(sumOver(rate, 119_500, 60), 20);
});

test('a count that comes late goes into its own second, one that is too old into none', () => {
  const rate = createRate();
  count(rate, 200_000);
  count(rate, 195_000);
  count(rate, 100_000);
  assert.equal(sumOver(rate, 200_000, 60), 2);
  assert.equal(sumOver(rate, 200_000, 3), 1);
});

test('a pause longer than what is remembered leaves nothing behind', () => {
  const rate = createRate();
  count(rate, 1_000);
  count(rate, 1_000_000);
  const shown = series(rate, 1_000_000);
  assert.equal(shown.length, rememberedSeconds);
  assert.deepEqual(shown.slice(-2), [0, 1]);
  assert.equal(sumOver(rate, 1_000_000, 60), 1);
});

for (const [value, text] of [
  [0, ''],
  [0.02, '1/min'],
  [0.44, '0.4/s'],
  [12.3, '12/s'],
  [1234, '1.2k/s'],
] as const) {
  test(`a rate of ${value} is written ${JSON.stringify(text)}`, () => assert.equal(formatRate(value), text));
}
