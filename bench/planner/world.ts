import { configOf, desiredIdentities, type World } from '../../src/plan/index.ts';
import { proposeIdentity } from '../../src/policy/index.ts';
import { policyObject } from './policies.ts';

export type Pod = World['pods'][number];
export type EndpointSlice = World['endpointSlices'][number];

/** How large a cluster is, and how much of it is on the node that plans. */
export interface Size {
  readonly pods: number;
  readonly identities: number;
  readonly policies: number;
  readonly services: number;
  readonly nodes: number;
}

export const fullSize: Size = { pods: 5000, identities: 200, policies: 1000, services: 500, nodes: 25 };
const appsPerNamespace = 10;
const localNode = 'node-1';

export function scaled({ pods, identities, policies, services, nodes }: Size, scale: number): Size {
  return {
    pods: pods * scale,
    identities: identities * scale,
    policies: policies * scale,
    services: services * scale,
    // The node's own share grows as everything else does.
    nodes,
  };
}

/** Addresses of a node's pods run through its /23. */
function podAddress(node: number, host: number): string {
  return `10.${200 + (node >> 7)}.${((node & 127) << 1) + (host >> 8)}.${host & 255}`;
}

/** The `index`-th pod of the cluster: its application goes round with the index, so that every node has pods of most. */
function podObject(index: number, { identities, nodes }: Size): Pod {
  const node = index % nodes;
  const app = (index * 7 + Math.floor(index / nodes)) % identities;
  return podOf({ name: `pod-${index}`, app, node, host: 2 + Math.floor(index / nodes) });
}

export interface PodPlace {
  readonly name: string;
  readonly app: number;
  readonly node: number;
  readonly host: number;
}

function podOf({ name, app, node, host }: PodPlace): Pod {
  return {
    metadata: {
      name,
      namespace: namespaceOf(app),
      uid: name,
      labels: { app: `app-${app}`, tier: `tier-${app % 3}`, 'pod-template-hash': 'x' },
    },
    spec: {
      nodeName: `node-${node + 1}`,
      serviceAccountName: 'default',
      containers: [
        {
          name: 'main',
          ports: [
            { name: 'http', containerPort: app % 5 === 0 ? 8081 : 8080 },
            { name: 'metrics', containerPort: 9090 },
          ],
        },
      ],
    },
    status: { phase: 'Running', podIP: podAddress(node, host) },
  };
}

function namespaceOf(app: number): string {
  return `team-${Math.floor(app / appsPerNamespace)}`;
}

/** A Service for each application, and further ones of the same until there are enough. */
function serviceObject(index: number, { identities }: Size): World['services'][number] {
  const app = index % identities;
  return {
    metadata: { name: `service-${index}`, namespace: namespaceOf(app), labels: { app: `app-${app}` } },
    spec: {
      clusterIP: `10.96.${index >> 8}.${index & 255}`,
      ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
      selector: { app: `app-${app}` },
    },
  };
}

function sliceObject(service: number, size: Size, pods: readonly Pod[]): EndpointSlice {
  const app = service % size.identities;
  return {
    metadata: {
      name: `service-${service}-x`,
      namespace: namespaceOf(app),
      labels: { 'kubernetes.io/service-name': `service-${service}` },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: app % 5 === 0 ? 8081 : 8080, protocol: 'TCP' }],
    endpoints: pods.map((pod) => ({ addresses: [pod.status?.podIP ?? ''], conditions: { ready: true } })),
  };
}

/** A whole cluster, all identities numbered, as the agent of its first node sees it. */
export function clusterWorld(size: Size): World {
  const range = (count: number) => Array.from({ length: count }, (_, index) => index);
  const pods = range(size.pods).map((index) => podObject(index, size));
  const byApp = Map.groupBy(pods, (pod) => pod.metadata?.labels?.['app'] ?? '');
  const namespaces = range(Math.ceil(size.identities / appsPerNamespace)).map((index) => ({
    metadata: { name: `team-${index}`, labels: { 'kubernetes.io/metadata.name': `team-${index}`, stage: 'live' } },
  }));
  const world: World = {
    nodeName: localNode,
    clusterName: 'ciliate',
    config: configOf(undefined, () => undefined),
    nodes: range(size.nodes).map((index) => ({
      metadata: { name: `node-${index + 1}` },
      spec: { podCIDR: `${podAddress(index, 0)}/23` },
      status: { addresses: [{ type: 'InternalIP', address: `172.30.0.${index + 1}` }] },
    })),
    namespaces,
    pods,
    services: range(size.services).map((index) => serviceObject(index, size)),
    endpointSlices: range(size.services).map((index) => {
      return sliceObject(index, size, byApp.get(`app-${index % size.identities}`) ?? []);
    }),
    secrets: [],
    policies: range(size.policies).map((index) => policyObject(index, size.identities)),
    cidrGroups: [],
    envoyConfigs: [],
    identities: new Map(),
    learntNames: new Map(range(20).map((index) => [`host-${index}.example.com.`, [`198.51.100.${index}`]])),
    proxyPorts: new Map(),
  };
  return { ...world, identities: numbered(world, size) };
}

/** A number for every label set of every node. */
function numbered(world: World, { nodes }: Size): ReadonlyMap<string, number> {
  const identities = new Map<string, number>();
  const taken = new Set<number>();
  for (let node = 1; node <= nodes; node++) {
    for (const { key } of desiredIdentities({ ...world, nodeName: `node-${node}`, identities })) {
      const number = proposeIdentity(key, taken) ?? 0;
      taken.add(number);
      identities.set(key, number);
    }
  }
  return identities;
}
