import { numberToIpv4, parseIpv4 } from '../base/index.ts';

/** IPv4 addresses from `start` to `end`, both included, as unsigned numbers. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

/** The range of an IPv4 prefix or address; undefined for anything else. */
export function rangeOf(cidrOrAddress: string): AddressRange | undefined {
  const slash = cidrOrAddress.indexOf('/');
  if (slash < 0) {
    const address = parseIpv4(cidrOrAddress);
    return address === undefined ? undefined : { start: address, end: address };
  }
  const address = parseIpv4(cidrOrAddress, 0, slash);
  const prefixText = cidrOrAddress.slice(slash + 1);
  const prefix = Number(prefixText);
  if (address === undefined || prefix > 32 || !/^\d{1,3}$/.test(prefixText)) return undefined;
  const size = 2 ** (32 - prefix);
  const start = address - (address % size);
  return { start, end: start + size - 1 };
}

export function rangeContains(outer: AddressRange, inner: AddressRange): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

/** Sorted, disjoint, and not adjacent to each other. */
export function mergeRanges(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const sorted = [...ranges].sort((a, b) => a.start - b.start);
  const merged: { start: number; end: number }[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last && range.start <= last.end + 1) last.end = Math.max(last.end, range.end);
    else merged.push({ ...range });
  }
  return merged;
}

/** What is left of `range` without the holes. */
export function subtractRanges(range: AddressRange, holes: readonly AddressRange[]): readonly AddressRange[] {
  const rest: AddressRange[] = [];
  let next = range.start;
  for (const hole of mergeRanges(holes)) {
    if (hole.end < next) continue;
    if (hole.start > range.end) break;
    if (hole.start > next) rest.push({ start: next, end: hole.start - 1 });
    next = hole.end + 1;
  }
  if (next <= range.end) rest.push({ start: next, end: range.end });
  return rest;
}

/** What two lists of sorted, disjoint ranges have in common. */
export function intersectRanges(a: readonly AddressRange[], b: readonly AddressRange[]): readonly AddressRange[] {
  const common: AddressRange[] = [];
  let [atA, atB] = [0, 0];
  for (;;) {
    const [one, other] = [a[atA], b[atB]];
    if (!one || !other) return common;
    const [start, end] = [Math.max(one.start, other.start), Math.min(one.end, other.end)];
    if (start <= end) common.push({ start, end });
    if (one.end < other.end) atA++;
    else atB++;
  }
}

/** The fewest prefixes `a.b.c.d/n` that cover exactly these disjoint ranges. */
export function prefixesOf(ranges: readonly AddressRange[]): readonly string[] {
  const prefixes: string[] = [];
  for (const { start, end } of ranges) {
    let next = start;
    while (next <= end) {
      let size = alignment(next);
      while (next + size - 1 > end) size /= 2;
      prefixes.push(`${numberToIpv4(next)}/${32 - Math.log2(size)}`);
      next += size;
    }
  }
  return prefixes;
}

/** The greatest power of two that divides the address. */
function alignment(address: number): number {
  return address === 0 ? 2 ** 32 : 2 ** (31 - Math.clz32(address & -address));
}
