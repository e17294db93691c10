import { numberToIpv4, selectorMatches } from '../base/index.ts';
import { proposeIdentity, rangeOf } from '../policy/index.ts';
import { configOf } from './agent-config.ts';
import { desiredIdentities } from './endpoints.ts';
import type { Cluster } from './explain/types.ts';
import {
  configMapOf,
  endpointSliceOf,
  metadataOf,
  namespaceOf,
  nodeOf,
  podOf,
  secretOf,
  serviceOf,
} from './manifest-objects.ts';
import { fieldOf } from './objects.ts';
import type { EndpointSlice, Namespace, Node, Pod, Service, World } from './world.ts';

/** Labels of the pod that stands for the cluster's DNS server where the manifests bring none. */
const dnsLabels = { 'k8s-app': 'kube-dns' };
/** The Service that stands for it. */
export const standInDns = 'kube-system/kube-dns';

const namespaced = new Set(['CiliumNetworkPolicy', 'NetworkPolicy', 'CiliumEnvoyConfig']);
const policyKinds = ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy', 'NetworkPolicy'];
const envoyConfigKinds = ['CiliumEnvoyConfig', 'CiliumClusterwideEnvoyConfig'];

/** Where a workload's pods are described; each workload stands for one pod of its own name. */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

/**
 * The cluster that manifests describe, as far as policy is concerned: everything runs, on the nodes that are named (else on
 * one), with the addresses that are given, else with made-up ones. Namespaces that are used are there, and a DNS server is.
 * Objects without a namespace are in `namespace`.
 */
export function clusterOfManifests(objects: readonly unknown[], namespace: string): Cluster {
  const ofKind = (...kinds: readonly string[]) => objects.filter((object) => kinds.includes(kindOf(object)));
  const inNamespace = (object: unknown) => (namespaced.has(kindOf(object)) ? placed(object, namespace) : object);
  const services = ofKind('Service').map((object) => serviceOf(object, namespace));
  const pods = podsOf(objects, namespace);
  if (!services.some(({ metadata }) => `${metadata?.namespace}/${metadata?.name}` === standInDns))
    addDns(pods, services);
  const nodes = nodesOf(ofKind('Node').map(nodeOf), pods);
  const running = pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  const located = running.map(runner(nodes, running));
  const reachable = withClusterIps(services);
  const given = ofKind('EndpointSlice').map((object) => endpointSliceOf(object, namespace));
  const configMap = ofKind('ConfigMap')
    .map((object) => configMapOf(object, namespace))
    .find(({ metadata }) => metadata?.namespace === 'kube-system' && metadata.name === 'cilium-config');
  const cluster: Cluster = {
    clusterName: configMap?.data?.['cluster-name'] ?? 'default',
    config: configOf(configMap, () => undefined),
    nodes,
    namespaces: namespacesOf(ofKind('Namespace').map(namespaceOf), [...located, ...reachable]),
    pods: located,
    services: reachable,
    endpointSlices: [...given, ...slicesOf(reachable, given, located)],
    secrets: ofKind('Secret').map((object) => secretOf(object, namespace)),
    policies: ofKind(...policyKinds).map(inNamespace),
    cidrGroups: ofKind('CiliumCIDRGroup'),
    envoyConfigs: ofKind(...envoyConfigKinds).map(inNamespace),
    identities: new Map(),
    learntNames: new Map(),
    proxyPorts: new Map(),
  };
  return { ...cluster, identities: identitiesOf(cluster) };
}

function kindOf(object: unknown): string {
  const kind = fieldOf(object, 'kind');
  return typeof kind === 'string' ? kind : '';
}

/** The undecoded object, in the namespace where it names none. */
function placed(object: unknown, namespace: string): unknown {
  const metadata = fieldOf(object, 'metadata');
  if (typeof object !== 'object' || typeof metadata !== 'object' || fieldOf(metadata, 'namespace')) return object;
  return { ...object, metadata: { ...metadata, namespace } };
}

/** Pods, and one for each workload; a pod of the same name stays the only one. */
function podsOf(objects: readonly unknown[], namespace: string): Pod[] {
  const pods = new Map<string, Pod>();
  const add = (pod: Pod): void => {
    const key = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
    if (pod.metadata?.name && !pods.has(key)) pods.set(key, pod);
  };
  for (const object of objects) if (kindOf(object) === 'Pod') add(podOf(object, metadataOf(object, namespace)));
  for (const object of objects) {
    const kind = kindOf(object);
    const path = Object.hasOwn(templatePaths, kind) ? templatePaths[kind] : undefined;
    if (!path) continue;
    const template = path.reduce<unknown>((value, field) => fieldOf(value, field), object);
    const { labels } = metadataOf(template);
    const spec = fieldOf(template, 'spec');
    if (spec) add(podOf({ spec }, { ...metadataOf(object, namespace), ...(labels && { labels }) }));
  }
  return [...pods.values()];
}

function addDns(pods: Pod[], services: Service[]): void {
  const metadata = { namespace: 'kube-system', labels: dnsLabels };
  const ports = [
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
  ];
  pods.push({ metadata: { ...metadata, name: 'coredns' }, spec: { containers: [{ name: 'coredns' }] } });
  services.push({ metadata: { ...metadata, name: 'kube-dns' }, spec: { selector: dnsLabels, ports } });
}

