import { type AddressRange, mergeRanges, rangeOf, subtractRanges } from './address-ranges.ts';
import { probe, reservedIdentity } from './identity.ts';

/**
 * Addresses outside the cluster that policy tells apart. Every address of the world belongs to exactly one of them; the
 * one with number `world` is what no prefix and no name sets apart.
 */
export interface WorldIdentity {
  readonly id: number;
  readonly labels: readonly string[];
  /** The longest prefix of a policy that holds these addresses; `0.0.0.0/0` where none does. */
  readonly prefix: string;
  /** All addresses of `prefix`, whoever they belong to. */
  readonly span: AddressRange;
  /** `fqdn:` labels of the name selectors that these addresses were learnt for. */
  readonly fqdns: readonly string[];
  /** Disjoint, sorted; empty where the cluster's own addresses or longer prefixes cover the whole prefix. */
  readonly ranges: readonly AddressRange[];
}

const everywhere = '0.0.0.0/0';
const localScope = { first: 0x0100_0001, size: 0x00ff_ffff } as const;

interface Atom {
  readonly range: AddressRange;
  readonly prefix: string;
  readonly span: AddressRange;
  readonly fqdns: readonly string[];
  readonly inner: AddressRange[];
}

/**
 * Splits the world into identities.
 * @param prefixes every IPv4 prefix `a.b.c.d/n` that a policy names, exceptions included
 * @param learnt address to the `fqdn:` labels of the selectors that its names match, sorted
 * @param holes addresses of the cluster, which are never part of the world; each the range of one prefix or address
 */
export function worldIdentities(
  prefixes: readonly string[],
  learnt: ReadonlyMap<string, readonly string[]>,
  holes: readonly AddressRange[],
): readonly WorldIdentity[] {
  const atoms = nest(prefixes, learnt, holes);
  const groups = new Map<string, { readonly atom: Atom; readonly ranges: AddressRange[] }>();
  for (const atom of atoms) {
    const key = [...atom.fqdns, `cidr:${atom.prefix}`].join(';');
    const group = groups.get(key) ?? { atom, ranges: [] };
    group.ranges.push(...subtractRanges(atom.range, atom.inner));
    groups.set(key, group);
  }
  const taken = new Set<number>();
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, { atom, ranges }]) => {
      const id = identityOf(key, atom, taken);
      if (id === undefined) return [];
      taken.add(id);
      const { prefix, span, fqdns } = atom;
      return [{ id, labels: labelsOf(atom), prefix, span, fqdns, ranges: mergeRanges(ranges) }];
    });
}

function identityOf(key: string, atom: Atom, taken: ReadonlySet<number>): number | undefined {
  if (atom.prefix === everywhere && atom.fqdns.length === 0) return reservedIdentity.world;
  return probe(key, localScope.first, localScope.size, taken);
}

function labelsOf({ prefix, fqdns }: Atom): readonly string[] {
  return [...(prefix === everywhere ? [] : [`cidr:${prefix}`]), ...fqdns, 'reserved:world'];
}

/** The prefixes and learnt addresses outside the holes, each knowing its prefix and what to cut out of it. */
function nest(
  prefixes: Iterable<string>,
  learnt: ReadonlyMap<string, readonly string[]>,
  holes: readonly AddressRange[],
): readonly Atom[] {
  const entries: { readonly range: AddressRange; readonly prefix?: string; readonly fqdns?: readonly string[] }[] = [];
  for (const range of holes) entries.push({ range });
  for (const prefix of new Set([everywhere, ...prefixes])) {
    const range = rangeOf(prefix);
    if (range) entries.push({ range, prefix });
  }
  for (const [address, fqdns] of learnt) {
    const range = rangeOf(address);
    if (range) entries.push({ range, fqdns });
  }
  // Outer before inner; on equal ranges a hole swallows the prefix and the prefix holds the address.
  const rank = (entry: (typeof entries)[number]) => (entry.prefix !== undefined ? 1 : entry.fqdns ? 2 : 0);
  entries.sort((a, b) => a.range.start - b.range.start || b.range.end - a.range.end || rank(a) - rank(b));

  const atoms: Atom[] = [];
  const open: (Atom | undefined)[] = [];
  const openRanges: AddressRange[] = [];
  for (const { range, prefix, fqdns } of entries) {
    for (let last = openRanges.at(-1); last && last.end < range.start; last = openRanges.at(-1)) {
      openRanges.pop();
      open.pop();
    }
    const outer = open.at(-1);
    const insideHole = openRanges.length > 0 && outer === undefined;
    if (insideHole) continue;
    outer?.inner.push(range);
    const isHole = prefix === undefined && fqdns === undefined;
    const span = prefix === undefined ? (outer?.span ?? range) : range;
    const atom: Atom | undefined = isHole
      ? undefined
      : { range, prefix: prefix ?? outer?.prefix ?? everywhere, span, fqdns: fqdns ?? [], inner: [] };
    if (atom) atoms.push(atom);
    open.push(atom);
    openRanges.push(range);
  }
  return atoms;
}
