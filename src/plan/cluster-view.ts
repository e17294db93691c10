import { assert, ipv4ToNumber, numberToIpv4 } from '../base/index.ts';
import {
  compileLabelFilter,
  identityKey,
  identityLabels,
  type PodIdentity,
  rangeOf,
  reservedIdentity,
  subjectKey,
} from '../policy/index.ts';
import type { Identity, NodeAddress } from './node-plan.ts';
import type { Namespace, Node, Pod, World } from './world.ts';

/** A pod with an address of its own, as a plan needs it. */
export interface PlannedPod {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly nodeName: string;
  readonly identity: Identity;
  /** Sorted identity labels. */
  readonly labels: readonly string[];
  /** `tcp/http` to the container port. */
  readonly namedPorts: ReadonlyMap<string, number>;
  /** Pods of one key have the same identity and named ports. */
  readonly subject: string;
}

/** The cluster's addresses and who has them. Lists are sorted, so that a plan does not depend on the world's order. */
export interface ClusterView {
  readonly node: NodeAddress;
  readonly peers: readonly NodeAddress[];
  readonly pods: readonly PlannedPod[];
  readonly localPods: readonly PlannedPod[];
  readonly podIdentities: readonly PodIdentity[];
  /** Addresses behind the `kubernetes` Service in `default`. */
  readonly apiServers: readonly string[];
}

/** Why there can be no plan for this node yet; undefined when there can. */
export function notPlannable(world: World): string | undefined {
  const node = world.nodes.find(({ metadata }) => metadata?.name === world.nodeName);
  if (!node) return `node ${world.nodeName} is not registered`;
  return nodeAddress(node) ? undefined : `node ${world.nodeName} has no InternalIP or no podCIDR (IPv4) yet`;
}

/** Undefined when `notPlannable` says why. */
export function clusterView(
  world: World,
  podsOf: (world: World, namespaces: ReadonlyMap<string, Namespace>) => PodsOfView = freshPods,
): ClusterView | undefined {
  const nodes = world.nodes.flatMap((node) => nodeAddress(node) ?? []).sort((a, b) => compareText(a.name, b.name));
  const node = nodes.find(({ name }) => name === world.nodeName);
  if (!node) return undefined;
  const { pods, localPods, podIdentities: identities } = podsOf(world, namespaceIndex(world));
  const peers = nodes.filter((peer) => peer !== node);
  return { node, peers, pods, localPods, podIdentities: identities, apiServers: apiServerAddresses(world) };
}

type PodsOfView = Pick<ClusterView, 'pods' | 'localPods' | 'podIdentities'>;

function freshPods(world: World, namespaces: ReadonlyMap<string, Namespace>): PodsOfView {
  const { pods } = plannedPods(world, namespaces, []);
  const localPods = pods.filter(({ nodeName }) => nodeName === world.nodeName);
  return { pods, localPods, podIdentities: podIdentities(pods) };
}

/** Pods of the cluster that share no node's network: the ones that get an identity. */
export function isEndpointPod(pod: Pod): boolean {
  return pod.spec?.hostNetwork !== true && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
}

/** Namespaces by name. */
export function namespaceIndex(world: World): ReadonlyMap<string, Namespace> {
  return new Map(world.namespaces.map((namespace) => [namespace.metadata?.name ?? '', namespace]));
}

interface LabelledPod {
  readonly namespace: Namespace | undefined;
  readonly cluster: string;
  readonly filter: string;
  readonly labels: readonly string[];
  /** What numbers are given to. */
  readonly key: string;
  /** Of a pod with these labels and this number nothing else is made. */
  planned: PlannedPod | undefined;
}

const labelledPods = new WeakMap<Pod, LabelledPod>();

function labelled(
  pod: Pod,
  namespace: Namespace | undefined,
  { clusterName: cluster, config: { labels: filter } }: Pick<World, 'clusterName' | 'config'>,
): LabelledPod {
  const known = labelledPods.get(pod);
  if (known && known.namespace === namespace && known.cluster === cluster && known.filter === filter) return known;
  const counts = compileLabelFilter(filter);
  assert(counts.ok, 'the settings hold a label filter that is none');
  const labels = identityLabels(pod, namespace, { cluster, counts: counts.value });
  const made = { namespace, cluster, filter, labels, key: identityKey(labels), planned: undefined };
  labelledPods.set(pod, made);
  return made;
}

/** Identity labels of a pod, kept as long as pod and namespace stay the same objects and the settings the same. */
export function labelsOfPod(
  pod: Pod,
  namespace: Namespace | undefined,
  world: Pick<World, 'clusterName' | 'config'>,
): readonly string[] {
  return labelled(pod, namespace, world).labels;
}

/** What the number of a pod's identity is given to. */
export function keyOfPod(
  pod: Pod,
  namespace: Namespace | undefined,
  world: Pick<World, 'clusterName' | 'config'>,
): string {
  return labelled(pod, namespace, world).key;
}

