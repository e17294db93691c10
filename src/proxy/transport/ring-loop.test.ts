import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPipeHandle } from './binding.ts';
import { useTransport } from './channels.ts';
import { type RingClient, RingLoop } from './ring-loop.ts';

const missing = useTransport('ring') ? false : 'io_uring is not to be had here';
useTransport('streams');

test('all who wait for buffers hear of them, although those before them have no use for any', {
  skip: missing,
}, async () => {
  const watcher = createPipeHandle();
  assert.ok(watcher);
  const loop = new RingLoop(watcher);
  const told: number[] = [];
  const waiting = Array.from(
    { length: 2_000 },
    (_, at): RingClient => ({
      onReceived: () => undefined,
      // As of a connection that has closed meanwhile: nothing is asked of the ring.
      onBuffers: () => told.push(at),
      onCompletion: () => undefined,
    }),
  );
  const keys = waiting.map((client) => loop.add(client));
  try {
    for (const client of waiting) loop.waitForBuffers(client);
    loop.wake();
    for (const deadline = Date.now() + 5_000; told.length < waiting.length; await sleep(2)) {
      assert.ok(Date.now() < deadline, `${told.length} of ${waiting.length} were told`);
    }
    assert.deepEqual(told, [...waiting.keys()]);
  } finally {
    for (const key of keys) loop.remove(key);
    loop.close();
  }
});
