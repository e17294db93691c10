import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime } from './time.ts';

test('a local time has the offset of its zone', () => {
  const before = process.env['TZ'];
  process.env['TZ'] = 'Asia/Kolkata';
  try {
    const time = Date.UTC(2026, 10, 26, 2, 59, 47, 99);
    // As Envoy 1.40 printed them in that zone.
    assert.equal(formatTime(time, '', true), '2026-11-26T08:29:47.099+0530');
    assert.equal(formatTime(time, undefined), '2026-11-26T02:59:47.099Z');
    assert.equal(formatTime(time, '%H:%M %z %s', true), '08:29 +0530 1795661987');
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
});
