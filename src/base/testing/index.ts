import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than what a test is about to see takes where two runs share two cores. */
const LIMIT_MS = 15_000;

/** Waits until this holds; fails with its text when it does not. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + LIMIT_MS; !(await holds()); await sleep(5)) {
    assert.ok(performance.now() < end, `not within ${LIMIT_MS / 1000} s: ${holds}`);
  }
}
