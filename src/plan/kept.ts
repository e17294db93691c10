/** A function that answers the same object as before for as long as its inputs are the same as before; it remembers one answer. */
export function kept<I extends readonly unknown[], O>(
  compute: (...inputs: I) => O,
  same: { readonly [K in keyof I]: (one: I[K], other: I[K]) => boolean },
): (...inputs: I) => O {
  let last: { readonly inputs: I; readonly output: O } | undefined;
  return (...inputs) => {
    const before = last?.inputs;
    if (last && before && inputs.every((input, at) => same[at]?.(input, before[at]))) return last.output;
    last = { inputs, output: compute(...inputs) };
    return last.output;
  };
}

export const identical = (one: unknown, other: unknown): boolean => one === other;

/** Lists of the same elements in the same order. */
export function sameItems<T>(
  one: readonly T[],
  other: readonly T[],
  same: (one: T, other: T) => boolean = identical,
): boolean {
  return one === other || (one.length === other.length && one.every((item, at) => same(item, other[at] as T)));
}

/** Maps of the same keys with the same values, in whatever order. */
export function sameEntries<K, V>(
  one: ReadonlyMap<K, V>,
  other: ReadonlyMap<K, V>,
  same: (one: V, other: V) => boolean = identical,
): boolean {
  if (one === other) return true;
  if (one.size !== other.size) return false;
  for (const [key, value] of one) {
    const known = other.get(key);
    if (known === undefined || !same(value, known)) return false;
  }
  return true;
}

/** Objects of the same fields with the same values. */
export function sameFields(one: object, other: object): boolean {
  if (one === other) return true;
  const entries = Object.entries(one);
  return (
    entries.length === Object.keys(other).length &&
    entries.every(([key, value]) => Object.hasOwn(other, key) && Reflect.get(other, key) === value)
  );
}

/** What is only in the first list, and what only in the second. Most of the two is the same at their beginnings and ends. */
export function listChanges<T>(
  before: readonly T[],
  next: readonly T[],
): readonly [gone: readonly T[], come: readonly T[]] {
  const shorter = Math.min(before.length, next.length);
  let start = 0;
  while (start < shorter && before[start] === next[start]) start++;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === next[next.length - 1 - end]) end++;
  const [one, other] = [before.slice(start, before.length - end), next.slice(start, next.length - end)];
  if (sameItems(one, other, identical)) return [[], []];
  const [inOne, inOther] = [new Set(one), new Set(other)];
  return [one.filter((item) => !inOther.has(item)), other.filter((item) => !inOne.has(item))];
}
