import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../base/testing/index.ts';
import { ByteBucket } from './bucket.ts';
import { Limited } from './limited.ts';
import { BANDWIDTH_STATS, responseStats } from './stats.ts';

function subject(perSecond: number, interval: number) {
  const stats = BANDWIDTH_STATS.create();
  const released: number[] = [];
  let over: { readonly took: number; readonly waited: number } | undefined;
  const limited = new Limited({
    bucket: new ByteBucket(perSecond, interval),
    interval,
    stats: responseStats(stats),
    release: (bytes) => released.push(bytes),
    done: (took, waited) => {
      over = { took, waited };
    },
  });
  return { limited, stats, released, over: () => over };
}

test('a body goes on no faster than the bucket fills, and what it waited is told', async () => {
  const { limited, stats, released, over } = subject(10_000, 50);
  assert.equal(limited.onBody({ bytes: Buffer.alloc(1500), done: true }), 'hold');
  await sleep(20);
  assert.deepEqual([released, stats.responsePending, stats.responseEnforced], [[500], 1, 1]);
  await until(() => released.reduce((sum, bytes) => sum + bytes, 0) >= 1500);
  assert.equal(
    released.reduce((sum, bytes) => sum + bytes, 0),
    1500,
  );
  // Of two tries that come late the second finds the bytes of both.
  assert.ok(released.length >= 2, `released in ${released.length} pieces`);
  const delay = over();
  assert.ok(delay && delay.took >= 90 && delay.waited >= 50 && delay.waited % 50 === 0, JSON.stringify(delay));
  assert.deepEqual([stats.responsePending, stats.responseTotal, stats.responseAllowedTotal], [0, 1500, 1500]);
});

test('without a limit in bytes nothing goes on', async () => {
  const { limited, released } = subject(0, 20);
  limited.onBody({ bytes: Buffer.alloc(10), done: true });
  await until(() => released.length > 1);
  assert.ok(released.every((bytes) => bytes === 0));
  limited.stop();
});

test('a message that breaks off waits no longer', async () => {
  const { limited, stats, released } = subject(1000, 20);
  limited.onBody({ bytes: Buffer.alloc(5000), done: false });
  await sleep(5);
  limited.stop();
  const { length } = released;
  await sleep(60);
  assert.deepEqual([released.length, stats.responsePending], [length, 0]);
});

test('a bucket begins with the bytes of an interval and grows to those of a second', async () => {
  const bucket = new ByteBucket(10_000, 100);
  const begun = performance.now();
  assert.equal(bucket.take(5000), 1000);
  await sleep(50);
  const later = bucket.take(5000);
  assert.ok(later >= 400 && later <= 10 * (performance.now() - begun) + 1, String(later));
});
