import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { createLoop } from './loop.ts';
import { manualClock } from './test-support.ts';

const log = pino({ level: 'silent' });

test('a key marked many times is worked off once; one marked while it is worked off comes again', () => {
  const clock = manualClock();
  const seen: string[] = [];
  const queue = createLoop(clock, log).queue('q', (key) => {
    if (seen.push(key) === 1) queue.mark(key);
  });
  for (let index = 0; index < 5; index++) queue.mark('a');
  assert.deepEqual(seen, []);
  clock.settle();
  assert.deepEqual(seen, ['a', 'a']);
});

test('a failing key is tried again ever later, others go on', () => {
  const clock = manualClock();
  const times: number[] = [];
  const start = clock.now();
  const queue = createLoop(clock, log).queue('q', (key) => {
    if (key === 'good') return;
    times.push(clock.now() - start);
    if (times.length < 5) throw new Error('not yet');
  });
  queue.mark('bad');
  queue.mark('good');
  clock.advance(60_000);
  assert.deepEqual(times, [0, 10, 30, 70, 150]);
});

test('of two delays the earlier counts', () => {
  const clock = manualClock();
  const times: number[] = [];
  const start = clock.now();
  const queue = createLoop(clock, log).queue('q', () => times.push(clock.now() - start));
  queue.markAfter('a', 500);
  queue.markAfter('a', 100);
  queue.markAfter('a', 900);
  clock.advance(2000);
  assert.deepEqual(times, [100]);
});

test('a busy queue starves no other', () => {
  const clock = manualClock();
  const loop = createLoop(clock, log);
  let others = 0;
  let rounds = 0;
  const busy = loop.queue('busy', (key) => {
    if (rounds++ < 1000) busy.mark(key);
    else assert.equal(others, 1);
  });
  const other = loop.queue('other', () => {
    others = rounds < 3 ? 1 : others;
  });
  busy.mark('a');
  other.mark('b');
  clock.settle();
  assert.equal(others, 1);
});

test('nothing is worked off after stop', () => {
  const clock = manualClock();
  const loop = createLoop(clock, log);
  let count = 0;
  const queue = loop.queue('q', () => {
    count++;
  });
  queue.mark('a');
  queue.markAfter('b', 10);
  loop.stop();
  queue.mark('c');
  clock.advance(1000);
  assert.equal(count, 0);
});
