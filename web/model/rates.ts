/** Seconds that a rate remembers. */
export const rememberedSeconds = 60;
/** Seconds over which a rate is shown. */
export const rateSeconds = 10;

/** Counts by second over the last minute; older seconds are forgotten, seconds before those are not counted. */
export interface Rate {
  /** Undefined before the first: of the many rates of a map most never count. */
  seconds: Float64Array | undefined;
  /** The second that was counted last, since the epoch. */
  latest: number;
}

export function createRate(): Rate {
  return { seconds: undefined, latest: 0 };
}

export function count(rate: Rate, timeMs: number, amount = 1): void {
  const second = Math.floor(timeMs / 1000);
  rate.seconds ??= new Float64Array(rememberedSeconds);
  const { seconds } = rate;
  if (second > rate.latest) {
    if (second - rate.latest >= rememberedSeconds) seconds.fill(0);
    else for (let each = rate.latest + 1; each <= second; each++) seconds[each % rememberedSeconds] = 0;
    rate.latest = second;
  } else if (rate.latest - second >= rememberedSeconds) return;
  const slot = second % rememberedSeconds;
  seconds[slot] = (seconds[slot] ?? 0) + amount;
}

/** Sum over the `width` seconds that end with the one of `nowMs`. */
export function sumOver(rate: Rate, nowMs: number, width: number): number {
  if (!rate.seconds) return 0;
  const now = Math.floor(nowMs / 1000);
  let sum = 0;
  for (let second = Math.max(now - width + 1, rate.latest - rememberedSeconds + 1); second <= now; second++) {
    if (second <= rate.latest) sum += rate.seconds[second % rememberedSeconds] ?? 0;
  }
  return sum;
}

/** Events a second, over the seconds before `nowMs`. */
export function perSecond(rate: Rate, nowMs: number): number {
  return sumOver(rate, nowMs, rateSeconds) / rateSeconds;
}

/** The last minute second by second, oldest first. */
export function series(rate: Rate, nowMs: number): number[] {
  const now = Math.floor(nowMs / 1000);
  return Array.from({ length: rememberedSeconds }, (_, index) => {
    const second = now - rememberedSeconds + 1 + index;
    const known = second <= rate.latest && second > rate.latest - rememberedSeconds;
    return known ? (rate.seconds?.[second % rememberedSeconds] ?? 0) : 0;
  });
}

/** A rate for people: `12/s`, `0.4/s`, `2/min`, and nothing for none. */
export function formatRate(value: number): string {
  if (value <= 0) return '';
  if (value < 0.1) return `${Math.max(1, Math.round(value * 60))}/min`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)}k/s`;
  return `${value >= 9.95 ? Math.round(value) : value.toFixed(1)}/s`;
}
