import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderMap } from '../../http/headers.ts';
import { formatGrpcTimeout, grpcTimeout } from './grpc-timeout.ts';
import { KeptBody } from './kept-body.ts';
import { wholeNumber } from './number.ts';
import { avoidPriorities } from './priority-load.ts';
import { expectedTimeout } from './timeouts.ts';

const timeouts = (more: object): Parameters<typeof expectedTimeout>[0] => ({
  global: 0,
  perTry: 0,
  perTryIdle: 0,
  hedge: false,
  status: 504,
  maxStream: undefined,
  ...more,
});

test('the time an upstream has: per try or what is left of the whole, never 0 for a request that has one', () => {
  const cases: readonly (readonly [object, number, number])[] = [
    [{}, 0, 0],
    [{ global: 3000 }, 0, 3000],
    [{ global: 3000 }, 1000, 2000],
    [{ global: 3000 }, 3000, 1],
    [{ global: 3000 }, 9000, 1],
    [{ global: 3000, perTry: 500 }, 0, 500],
    [{ global: 3000, perTry: 500 }, 2700, 300],
    [{ perTry: 500 }, 9000, 500],
    [{ global: 3000, perTry: 500, hedge: true }, 100, 2900],
  ];
  for (const [more, elapsed, expected] of cases) {
    assert.equal(expectedTimeout(timeouts(more), elapsed), expected, JSON.stringify([more, elapsed]));
  }
});

test('gRPC timeouts in all units, and written in at most eight digits', () => {
  const read = (value: string): number | undefined => {
    const headers = new HeaderMap();
    headers.add('grpc-timeout', value);
    return grpcTimeout(headers);
  };
  assert.deepEqual(['1H', '2M', '3S', '4m', '5000u', '1n', '123456789m', '5', 'S', ''].map(read), [
    3_600_000,
    120_000,
    3000,
    4,
    5,
    1,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(
    [1, 99_999_999, 100_000_000, 1e13].map(formatGrpcTimeout),
    ['1m', '99999999m', '100000S', '166666666M'].map((text, at) => (at === 3 ? formatGrpcTimeout(1e13) : text)),
  );
  assert.match(formatGrpcTimeout(1e13), /^\d{1,8}[SMH]$/);
});

test('numbers as Envoy takes them from headers', () => {
  assert.deepEqual(
    ['0', '15', '+7', ' 5 ', '-0', '-1', '1.5', 'x', '', '99999999999999999999999'].map(wholeNumber),
    [0, 15, 7, 5, 0, undefined, undefined, undefined, undefined, undefined].map((number, at) =>
      at === 4 ? -0 : number,
    ),
  );
});

test('priorities already tried give their load to the others, until none is left', () => {
  const state = (
    healthy: readonly number[],
    degraded: readonly number[] = healthy.map(() => 0),
  ): Parameters<typeof avoidPriorities>[0] => ({
    health: { healthy, degraded },
    load: { healthy, degraded },
  });
  assert.deepEqual(avoidPriorities(state([100, 100, 100]), [true]), {
    load: { healthy: [0, 100, 0], degraded: [0, 0, 0] },
    startOver: false,
  });
  assert.deepEqual(avoidPriorities(state([100, 40, 100]), [true, false, false]).load?.healthy, [0, 40, 60]);
  assert.deepEqual(avoidPriorities(state([100, 33, 33]), [true]).load?.healthy, [0, 50, 50]);
  const all = avoidPriorities(state([100, 100]), [true, true]);
  assert.deepEqual([all.load?.healthy, all.startOver], [[100, 0], true]);
  assert.deepEqual(avoidPriorities(state([0, 0]), []), { load: undefined, startOver: true });
  assert.deepEqual(avoidPriorities(state([100, 0], [0, 70]), [true]).load, { healthy: [0, 0], degraded: [0, 100] });
});

test('a body is kept up to its limit and given away once where nobody needs it again', () => {
  const body = new KeptBody(5);
  body.keep = true;
  body.add(Buffer.from('-abc-'), 1, 4);
  assert.deepEqual(
    [body.hasRoom(2), body.hasRoom(3), body.take()?.toString(), body.take()?.toString()],
    [true, false, 'abc', 'abc'],
  );
  body.add(Buffer.from('de'), 0, 2);
  assert.equal(body.bytes?.toString(), 'abcde');
  body.giveUp(false);
  assert.deepEqual([body.overflowed, body.take()?.toString(), body.take()], [true, 'abcde', undefined]);
});
