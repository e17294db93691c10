import { isDeepStrictEqual } from 'node:util';
import type { Case, Outcome } from './types.ts';

const defaultTolerance = 0.1;

/** Lines that say where two outcomes differ; none when they agree. `E` is Envoy's, `C` is ours. */
export function compare(envoy: Outcome, ours: Outcome, one?: Case): readonly string[] {
  if (envoy.shares && ours.shares) return compareShares(envoy.shares, ours.shares, one?.tolerance ?? defaultTolerance);
  return differing('', envoy, ours);
}

function compareShares(
  envoy: Readonly<Record<string, number>>,
  ours: Readonly<Record<string, number>>,
  tolerance: number,
): readonly string[] {
  const keys = [...new Set([...Object.keys(envoy), ...Object.keys(ours)])].sort();
  return keys.flatMap((key) => {
    const [left = 0, right = 0] = [envoy[key], ours[key]];
    return Math.abs(left - right) <= tolerance ? [] : [`${key}: E ${left}  C ${right} (tolerance ${tolerance})`];
  });
}

function differing(at: string, left: unknown, right: unknown): readonly string[] {
  if (isDeepStrictEqual(left, right)) return [];
  if (isObject(left) && isObject(right)) {
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    return keys.flatMap((key) => differing(at === '' ? key : `${at}.${key}`, left[key], right[key]));
  }
  if (Array.isArray(left) && Array.isArray(right) && left.length === right.length) {
    return left.flatMap((item, index) => differing(`${at}[${index}]`, item, right[index]));
  }
  return [`${at}:`, `  E ${JSON.stringify(left)}`, `  C ${JSON.stringify(right)}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
