import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodeCounts } from './codes.ts';
import { bucketBounds, bucketOf, countBelow, Histogram, quantile, sumOf } from './histogram.ts';
import { codes, counter, gauge, histogram, statsKind } from './kind.ts';
import { mergeSamples } from './merge.ts';
import { StatsStore, sanitizeStatName } from './store.ts';

class Sample {
  total = 0;
  active = 0;
  readonly status = new CodeCounts();
  readonly time = new Histogram();
}
const SAMPLE = statsKind(
  Sample,
  {
    total: counter('cx_total', 'cx_http1_total'),
    active: gauge('cx_active'),
    status: codes('rq_'),
    time: histogram('ms', 'rq_time'),
  },
  { counters: ['cx_http3_total'] },
);

const values = (store: StatsStore): Record<string, unknown> =>
  Object.fromEntries(store.read().flatMap((one) => (one.type === 'histogram' ? [] : [[one.name, one.value]])));

test('two holders of a prefix count in one object, which goes with the last of them', () => {
  const store = new StatsStore();
  const first = store.scope();
  const second = store.scope();
  first.get(SAMPLE, 'a.').total++;
  second.get(SAMPLE, 'a.').total++;
  assert.deepEqual(values(store), { 'a.cx_total': 2, 'a.cx_http1_total': 2, 'a.cx_active': 0, 'a.cx_http3_total': 0 });
  first.close();
  assert.equal(values(store)['a.cx_total'], 2);
  second.close();
  second.close();
  assert.deepEqual(values(store), {});
  assert.equal(store.scope().get(SAMPLE, 'a.').total, 0);
});

test('codes and their classes appear when they first occur', () => {
  const store = new StatsStore();
  const { status } = store.scope().get(SAMPLE, '');
  status.count(200);
  status.count(204);
  status.count(503);
  const { rq_completed, rq_2xx, rq_200, rq_204, rq_5xx, rq_503, rq_4xx } = values(store);
  assert.deepEqual([rq_completed, rq_2xx, rq_200, rq_204, rq_5xx, rq_503, rq_4xx], [3, 2, 1, 1, 1, 1, undefined]);
});

test('a gauge that moved counts as used; a reset sets counters to 0 and leaves gauges', () => {
  const store = new StatsStore();
  const sample = store.scope().get(SAMPLE, '');
  sample.total = 3;
  sample.active = 2;
  store.resetCounters();
  assert.deepEqual([sample.total, sample.active], [0, 2]);
  sample.active = 0;
  const used = store.read().filter((one) => one.type !== 'text' && one.type !== 'histogram' && one.used);
  assert.deepEqual(
    used.map(({ name }) => name),
    ['cx_total', 'cx_http1_total', 'cx_active'],
  );
});

test('buckets have two significant digits', () => {
  for (const [value, low, width] of [
    [0, 0, 0],
    [0.4, 0, 0],
    [1, 1, 0.1],
    [1.19, 1.1, 0.1],
    [9.99, 9.9, 0.1],
    [10, 10, 1],
    [21.7, 21, 1],
    [99, 99, 1],
    [100, 100, 10],
    [6050, 6000, 100],
    [123_456, 120_000, 10_000],
  ] as const) {
    const bounds = bucketBounds(bucketOf(value));
    assert.deepEqual([value, bounds.low, bounds.width], [value, low, width]);
  }
  for (let value = 1; value < 5000; value++) {
    const { low, width } = bucketBounds(bucketOf(value));
    assert.ok(low <= value && value < low + width, `${value} in ${low}+${width}`);
  }
});

test('quantiles, sum and buckets as Envoy 1.40 printed them for the same samples', () => {
  const one = new Histogram();
  one.record(21);
  assert.deepEqual(one.read(), { total: [], interval: [] });
  one.flush();
  assert.equal(quantile(one.read().total, 0.5), 21.5);
  assert.equal(sumOf(one.read().total), 21.488_372_093_023_255);
  const two = new Histogram();
  two.record(1);
  two.record(1);
  two.flush();
  assert.deepEqual(
    [0, 0.5, 0.75, 1].map((share) => quantile(two.read().total, share)),
    [1.033_333_333_333_333_4, 1.033_333_333_333_333_4, 1.066_666_666_666_666_7, 1.066_666_666_666_666_7],
  );
  assert.deepEqual([countBelow(two.read().total, 1), countBelow(two.read().total, 5)], [0, 2]);
  two.flush();
  assert.deepEqual(
    two.read().interval.filter((count) => count > 0),
    [],
  );
});

test('names hold no colons', () => {
  assert.equal(sanitizeStatName('a:b://c:/d'), 'a_b_c_d');
});

test('counters of one name are one', () => {
  const sample = { type: 'counter', name: 'cluster.c.internal.upstream_rq_200', value: 2, used: true } as const;
  assert.deepEqual(mergeSamples([[sample, { ...sample, value: 3 }]]), [{ ...sample, value: 5 }]);
});
