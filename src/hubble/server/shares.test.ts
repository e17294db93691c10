import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createShares } from './shares.ts';

test('whoever is greedy gets half of what is left, and what is given back is free again', () => {
  const shares = createShares(16);
  const most = (holder: string): number => {
    let got = 0;
    while (shares.enter(holder)) got++;
    return got;
  };
  assert.deepEqual([most('a'), most('b'), most('c'), most('d')], [8, 4, 2, 1]);
  assert.equal(most('a'), 0);
  for (let count = 0; count < 8; count++) shares.leave('a');
  shares.leave('nobody');
  assert.deepEqual([most('c'), most('e')], [4, 3]);
});
