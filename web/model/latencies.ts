/** Seconds of one slot, and how many slots make the minute that is remembered. */
const slotSeconds = 5;
const slots = 12;
/** The first bucket takes all up to `leastMs`; each further one goes up to 1.15 times the one before, the last takes the rest. */
const leastMs = 0.1;
const growth = 1.15;
const buckets = 96;

/**
 * How long answers took in the last minute, counted by size. A quantile is off by 7.5 % at most, whatever their number, from 0.1 ms to 58 s;
 * less is told as 0.1 ms, more as 54 s.
 */
export interface Latencies {
  readonly counts: Uint32Array;
  /** The slot that was counted in last, since the epoch. */
  latest: number;
}

export function createLatencies(): Latencies {
  return { counts: new Uint32Array(slots * buckets), latest: 0 };
}

/** Counts an answer. One from before the minute that is remembered is left out. */
export function countLatency(latencies: Latencies, timeMs: number, latencyMs: number): void {
  const slot = slotOf(timeMs);
  if (slot > latencies.latest) {
    if (slot - latencies.latest >= slots) latencies.counts.fill(0);
    else for (let each = latencies.latest + 1; each <= slot; each++) clear(latencies, each);
    latencies.latest = slot;
  } else if (latencies.latest - slot >= slots) return;
  const at = (slot % slots) * buckets + bucketOf(latencyMs);
  latencies.counts[at] = (latencies.counts[at] ?? 0) + 1;
}

/** The milliseconds within which the share of the answers of the last minute came; undefined without answers. */
export function latencyWithin(latencies: Latencies, nowMs: number, share: number): number | undefined {
  return quantileOf(latencies, remembered(nowMs), share);
}

/** The same for each five seconds of the last minute, oldest first; undefined where there was no answer. */
export function latencySeries(latencies: Latencies, nowMs: number, share: number): (number | undefined)[] {
  return remembered(nowMs).map((slot) => quantileOf(latencies, [slot], share));
}

function slotOf(timeMs: number): number {
  return Math.floor(timeMs / (1000 * slotSeconds));
}

function remembered(nowMs: number): number[] {
  const now = slotOf(nowMs);
  return Array.from({ length: slots }, (_, at) => now - slots + 1 + at);
}

function clear({ counts }: Latencies, slot: number): void {
  const start = (slot % slots) * buckets;
  counts.fill(0, start, start + buckets);
}

function bucketOf(latencyMs: number): number {
  if (!(latencyMs > leastMs)) return 0;
  return Math.min(buckets - 1, Math.ceil(Math.log(latencyMs / leastMs) / Math.log(growth)));
}

/** The middle of a bucket, by ratio. */
function middleOf(bucket: number): number {
  return bucket === 0 ? leastMs : leastMs * growth ** (bucket - 0.5);
}

function quantileOf({ counts, latest }: Latencies, wanted: readonly number[], share: number): number | undefined {
  const known = wanted.filter((slot) => slot <= latest && slot > latest - slots);
  const sums = Array.from({ length: buckets }, (_, bucket) =>
    known.reduce((sum, slot) => sum + (counts[(slot % slots) * buckets + bucket] ?? 0), 0),
  );
  const total = sums.reduce((sum, each) => sum + each, 0);
  if (total === 0) return undefined;
  let left = Math.ceil(share * total);
  const found = sums.findIndex((each) => {
    left -= each;
    return left <= 0;
  });
  return middleOf(found < 0 ? buckets - 1 : found);
}
