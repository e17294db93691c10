import {
  type AddressRange,
  mergeRanges,
  prefixesOf,
  rangeOf,
  reservedIdentity,
  type WorldIdentity,
} from '../policy/index.ts';
import type { ClusterView } from './cluster-view.ts';
import type { NodeIdentity } from './node-identities.ts';
import type { Identity } from './node-plan.ts';

/** Single addresses of the cluster to their identities: pods, nodes, API servers. */
export function clusterAddresses(view: ClusterView, nodes: readonly NodeIdentity[]): ReadonlyMap<string, Identity> {
  const addresses = new Map<string, Identity>();
  for (const { address, identity } of view.pods) addresses.set(address, identity);
  for (const peer of view.peers) {
    addresses.set(peer.address, reservedIdentity.remoteNode);
    addresses.set(peer.routerAddress, reservedIdentity.remoteNode);
  }
  for (const address of view.apiServers) addresses.set(address, reservedIdentity.kubeApiserver);
  for (const { id, addresses: own } of nodes) for (const address of own) addresses.set(address, id);
  addresses.set(view.node.address, reservedIdentity.host);
  addresses.set(view.node.routerAddress, reservedIdentity.host);
  return addresses;
}

/** What is never part of the world, whether it has an identity at the moment or not: pod ranges and the cluster's addresses. */
export function clusterHoles(view: ClusterView, addresses: ReadonlyMap<string, Identity>): readonly AddressRange[] {
  const podRanges = [view.node, ...view.peers].flatMap(({ podCidr }) => rangeOf(podCidr) ?? []);
  const merged = mergeRanges(podRanges);
  const others = [...addresses.keys()].flatMap((text) => rangeOf(text) ?? []);
  return [...podRanges, ...others.filter(({ start }) => !contains(merged, start))];
}

function contains(sorted: readonly AddressRange[], address: number): boolean {
  let [first, last] = [0, sorted.length - 1];
  while (first <= last) {
    const middle = (first + last) >> 1;
    const range = sorted[middle];
    if (!range || range.start > address) last = middle - 1;
    else if (range.end < address) first = middle + 1;
    else return true;
  }
  return false;
}

/** Addresses of every identity, the world's own included. */
export function identityRanges(
  addresses: ReadonlyMap<string, Identity>,
  world: readonly WorldIdentity[],
): ReadonlyMap<Identity, readonly AddressRange[]> {
  const ranges = new Map<Identity, AddressRange[]>();
  for (const [address, identity] of addresses) {
    const range = rangeOf(address);
    if (!range) continue;
    const known = ranges.get(identity);
    if (known) known.push(range);
    else ranges.set(identity, [range]);
  }
  for (const { id, ranges: own } of world) ranges.set(id, [...own]);
  return ranges;
}

/** The kernel's table: addresses of the cluster and the prefixes of the world that policy sets apart, in address order. */
export function ipcache(
  addresses: ReadonlyMap<string, Identity>,
  world: readonly WorldIdentity[],
): readonly { readonly cidr: string; readonly identity: Identity }[] {
  const hosts = [...addresses].map(([address, identity]) => {
    return { entry: { cidr: `${address}/32`, identity }, start: rangeOf(address)?.start ?? 0 };
  });
  const ranges = world
    .filter(({ id }) => id !== reservedIdentity.world)
    .flatMap(({ id, ranges: own }) => prefixesOf(own).map((cidr) => ({ cidr, identity: id })))
    .map((entry) => ({ entry, start: rangeOf(entry.cidr)?.start ?? 0 }));
  return [...hosts, ...ranges].sort((a, b) => a.start - b.start).map(({ entry }) => entry);
}
