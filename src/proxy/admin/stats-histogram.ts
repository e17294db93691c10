import { bucketBounds, countBelow, countOf, quantile } from '../stats/histogram.ts';
import type { Sample } from '../stats/kind.ts';
import type { StatsSettings } from '../stats/settings.ts';

type HistogramSample = Extract<Sample, { readonly type: 'histogram' }>;

export const MODES = ['summary', 'cumulative', 'disjoint', 'detailed'] as const;
export type Mode = (typeof MODES)[number];

/** In percent. */
export const QUANTILES = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100];

/** Envoy's default upper bounds, in milliseconds. */
export const BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** A number as C++ prints it by default: six significant digits, an exponent from 1e6. */
export function shortNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === 0 || (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e6)) return String(Number(value.toPrecision(6)));
  const [digits = '', exponent = ''] = value.toExponential(5).split('e');
  const sign = exponent.startsWith('-') ? '-' : '+';
  return `${String(Number(digits))}e${sign}${exponent.slice(1).padStart(2, '0')}`;
}

export function histogramText({ name, value }: HistogramSample, mode: Mode, bounds = BOUNDS): string {
  const { total, interval } = value;
  if (countOf(total) === 0) return `${name}: No recorded values\n`;
  const summary = QUANTILES.map(
    (share) => `P${share}(${plain(quantile(interval, share / 100))},${plain(quantile(total, share / 100))})`,
  ).join(' ');
  if (mode === 'summary') return `${name}: ${summary}\n`;
  if (mode === 'detailed') {
    return `${name}:\n  totals=${filled(total).map(bucketText).join(' ')}\n  intervals=${filled(interval).map(bucketText).join(' ')}\n  summary=${summary}\n`;
  }
  const buckets = bounded(value, mode, bounds).map(
    ({ bound, interval: during, cumulative }) => `B${shortNumber(bound)}(${during},${cumulative})`,
  );
  return `${name}: ${buckets.join(' ')}\n`;
}

const plain = (value: number): string => (Number.isNaN(value) ? 'nan' : String(value));
const bucketText = ({ lower, width, count }: Bucket): string => `${lower},${width}:${count}`;

interface Bucket {
  readonly lower: number;
  readonly width: number;
  readonly count: number;
}

function filled(counts: readonly number[]): readonly Bucket[] {
  return counts.flatMap((count, bucket) => {
    const { low, width } = bucketBounds(bucket);
    return count > 0 ? [{ lower: low, width, count }] : [];
  });
}

function bounded({ total, interval }: HistogramSample['value'], mode: Mode, bounds: readonly number[]) {
  let [before, beforeInterval] = [0, 0];
  return bounds.map((bound) => {
    const upTo = countBelow(total, bound);
    const upToInterval = countBelow(interval, bound);
    const disjoint = { bound, interval: upToInterval - beforeInterval, cumulative: upTo - before };
    [before, beforeInterval] = [upTo, upToInterval];
    return mode === 'disjoint' ? disjoint : { bound, interval: upToInterval, cumulative: upTo };
  });
}

/** Histograms of the JSON format, in the shape of the mode. */
export function histogramJson(
  samples: readonly HistogramSample[],
  mode: Mode,
  boundsOf: StatsSettings['boundsOf'],
): unknown {
  if (mode === 'summary') {
    return {
      supported_quantiles: QUANTILES,
      computed_quantiles: samples.map(({ name, value }) => ({ name, values: percentiles(value) })),
    };
  }
  if (mode === 'detailed') {
    return {
      supported_percentiles: QUANTILES,
      details: samples.map(({ name, value }) => ({
        name,
        totals: jsonBuckets(value.total),
        intervals: jsonBuckets(value.interval),
        percentiles: percentiles(value),
      })),
    };
  }
  return samples.map(({ name, value }) => ({
    name,
    buckets: bounded(value, mode, boundsOf(name) ?? BOUNDS).map(({ bound, interval, cumulative }) => ({
      upper_bound: bound,
      interval,
      cumulative,
    })),
  }));
}

function jsonBuckets(counts: readonly number[]): unknown {
  return filled(counts).map(({ lower, width, count }) => ({ lower_bound: lower, width, count }));
}

function percentiles({ total, interval }: HistogramSample['value']): unknown {
  const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
  return QUANTILES.map((share) => ({
    cumulative: orNull(quantile(total, share / 100)),
    interval: orNull(quantile(interval, share / 100)),
  }));
}
