import type { Sample } from '../stats/kind.ts';

export type NamedValue = readonly [string, number | string];

/** Counters, gauges and texts sorted by name. */
export function statValues(samples: readonly Sample[]): readonly NamedValue[] {
  return samples
    .flatMap((sample): readonly NamedValue[] => (sample.type === 'histogram' ? [] : [[sample.name, sample.value]]))
    .sort(([left], [right]) => (left < right ? -1 : 1));
}
