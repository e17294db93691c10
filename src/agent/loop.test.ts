import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../base/index.ts';
import { startLoop } from './loop.ts';

const log = createLogger('loop-test');
log.level = 'silent';

test('changes that come together are one round, changes during a round are another', async () => {
  let rounds = 0;
  let release: () => void = () => {};
  const started = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const loop = startLoop(
    async () => {
      rounds += 1;
      if (rounds > 1) return second.resolve();
      started.resolve();
      await new Promise<void>((resolve) => (release = resolve));
    },
    { debounceMs: 0, log },
  );
  loop.wake();
  loop.wake();
  await started.promise;
  assert.equal(rounds, 1);
  loop.wake();
  loop.wake();
  release();
  await second.promise;
  await loop.stop();
  assert.equal(rounds, 2);
});

test('a round that throws is tried again', async () => {
  let rounds = 0;
  const healed = Promise.withResolvers<void>();
  const loop = startLoop(
    async () => {
      rounds += 1;
      if (rounds < 3) throw new Error('not yet');
      healed.resolve();
    },
    { debounceMs: 0, log },
  );
  loop.wake();
  await healed.promise;
  await loop.stop();
  assert.equal(rounds, 3);
});