/** The nodes with what they lack: an address, and a range with room for all pods. */
function nodesOf(given: readonly Node[], pods: readonly Pod[]): readonly Node[] {
  const byName = new Map(given.map((node) => [node.metadata?.name ?? '', node]));
  for (const { spec } of pods) {
    if (spec?.nodeName && !byName.has(spec.nodeName)) byName.set(spec.nodeName, { metadata: { name: spec.nodeName } });
  }
  if (byName.size === 0) byName.set('node', { metadata: { name: 'node' } });
  return [...byName].map(([name, node], index) => ({
    ...node,
    metadata: { ...node.metadata, name },
    spec: { ...node.spec, podCIDR: node.spec?.podCIDR ?? `10.${128 + (index % 128)}.0.0/16` },
    status: {
      ...node.status,
      addresses: node.status?.addresses ?? [
        { type: 'InternalIP', address: numberToIpv4(((172 << 24) | (30 << 16) | (index + 1)) >>> 0) },
      ],
    },
  }));
}

/** Lets a pod run on its node, else on the first, with an address of the node's range that nobody has. */
function runner(nodes: readonly Node[], pods: readonly Pod[]): (pod: Pod) => Pod {
  const taken = new Set(pods.flatMap(({ status }) => status?.podIP ?? []));
  const next = new Map<string, number>();
  const freeAddress = ({ metadata, spec }: Node): string => {
    // The first addresses are the network's and the router's.
    const start = (rangeOf(spec?.podCIDR ?? '')?.start ?? 0) + 2;
    let number = next.get(metadata?.name ?? '') ?? start;
    while (taken.has(numberToIpv4(number))) number += 1;
    next.set(metadata?.name ?? '', number + 1);
    return numberToIpv4(number);
  };
  return (pod) => {
    const node = nodes.find(({ metadata }) => metadata?.name === pod.spec?.nodeName) ?? nodes[0];
    if (!node) return pod;
    const shared = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    const own = pod.spec?.hostNetwork === true ? shared : (pod.status?.podIP ?? freeAddress(node));
    return {
      ...pod,
      spec: { containers: [], ...pod.spec, nodeName: node.metadata?.name ?? '' },
      status: { phase: 'Running', ...(own !== undefined && { podIP: own }) },
    };
  };
}

/** Gives the Services that have none an address; headless ones and those outside of the cluster stay without. */
function withClusterIps(services: readonly Service[]): readonly Service[] {
  const taken = new Set(services.flatMap(({ spec }) => spec?.clusterIP ?? []));
  let number = rangeOf('10.96.0.0/16')?.start ?? 0;
  return services.map((service) => {
    const { clusterIP, type } = service.spec ?? {};
    if (clusterIP !== undefined || type === 'ExternalName') return service;
    do number += 1;
    while (taken.has(numberToIpv4(number)));
    return { ...service, spec: { ...service.spec, clusterIP: numberToIpv4(number) } };
  });
}

/** Slices of the Services with a selector that the manifests bring none for. */
function slicesOf(
  services: readonly Service[],
  given: readonly EndpointSlice[],
  pods: readonly Pod[],
): readonly EndpointSlice[] {
  const label = 'kubernetes.io/service-name';
  const owned = new Set(given.map(({ metadata }) => `${metadata?.namespace}/${metadata?.labels?.[label]}`));
  return services.flatMap(({ metadata, spec }) => {
    const selector = spec?.selector ?? {};
    if (Object.keys(selector).length === 0 || owned.has(`${metadata?.namespace}/${metadata?.name}`)) return [];
    const own = pods.filter(
      (pod) =>
        pod.metadata?.namespace === metadata?.namespace &&
        selectorMatches({ matchLabels: selector }, pod.metadata?.labels ?? {}),
    );
    // A port may mean another number on each pod, so each has a slice of its own.
    return own.map(
      (pod): EndpointSlice => ({
        metadata: {
          name: `${metadata?.name}-${pod.metadata?.name}`,
          namespace: metadata?.namespace ?? '',
          labels: { [label]: metadata?.name ?? '' },
        },
        addressType: 'IPv4',
        ports: (spec?.ports ?? []).flatMap((port) => {
          const number = targetPort(pod, port.targetPort ?? port.port);
          return number === undefined
            ? []
            : [{ ...(port.name !== undefined && { name: port.name }), port: number, protocol: port.protocol ?? 'TCP' }];
        }),
        endpoints: [{ addresses: [pod.status?.podIP ?? ''], conditions: { ready: true } }],
      }),
    );
  });
}

function targetPort(pod: Pod, wanted: number | string): number | undefined {
  if (typeof wanted === 'number') return wanted;
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return ports.find(({ name }) => name === wanted)?.containerPort;
}

function namespacesOf(given: readonly Namespace[], objects: readonly (Pod | Service)[]): readonly Namespace[] {
  const names = new Set(given.map(({ metadata }) => metadata?.name));
  const used = new Set(objects.map(({ metadata }) => metadata?.namespace ?? 'default'));
  const more = [...used].filter((name) => !names.has(name)).map((name): Namespace => ({ metadata: { name } }));
  // The API server puts this label on every namespace.
  return [...given, ...more].map((namespace) => {
    const { name = '', labels } = namespace.metadata ?? {};
    return {
      ...namespace,
      metadata: { ...namespace.metadata, name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
    };
  });
}

/** Numbers for all label sets, as the nodes' agents would give them. */
function identitiesOf(cluster: Cluster): ReadonlyMap<string, number> {
  const identities = new Map<string, number>();
  const taken = new Set<number>();
  for (const { metadata } of cluster.nodes) {
    const world: World = { ...cluster, nodeName: metadata?.name ?? '', identities, learntNames: new Map() };
    for (const { key } of desiredIdentities(world)) {
      const number = proposeIdentity(key, taken);
      if (number === undefined) continue;
      taken.add(number);
      identities.set(key, number);
    }
  }
  return identities;
}
