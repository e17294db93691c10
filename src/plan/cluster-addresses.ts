import { type AddressRange, mergeRanges, rangeOf, reservedIdentity } from '../policy/index.ts';
import type { ClusterView } from './cluster-view.ts';
import { identical, listChanges, sameFields, sameItems } from './kept.ts';
import type { NodeIdentity } from './node-identities.ts';
import type { Identity } from './node-plan.ts';

/** Single addresses of the cluster with their identities: pods, nodes, API servers. It holds until the stage makes the next. */
export interface ClusterAddresses {
  identityOf(address: string): Identity | undefined;
  /** In address order. */
  readonly hosts: readonly Host[];
  /** In address order; the list of an identity whose addresses did not change is the same list as before. */
  readonly byIdentity: ReadonlyMap<Identity, readonly AddressRange[]>;
  /** What is never part of the world, whether it has an identity at the moment or not: pod ranges and these addresses. */
  readonly holes: readonly AddressRange[];
}

/** An address as the kernel's table has it, and where it comes in order. */
export interface Host {
  readonly entry: { readonly cidr: string; readonly identity: Identity };
  readonly start: number;
}

type Known = Pick<ClusterView, 'pods' | 'node' | 'peers' | 'apiServers'>;

interface State extends ClusterAddresses {
  readonly view: Known;
  readonly nodes: readonly NodeIdentity[];
  readonly podRanges: readonly AddressRange[];
  /** Carried from one state to the next, and changed for it. */
  readonly identities: Map<string, Identity>;
  /** Addresses that are not pods', or not theirs alone. */
  readonly others: ReadonlySet<string>;
}

/** So many pods that came or went at once are taken in one by one. */
const fewMax = 64;

/** The addresses of one view after the other. Where only few pods are others than the time before, only these are read. */
export function createClusterAddresses(): (view: Known, nodes: readonly NodeIdentity[]) => ClusterAddresses {
  let state: State | undefined;
  return (view, nodes) => {
    state = (state && changed(state, view, nodes)) ?? fresh(view, nodes);
    return state;
  };
}

function fresh(view: Known, nodes: readonly NodeIdentity[]): State {
  const identities = new Map(view.pods.map(({ address, identity }) => [address, identity]));
  const others = otherAddresses(view, nodes);
  for (const [address, identity] of others) identities.set(address, identity);
  const hosts = [...identities].map(([address, identity]) => hostOf(address, identity)).sort(byStart);
  const byIdentity = new Map<Identity, AddressRange[]>();
  for (const { entry, start } of hosts) {
    const known = byIdentity.get(entry.identity);
    if (known) known.push({ start, end: start });
    else byIdentity.set(entry.identity, [{ start, end: start }]);
  }
  const podRanges = mergeRanges([view.node, ...view.peers].flatMap(({ podCidr }) => rangeOf(podCidr) ?? []));
  return {
    view,
    nodes,
    identities,
    identityOf: (address) => identities.get(address),
    others: new Set(others.keys()),
    hosts,
    byIdentity,
    podRanges,
    holes: holesOf(podRanges, hosts),
  };
}

/** Of one address the last entry counts. */
function otherAddresses(
  { node, peers, apiServers }: Known,
  nodes: readonly NodeIdentity[],
): ReadonlyMap<string, Identity> {
  return new Map([
    ...peers.flatMap(({ address, routerAddress }) =>
      [address, routerAddress].map((one) => [one, reservedIdentity.remoteNode] as const),
    ),
    ...apiServers.map((address) => [address, reservedIdentity.kubeApiserver] as const),
    ...nodes.flatMap(({ id, addresses }) => addresses.map((address) => [address, id] as const)),
    ...[node.address, node.routerAddress].map((address) => [address, reservedIdentity.host] as const),
  ]);
}

function hostOf(address: string, identity: Identity): Host {
  return { entry: { cidr: `${address}/32`, identity }, start: rangeOf(address)?.start ?? 0 };
}

const byStart = (one: Host, other: Host): number => one.start - other.start;

function holesOf(podRanges: readonly AddressRange[], hosts: readonly Host[]): readonly AddressRange[] {
  const outside = hosts.filter(({ start }) => !contains(podRanges, start));
  return [...podRanges, ...outside.map(({ start }) => ({ start, end: start }))];
}

/** Undefined where too much is another. */
function changed(before: State, view: Known, nodes: readonly NodeIdentity[]): State | undefined {
  if (!sameOthers(before, view, nodes)) return undefined;
  const [gone, come] = listChanges(before.view.pods, view.pods);
  const pods = [...gone, ...come];
  if (pods.length === 0) return before;
  if (pods.length > fewMax || pods.some(({ address }) => before.others.has(address))) return undefined;
  const { identities } = before;
  const hosts = [...before.hosts];
  const byIdentity = new Map(before.byIdentity);
  for (const { address, identity } of gone) {
    identities.delete(address);
    const [removed] = hosts.splice(firstFrom(hosts, hostOf(address, identity).start), 1);
    const left = (byIdentity.get(identity) ?? []).filter(({ start }) => start !== removed?.start);
    if (left.length > 0) byIdentity.set(identity, left);
    else byIdentity.delete(identity);
  }
  for (const { address, identity } of come) {
    const host = hostOf(address, identity);
    identities.set(address, identity);
    hosts.splice(firstFrom(hosts, host.start), 0, host);
    const range = { start: host.start, end: host.start };
    const known = byIdentity.get(identity) ?? [];
    byIdentity.set(identity, known.toSpliced(firstFrom(known, range.start), 0, range));
  }
  const { podRanges } = before;
  const inside = pods.every((pod) => contains(podRanges, hostOf(pod.address, pod.identity).start));
  return { ...before, view, nodes, hosts, byIdentity, holes: inside ? before.holes : holesOf(podRanges, hosts) };
}

function sameOthers({ view, nodes }: State, other: Known, otherNodes: readonly NodeIdentity[]): boolean {
  return (
    sameFields(view.node, other.node) &&
    sameItems(view.peers, other.peers, sameFields) &&
    sameItems(view.apiServers, other.apiServers, identical) &&
    sameItems(nodes, otherNodes, (a, b) => a.id === b.id && sameItems(a.addresses, b.addresses))
  );
}

/** Index of the first of a list in order that does not begin before a place. */
function firstFrom(sorted: readonly { readonly start: number }[], place: number): number {
  let [first, last] = [0, sorted.length];
  while (first < last) {
    const middle = (first + last) >> 1;
    if ((sorted[middle]?.start ?? 0) < place) first = middle + 1;
    else last = middle;
  }
  return first;
}

/** Whether an address is in one of ranges that are in order and apart from each other. */
function contains(sorted: readonly AddressRange[], address: number): boolean {
  const at = firstFrom(sorted, address);
  return sorted[at]?.start === address || (sorted[at - 1]?.end ?? -1) >= address;
}
