import { type AddressRange, prefixesOf, rangeOf, reservedIdentity, type WorldIdentity } from '../policy/index.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Identity } from './node-plan.ts';

/** Single addresses of the cluster to their identities: pods, nodes, API servers. */
export function clusterAddresses(view: ClusterView): ReadonlyMap<string, Identity> {
  const addresses = new Map<string, Identity>();
  for (const { address, identity } of view.pods) addresses.set(address, identity);
  for (const peer of view.peers) {
    addresses.set(peer.address, reservedIdentity.remoteNode);
    addresses.set(peer.routerAddress, reservedIdentity.remoteNode);
  }
  for (const address of view.apiServers) addresses.set(address, reservedIdentity.kubeApiserver);
  addresses.set(view.node.address, reservedIdentity.host);
  addresses.set(view.node.routerAddress, reservedIdentity.host);
  return addresses;
}

/** What is never part of the world, whether it has an identity at the moment or not: pod ranges and the cluster's addresses. */
export function clusterHoles(view: ClusterView, addresses: ReadonlyMap<string, Identity>): readonly AddressRange[] {
  const podCidrs = [view.node, ...view.peers].map(({ podCidr }) => podCidr);
  return [...podCidrs, ...addresses.keys()].flatMap((text) => rangeOf(text) ?? []);
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
  const hosts = [...addresses].map(([address, identity]) => ({ cidr: `${address}/32`, identity }));
  const ranges = world
    .filter(({ id }) => id !== reservedIdentity.world)
    .flatMap(({ id, ranges: own }) => prefixesOf(own).map((cidr) => ({ cidr, identity: id })));
  return [...hosts, ...ranges]
    .map((entry) => ({ entry, start: rangeOf(entry.cidr)?.start ?? 0 }))
    .sort((a, b) => a.start - b.start)
    .map(({ entry }) => entry);
}
