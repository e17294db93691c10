import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginTurn, endTurn, now, wallNow } from './clock.ts';

function spin(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

test('time stands still within a turn and goes on after it', () => {
  beginTurn();
  const [at, wall] = [now(), wallNow()];
  assert.ok(Math.abs(at - performance.now()) < 50);
  assert.ok(Math.abs(wall - Date.now()) < 50);
  spin(5);
  assert.deepEqual([now(), wallNow()], [at, wall]);
  endTurn();
  assert.ok(now() >= at + 5);
  assert.ok(wallNow() >= wall + 4);
  beginTurn();
  assert.ok(now() >= at + 5);
  assert.ok(Number.isInteger(wallNow()) && wallNow() >= wall + 4);
  endTurn();
});
