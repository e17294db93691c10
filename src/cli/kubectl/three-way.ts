import { isFields } from './manifests.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The JSON merge patch that brings `live` to `wanted`: fields of `last` that `wanted` has no more are removed, fields that
 * differ are set, what others added stays. A list is replaced as a whole, unless the live one only has more fields
 * (defaults) in its items. Undefined when there is nothing to do.
 */
export function threeWayPatch(last: unknown, wanted: Fields, live: Fields): Fields | undefined {
  const patch: Record<string, unknown> = {};
  if (isFields(last)) {
    for (const key of Object.keys(last)) if (!Object.hasOwn(wanted, key) && Object.hasOwn(live, key)) patch[key] = null;
  }
  for (const [key, value] of Object.entries(wanted)) {
    const present = Object.hasOwn(live, key) ? live[key] : undefined;
    if (value === null) {
      if (present !== undefined && present !== null) patch[key] = null;
    } else if (isFields(value) && isFields(present)) {
      const inner = threeWayPatch(isFields(last) ? last[key] : undefined, value, present);
      if (inner) patch[key] = inner;
    } else if (!isContained(value, present, isFields(last) ? last[key] : undefined)) {
      patch[key] = value;
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Whether `live` has everything of `wanted`, and nothing that `last` put there and `wanted` no longer has. */
function isContained(wanted: unknown, live: unknown, last: unknown): boolean {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(live) || live.length !== wanted.length) return false;
    const before = Array.isArray(last) && last.length === wanted.length ? last : [];
    return wanted.every((item, index) => isContained(item, live[index], before[index]));
  }
  if (isFields(wanted)) return isFields(live) && threeWayPatch(last, wanted, live) === undefined;
  return wanted === live;
}
