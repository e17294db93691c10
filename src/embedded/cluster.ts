import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { CertificateAuthority, IssuedCertificate, Logger } from '../base/index.ts';
import {
  createApiServer,
  createCertificateAuthority,
  installResourceDefinitions,
  keptCertificate,
  kubeconfig,
  openStore,
  type Store,
  writeSecret,
} from '../cluster/apiserver/index.ts';
import { startControllers, systemClock } from '../cluster/controllers/index.ts';
import { imageCatalogue } from '../cluster/images/index.ts';
import { createFabric, startNodes, worldAddresses } from '../cluster/node/index.ts';
import { ciliumResourceDefinitions, validateCiliumObject } from '../model/cilium/index.ts';
import { addonObjects, addresses, clusterName, routingSettings } from './addons.ts';
import { writeCommands } from './commands.ts';
import type { ClusterHome } from './home.ts';
import { keepHubbleCertificates, relayFiles } from './hubble-certificates.ts';
import { clusterDescriptors, type LaunchOptions } from './launch.ts';
import { superviseNode } from './node-processes.ts';
import { startPage } from './page.ts';
import { type RunningRelay, startRelay } from './relay.ts';
import { startUplink } from './uplink.ts';
import type { UplinkPlan } from './uplink-plan.ts';
import { startZoneFile, worldNames } from './zone-file.ts';

const projectRoot = path.resolve(import.meta.dirname, '../..');
const readyTimeoutMs = 45_000;
const relaySocket = '/run/ciliate/relay.sock';

