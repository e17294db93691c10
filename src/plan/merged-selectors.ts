import type { LabelSelector } from '../base/index.ts';
import type { PolicyPeer } from '../model/cilium/index.ts';
import type { PeerIndex, PeerSet, PolicyFilter } from '../policy/index.ts';

/** One selector of a rule's peers. Rules whose selectors have a key and ports in common are one rule to Cilium (`mergePortProto` of `pkg/policy`). */
interface MergedSelector {
  readonly key: string;
  readonly peer: PolicyPeer;
}

/** A selector that both filters have, the first of them; Cilium refuses to merge two rules for one of those. */
export function sharedSelector(one: PolicyFilter, other: PolicyFilter): PolicyPeer | undefined {
  const keys = selectorKeys(other);
  return selectorsOf(one).find(({ key }) => keys.has(key))?.peer;
}

/** The keys of a filter's selectors. */
function selectorKeys(filter: PolicyFilter): ReadonlySet<string> {
  return new Set(selectorsOf(filter).map(({ key }) => key));
}

/** By ports: the keys of the selectors whose peers must name a TLS server there. */
export type NamedSelectors = ReadonlyMap<string, ReadonlySet<string>>;

/** `filters`: those of one subject and direction. */
export function namedSelectors(filters: readonly PolicyFilter[]): NamedSelectors {
  const named = new Map<string, Set<string>>();
  for (const filter of filters) {
    if (!filter.serverNames) continue;
    const keys = named.get(spanOf(filter)) ?? new Set();
    for (const key of selectorKeys(filter)) keys.add(key);
    named.set(spanOf(filter), keys);
  }
  return named;
}

/** Whom a rule without server names lets pass without one: what is merged with a rule that asks for a name asks for it, too. */
export function peersWithoutName(filter: PolicyFilter, named: NamedSelectors, index: PeerIndex): PeerSet {
  const taken = filter.protocol === 'tcp' && filter.action === 'allow' ? named.get(spanOf(filter)) : undefined;
  if (!taken || filter.serverNames) return filter.peers;
  const left = selectorsOf(filter).filter(({ key }) => !taken.has(key));
  const peers = index.peers(left.map(({ peer }) => peer));
  if (peers[0] === 0) return filter.peers;
  return filter.peers[0] === 0 ? peers : filter.peers.filter((peer) => peers.includes(peer));
}

function spanOf({ port, portEnd }: PolicyFilter): string {
  return `${port}-${portEnd}`;
}

function selectorsOf({ selectors }: PolicyFilter): readonly MergedSelector[] {
  return (selectors ?? [{ kind: 'entity', entity: 'all' } as const]).flatMap(mergedSelectors);
}

const clusterEntities = ['host', 'remote-node', 'init', 'ingress', 'health', 'unmanaged', 'kube-apiserver'];
const clusterPods: PolicyPeer = {
  kind: 'endpoints',
  selector: { matchExpressions: [{ key: 'k8s:io.cilium.k8s.policy.cluster', operator: 'Exists' }] },
};

/** Some entities are several selectors (`EntitySelectorMapping` of `pkg/policy/api`). */
function mergedSelectors(peer: PolicyPeer): readonly MergedSelector[] {
  if (peer.kind === 'endpoints') return [{ key: `endpoints ${selectorText(peer.selector)}`, peer }];
  if (peer.kind !== 'entity') return [{ key: JSON.stringify(peer), peer }];
  switch (peer.entity) {
    case 'all':
    case 'none':
      return [{ key: peer.entity, peer }];
    case 'world':
      return ['world', 'world-ipv4', 'world-ipv6'].flatMap(reserved);
    case 'cluster':
    case 'cluster-mesh':
      return [...clusterEntities.flatMap(reserved), { key: peer.entity, peer: clusterPods }];
    default:
      return reserved(peer.entity);
  }
}

function reserved(entity: string): readonly MergedSelector[] {
  return mergedSelectors({ kind: 'endpoints', selector: { matchLabels: { [`reserved:${entity}`]: '' } } });
}

function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.entries(matchLabels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([labels, matchExpressions]);
}
