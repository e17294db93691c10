import {
  type AddressRange,
  intersectRanges,
  mergeRanges,
  type PeerIndex,
  type PeerSet,
  type PolicyFilter,
  prefixesOf,
  rangeContains,
  rangeOf,
} from '../policy/index.ts';
import type { ClusterView } from './cluster-view.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { ingressVerdictPrefix, namedConfig, rbacConfigNames } from './envoy-json.ts';
import { namedSelectors, peersWithoutName } from './merged-selectors.ts';
import type { JsonObject, ResourceMap } from './node-plan.ts';
import type { SecretTexts } from './policy-secrets.ts';
import type { ProxyReach } from './proxy-reach.ts';
import { type AddressBook, remoteIp, upstreamIp } from './rbac-addresses.ts';
import { auditPolicies } from './rbac-audit.ts';
import { headerPermissions } from './rbac-http.ts';
import { addPermission, allOf, type RbacPolicy, type Statement, targetPermissions } from './rbac-statements.ts';
import { namePermissions } from './rbac-tls.ts';

/** Name of the RBAC policy that lets through what no policy of this node has a say in. */
const unenforcedPolicy = 'unenforced';

/**
 * So many addresses may be listed over all rules before rules are cut to what the proxy can be asked for. Below it they are
 * complete, so that connections which are still open go on when the redirect that brought them here is gone.
 */
const addressesMax = 20_000;

type RbacPolicies = Map<string, RbacPolicy>;
type ConfigName = (typeof rbacConfigNames)[number];

export interface RbacOptions {
  readonly addresses: AddressBook;
  readonly index: PeerIndex;
  readonly reach: ProxyReach;
  /** Only Layer-7 rules refuse anything. */
  readonly audit: boolean;
  readonly secretTexts: SecretTexts;
}

/**
 * The local endpoints' policy as the proxy enforces it, request by request, on the backend that a request was routed to:
 * first what is denied, then what is allowed, for the client's egress and for the backend's ingress.
 * Policies are named by their rule's key; addresses stand for identities.
 */
export function rbacConfigs(
  view: ClusterView,
  groups: readonly EndpointGroup[],
  { addresses, index, reach, audit, secretTexts }: RbacOptions,
): ResourceMap {
  const configs: Record<ConfigName, RbacPolicies> = {
    'ciliate/egress-deny': new Map(),
    'ciliate/egress': new Map(),
    'ciliate/ingress-deny': new Map(),
    'ciliate/ingress': new Map(),
  };
  const all = statementsOf(groups, addresses, index);
  const statements = audit ? all.filter(({ filter }) => filter.action !== 'deny') : all;
  const size = statements.reduce((sum, { clients, backends }) => sum + clients.length + backends.length, 0);
  for (const statement of size > addressesMax ? withinReach(statements, reach) : statements) {
    const { direction, action } = statement.filter;
    addStatement(configs[`ciliate/${direction}${action === 'deny' ? '-deny' : ''}`], statement, addresses, secretTexts);
  }
  if (audit) {
    for (const direction of ['egress', 'ingress'] as const) {
      const layer7 = statements.filter(({ filter }) => filter.http && filter.direction === direction);
      for (const [name, policy] of auditPolicies(layer7, addresses)) configs[`ciliate/${direction}`].set(name, policy);
    }
  }
  configs['ciliate/egress'].set(unenforcedPolicy, {
    permissions: [{ any: true }],
    principals: outsiders(view, groups, 'egress').map(asPrincipal),
  });
  configs['ciliate/ingress'].set(unenforcedPolicy, {
    permissions: outsiders(view, groups, 'ingress').map(asPermission),
    principals: [{ any: true }],
  });
  return new Map(rbacConfigNames.map((name) => [name, rbacConfig(name, configs[name])]));
}

function rbacConfig(name: ConfigName, policies: RbacPolicies): JsonObject {
  const sorted = [...policies].sort(([a], [b]) => (a < b ? -1 : 1));
  return namedConfig(name, 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    ...(name.startsWith('ciliate/ingress') && { rules_stat_prefix: ingressVerdictPrefix }),
    rules: { action: name.endsWith('-deny') ? 'DENY' : 'ALLOW', policies: Object.fromEntries(sorted) },
  });
}

interface Part {
  readonly filter: PolicyFilter;
  readonly own: AddressRange[];
  readonly peers: PeerSet;
  /** HTTP rules that it must not open. */
  readonly limits: readonly PolicyFilter[];
  readonly part?: number;
}

