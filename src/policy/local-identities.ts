import type { AddressGroup } from './address-groups.ts';
import { type AddressRange, mergeRanges, rangeOf, subtractRanges } from './address-ranges.ts';
import { probe, reservedIdentity } from './identity.ts';

/**
 * Addresses outside the cluster that policy tells apart. Every address of the world belongs to exactly one of them; the
 * one with number `world` is what no prefix and no name sets apart.
 */
export interface WorldIdentity {
  readonly id: number;
  readonly labels: readonly string[];
  /** The longest prefix written in a policy that holds these addresses; `0.0.0.0/0` where none does. */
  readonly prefix: string;
  /** All addresses of `prefix`, whoever they belong to. */
  readonly span: AddressRange;
  /** `fqdn:` labels of the name selectors that these addresses were learnt for. */
  readonly fqdns: readonly string[];
  /** Names of the CiliumCIDRGroups that have a prefix around these addresses, sorted. */
  readonly groups: readonly string[];
  /** Disjoint, sorted; empty where the cluster's own addresses or longer prefixes cover the whole prefix. */
  readonly ranges: readonly AddressRange[];
}

const everywhere = '0.0.0.0/0';
const nodeScope = { first: 0x0200_0001, size: 0x00ff_ffff } as const;
const localScope = { first: 0x0100_0001, size: 0x00ff_ffff } as const;

/** Numbers of the scope of nodes for the label sets of nodes (`remote_node_scoped_identity` in Cilium's documentation). */
export function nodeIdentityNumbers(keys: readonly string[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  for (const key of [...keys].sort()) {
    const id = probe(key, nodeScope.first, nodeScope.size, taken);
    if (id === undefined) continue;
    taken.add(id);
    numbers.set(key, id);
  }
  return numbers;
}

interface Atom {
  readonly range: AddressRange;
  readonly prefix: string;
  readonly span: AddressRange;
  readonly fqdns: readonly string[];
  readonly groups: readonly AddressGroup[];
  readonly inner: AddressRange[];
}

/**
 * Splits the world into identities.
 * @param prefixes every IPv4 prefix `a.b.c.d/n` that a policy names, exceptions included
 * @param learnt address to the `fqdn:` labels of the selectors that its names match, sorted
 * @param holes addresses of the cluster, which are never part of the world; each the range of one prefix or address
 * @param groups groups that a policy selects; prefixes in the same groups share an identity, as in Cilium
 */
export function worldIdentities(
  prefixes: readonly string[],
  learnt: ReadonlyMap<string, readonly string[]>,
  holes: readonly AddressRange[],
  groups: readonly AddressGroup[],
): readonly WorldIdentity[] {
  const atoms = nest(placesOf(prefixes, learnt, holes, groups));
  const shares = new Map<string, { readonly atom: Atom; readonly ranges: AddressRange[] }>();
  for (const atom of atoms) {
    const names = atom.groups.map(({ name }) => `cidrgroup:${name}`);
    const key = [...names, ...atom.fqdns, `cidr:${atom.prefix}`].join(';');
    const share = shares.get(key) ?? { atom, ranges: [] };
    for (const range of subtractRanges(atom.range, atom.inner)) share.ranges.push(range);
    shares.set(key, share);
  }
  const taken = new Set<number>();
  return [...shares]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, { atom, ranges }]) => {
      const id = identityOf(key, atom, taken);
      if (id === undefined) return [];
      taken.add(id);
      const { prefix, span, fqdns } = atom;
      const names = atom.groups.map(({ name }) => name);
      return [{ id, labels: labelsOf(atom), prefix, span, fqdns, groups: names, ranges: mergeRanges(ranges) }];
    });
}

function identityOf(key: string, atom: Atom, taken: ReadonlySet<number>): number | undefined {
  if (atom.prefix === everywhere && atom.fqdns.length === 0 && atom.groups.length === 0) return reservedIdentity.world;
  return probe(key, localScope.first, localScope.size, taken);
}

function labelsOf({ prefix, fqdns, groups }: Atom): readonly string[] {
  const ofGroups = [...new Set(groups.flatMap(({ labels }) => labels))].sort();
  return [...(prefix === everywhere ? [] : [`cidr:${prefix}`]), ...ofGroups, ...fqdns, 'reserved:world'];
}

/** A part of the address space that something is said about: a hole, a prefix of a policy or of a group, a learnt address. */
interface Place {
  readonly range: AddressRange;
  readonly prefix?: string;
  readonly group?: AddressGroup;
  readonly fqdns?: readonly string[];
}

/** All places, outer before inner. On equal ranges a hole swallows the prefix, and the prefix holds group and address. */
function placesOf(
  prefixes: Iterable<string>,
  learnt: ReadonlyMap<string, readonly string[]>,
  holes: readonly AddressRange[],
  groups: readonly AddressGroup[],
): readonly Place[] {
  const places: Place[] = holes.map((range) => ({ range }));
  const add = (text: string, rest: Omit<Place, 'range'>) => {
    const range = rangeOf(text);
    if (range) places.push({ range, ...rest });
  };
  for (const prefix of new Set([everywhere, ...prefixes])) add(prefix, { prefix });
  for (const group of groups) for (const prefix of group.prefixes) add(prefix, { group });
  for (const [address, fqdns] of learnt) add(address, { fqdns });
  const rank = ({ prefix, group, fqdns }: Place) => (prefix !== undefined ? 1 : group ? 2 : fqdns ? 3 : 0);
  return places.sort((a, b) => a.range.start - b.range.start || b.range.end - a.range.end || rank(a) - rank(b));
}

/** The prefixes and learnt addresses outside the holes, each knowing what holds it and what to cut out of it. */
function nest(places: readonly Place[]): readonly Atom[] {
  const atoms: Atom[] = [];
  const open: (Atom | undefined)[] = [];
  const openRanges: AddressRange[] = [];
  for (const place of places) {
    const { range } = place;
    for (let last = openRanges.at(-1); last && last.end < range.start; last = openRanges.at(-1)) {
      openRanges.pop();
      open.pop();
    }
    const outer = open.at(-1);
    const insideHole = openRanges.length > 0 && outer === undefined;
    if (insideHole) continue;
    outer?.inner.push(range);
    const atom = atomOf(place, outer);
    if (atom) atoms.push(atom);
    open.push(atom);
    openRanges.push(range);
  }
  return atoms;
}

/** Undefined for a hole. What is said about the place around an atom holds for it, too. */
function atomOf({ range, prefix, group, fqdns }: Place, outer: Atom | undefined): Atom | undefined {
  if (prefix === undefined && !group && !fqdns) return undefined;
  const around = outer?.groups ?? [];
  return {
    range,
    prefix: prefix ?? outer?.prefix ?? everywhere,
    span: prefix === undefined ? (outer?.span ?? range) : range,
    fqdns: fqdns ?? [],
    groups: group && !around.includes(group) ? [...around, group].sort(byName) : around,
    inner: [],
  };
}

function byName(a: AddressGroup, b: AddressGroup): number {
  return a.name < b.name ? -1 : 1;
}
