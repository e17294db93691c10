import { type Labels, selectorMatches } from '../base/index.ts';
import type { CidrGroup, PolicyEntity, PolicyPeer, SourceLabelSelector } from '../model/cilium/index.ts';
import { isSelected } from './address-groups.ts';
import { rangeContains, rangeOf } from './address-ranges.ts';
import { compileDnsMatch, fqdnLabel } from './dns-names.ts';
import { reservedIdentity, reservedIdentityLabels, selectableLabels } from './identity.ts';
import type { WorldIdentity } from './local-identities.ts';

/** An identity with its labels (`source:key=value`). */
export interface PeerIdentity {
  readonly id: number;
  readonly labels: readonly string[];
}

/** A pod identity with the container ports of its pods: `tcp/http` to port numbers. */
export interface PodIdentity extends PeerIdentity {
  readonly namedPorts: ReadonlyMap<string, ReadonlySet<number>>;
}

/**
 * A Service as `toServices` sees it. Without a selector its backends count: `addresses` of the world (IPv4), and
 * `identities` of those inside the cluster.
 */
export interface PolicyService {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly selector?: Labels;
  readonly addresses: readonly string[];
  readonly identities: readonly number[];
}

/** Peer identities in ascending order; `everyPeer` stands for all, known or not. */
export type PeerSet = readonly number[];
export const everyPeer: PeerSet = [0];

/** Answers which identities a peer or selector stands for; every answer is kept for the index's life. */
export interface PeerIndex {
  /** The union of the peers; every peer when they are absent. */
  peers(peers: readonly PolicyPeer[] | undefined): PeerSet;
  /** Numbers of all identities, reserved ones included, that the selector matches. */
  select(selector: SourceLabelSelector): ReadonlySet<number>;
  /** Port numbers that pods of the identity give the name, for instance `tcp/http`. */
  namedPorts(identity: number, port: string): ReadonlySet<number>;
}

export interface PeerUniverse {
  readonly pods: readonly PodIdentity[];
  readonly world: readonly WorldIdentity[];
  /** Other nodes that are told apart by their labels. */
  readonly nodes: readonly PeerIdentity[];
  readonly services: readonly PolicyService[];
  readonly cidrGroups: readonly CidrGroup[];
  readonly cluster: string;
}

export function createPeerIndex(universe: PeerUniverse): PeerIndex {
  const candidates = candidatesOf(universe);
  const ports = new Map(universe.pods.map(({ id, namedPorts }) => [id, namedPorts]));
  const select = remembering((selector: SourceLabelSelector): ReadonlySet<number> => {
    return new Set(candidates.filter(({ labels }) => selectorMatches(selector, labels)).map(({ id }) => id));
  });
  const resolve = remembering((peer: PolicyPeer) => resolvePeer(peer, universe, select));
  const union = remembering((list: readonly PolicyPeer[]): PeerSet => unite(list.map(resolve)));
  const peers = (list: readonly PolicyPeer[] | undefined) => (list ? union(list) : everyPeer);

  return { peers, select, namedPorts: (identity, port) => ports.get(identity)?.get(port) ?? noPorts };
}

/** Answers once for each object, and once for objects of equal content. */
function remembering<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const byObject = new Map<K, V>();
  const byContent = new Map<string, V>();
  return (key) => {
    const known = byObject.get(key);
    if (known !== undefined) return known;
    const content = JSON.stringify(key);
    const value = byContent.get(content) ?? compute(key);
    byObject.set(key, value);
    byContent.set(content, value);
    return value;
  };
}

const noPorts: ReadonlySet<number> = new Set();
const nobody: ReadonlySet<number> = new Set();

/** Prefixes that the peers themselves name, which `worldIdentities` has to tell apart. */
export function prefixesOfPeers(
  peers: readonly PolicyPeer[] | undefined,
  services: readonly PolicyService[],
): readonly string[] {
  return (peers ?? []).flatMap((peer) => {
    if (peer.kind === 'cidr') return [peer.cidr, ...peer.except];
    if (peer.kind === 'cidr-group') return peer.except;
    if (peer.kind === 'service' || peer.kind === 'service-selector') {
      return servicesOf(peer, services).flatMap((service) => service.addresses.map((address) => `${address}/32`));
    }
    return [];
  });
}

