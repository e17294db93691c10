import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from './deadline.ts';

test('a deadline can be started again after it ended, was stopped, or for another time', async () => {
  const seen: string[] = [];
  const one = new Deadline(() => seen.push('one'));
  const other = new Deadline(() => seen.push('other'));
  one.start(10);
  other.start(20);
  other.stop();
  await sleep(40);
  assert.deepEqual([seen, one.waiting, other.waiting], [['one'], false, false]);
  // Nothing waited so long any more; what waited before begins anew.
  one.start(10);
  other.start(10);
  await sleep(30);
  assert.deepEqual(seen, ['one', 'one', 'other']);
  one.start(5000);
  one.start(10);
  other.start(0);
  await sleep(30);
  assert.deepEqual([seen.length, one.waiting, other.waiting], [4, false, false]);
});
