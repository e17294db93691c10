import { type AddressRange, mergeRanges, type PeerIndex, type PolicyFilter, rangeOf } from '../policy/index.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { namedConfig, networkRbacType, tlsConfigNames } from './envoy-json.ts';
import { namedSelectors, peersWithoutName } from './merged-selectors.ts';
import type { JsonObject, ResourceMap } from './node-plan.ts';
import { type AddressBook, destinationIp, destinationPorts, remoteIp } from './rbac-addresses.ts';
import { addPermission, allOf, anyOf, type RbacPolicy } from './rbac-statements.ts';
import { serverNameMatcher } from './server-names.ts';

type Direction = PolicyFilter['direction'];

const everyone: readonly JsonObject[] = [{ any: true }];

/**
 * What a TLS listener asks of each direction when a connection begins: who is held by rules that the kernel cannot judge
 * passes by one of them only. What is denied, and what ports and peers alone decide, the kernel has judged before.
 */
export function tlsRbacConfigs(
  groups: readonly EndpointGroup[],
  addresses: AddressBook,
  index: PeerIndex,
): ResourceMap {
  const asked = groups.some(({ policy }) => policy.filters.some((one) => one.serverNames || one.listener));
  if (!asked) return new Map();
  return new Map(
    (['egress', 'ingress'] as const).map((direction) => [
      tlsConfigNames[direction],
      tlsRbacConfig(direction, groups, addresses, index),
    ]),
  );
}

/** Whether any endpoint's connections of the direction go to its TLS listener. */
export function asksForServerNames(groups: readonly EndpointGroup[], direction: Direction): boolean {
  return groups.some(({ policy }) => policy.filters.some((one) => one.direction === direction && one.serverNames));
}

function tlsRbacConfig(
  direction: Direction,
  groups: readonly EndpointGroup[],
  addresses: AddressBook,
  index: PeerIndex,
): JsonObject {
  const held = groups.filter(({ policy }) => {
    const enforced = direction === 'egress' ? policy.enforceEgress : policy.enforceIngress;
    return enforced && policy.filters.some((one) => one.direction === direction && (one.serverNames || one.http));
  });
  const policies = new Map<string, RbacPolicy>();
  for (const [at, group] of held.entries()) addGroup(policies, { group, at, direction }, addresses, index);
  const prefixes = held.flatMap(({ pods }) => pods.map(({ address }) => `${address}/32`)).sort();
  policies.set('unenforced', outside(direction, prefixes));
  const sorted = [...policies].sort(([a], [b]) => (a < b ? -1 : 1));
  const rules = { action: 'ALLOW', policies: Object.fromEntries(sorted) };
  return namedConfig(tlsConfigNames[direction], networkRbacType, {
    stat_prefix: tlsConfigNames[direction].replace('/', '.'),
    rules,
    // Only shadow rules note their verdict where access logs find it.
    shadow_rules: rules,
    shadow_rules_stat_prefix: `${direction}_`,
  });
}

/** Everything that is not about one of the addresses. */
function outside(direction: Direction, prefixes: readonly string[]): RbacPolicy {
  if (prefixes.length === 0) return { permissions: [{ any: true }], principals: everyone };
  if (direction === 'egress') {
    const principals = [{ not_id: { or_ids: { ids: prefixes.map(remoteIp) } } }];
    return { permissions: [{ any: true }], principals };
  }
  return { permissions: [{ not_rule: { or_rules: { rules: prefixes.map(destinationIp) } } }], principals: everyone };
}

interface Held {
  readonly group: EndpointGroup;
  /** Tells the policies of several groups apart. */
  readonly at: number;
  readonly direction: Direction;
}

function addGroup(
  policies: Map<string, RbacPolicy>,
  { group, at, direction }: Held,
  addresses: AddressBook,
  index: PeerIndex,
): void {
  const own = mergeRanges(group.pods.flatMap(({ address }) => rangeOf(address) ?? []));
  const filters = group.policy.filters.filter((one) => one.direction === direction && one.action === 'allow');
  const named = namedSelectors(filters);
  for (const filter of filters) {
    if (filter.http || filter.dns || filter.listener || (filter.protocol !== 'tcp' && filter.protocol !== 'any'))
      continue;
    const peers = addresses.ofPeers(peersWithoutName(filter, named, index));
    if (peers.length === 0) continue;
    const [clients, destinations] = direction === 'egress' ? [own, peers] : [peers, own];
    const permission = allOf([...placePermissions(filter, destinations, addresses), ...namePermissions(filter)]);
    const principals = clients === 'any' ? everyone : addresses.principals(clients);
    addPermission(policies, { rule: filter.rule, part: at }, principals, permission);
  }
}

/** Where the connection was going: to one of the addresses, at the filter's ports. */
export function placePermissions(
  { port, portEnd }: Pick<PolicyFilter, 'port' | 'portEnd'>,
  destinations: readonly AddressRange[] | 'any',
  addresses: AddressBook,
): readonly JsonObject[] {
  return [
    ...(destinations === 'any' ? [] : [anyOf(addresses.destinations(destinations))]),
    ...(port === 0 ? [] : [destinationPorts(port, portEnd)]),
  ];
}

/** The server names that the filter asks for, if it does. */
export function namePermissions({ serverNames }: Pick<PolicyFilter, 'serverNames'>): readonly JsonObject[] {
  if (!serverNames) return [];
  return [anyOf(serverNames.map((pattern) => ({ requested_server_name: serverNameMatcher(pattern) })))];
}
