import {
  type AddressRange,
  mergeRanges,
  type PeerSet,
  type PolicyFilter,
  prefixesOf,
  rangeContains,
  rangeOf,
} from '../policy/index.ts';
import type { ClusterView } from './cluster-view.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { namedConfig, rbacConfigNames } from './envoy-json.ts';
import type { Identity, JsonObject, ResourceMap } from './node-plan.ts';
import { headerPermissions } from './rbac-http.ts';

/** Name of the RBAC policy that lets through what no policy of this node has a say in. */
export const unenforcedPolicy = 'unenforced';

type RbacPolicies = Map<string, { readonly permissions: JsonObject[]; readonly principals: readonly JsonObject[] }>;
type ConfigName = (typeof rbacConfigNames)[number];

/**
 * The local endpoints' policy as the proxy enforces it, request by request, on the backend that a request was routed to:
 * first what is denied, then what is allowed, for the client's egress and for the backend's ingress.
 * Policies are named by their rule's key; addresses stand for identities.
 */
export function rbacConfigs(
  view: ClusterView,
  groups: readonly EndpointGroup[],
  ranges: ReadonlyMap<Identity, readonly AddressRange[]>,
): ResourceMap {
  const addresses = addressBook(ranges);
  const configs: Record<ConfigName, RbacPolicies> = {
    'ciliate/egress-deny': new Map(),
    'ciliate/egress': new Map(),
    'ciliate/ingress-deny': new Map(),
    'ciliate/ingress': new Map(),
  };
  for (const [filter, subjects] of subjectsByFilter(groups)) {
    const config = configs[`ciliate/${filter.direction}${filter.action === 'deny' ? '-deny' : ''}`];
    addFilter(config, filter, subjects, addresses);
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
    rules: { action: name.endsWith('-deny') ? 'DENY' : 'ALLOW', policies: Object.fromEntries(sorted) },
  });
}

/** The filters that matter to TCP connections, each with the addresses of the local pods it is about. */
function subjectsByFilter(groups: readonly EndpointGroup[]): ReadonlyMap<PolicyFilter, readonly AddressRange[]> {
  const subjects = new Map<PolicyFilter, AddressRange[]>();
  for (const { pods, policy } of groups) {
    const own = pods.flatMap(({ address }) => rangeOf(address) ?? []);
    for (const filter of policy.filters) {
      if (filter.protocol !== 'tcp' && filter.protocol !== 'any') continue;
      const known = subjects.get(filter);
      if (known) known.push(...own);
      else subjects.set(filter, [...own]);
    }
  }
  return subjects;
}

function addFilter(
  config: RbacPolicies,
  filter: PolicyFilter,
  subjects: readonly AddressRange[],
  addresses: AddressBook,
): void {
  const peers = addresses.ofPeers(filter.peers);
  if (peers !== 'any' && peers.length === 0) return;
  const subjectPrefixes = addresses.ofRanges(subjects);
  const [clients, backends] = filter.direction === 'egress' ? [subjectPrefixes, peers] : [peers, subjectPrefixes];
  const destination = [...destinationHost(backends, addresses), ...destinationPort(filter)];
  const principals = clients === 'any' ? [{ any: true }] : addresses.principals(clients);
  for (const { key, conditions } of outcomes(filter)) {
    const known = config.get(key) ?? { permissions: [], principals };
    known.permissions.push(allOf([...destination, ...conditions]));
    config.set(key, known);
  }
}

/** What of the filter the proxy can decide: each HTTP rule by its own name, else everything on these ports. */
function outcomes(
  filter: PolicyFilter,
): readonly { readonly key: string; readonly conditions: readonly JsonObject[] }[] {
  const everything = { key: filter.rule, conditions: [] };
  if (!filter.http && !filter.dns) return [everything];
  const rules = (filter.http ?? []).map(({ key, rule }) => ({ key, conditions: headerPermissions(rule) }));
  return filter.visibilityOnly ? [...rules, everything] : rules;
}

function destinationHost(backends: readonly string[] | 'any', addresses: AddressBook): readonly JsonObject[] {
  return backends === 'any' ? [] : [anyOf(addresses.permissions(backends))];
}

function destinationPort({ port, portEnd }: PolicyFilter): readonly JsonObject[] {
  if (port === 0) return [];
  return [upstreamMatcher({ upstream_port_range: { start: port, end: portEnd + 1 } })];
}

function allOf(permissions: readonly JsonObject[]): JsonObject {
  const [first] = permissions;
  if (!first) return { any: true };
  return permissions.length === 1 ? first : { and_rules: { rules: permissions } };
}

function anyOf(permissions: readonly JsonObject[]): JsonObject {
  const [first] = permissions;
  return first && permissions.length === 1 ? first : { or_rules: { rules: permissions } };
}

function upstreamMatcher(body: JsonObject): JsonObject {
  const type = 'envoy.extensions.rbac.matchers.upstream_ip_port.v3.UpstreamIpPortMatcher';
  return { matcher: namedConfig('envoy.rbac.matchers.upstream_ip_port', type, body) };
}

/** Prefixes and their matchers, each built once however many rules name the same peers. */
interface AddressBook {
  ofPeers(peers: PeerSet): readonly string[] | 'any';
  ofRanges(ranges: readonly AddressRange[]): readonly string[];
  principals(prefixes: readonly string[]): readonly JsonObject[];
  permissions(prefixes: readonly string[]): readonly JsonObject[];
}

function addressBook(ranges: ReadonlyMap<Identity, readonly AddressRange[]>): AddressBook {
  const peerPrefixes = new Map<string, readonly string[]>();
  const principals = new Map<string, JsonObject>();
  const permissions = new Map<string, JsonObject>();
  const ofRanges = (list: readonly AddressRange[]) => prefixesOf(mergeRanges(list));
  return {
    ofRanges,
    ofPeers(peers) {
      if (peers[0] === 0) return 'any';
      const key = peers.join();
      let prefixes = peerPrefixes.get(key);
      if (!prefixes) {
        prefixes = ofRanges(peers.flatMap((peer) => ranges.get(peer) ?? []));
        peerPrefixes.set(key, prefixes);
      }
      return prefixes;
    },
    principals: (prefixes) => prefixes.map((prefix) => remembered(principals, prefix, () => remoteIp(prefix))),
    permissions: (prefixes) => prefixes.map((prefix) => remembered(permissions, prefix, () => upstreamIp(prefix))),
  };
}

function remembered(known: Map<string, JsonObject>, key: string, make: () => JsonObject): JsonObject {
  let value = known.get(key);
  if (!value) {
    value = make();
    known.set(key, value);
  }
  return value;
}

function cidrRange(prefix: string): JsonObject {
  const [address = '', length = '32'] = prefix.split('/');
  return { address_prefix: address, prefix_len: Number(length) };
}

function remoteIp(prefix: string): JsonObject {
  return { direct_remote_ip: cidrRange(prefix) };
}

function upstreamIp(prefix: string): JsonObject {
  return upstreamMatcher({ upstream_ip: cidrRange(prefix) });
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
