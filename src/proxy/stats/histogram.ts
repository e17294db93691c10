/**
 * Counts of values in log-linear buckets of two significant digits, as circllhist has them: 0, then for each power of ten the
 * ninety buckets 1.0, 1.1 ... 9.9. What is recorded shows after the next flush, as in Envoy.
 */
export class Histogram {
  /** Counts by bucket; grows to the greatest value seen. */
  #counts: number[] | undefined = undefined;
  #flushed: readonly number[] = [];
  #interval: readonly number[] = [];

  /** Takes a value of 0 or more; fractions below 1 count as 0. */
  record(value: number): void {
    this.#counts ??= [];
    const counts = this.#counts;
    const bucket = bucketOf(value);
    while (counts.length <= bucket) counts.push(0);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }

  get used(): boolean {
    return this.#counts !== undefined;
  }

  /** Ends an interval. */
  flush(): void {
    if (!this.#counts) return;
    const before = this.#flushed;
    this.#interval = this.#counts.map((count, bucket) => count - (before[bucket] ?? 0));
    this.#flushed = [...this.#counts];
  }

  /** Counts as of the last flush, and those of the interval before it; plain arrays, so that they can be sent and added. */
  read(): HistogramCounts {
    return { total: this.#flushed, interval: this.#interval };
  }
}

export interface HistogramCounts {
  readonly total: readonly number[];
  readonly interval: readonly number[];
}

export function bucketOf(value: number): number {
  if (!(value >= 1)) return 0;
  let decade = 0;
  let scaled = value;
  while (scaled >= 10) {
    scaled /= 10;
    decade++;
  }
  // 1e15 ms are longer than any connection lives.
  if (decade > 15) return 1 + 15 * 90 + 89;
  // Division by powers of ten may come out just below a whole number.
  return 1 + decade * 90 + Math.min(89, Math.floor(scaled * 10 + 1e-9) - 10);
}

/** Lower end and width of a bucket; both 0 for the bucket of zeros. */
export function bucketBounds(bucket: number): { readonly low: number; readonly width: number } {
  if (bucket === 0) return { low: 0, width: 0 };
  const decade = Math.floor((bucket - 1) / 90);
  const mantissa = ((bucket - 1) % 90) + 10;
  const width = 10 ** decade / 10;
  return { low: decade === 0 ? mantissa / 10 : mantissa * width, width };
}

/** Adds what several workers counted. */
export function addCounts(left: readonly number[], right: readonly number[]): readonly number[] {
  const [longer, shorter] = left.length >= right.length ? [left, right] : [right, left];
  return longer.map((count, bucket) => count + (shorter[bucket] ?? 0));
}

export function countOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The value below which `share` (0 to 1) of the samples lie, spread evenly over their bucket; NaN without samples. */
export function quantile(counts: readonly number[], share: number): number {
  const total = countOf(counts);
  let rank = Math.max(1, Math.ceil(share * total - 1e-9));
  for (const [bucket, count] of counts.entries()) {
    if (rank <= count) {
      const { low, width } = bucketBounds(bucket);
      return low + (width * rank) / (count + 1);
    }
    rank -= count;
  }
  return Number.NaN;
}

/** Sum of the samples, each taken as its bucket's middle (the harmonic one, which keeps the relative error even). */
export function sumOf(counts: readonly number[]): number {
  let sum = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count === 0 || bucket === 0) continue;
    const { low, width } = bucketBounds(bucket);
    const high = low + width;
    sum += (count * (2 * low * high)) / (low + high);
  }
  return sum;
}

/** Samples at or below `limit`: buckets count as a whole by their lower end, as circllhist does it. */
export function countBelow(counts: readonly number[], limit: number): number {
  let sum = 0;
  for (const [bucket, count] of counts.entries()) {
    const { low, width } = bucketBounds(bucket);
    if (low + width <= limit || (width === 0 && low <= limit)) sum += count;
  }
  return sum;
}