/** The filters that matter to TCP connections. */
function statementsOf(
  groups: readonly EndpointGroup[],
  addresses: AddressBook,
  index: PeerIndex,
): readonly Statement[] {
  const whole = new Map<PolicyFilter, Part>();
  const parts: Part[] = [];
  for (const { pods, policy } of groups) {
    const own = pods.flatMap(({ address }) => rangeOf(address) ?? []);
    const tcp = policy.filters.filter(({ protocol }) => protocol === 'tcp' || protocol === 'any');
    const named = Map.groupBy(tcp, ({ direction }) => direction);
    const namedBy = new Map([...named].map(([direction, filters]) => [direction, namedSelectors(filters)]));
    for (const filter of tcp) {
      const known = whole.get(filter);
      const peers = peersWithoutName(filter, namedBy.get(filter.direction) ?? new Map(), index);
      const limits = filter.listener ? tcp.filter((other) => limitsRequests(other, filter)) : [];
      if (peers !== filter.peers || limits.length > 0) parts.push({ filter, own, peers, limits, part: parts.length });
      else if (known) known.own.push(...own);
      else whole.set(filter, { filter, own: [...own], peers, limits });
    }
  }
  return [...whole.values(), ...parts].map((part) => statementOf(part, addresses));
}

function statementOf({ filter, own, peers, limits, part }: Part, addresses: AddressBook): Statement {
  const others = addresses.ofPeers(peers);
  const local = mergeRanges(own);
  const except = limits.map((limit) => ({ filter: limit, backends: addresses.ofPeers(limit.peers) }));
  const named = part === undefined ? {} : { part, except };
  return filter.direction === 'egress'
    ? { filter, clients: local, backends: others, ...named }
    : { filter, clients: others, backends: local, ...named };
}

/**
 * Whether HTTP rules may speak about what a rule sends to a listener. Which listener a request came through the filters do not
 * know, so that the rule opens only what these do not speak of.
 */
function limitsRequests({ http, direction, port, portEnd, peers }: PolicyFilter, filter: PolicyFilter): boolean {
  if (!http || direction !== filter.direction || port > filter.portEnd || filter.port > portEnd) return false;
  return peers[0] === 0 || filter.peers[0] === 0 || peers.some((peer) => filter.peers.includes(peer));
}

function withinReach(statements: readonly Statement[], { addresses, ports }: ProxyReach): readonly Statement[] {
  return statements.flatMap((statement) => {
    const { filter, backends } = statement;
    if (intersectRanges([{ start: filter.port, end: filter.portEnd }], ports).length === 0) return [];
    return [{ ...statement, backends: backends === 'any' ? backends : intersectRanges(backends, addresses) }];
  });
}

function addStatement(
  config: RbacPolicies,
  { filter, clients, backends, ...rest }: Statement,
  addresses: AddressBook,
  textOf: SecretTexts,
): void {
  if (clients.length === 0 || backends.length === 0) return;
  const place = targetPermissions({ filter, backends, ...rest }, addresses);
  const principals = clients === 'any' ? [{ any: true }] : addresses.principals(clients);
  // The chains of the listener are for the names of all its rules.
  const names = filter.http ? namePermissions(filter) : [];
  for (const { key, conditions } of outcomes(filter, textOf)) {
    addPermission(config, { rule: key, part: rest.part }, principals, allOf([...place, ...names, ...conditions]));
  }
}

/** What of the filter the proxy can decide: each HTTP rule by its own name, else everything on these ports. */
function outcomes(
  filter: PolicyFilter,
  textOf: SecretTexts,
): readonly { readonly key: string; readonly conditions: readonly JsonObject[] }[] {
  if (!filter.http && !filter.dns && !filter.serverNames) return [{ key: filter.rule, conditions: [] }];
  return (filter.http ?? []).map(({ key, rule }) => ({ key, conditions: headerPermissions(rule, textOf) }));
}

/** A prefix, or everything outside all of some prefixes. */
type Outsider = { readonly inside: string } | { readonly outside: readonly string[] };

/**
 * Who is not held by this node's policy in one direction: its pods that are not isolated, its router, and every address that
 * is not a pod of this node. An address of the node's pod range that is not known yet is held, and matches no rule.
 */
function outsiders(
  view: ClusterView,
  groups: readonly EndpointGroup[],
  direction: 'ingress' | 'egress',
): readonly Outsider[] {
  const isEnforced = ({ policy }: EndpointGroup) =>
    direction === 'egress' ? policy.enforceEgress : policy.enforceIngress;
  const podRange = rangeOf(view.node.podCidr);
  const open = groups.filter((group) => !isEnforced(group)).flatMap(({ pods }) => pods);
  const elsewhere = groups.filter(isEnforced).flatMap(({ pods }) => {
    return pods.filter(({ address }) => {
      const range = rangeOf(address);
      return !(podRange && range && rangeContains(podRange, range));
    });
  });
  const inside = [view.node.routerAddress, ...open.map(({ address }) => address)].flatMap(
    (text) => rangeOf(text) ?? [],
  );
  const held = [view.node.podCidr, ...elsewhere.map(({ address }) => `${address}/32`).sort()];
  return [...prefixesOf(mergeRanges(inside)).map((prefix) => ({ inside: prefix })), { outside: held }];
}

function asPrincipal(outsider: Outsider): JsonObject {
  if ('inside' in outsider) return remoteIp(outsider.inside);
  return { not_id: { or_ids: { ids: outsider.outside.map(remoteIp) } } };
}

function asPermission(outsider: Outsider): JsonObject {
  if ('inside' in outsider) return upstreamIp(outsider.inside);
  return { not_rule: { or_rules: { rules: outsider.outside.map(upstreamIp) } } };
}
