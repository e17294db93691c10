import { selectorMatches } from '../base/index.ts';
import type { CidrGroup, PolicyPeer } from '../model/cilium/index.ts';

/** A CiliumCIDRGroup as identities carry it. */
export interface AddressGroup {
  readonly name: string;
  readonly prefixes: readonly string[];
  /** Labels of source `cidrgroup` that its addresses have: its name, and the labels of the object. */
  readonly labels: readonly string[];
}

/** The groups that the peers select, sorted by name; a group that is not there selects nothing. */
export function addressGroupsOfPeers(
  peers: Iterable<PolicyPeer>,
  groups: readonly CidrGroup[],
): readonly AddressGroup[] {
  const selected = new Set<CidrGroup>();
  for (const peer of peers) {
    if (peer.kind !== 'cidr-group') continue;
    for (const group of groups) if (isSelected(peer, group)) selected.add(group);
  }
  return [...selected].sort((a, b) => (a.name < b.name ? -1 : 1)).map(addressGroup);
}

/** Whether `cidrGroupRef` names the group, or `cidrGroupSelector` selects the labels of its object. */
export function isSelected(
  { name, selector }: Extract<PolicyPeer, { readonly kind: 'cidr-group' }>,
  group: CidrGroup,
): boolean {
  return selector ? selectorMatches(selector, group.labels) : name === group.name;
}

/** The labels of Cilium's `LabelForCIDRGroupRef` and of its watcher for groups. */
function addressGroup({ name, prefixes, labels }: CidrGroup): AddressGroup {
  const own = Object.entries(labels).map(([key, value]) => `cidrgroup:${key}${value === '' ? '' : `=${value}`}`);
  return { name, prefixes, labels: [`cidrgroup:io.cilium.policy.cidrgroupname/${name}`, ...own] };
}