/** Labels of this node's object. */
export function nodeLabels(world: World): Readonly<Record<string, string>> {
  return world.nodes.find(({ metadata }) => metadata?.name === world.nodeName)?.metadata?.labels ?? {};
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function nodeAddress(node: Node): NodeAddress | undefined {
  const name = node.metadata?.name;
  const address = node.status?.addresses?.find(
    ({ type, address }) => type === 'InternalIP' && rangeOf(address),
  )?.address;
  const podCidr = [node.spec?.podCIDR, ...(node.spec?.podCIDRs ?? [])].find((cidr) => cidr && rangeOf(cidr));
  const range = podCidr === undefined ? undefined : rangeOf(podCidr);
  if (!name || !address || !podCidr || !range) return undefined;
  // The last two bytes of the underlay address: what tells nodes of one network apart.
  const index = ipv4ToNumber(address) & 0xffff;
  return { name, index, address, routerAddress: numberToIpv4(range.start + 1), podCidr };
}

/** All pods that have an address, in order; `byPod` is undefined where two claim one. `before` changes nothing but how soon they are in order. */
export function plannedPods(
  world: World,
  namespaces: ReadonlyMap<string, Namespace>,
  before: readonly PlannedPod[],
): { readonly pods: readonly PlannedPod[]; readonly byPod: Map<Pod, PlannedPod> | undefined } {
  const byAddress = new Map<string, Pod>();
  let contested = false;
  for (const pod of world.pods) {
    const address = addressOf(pod);
    if (address === undefined) continue;
    const known = byAddress.get(address);
    contested ||= known !== undefined;
    if (!known || addressRank(pod) < addressRank(known)) byAddress.set(address, pod);
  }
  const byPod = new Map<Pod, PlannedPod>();
  for (const pod of byAddress.values()) {
    const made = plannedPod(pod, namespaces, world);
    if (made) byPod.set(pod, made);
  }
  // A list that is nearly in order is put in order by few comparisons.
  const left = new Set(byPod.values());
  const known = before.filter((pod) => left.delete(pod));
  return { pods: [...known, ...left].sort(comparePods), byPod: contested ? undefined : byPod };
}

export function comparePods(a: PlannedPod, b: PlannedPod): number {
  return compareText(a.namespace, b.namespace) || compareText(a.name, b.name);
}

/** Undefined where the pod has no address of its own. */
function addressOf(pod: Pod): string | undefined {
  const address = pod.status?.podIP;
  return isEndpointPod(pod) && address && rangeOf(address) ? address : undefined;
}

/** Of two pods with one address the one that is not ending has it; the rest of the text only makes the choice stable. */
function addressRank({ metadata }: Pod): string {
  return `${metadata?.deletionTimestamp ? 1 : 0} ${metadata?.namespace}/${metadata?.name}`;
}

/** Undefined where the pod has no address of its own. */
export function plannedPod(pod: Pod, namespaces: ReadonlyMap<string, Namespace>, world: World): PlannedPod | undefined {
  const address = addressOf(pod);
  if (address === undefined) return undefined;
  const namespace = pod.metadata?.namespace ?? 'default';
  const kept = labelled(pod, world.formerNamespaces?.get(pod) ?? namespaces.get(namespace), world);
  const nodeName = pod.spec?.nodeName ?? '';
  const unnumbered = nodeName === world.nodeName ? reservedIdentity.init : reservedIdentity.unmanaged;
  const identity = world.identities.get(kept.key) ?? unnumbered;
  if (kept.planned?.identity === identity) return kept.planned;
  const { labels } = kept;
  const namedPorts = namedPortsOf(pod);
  const subject = subjectKey({ identity, namedPorts });
  const name = pod.metadata?.name ?? '';
  const planned = { namespace, name, address, nodeName, identity, labels, namedPorts, subject };
  kept.planned = planned;
  return planned;
}

const noPorts: ReadonlyMap<string, number> = new Map();

function namedPortsOf(pod: Pod): ReadonlyMap<string, number> {
  let ports: Map<string, number> | undefined;
  for (const container of pod.spec?.containers ?? []) {
    for (const { name, protocol, containerPort } of container.ports ?? []) {
      if (!name) continue;
      ports ??= new Map();
      const key = `${(protocol ?? 'TCP').toLowerCase()}/${name.toLowerCase()}`;
      if (!ports.has(key)) ports.set(key, containerPort);
    }
  }
  return ports ?? noPorts;
}

/** The identities of pods, with their named ports. */
export function podIdentities(pods: readonly PlannedPod[]): readonly PodIdentity[] {
  const identities = new Map<
    number,
    { readonly labels: readonly string[]; readonly ports: Map<string, Set<number>> }
  >();
  const subjects = new Set<string>();
  for (const { identity, labels, namedPorts, subject } of pods) {
    if (identity < 256 || subjects.has(subject)) continue;
    subjects.add(subject);
    const known = identities.get(identity) ?? { labels, ports: new Map<string, Set<number>>() };
    identities.set(identity, known);
    for (const [name, port] of namedPorts) {
      const numbers = known.ports.get(name) ?? new Set();
      known.ports.set(name, numbers.add(port));
    }
  }
  return [...identities]
    .map(([id, { labels, ports }]) => ({ id, labels, namedPorts: ports }))
    .sort((a, b) => a.id - b.id);
}

function apiServerAddresses(world: World): readonly string[] {
  const slices = world.endpointSlices.filter(({ metadata }) => {
    return metadata?.namespace === 'default' && metadata.labels?.['kubernetes.io/service-name'] === 'kubernetes';
  });
  const addresses = slices.flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));
  return [...new Set(addresses.filter((address) => rangeOf(address)))].sort(compareText);
}
