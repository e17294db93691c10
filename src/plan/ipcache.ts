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
export function clusterAddresses(
  view: Pick<ClusterView, 'pods' | 'node' | 'peers' | 'apiServers'>,
  nodes: readonly NodeIdentity[],
): ReadonlyMap<string, Identity> {
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
  const holes = [...podRanges];
  for (const text of addresses.keys()) {
    const range = rangeOf(text);
    if (range && !contains(merged, range.start)) holes.push(range);
  }
  return holes;
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
  readRange: typeof rangeOf = rangeOf,
): ReadonlyMap<Identity, readonly AddressRange[]> {
  const ranges = new Map<Identity, AddressRange[]>();
  for (const [address, identity] of addresses) {
    const range = readRange(address);
    if (!range) continue;
    const known = ranges.get(identity);
    if (known) known.push(range);
    else ranges.set(identity, [range]);
  }
  for (const { id, ranges: own } of world) ranges.set(id, [...own]);
  return ranges;
}

type IpcacheEntry = { readonly cidr: string; readonly identity: Identity };

interface Placed {
  readonly entry: IpcacheEntry;
  readonly address: string;
  readonly start: number;
}

/**
 * Makes the kernel's table: addresses of the cluster and the prefixes of the world that policy sets apart, in address order. What
 * stays from one to the next is not made again.
 */
export function createIpcache(): (
  addresses: ReadonlyMap<string, Identity>,
  world: readonly WorldIdentity[],
) => readonly IpcacheEntry[] {
  let before: Hosts = { addresses: new Map(), hosts: [] };
  return (addresses, world) => {
    const hosts = hostsOf(addresses, before);
    before = { addresses, hosts };
    return inOrder(hosts, worldRanges(world)).map(({ entry }) => entry);
  };
}

interface Hosts {
  readonly addresses: ReadonlyMap<string, Identity>;
  readonly hosts: readonly Placed[];
}

function hostsOf(addresses: ReadonlyMap<string, Identity>, before: Hosts): readonly Placed[] {
  const stay = before.hosts.filter(({ address, entry }) => addresses.get(address) === entry.identity);
  if (stay.length === addresses.size) return stay;
  const fresh: Placed[] = [];
  for (const [address, identity] of addresses) {
    if (before.addresses.get(address) === identity) continue;
    fresh.push({ entry: { cidr: `${address}/32`, identity }, address, start: rangeOf(address)?.start ?? 0 });
  }
  return inOrder(stay, fresh.sort(byStart));
}

function worldRanges(world: readonly WorldIdentity[]): readonly Placed[] {
  return world
    .filter(({ id }) => id !== reservedIdentity.world)
    .flatMap(({ id, ranges: own }) => prefixesOf(own).map((cidr) => ({ cidr, identity: id })))
    .map((entry) => ({ entry, address: entry.cidr, start: rangeOf(entry.cidr)?.start ?? 0 }))
    .sort(byStart);
}

const byStart = (one: Placed, other: Placed): number => one.start - other.start;

/** Two lists in address order as one; of what begins alike the first list's goes first. */
function inOrder(one: readonly Placed[], other: readonly Placed[]): readonly Placed[] {
  if (other.length === 0) return one;
  const all: Placed[] = [];
  let at = 0;
  for (const placed of one) {
    for (let next = other[at]; next && next.start < placed.start; next = other[++at]) all.push(next);
    all.push(placed);
  }
  return [...all, ...other.slice(at)];
}
