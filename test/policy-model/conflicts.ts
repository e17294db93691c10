import type { PortEntry, Statement } from './statements.ts';

/**
 * The entries that meet others for the same selector and ports which Cilium refuses to merge with them (`mergePortProto` and
 * `mergeRedirect` of `pkg/policy`): neither allows anything.
 */
export function closedEntries(statements: readonly Statement[]): ReadonlySet<PortEntry> {
  const all = statements
    .filter(({ deny }) => !deny)
    .flatMap(({ direction, peers, ports }) =>
      (ports ?? []).map((entry) => ({ direction, entry, keys: peers.map(({ key }) => key) })),
    );
  const closed = new Set<PortEntry>();
  for (const one of all) {
    for (const other of all) {
      const meets = one.direction === other.direction && spanOf(one.entry) === spanOf(other.entry);
      if (!meets || !one.keys.some((key) => other.keys.includes(key))) continue;
      if (cannotMerge(one.entry, other.entry)) closed.add(one.entry).add(other.entry);
    }
  }
  return closed;
}

/** Protocol and ports. */
export function spanOf({ protocol, port, endPort }: PortEntry): string {
  return `${protocol} ${port}-${endPort}`;
}

function cannotMerge(one: PortEntry, other: PortEntry): boolean {
  const [first, second] = [parserOf(one), parserOf(other)];
  if (!first || !second) return false;
  if (first !== second) return true;
  const [mine, theirs] = [one.listener, other.listener];
  return mine !== undefined && theirs !== undefined && mine.priority === theirs.priority && mine.name !== theirs.name;
}

function parserOf(entry: PortEntry): string | undefined {
  return (['listener', 'http', 'serverNames', 'dns'] as const).find((kind) => entry[kind] !== undefined);
}
