import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRenewalDue, renewalTimeMs, validFrom } from './validity.ts';

const hour = 3_600_000;
const day = 24 * hour;

test('a certificate is due when two thirds of its life are over', () => {
  const now = Date.parse('2024-01-01T00:00:00Z');
  const cases: readonly [lifetimeMs: number | undefined, ageMs: number, due: boolean][] = [
    [undefined, 0, false],
    [undefined, 243 * day, false],
    [undefined, 244 * day, true],
    [undefined, 365 * day, true],
    [undefined, 3650 * day, true],
    [2 * day, 0, false],
    [2 * day, 31 * hour, false],
    [2 * day, 32 * hour, true],
    // It is as old as its backdating alone.
    [0, 0, true],
    // The clock was ahead when it was issued.
    [undefined, -hour, false],
    [undefined, -hour - 1, true],
  ];
  for (const [lifetimeMs, ageMs, due] of cases) {
    const validity = validFrom(now, lifetimeMs);
    assert.equal(isRenewalDue(validity, now + ageMs), due, `${lifetimeMs} ${ageMs}`);
  }
});

test('when it is due is between the beginning and the end', () => {
  assert.equal(renewalTimeMs({ notBeforeMs: 0, notAfterMs: 300 }), 200);
  assert.equal(renewalTimeMs({ notBeforeMs: 100, notAfterMs: 101 }), 100);
});
