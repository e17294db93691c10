import { proposeIdentity } from '../../policy/index.ts';
import type { EndpointSlice, Namespace, Node, Pod, Service } from '../index.ts';
import { desiredIdentities, type World } from '../index.ts';

/** A pod as the tests write it: where it is, what it is called, its labels. */
export interface TestPod {
  readonly name: string;
  readonly namespace?: string;
  readonly node: 1 | 2;
  /** Last byte of its address in its node's range. */
  readonly host: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number; readonly protocol?: string }[];
}

export interface TestService {
  readonly name: string;
  readonly namespace?: string;
  readonly clusterIP: string;
  readonly ports: readonly {
    readonly name?: string;
    readonly port: number;
    readonly protocol?: string;
    readonly targetPort?: number;
  }[];
  readonly selector?: Readonly<Record<string, string>>;
  /** Backends of a Service without a selector. */
  readonly addresses?: readonly string[];
}

export function podAddress({ node, host }: Pick<TestPod, 'node' | 'host'>): string {
  return `10.244.${node}.${host}`;
}

const defaults = {
  nodeName: 'node-1',
  clusterName: 'ciliate',
  config: {
    datapathMode: 'vxlan',
    enableEnvoyConfig: true,
    enableHostFirewall: false,
    enablePolicy: 'default',
    enableNonDefaultDenyPolicies: true,
    nodeSelectorLabels: false,
    allowLocalhost: true,
    labels: '',
    nodeLabels: '',
    policyAuditMode: false,
    policyDenyResponse: 'none',
    http403Message: '',
    envoySecretsNamespace: 'cilium-secrets',
    monitorAggregation: { level: 'medium', intervalSeconds: 5, flags: ['syn', 'fin', 'rst'] },
    serviceCidr: '10.96.0.0/16',
  },
  secrets: [],
  policies: [],
  cidrGroups: [],
  envoyConfigs: [],
  learntNames: new Map(),
  proxyPorts: new Map(),
} as const;

/** A two-node world with these pods and Services; every pod has its identity unless `identities` is given. */
export function testWorld(
  pods: readonly TestPod[],
  services: readonly TestService[],
  rest: Partial<World> = {},
): World {
  const namespaces = [...new Set([...pods, ...services].map(({ namespace }) => namespace ?? 'cilium-test'))];
  const world: World = {
    ...defaults,
    nodes: [1, 2].map(testNode),
    namespaces: namespaces.map(
      (name): Namespace => ({ metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } }),
    ),
    pods: pods.map(kubernetesPod),
    services: services.map(kubernetesService),
    endpointSlices: services.map((service) => endpointSlice(service, pods)),
    identities: new Map(),
    ...rest,
  };
  return rest.identities ? world : { ...world, identities: allIdentities(world) };
}

/** Numbers for all pods' label sets, as both nodes' agents would allocate them. */
function allIdentities(world: World): ReadonlyMap<string, number> {
  const identities = new Map<string, number>();
  const taken = new Set<number>();
  for (const nodeName of ['node-1', 'node-2']) {
    for (const { key } of desiredIdentities({ ...world, nodeName, identities })) {
      const number = proposeIdentity(key, taken) ?? 0;
      taken.add(number);
      identities.set(key, number);
    }
  }
  return identities;
}

function testNode(index: number): Node {
  return {
    metadata: { name: `node-${index}`, labels: { 'kubernetes.io/hostname': `node-${index}` } },
    spec: { podCIDR: `10.244.${index}.0/24` },
    status: { addresses: [{ type: 'InternalIP', address: `172.30.0.${index}` }] },
  };
}

function kubernetesPod(pod: TestPod): Pod {
  return {
    metadata: { name: pod.name, namespace: pod.namespace ?? 'cilium-test', labels: { ...pod.labels } },
    spec: {
      nodeName: `node-${pod.node}`,
      serviceAccountName: 'default',
      containers: [{ name: 'main', ports: (pod.ports ?? []).map((port) => ({ ...port })) }],
    },
    status: { phase: 'Running', podIP: podAddress(pod) },
  };
}

function kubernetesService({ name, namespace, clusterIP, ports, selector }: TestService): Service {
  return {
    metadata: { name, namespace: namespace ?? 'cilium-test' },
    spec: {
      clusterIP,
      ports: ports.map((port) => ({ ...port, targetPort: port.targetPort ?? port.port })),
      ...(selector && { selector: { ...selector } }),
    },
  };
}

function endpointSlice(service: TestService, pods: readonly TestPod[]): EndpointSlice {
  const { selector } = service;
  const chosen = pods.filter((pod) => {
    if (!selector || (pod.namespace ?? 'cilium-test') !== (service.namespace ?? 'cilium-test')) return false;
    return Object.entries(selector).every(([key, value]) => pod.labels[key] === value);
  });
  const addresses = service.addresses ?? chosen.map(podAddress);
  return {
    metadata: {
      name: `${service.name}-x`,
      namespace: service.namespace ?? 'cilium-test',
      labels: { 'kubernetes.io/service-name': service.name },
    },
    addressType: 'IPv4',
    ports: service.ports.map(({ name, port, protocol, targetPort }) => ({
      ...(name !== undefined && { name }),
      port: targetPort ?? port,
      protocol: protocol ?? 'TCP',
    })),
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}
