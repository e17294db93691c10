import { mergeRanges, type PeerIndex, type PolicyFilter, rangeOf } from '../policy/index.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { listenerConfigName, namedConfig, networkRbacType } from './envoy-json.ts';
import { namedSelectors, peersWithoutName } from './merged-selectors.ts';
import type { JsonObject, ResourceMap } from './node-plan.ts';
import { listenerKey } from './policy-conflicts.ts';
import { namedTargets } from './policy-targets.ts';
import type { AddressBook } from './rbac-addresses.ts';
import { addPermission, allOf, anyOf, type RbacPolicy } from './rbac-statements.ts';
import { namePermissions, placePermissions } from './rbac-tls.ts';

/**
 * What users' listeners refuse where rules that lead to them ask for a server name, as `cilium.network` does there: a connection that
 * such a rule is about, and whose name neither it nor another rule to this listener lets pass. What else comes to the listener is not
 * the rules' business, for instance connections to a Service that it has taken over.
 */
export function listenerRbacConfigs(
  groups: readonly EndpointGroup[],
  addresses: AddressBook,
  index: PeerIndex,
): ResourceMap {
  const configs = [...namedTargets(groups)].map((listener): readonly [string, JsonObject] => {
    const policies = new Map<string, RbacPolicy>();
    for (const [at, group] of groups.entries()) refuseUnnamed(policies, { group, at, listener }, addresses, index);
    const sorted = [...policies].sort(([a], [b]) => (a < b ? -1 : 1));
    const rules: JsonObject = { action: 'DENY', policies: Object.fromEntries(sorted) };
    const name = listenerConfigName(listener);
    const config = {
      stat_prefix: name.replaceAll('/', '.'),
      rules,
      // Only shadow rules note their verdict where access logs find it.
      shadow_rules: rules,
      shadow_rules_stat_prefix: 'egress_',
    };
    return [name, namedConfig(name, networkRbacType, config)];
  });
  return new Map(configs);
}

interface Led {
  readonly group: EndpointGroup;
  /** Tells the policies of several groups apart. */
  readonly at: number;
  readonly listener: string;
}

function refuseUnnamed(
  policies: Map<string, RbacPolicy>,
  { group, at, listener }: Led,
  addresses: AddressBook,
  index: PeerIndex,
): void {
  const leading = group.policy.filters.filter((one) => leadsTo(one, listener));
  const named = namedSelectors(leading);
  const passing = leading.flatMap((filter) => {
    const peers = addresses.ofPeers(peersWithoutName(filter, named, index));
    if (peers.length === 0) return [];
    return [allOf([...placePermissions(filter, peers, addresses), ...namePermissions(filter)])];
  });
  const clients = mergeRanges(group.pods.flatMap(({ address }) => rangeOf(address) ?? []));
  for (const filter of leading) {
    const peers = addresses.ofPeers(filter.peers);
    if (!filter.serverNames || peers.length === 0) continue;
    const refused = allOf([...placePermissions(filter, peers, addresses), { not_rule: anyOf(passing) }]);
    addPermission(policies, { rule: filter.rule, part: at }, addresses.principals(clients), refused);
  }
}

function leadsTo({ direction, action, protocol, listener }: PolicyFilter, name: string): boolean {
  return (
    direction === 'egress' &&
    action === 'allow' &&
    (protocol === 'tcp' || protocol === 'any') &&
    listener !== undefined &&
    listenerKey(listener) === name
  );
}