/** Learnt addresses to the `fqdn:` labels of the selectors among the peers that one of their names matches, sorted. */
export function learntByPeers(
  peers: Iterable<PolicyPeer>,
  learntNames: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> {
  const labels = new Map<string, Set<string>>();
  const seen = new Set<string>();
  for (const peer of peers) {
    if (peer.kind !== 'fqdn') continue;
    const label = fqdnLabel(peer);
    if (seen.has(label)) continue;
    seen.add(label);
    const matches = compileDnsMatch(peer);
    for (const [name, addresses] of learntNames) {
      if (!matches(name)) continue;
      for (const address of addresses) labels.set(address, (labels.get(address) ?? new Set()).add(label));
    }
  }
  return new Map([...labels].map(([address, set]) => [address, [...set].sort()]));
}

function candidatesOf({
  pods,
  nodes,
  world,
}: PeerUniverse): readonly { readonly id: number; readonly labels: Labels }[] {
  const fixed = [...reservedIdentityLabels].map(([id, labels]) => ({ id, labels: selectableLabels(labels) }));
  const local = world
    .filter(({ id }) => id !== reservedIdentity.world)
    .map(({ id, labels }) => ({ id, labels: selectableLabels(labels) }));
  return [
    ...fixed,
    ...[...nodes, ...pods].map(({ id, labels }) => ({ id, labels: selectableLabels(labels) })),
    ...local,
  ];
}

function resolvePeer(
  peer: PolicyPeer,
  universe: PeerUniverse,
  select: (selector: SourceLabelSelector) => ReadonlySet<number>,
): ReadonlySet<number> | 'all' {
  switch (peer.kind) {
    case 'endpoints':
    case 'nodes':
      return select(peer.selector);
    case 'entity':
      return resolveEntity(peer.entity, universe.cluster, select);
    case 'cidr': {
      const range = rangeOf(peer.cidr);
      const holes = peer.except.flatMap((prefix) => rangeOf(prefix) ?? []);
      if (!range) return nobody;
      return worldWhere(universe, ({ span }) => {
        return rangeContains(range, span) && !holes.some((hole) => rangeContains(hole, span));
      });
    }
    case 'fqdn':
      return worldWhere(universe, ({ fqdns }) => fqdns.includes(fqdnLabel(peer)));
    case 'service':
    case 'service-selector':
      return unionOf(servicesOf(peer, universe.services).map((service) => backendsOf(service, universe, select)));
    case 'cidr-group': {
      const names = new Set(universe.cidrGroups.filter((group) => isSelected(peer, group)).map(({ name }) => name));
      const holes = peer.except.flatMap((prefix) => rangeOf(prefix) ?? []);
      return worldWhere(universe, ({ groups, span }) => {
        return groups.some((group) => names.has(group)) && !holes.some((hole) => rangeContains(hole, span));
      });
    }
    case 'provider-group':
      return nobody;
  }
}

function resolveEntity(
  entity: PolicyEntity,
  cluster: string,
  select: (selector: SourceLabelSelector) => ReadonlySet<number>,
): ReadonlySet<number> | 'all' {
  const labelled = (label: string) => select({ matchExpressions: [{ key: label, operator: 'Exists' }] });
  switch (entity) {
    case 'all':
      return 'all';
    case 'none':
      return nobody;
    case 'cluster':
      return unionOf([
        ...clusterEntities.map((name) => labelled(`reserved:${name}`)),
        select({ matchLabels: { 'k8s:io.cilium.k8s.policy.cluster': cluster } }),
      ]);
    case 'cluster-mesh':
      return unionOf([
        ...clusterEntities.map((name) => labelled(`reserved:${name}`)),
        labelled('k8s:io.cilium.k8s.policy.cluster'),
      ]);
    default:
      return labelled(`reserved:${entity}`);
  }
}

const clusterEntities = ['host', 'remote-node', 'init', 'ingress', 'health', 'unmanaged', 'kube-apiserver'];

function servicesOf(
  peer: Extract<PolicyPeer, { readonly kind: 'service' | 'service-selector' }>,
  services: readonly PolicyService[],
): readonly PolicyService[] {
  return services.filter(({ namespace, name, labels }) => {
    if (peer.kind === 'service') return namespace === peer.namespace && name === peer.name;
    return (peer.namespace ?? namespace) === namespace && selectorMatches(peer.selector, labels);
  });
}

function backendsOf(
  service: PolicyService,
  universe: PeerUniverse,
  select: (selector: SourceLabelSelector) => ReadonlySet<number>,
): ReadonlySet<number> {
  if (!service.selector) {
    const prefixes = service.addresses.map((address) => `${address}/32`);
    return unionOf([worldWhere(universe, ({ prefix }) => prefixes.includes(prefix)), new Set(service.identities)]);
  }
  const matchLabels: Record<string, string> = { 'k8s:io.kubernetes.pod.namespace': service.namespace };
  for (const [key, value] of Object.entries(service.selector)) matchLabels[`k8s:${key}`] = value;
  return select({ matchLabels });
}

function worldWhere({ world }: PeerUniverse, matches: (identity: WorldIdentity) => boolean): ReadonlySet<number> {
  return new Set(world.filter(matches).map(({ id }) => id));
}

function unionOf(sets: readonly ReadonlySet<number>[]): ReadonlySet<number> {
  return new Set(sets.flatMap((set) => [...set]));
}

function unite(sets: readonly (ReadonlySet<number> | 'all')[]): PeerSet {
  const ids = new Set<number>();
  for (const set of sets) {
    if (set === 'all') return everyPeer;
    for (const id of set) ids.add(id);
  }
  return [...ids].sort((a, b) => a - b);
}