export interface Cluster {
  /** Resolves when every node is Ready and its agent has a first plan in force; rejects when that takes too long. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/** Composes the cluster process: storage, API server, nodes, controllers and relay here, agents and data planes as processes of their own. */
export async function startCluster(
  home: ClusterHome,
  options: LaunchOptions & { readonly uplinkPlan: UplinkPlan },
  log: Logger,
): Promise<Cluster> {
  const nodeNames = Array.from({ length: options.nodes }, (_, index) => `node-${index + 1}`);
  const store = openStore({
    directory: path.join(home.state, 'api'),
    // A setting that has changed must not keep the agents from saying so in the status of what is there.
    validators: (_resource, object, old) =>
      validateCiliumObject(object, old ? { nodeSelectorLabels: true } : policySettings(store)),
  });
  const [fabric, certificates] = await Promise.all([
    createFabric({ nodes: nodeNames, serviceCidr: addresses.serviceCidr }),
    prepareCertificates(home, worldNames(options.externalTarget)),
  ]);
  const [hubbleCertificates] = await Promise.all([
    keepHubbleCertificates({ home, authority: certificates.authority, nodes: nodeNames, clock: systemClock, log }),
    fabric.world.serveTls(certificates.world),
  ]);
  installResourceDefinitions(store, ciliumResourceDefinitions);
  const zone = startZoneFile(store, { directory: path.join(home.run, 'dns'), externalTarget: options.externalTarget });
  const uplink = startUplink({ plan: options.uplinkPlan, home, log, onResolvers: zone.setResolvers });
  const startedRelay = Promise.withResolvers<RunningRelay>();
  const runtime = await startNodes({
    store,
    nodes: fabric.nodes,
    stateDirectory: path.join(home.state, 'nodes'),
    runDirectory: '/run/ciliate/nodes',
    images: imageCatalogue({
      clusterDns: zone.program(projectRoot),
      // Pods of an earlier run start before Relay does.
      hubbleRelay: { start: async (pod) => (await startedRelay.promise).servePod(pod) },
    }),
    clusterDns: addresses.dnsService,
    clusterDomain: 'cluster.local',
    kubernetesVersion: 'v1.32.4',
    clock: Date.now,
    log,
  });
  const api = createApiServer({ store, runtime, tls: certificates.tls, log });
  await Promise.all([
    api.listenOn({ fd: clusterDescriptors.api }),
    api.listenOn({ host: addresses.fabric, port: addresses.apiPort }),
  ]);
  const controllers = startControllers({
    store,
    clock: systemClock,
    log,
    resources: () =>
      store.registry
        .resources()
        .map(({ key, group, kind, namespaced }) => ({ resource: key, group, kind, namespaced })),
    caCertificate: certificates.authority.certificate,
  });
  installAddons(store, options);
  forgetAgents(store);
  writeCommands(home);
  const agentKubeconfig = certificates.agentKubeconfig;
  const { filterModules = [] } = options;
  const processes = fabric.nodes.map((node) => superviseNode({ node, home, agentKubeconfig, filterModules, log }));
  const relay = await startRelay({
    descriptor: clusterDescriptors.relay,
    socket: relaySocket,
    nodes: fabric.nodes,
    store,
    files: relayFiles(home),
    log,
  });
  startedRelay.resolve(relay);
  const page = await startPage({ descriptor: clusterDescriptors.page, relaySocket, projectRoot, log });

  return {
    ready: untilReady(store, nodeNames),
    stop: async () => {
      await Promise.all(processes.map((supervised) => supervised.stop()));
      hubbleCertificates.stop();
      page.stop();
      await relay.stop();
      await controllers.stop();
      await uplink.stop();
      zone.stop();
      await runtime.stop();
      await api.close();
      store.close();
    },
  };
}

interface Certificates {
  readonly authority: CertificateAuthority;
  readonly tls: { readonly certificate: string; readonly privateKey: string; readonly clientAuthority: string };
  /** File for the agents; it leads to the API server's address inside the fabric. */
  readonly agentKubeconfig: string;
  /** What the host outside the cluster shows itself with. */
  readonly world: IssuedCertificate;
}

async function prepareCertificates(home: ClusterHome, outside: readonly string[]): Promise<Certificates> {
  const directory = path.join(home.state, 'pki');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const authority = await createCertificateAuthority(directory);
  const [server, admin, agent, world] = await Promise.all([
    keptCertificate(authority, directory, 'apiserver', {
      commonName: 'kube-apiserver',
      usage: 'server',
      dnsNames: [
        'localhost',
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        'kubernetes.default.svc.cluster.local',
      ],
      ipAddresses: ['127.0.0.1', addresses.fabric, addresses.kubernetesService],
    }),
    keptCertificate(authority, directory, 'admin', {
      commonName: 'kubernetes-admin',
      organizations: ['system:masters'],
      usage: 'client',
    }),
    keptCertificate(authority, directory, 'agent', {
      commonName: 'cilium-agent',
      organizations: ['system:nodes'],
      usage: 'client',
    }),
    keptCertificate(authority, directory, 'world', {
      commonName: outside[0] ?? '',
      usage: 'server',
      dnsNames: outside,
      ipAddresses: worldAddresses,
    }),
  ]);
  const port = process.env['CILIATE_API_PORT'] ?? '';
  const local = `https://127.0.0.1:${port}`;
  writeSecret(home.kubeconfig, kubeconfig({ name: clusterName, server: local, authority, client: admin }));
  const agentKubeconfig = path.join(home.run, 'agent.kubeconfig');
  const inside = `https://${addresses.fabric}:${addresses.apiPort}`;
  writeSecret(agentKubeconfig, kubeconfig({ name: clusterName, server: inside, authority, client: agent }));
  const tls = {
    certificate: server.certificate,
    privateKey: server.privateKey,
    clientAuthority: authority.certificate,
  };
  return { authority, tls, agentKubeconfig, world };
}

/** What the agents' settings let a policy say. */
function policySettings(store: Store): { readonly nodeSelectorLabels: boolean } {
  const data = store.get('configmaps', 'kube-system', 'cilium-config')?.['data'] as
    | Readonly<Record<string, unknown>>
    | undefined;
  return { nodeSelectorLabels: data?.['enable-node-selector-labels'] === 'true' };
}

function installAddons(store: Store, { datapathMode }: LaunchOptions): void {
  for (const { resource, object } of addonObjects(datapathMode ?? 'vxlan')) {
    if (!store.get(resource, object.metadata.namespace, object.metadata.name)) store.create(resource, object);
  }
  if (!datapathMode) return;
  const config = store.get('configmaps', 'kube-system', 'cilium-config');
  if (config)
    store.update('configmaps', {
      ...config,
      data: { ...(config['data'] as object), ...routingSettings(datapathMode) },
    });
}

/** Removes what the agents of an earlier run said of themselves, so that a node counts as ready only when its agent of this run is. */
function forgetAgents(store: Store): void {
  for (const { metadata } of store.list('ciliumnodes.cilium.io'))
    store.delete('ciliumnodes.cilium.io', undefined, metadata.name);
}

interface NodeLike {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function untilReady(store: Store, names: readonly string[]): Promise<void> {
  const isReady = (): boolean =>
    names.every((name) => {
      const node = store.get('nodes', undefined, name) as NodeLike | undefined;
      const nodeReady = node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      return nodeReady === true && store.get('ciliumnodes.cilium.io', undefined, name) !== undefined;
    });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const check = (): void => {
    if (isReady()) resolve();
  };
  const timer = setTimeout(
    () => reject(new Error(`the nodes were not Ready after ${readyTimeoutMs / 1000} s`)),
    readyTimeoutMs,
  );
  const stops = [store.watch('nodes', check), store.watch('ciliumnodes.cilium.io', check)];
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    for (const stop of stops) stop();
  }
}
