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

test('waits of one length end in the order in which they began, also where one waited so long before', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let time = 0;
  let step = 0;
  t.mock.method(performance, 'now', () => (time += step));
  const seen: string[] = [];
  const earlier = new Deadline(() => seen.push('earlier'));
  const later = new Deadline(() => seen.push('later'));
  earlier.start(10);
  time = 10;
  t.mock.timers.tick(10);
  assert.deepEqual(seen, ['earlier']);
  // Node's timers may end before the clock says so, and the clock goes on between one timer and the next.
  step = 0.01;
  earlier.start(10);
  later.start(10);
  time = 19.9;
  step = 0.1;
  t.mock.timers.tick(10);
  t.mock.timers.tick(1);
  assert.deepEqual(seen, ['earlier', 'earlier', 'later']);
});
