import { addCounts } from './histogram.ts';
import type { Sample } from './kind.ts';

/**
 * Adds up what several workers counted; the first speaks for texts and for gauges that are the same everywhere. A name may also stand for
 * several counters of one worker: requests choose some of them.
 */
export function mergeSamples(parts: readonly (readonly Sample[])[]): readonly Sample[] {
  const merged = new Map<string, Sample>();
  for (const sample of parts.flat()) {
    const known = merged.get(sample.name);
    merged.set(sample.name, known ? add(known, sample) : sample);
  }
  return [...merged.values()];
}

function add(left: Sample, right: Sample): Sample {
  if (left.type === 'histogram' && right.type === 'histogram') {
    const total = addCounts(left.value.total, right.value.total);
    return { ...left, value: { total, interval: addCounts(left.value.interval, right.value.interval) } };
  }
  if (left.type === 'text' || left.type === 'histogram' || left.type !== right.type || left.shared) return left;
  return { ...left, value: left.value + right.value, used: left.used || right.used };
}
