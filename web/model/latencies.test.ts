import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countLatency, createLatencies, latencySeries, latencyWithin } from './latencies.ts';

const startMs = 1_000_000_000;

test('a quantile of answers from 0.1 ms to 58 s is off by 7.5 % at most', () => {
  const answers = fc.array(fc.double({ min: 0.1, max: 58_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(answers, fc.constantFrom(0.5, 0.9, 0.99), (all, share) => {
      const latencies = createLatencies();
      for (const [at, each] of all.entries()) countLatency(latencies, startMs + (at % 50) * 1_000, each);
      const exact = [...all].sort((a, b) => a - b)[Math.ceil(share * all.length) - 1] ?? Number.NaN;
      const found = latencyWithin(latencies, startMs + 50_000, share) ?? Number.NaN;
      assert.ok(Math.abs(found - exact) <= 0.0751 * exact, `${found} for ${exact}`);
    }),
  );
});

test('what is too small or too large, or is no number, stays at the ends', () => {
  const within = (latencyMs: number): number | undefined => {
    const latencies = createLatencies();
    countLatency(latencies, startMs, latencyMs);
    return latencyWithin(latencies, startMs, 0.5);
  };
  assert.deepEqual([0, -5, Number.NaN, 0.05].map(within), [0.1, 0.1, 0.1, 0.1]);
  assert.deepEqual(
    [60_000, 1e12].map(within).map((ms) => Math.round((ms ?? 0) / 1_000)),
    [54, 54],
  );
});

test('the minute goes on: what is older is forgotten, each five seconds stand for themselves', () => {
  const latencies = createLatencies();
  assert.equal(latencyWithin(latencies, startMs, 0.5), undefined);
  countLatency(latencies, startMs, 10);
  countLatency(latencies, startMs + 30_000, 1_000);
  countLatency(latencies, startMs - 60_000, 5);
  const filled = (nowMs: number) =>
    latencySeries(latencies, nowMs, 0.5).flatMap((value, at) => (value === undefined ? [] : [[at, Math.round(value)]]));
  assert.deepEqual(
    filled(startMs + 30_000).map(([at]) => at),
    [5, 11],
  );
  assert.deepEqual(
    filled(startMs + 59_000).map(([at]) => at),
    [0, 6],
  );
  assert.deepEqual(
    filled(startMs + 64_000).map(([at]) => at),
    [5],
  );
  countLatency(latencies, startMs + 300_000, 20);
  assert.deepEqual(
    filled(startMs + 300_000).map(([at]) => at),
    [11],
  );
});
