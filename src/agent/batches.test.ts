import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBatches } from './batches.ts';

function batchesOf(send: (items: readonly number[]) => Promise<void>, mostWaiting = 10) {
  const lost: string[] = [];
  const onLost = (count: number, reason: string): void => void lost.push(`${count} ${reason}`);
  return { lost, ...createBatches<number>({ send, onLost, mostWaiting, mostAtOnce: 3, gatherMs: 5 }) };
}

test('items are sent in order and in batches, one at a time', async () => {
  const sent: (readonly number[])[] = [];
  let atOnce = 0;
  const batches = batchesOf(async (items) => {
    assert.equal(++atOnce, 1);
    await new Promise((resolve) => setImmediate(resolve));
    sent.push(items);
    atOnce--;
  });
  for (let item = 0; item < 8; item++) batches.add(item);
  await batches.close(1_000);
  assert.deepEqual(sent.flat(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.ok(sent.every((items) => items.length <= 3));
  assert.deepEqual(batches.lost, []);
});

test('what there is no room for and what does not arrive is counted', async () => {
  const stuck = Promise.withResolvers<void>();
  const batches = batchesOf(() => stuck.promise);
  let kept = 0;
  for (let item = 0; item < 20; item++) {
    if (batches.refuses()) continue;
    batches.add(item);
    kept++;
  }
  assert.equal(kept, 13, 'ten wait, three are on their way');
  assert.equal(batches.lost.length, 7);
  stuck.reject(new Error('refused'));
  await batches.close(1_000);
  assert.equal(batches.lost.filter((text) => text === '3 refused').length, 4);
});

test('closing does not wait for a receiver that does not answer', async () => {
  const batches = batchesOf(() => new Promise(() => {}));
  batches.add(1);
  await batches.close(10);
});
