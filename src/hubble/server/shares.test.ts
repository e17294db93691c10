import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createShares } from './shares.ts';
import { createStreamGate } from './stream.ts';

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

test('places of a reserve are left to its holder, however many others there are', () => {
  const shares = createShares(20, { holder: 'relay', places: 4 });
  const most = (holder: string): number => {
    let got = 0;
    while (shares.enter(holder)) got++;
    return got;
  };
  const others = ['a', 'b', 'c', 'd', 'e', 'f'];
  assert.deepEqual(others.map(most), [8, 4, 2, 1, 1, 0]);
  assert.equal(most('relay'), 4);
  for (let count = 0; count < 8; count++) shares.leave('a');
  // Half of what is free, and what it has of its reserve does not count.
  assert.equal(most('relay'), 4);
  for (let count = 0; count < 8; count++) shares.leave('relay');
  assert.equal(most('f'), 4);
  assert.equal(most('relay'), 4 + 2);
});

test("streams are left to Relay's address, as many as its connection may have, whatever others do", () => {
  const gate = createStreamGate('172.30.0.254');
  const most = (peer: string): number => {
    let got = 0;
    while (!gate.enter(peer)) got++;
    return got;
  };
  for (let pod = 1; pod <= 40; pod++) {
    for (let port = 1; port <= 4; port++) most(`10.0.0.${pod}:${port}`);
  }
  assert.equal(most('10.0.0.41:1'), 0);
  assert.equal(most('172.30.0.254:1'), 512);
});
