import { prefixesOf, rangeOf, reservedIdentity, type WorldIdentity } from '../policy/index.ts';
import type { ClusterAddresses, Host } from './cluster-addresses.ts';
import type { DatapathPlan } from './node-plan.ts';

/** The kernel's table: addresses of the cluster and the prefixes of the world that policy sets apart, in address order. */
export function ipcacheOf(
  { hosts }: Pick<ClusterAddresses, 'hosts'>,
  world: readonly WorldIdentity[],
): DatapathPlan['ipcache'] {
  const prefixes = worldPrefixes(world);
  if (prefixes.length === 0) return hosts.map(({ entry }) => entry);
  const entries: Host['entry'][] = [];
  let at = 0;
  for (const { entry, start } of hosts) {
    for (let next = prefixes[at]; next && next.start < start; next = prefixes[++at]) entries.push(next.entry);
    entries.push(entry);
  }
  return [...entries, ...prefixes.slice(at).map(({ entry }) => entry)];
}

function worldPrefixes(world: readonly WorldIdentity[]): readonly Host[] {
  return world
    .filter(({ id }) => id !== reservedIdentity.world)
    .flatMap(({ id, ranges }) => prefixesOf(ranges).map((cidr) => ({ cidr, identity: id })))
    .map((entry) => ({ entry, start: rangeOf(entry.cidr)?.start ?? 0 }))
    .sort((one, other) => one.start - other.start);
}
