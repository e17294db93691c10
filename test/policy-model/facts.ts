import { cidrContains, parseCidrOrIp } from '../../src/base/index.ts';
import type { EndpointSlice, Namespace, Pod, Service } from '../../src/plan/index.ts';

/** What a verdict depends on beside the policies: the cluster as one node's agent sees it. */
export interface Facts {
  readonly cluster: string;
  readonly mode: 'default' | 'always' | 'never';
  /** Rules isolate whatever they say themselves (`enable-non-default-deny-policies=false`). */
  readonly everyRuleIsolates: boolean;
  /** A node reaches its own pods unless a rule denies it. */
  readonly allowLocalhost: boolean;
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  /** CiliumCIDRGroup objects as written. */
  readonly cidrGroups: readonly unknown[];
  readonly nodes: readonly NodeFacts[];
  readonly apiServerAddresses: readonly string[];
  /** Rules may select other nodes by their labels. */
  readonly nodeLabels: boolean;
  /** Rules with a `nodeSelector` hold. */
  readonly hostFirewall: boolean;
  /** What Layers 3 and 4 refuse is reported and passes. */
  readonly audit: boolean;
  /** `/CONFIG/LISTENER` of those that rules may send connections to. */
  readonly listeners: ReadonlySet<string>;
  /** Name (lower case, trailing dot) to addresses. */
  readonly learntNames: ReadonlyMap<string, readonly string[]>;
}

export interface NodeFacts {
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** The node that is asked. */
  readonly own: boolean;
}

/** One end of a packet: its labels as `source:key` to value, and its pod where it is one. */
export interface Party {
  readonly address: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly pod?: Pod;
}

export type Fields = Readonly<Record<string, unknown>>;

const clusterLabel = 'k8s:io.cilium.k8s.policy.cluster';
export const podNamespaceLabel = 'k8s:io.kubernetes.pod.namespace';
export const namespaceLabelPrefix = 'io.cilium.k8s.namespace.labels.';

/** Who has this address. What neither a pod nor a node has is the world (single stack: one label for all of it). */
export function partyOf(facts: Facts, address: string): Party {
  const pod = facts.pods.find(({ status }) => status?.podIP === address);
  if (pod) return { address, pod, labels: podLabels(facts, pod) };
  const reserved = (...names: string[]): Party => ({
    address,
    labels: new Map(names.map((name) => [`reserved:${name}`, ''])),
  });
  const node = facts.nodes.find(({ addresses }) => addresses.includes(address));
  const labelled = (party: Party, source: string): Party => {
    const own = Object.entries(node?.labels ?? {}).map(([key, value]) => [`${source}:${key}`, value] as const);
    return { address, labels: new Map([...party.labels, ...own]) };
  };
  if (node?.own) return labelled(reserved('host'), 'k8s');
  const isApiServer = facts.apiServerAddresses.includes(address);
  const party = isApiServer ? reserved('kube-apiserver', 'remote-node') : reserved('remote-node');
  if (node) return facts.nodeLabels ? labelled(party, 'node') : party;
  return isApiServer ? party : reserved('world');
}

function podLabels(facts: Facts, pod: Pod): ReadonlyMap<string, string> {
  const namespace = pod.metadata?.namespace ?? 'default';
  const labels = new Map<string, string>();
  for (const [key, value] of Object.entries(pod.metadata?.labels ?? {})) labels.set(`k8s:${key}`, value);
  const of = facts.namespaces.find(({ metadata }) => metadata?.name === namespace);
  for (const [key, value] of Object.entries(of?.metadata?.labels ?? {})) {
    labels.set(`k8s:${namespaceLabelPrefix}${key}`, value);
  }
  labels.set(podNamespaceLabel, namespace);
  labels.set('k8s:io.cilium.k8s.policy.serviceaccount', pod.spec?.serviceAccountName ?? 'default');
  labels.set(clusterLabel, facts.cluster);
  return labels;
}

export function isWorld({ labels }: Party): boolean {
  return labels.has('reserved:world');
}

/** Whether the party is one of the reserved kinds or, with `cluster` and `cluster-mesh`, a pod. */
export function isEntity(entity: string, { labels }: Party, cluster: string): boolean {
  switch (entity) {
    case 'all':
      return true;
    case 'cluster':
      return labels.get(clusterLabel) === cluster;
    case 'cluster-mesh':
      return labels.has(clusterLabel);
    case 'none':
      return false;
    default:
      return labels.has(`reserved:${entity}`);
  }
}

/** A label selector whose keys without a source get `source`. `any:key` looks at every source. */
export function selects(selector: Fields, source: 'any' | 'k8s' | 'node', { labels }: Party): boolean {
  const labelAt = (key: string): string | undefined => {
    const colon = key.indexOf(':');
    const [of, name] = colon < 0 ? [source, key] : [key.slice(0, colon), key.slice(colon + 1)];
    if (of !== 'any') return labels.get(`${of}:${name}`);
    return [...labels].find(([label]) => label.slice(label.indexOf(':') + 1) === name)?.[1];
  };
  for (const [key, value] of Object.entries(fields(selector['matchLabels']))) if (labelAt(key) !== value) return false;
  return list(selector['matchExpressions']).every((requirement) => {
    const value = labelAt(String(requirement['key']));
    const values = (requirement['values'] ?? []) as readonly unknown[];
    switch (requirement['operator']) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        throw new Error(`operator ${String(requirement['operator'])}`);
    }
  });
}

export function keysOf(selector: Fields): readonly string[] {
  return [
    ...Object.keys(fields(selector['matchLabels'])),
    ...list(selector['matchExpressions']).map(({ key }) => String(key)),
  ];
}

export function inCidr(cidr: string, address: string): boolean {
  const [outer, inner] = [parseCidrOrIp(cidr), parseCidrOrIp(address)];
  return outer !== undefined && inner !== undefined && cidrContains(outer, inner);
}

export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}
