import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './duration.ts';

test('durations as Go writes them', () => {
  const cases: readonly [text: string, ns: bigint | undefined][] = [
    ['5s', 5_000_000_000n],
    ['1m0s', 60_000_000_000n],
    ['1.5h', 5_400_000_000_000n],
    ['-3ms', -3_000_000n],
    ['.5us', 500n],
    ['0', 0n],
    ['', undefined],
    ['5', undefined],
    ['5 s', undefined],
    ['s', undefined],
    [`${'9'.repeat(400)}s`, undefined],
  ];
  for (const [text, ns] of cases) assert.equal(parseDuration(text), ns, text);
});
