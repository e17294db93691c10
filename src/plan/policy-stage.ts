import { type CidrGroup, decodeCidrGroup, type PolicyObject, type PolicyPeer } from '../model/cilium/index.ts';
import {
  type AddressRange,
  addressGroupsOfPeers,
  createPeerIndex,
  createPolicyResolver,
  learntByPeers,
  type PeerIdentity,
  type PeerIndex,
  type PodIdentity,
  type PolicyService,
  prefixesOfPeers,
  type ResolvedPolicy,
  type RuleReference,
  type WorldIdentity,
  worldIdentities,
} from '../policy/index.ts';
import type { ClusterAddresses } from './cluster-addresses.ts';
import { type ClusterView, nodeLabels } from './cluster-view.ts';
import { type EndpointGroup, endpointGroups } from './endpoint-groups.ts';
import { identical, kept, sameEntries, sameFields, sameItems } from './kept.ts';
import type { PlannedService } from './services.ts';
import type { World } from './world.ts';

/** What policy makes of a world: the local endpoints with what is enforced on them. */
export interface PolicyOutcome {
  readonly groups: readonly EndpointGroup[];
  /** The same for other pods. */
  readonly groupsOf: (pods: ClusterView['pods']) => readonly EndpointGroup[];
  /** What is enforced on the node itself; undefined where the host firewall is off. */
  readonly host: ResolvedPolicy | undefined;
  readonly index: PeerIndex;
  /** The world outside the cluster, split as the rules that select parts of it need it. */
  readonly world: readonly WorldIdentity[];
  readonly references: ReadonlyMap<string, RuleReference>;
}

export type PolicyStage = (
  world: World,
  view: ClusterView,
  policies: readonly PolicyObject[],
  services: ReadonlyMap<string, PlannedService>,
  addresses: ClusterAddresses,
  nodes: readonly PeerIdentity[],
) => PolicyOutcome;

/**
 * Resolves policy, and the next time only what an input changed: selectors are matched anew when an identity or the world's
 * parts changed, rules are compiled when they or that changed, subjects are resolved when any of it or they changed.
 */
export function createPolicyStage(): PolicyStage {
  const peersOf = kept(everyPeerOf, [sameItems]);
  const prefixesOf = kept(prefixesOfPeers, [identical, identical]);
  const servicesOf = kept(
    (services: readonly PolicyService[]) => services,
    [(one, other) => sameItems(one, other, sameService)],
  );
  const identitiesOf = kept(
    (identities: readonly PodIdentity[]) => identities,
    [(one, other) => sameItems(one, other, sameIdentity)],
  );
  const cidrGroupsOf = kept(cidrGroupsIn, [sameItems]);
  const addressGroupsOf = kept(addressGroupsOfPeers, [identical, identical]);
  const nodesOf = kept(
    (nodes: readonly PeerIdentity[]) => nodes,
    [(one, other) => sameItems(one, other, (a, b) => a.id === b.id && sameItems(a.labels, b.labels))],
  );
  const outsideOf = kept(worldIdentities, [
    sameItems,
    (one, other) => sameEntries(one, other, sameItems),
    (one, other) => sameItems(one, other, sameRange),
    identical,
  ]);
  const indexOf = kept(
    (
      pods: readonly PodIdentity[],
      world: readonly WorldIdentity[],
      services: readonly PolicyService[],
      cidrGroups: readonly CidrGroup[],
      nodes: readonly PeerIdentity[],
      cluster: string,
    ) => createPeerIndex({ pods, world, services, cidrGroups, nodes, cluster }),
    [identical, identical, identical, identical, identical, identical],
  );
  const resolverOf = kept(createPolicyResolver, [sameItems, identical, sameFields]);

  return (world, view, policies, services, addresses, nodes) => {
    const policyServices = servicesOf([...services.values()].map((service) => policyService(service, addresses)));
    const peers = peersOf(policies);
    const cidrGroups = cidrGroupsOf(world.cidrGroups);
    const outside = outsideOf(
      prefixesOf(peers, policyServices),
      learntByPeers(peers, world.learntNames),
      addresses.holes,
      addressGroupsOf(peers, cidrGroups),
    );
    const index = indexOf(
      identitiesOf(view.podIdentities),
      outside,
      policyServices,
      cidrGroups,
      nodesOf(nodes),
      world.clusterName,
    );
    const resolver = resolverOf(policies, index, world.config);
    const groupsOf = (pods: ClusterView['pods']) => endpointGroups(pods, resolver);
    const groups = groupsOf(view.localPods);
    const host = world.config.enableHostFirewall ? resolver.resolveHost(nodeLabels(world)) : undefined;
    const resolved = [...groups.map(({ policy }) => policy), ...(host ? [host] : [])];
    const references = new Map(resolved.flatMap((policy) => [...policy.references]));
    return { groups, groupsOf, host, index, world: outside, references };
  };
}

function everyPeerOf(policies: readonly PolicyObject[]): readonly PolicyPeer[] {
  return policies.flatMap(({ rules }) =>
    rules.flatMap(({ ingress, egress }) => [...ingress.items, ...egress.items].flatMap((item) => item.peers ?? [])),
  );
}

function cidrGroupsIn(objects: readonly unknown[]): readonly CidrGroup[] {
  return objects.flatMap((object) => decodeCidrGroup(object) ?? []);
}

const servicesWithSelector = new WeakMap<PlannedService, PolicyService>();
const none: readonly never[] = [];

/** The backends of a Service with a selector do not count, so that what policy sees of it is the same as long as the Service is. */
function policyService(service: PlannedService, { identityOf }: ClusterAddresses): PolicyService {
  const { namespace, name, labels, selector } = service;
  if (selector) {
    const known = servicesWithSelector.get(service);
    if (known) return known;
    const made = { namespace, name, labels, selector, addresses: none, identities: none };
    servicesWithSelector.set(service, made);
    return made;
  }
  const own = [...new Set(service.ports.flatMap(({ backends }) => backends.map(({ address }) => address)))];
  return {
    namespace,
    name,
    labels,
    addresses: own.filter((address) => identityOf(address) === undefined),
    identities: own.flatMap((address) => identityOf(address) ?? []),
  };
}

function sameService(one: PolicyService, other: PolicyService): boolean {
  if (one === other) return true;
  return (
    one.namespace === other.namespace &&
    one.name === other.name &&
    sameFields(one.labels, other.labels) &&
    sameFields(one.selector ?? {}, other.selector ?? {}) &&
    (one.selector === undefined) === (other.selector === undefined) &&
    sameItems(one.addresses, other.addresses) &&
    sameItems(one.identities, other.identities)
  );
}

function sameIdentity(one: PodIdentity, other: PodIdentity): boolean {
  const samePorts = (a: ReadonlySet<number>, b: ReadonlySet<number>) =>
    a.size === b.size && [...a].every((port) => b.has(port));
  return (
    one.id === other.id &&
    sameItems(one.labels, other.labels) &&
    sameEntries(one.namedPorts, other.namedPorts, samePorts)
  );
}

function sameRange(one: AddressRange, other: AddressRange): boolean {
  return one.start === other.start && one.end === other.end;
}
