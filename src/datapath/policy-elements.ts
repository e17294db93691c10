import { fail, type Issue, ok, parseIp, type Result } from '../base/index.ts';
import type { PolicyEntry } from '../plan/index.ts';
import type { ElementSets } from './element-sets.ts';
import { type Direction, type Phase, portProtocols, type Shape, setName, shapes, subjectsName } from './shapes.ts';

/** One key of one endpoint's policy with the ports it covers. */
interface Placed {
  readonly shape: Shape;
  /** Key up to the port. */
  readonly prefix: string;
  readonly ports?: { readonly first: number; readonly last: number };
  readonly target: string;
}

/** Chain that hands packets to a proxy listener, reporting how the rule matched. */
export function redirectChain(proxyPort: number, direction: Direction, matchType: number): string {
  return `redirect_${proxyPort}_${direction}_${matchType}`;
}

/**
 * Adds the entries of all endpoints. A redirect is an allow too, for packets that come from the proxy itself.
 * Ranges of one key are merged, since the kernel refuses overlaps; where redirects overlap the earlier entry wins.
 */
export function addPolicyElements(sets: ElementSets, entries: readonly PolicyEntry[]): Result<void, Issue[]> {
  const issues: Issue[] = [];
  const ranges = new Map<string, Placed[]>();
  entries.forEach((entry, index) => {
    const fault = entryFault(entry);
    if (fault) {
      issues.push({ path: `datapath.policy[${index}]`, ...fault });
      return;
    }
    const phaseList: readonly Phase[] = entry.action === 'redirect' ? ['redirect', 'allow'] : [entry.action];
    sets.add(`${entry.direction}_subjects`, entry.endpoint);
    for (const phase of phaseList) {
      sets.add(subjectsName(entry.direction, phase), entry.endpoint);
      for (const placed of place(entry, phase)) addPlaced(sets, ranges, entry.direction, phase, placed);
    }
  });
  for (const [name, placed] of ranges) addRanges(sets, name, placed);
  return issues.length > 0 ? fail(issues) : ok(undefined);
}

function addPlaced(
  sets: ElementSets,
  ranges: Map<string, Placed[]>,
  direction: Direction,
  phase: Phase,
  placed: Placed,
): void {
  const name = setName(direction, phase, placed.shape);
  if (placed.shape.interval) {
    const list = ranges.get(name) ?? [];
    list.push(placed);
    ranges.set(name, list);
    return;
  }
  const key = placed.ports ? `${placed.prefix} . ${placed.ports.first}` : placed.prefix;
  sets.addFirst(name, key, placed.target);
}

function place(entry: PolicyEntry, phase: Phase): Placed[] {
  const identity = entry.peer === 0 ? '' : ` . ${entry.peer}`;
  const named = (name: string): string => (entry.peer === 0 ? name : name === 'any' ? 'identity' : `identity_${name}`);
  const at = (name: string, prefix: string, ports?: Placed['ports']): Placed[] => {
    const shape = shapes.find((candidate) => candidate.name === name);
    if (!shape) return [];
    const target =
      phase === 'redirect' ? `goto ${redirectChain(entry.proxyPort ?? 0, entry.direction, shape.matchType)}` : '';
    return [{ shape, prefix, target, ...(ports && { ports }) }];
  };
  const base = `${entry.endpoint}${identity}`;
  if (entry.protocol === 'icmp') {
    if (entry.port < 0) return at(named('protocol'), `${base} . icmp`);
    return phase === 'redirect' ? [] : at(named('icmp'), base, { first: entry.port, last: entry.port });
  }
  if (entry.port === 0 && entry.portEnd === undefined) {
    return entry.protocol === 'any' ? at(named('any'), base) : at(named('protocol'), `${base} . ${entry.protocol}`);
  }
  const ports = { first: entry.port, last: Math.max(entry.port, entry.portEnd ?? entry.port) };
  const name = named(ports.first === ports.last ? 'port' : 'range');
  const protocols = entry.protocol === 'any' ? portProtocols : [entry.protocol];
  return protocols.flatMap((protocol) => at(name, `${base} . ${protocol}`, ports));
}

function addRanges(sets: ElementSets, name: string, placed: readonly Placed[]): void {
  const byPrefix = new Map<string, Placed[]>();
  for (const one of placed) byPrefix.set(one.prefix, [...(byPrefix.get(one.prefix) ?? []), one]);
  for (const [prefix, list] of byPrefix) {
    for (const { first, last, target } of disjoint(list)) sets.addFirst(name, `${prefix} . ${first}-${last}`, target);
  }
}

interface TargetRange {
  first: number;
  last: number;
  target: string;
}

/** Ranges cut so that none overlap, earlier ones untouched, and neighbours of one target joined. */
export function disjoint(
  list: readonly { readonly ports?: { readonly first: number; readonly last: number }; readonly target: string }[],
): TargetRange[] {
  const owner: TargetRange[] = [];
  for (const { ports, target } of list) {
    if (!ports) continue;
    let first = ports.first;
    for (const taken of [...owner].sort((a, b) => a.first - b.first)) {
      if (taken.last < first) continue;
      if (taken.first > ports.last) break;
      if (taken.first > first) owner.push({ first, last: taken.first - 1, target });
      first = taken.last + 1;
    }
    if (first <= ports.last) owner.push({ first, last: ports.last, target });
  }
  return join(owner.sort((a, b) => a.first - b.first));
}

function join(sorted: readonly TargetRange[]): TargetRange[] {
  const joined: TargetRange[] = [];
  for (const range of sorted) {
    const before = joined.at(-1);
    if (before && before.target === range.target && before.last + 1 === range.first) before.last = range.last;
    else joined.push({ ...range });
  }
  return joined;
}

function entryFault(entry: PolicyEntry): { message: string; allowed: string } | undefined {
  if (parseIp(entry.endpoint)?.bits !== 32)
    return { message: `endpoint ${entry.endpoint}`, allowed: 'an IPv4 address' };
  if (!Number.isInteger(entry.peer) || entry.peer < 0 || entry.peer > 0xffffffff) {
    return { message: `peer ${entry.peer}`, allowed: 'an identity, 0 to 4294967295' };
  }
  const lowest = entry.protocol === 'icmp' ? -1 : 0;
  const highest = entry.protocol === 'icmp' ? 255 : 65535;
  for (const port of [entry.port, entry.portEnd ?? entry.port]) {
    if (!Number.isInteger(port) || port < lowest || port > highest) {
      return { message: `port ${port}`, allowed: `${lowest} to ${highest}` };
    }
  }
  const { proxyPort = 0 } = entry;
  if (entry.action === 'redirect' && !(Number.isInteger(proxyPort) && proxyPort > 0 && proxyPort < 65536)) {
    return { message: `proxy port ${proxyPort} of a redirect`, allowed: '1 to 65535' };
  }
  return undefined;
}
