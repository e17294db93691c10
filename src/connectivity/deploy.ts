import { formatApiError, type ResourcePath } from '../kube/index.ts';
import { type Edges, RunFault, until } from './edges.ts';
import { type Manifest, type ManifestValues, pathOf, readManifests } from './manifests.ts';
import type { TestPod, TestService, Workloads } from './model.ts';

const podsTimeoutMs = 300_000;
const dnsTimeoutMs = 20_000;
const serviceTimeoutMs = 30_000;
const execTimeoutMs = 10_000;
const manager = 'cilium-connectivity-test';

interface ApiObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly generation?: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

interface Pod extends ApiObject {
  readonly status?: {
    readonly podIP?: string;
    readonly hostIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

interface Deployment extends ApiObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly observedGeneration?: number;
  };
}

interface DaemonSet extends ApiObject {
  readonly status?: { readonly numberReady?: number; readonly desiredNumberScheduled?: number };
}

interface Node extends ApiObject {
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

interface Service extends ApiObject {
  readonly spec?: {
    readonly clusterIP?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly port: number; readonly nodePort?: number }[];
  };
}

/** Gets an object, undefined when it does not exist; other failures throw a `RunFault`. */
async function find<T>(edges: Edges, path: ResourcePath): Promise<T | undefined> {
  const found = await edges.kube.get<T>(path, { signal: edges.signal });
  if (found.ok) return found.value;
  if (found.error.code === 404) return undefined;
  throw new RunFault(formatApiError(found.error));
}

async function list<T>(edges: Edges, path: ResourcePath): Promise<readonly T[]> {
  const found = await edges.kube.list<T>(path, { signal: edges.signal });
  if (!found.ok) throw new RunFault(formatApiError(found.error));
  return found.value.items;
}

/** Server-side apply; gives the object's resource version. */
export async function applyManifest(edges: Edges, manifest: Manifest): Promise<string> {
  const options = { type: 'apply', fieldManager: manager, force: true, signal: edges.signal } as const;
  const applied = await edges.kube.patch<ApiObject>(pathOf(manifest), manifest, options);
  if (!applied.ok) throw new RunFault(`${manifest.kind} ${manifest.metadata.name}: ${formatApiError(applied.error)}`);
  return applied.value.metadata.resourceVersion ?? '0';
}

/** Deletes; what is gone already is fine. */
export async function deleteManifest(edges: Edges, manifest: Manifest): Promise<void> {
  const deleted = await edges.kube.delete(pathOf(manifest));
  if (!deleted.ok && deleted.error.code !== 404) {
    throw new RunFault(`${manifest.kind} ${manifest.metadata.name}: ${formatApiError(deleted.error)}`);
  }
}

export interface DeployOptions extends ManifestValues {
  /** The cluster's name as printed in front of each line. */
  readonly context: string;
  /** Leave out what needs a second node. */
  readonly singleNode: boolean;
  /** Delete what is there before deploying. */
  readonly forceDeploy: boolean;
  /** Put a pod into the network of each node. */
  readonly hostPods: boolean;
}

/** How many nodes can take the test's pods. */
export async function countNodes(edges: Edges): Promise<number> {
  return (await list(edges, { group: '', version: 'v1', resource: 'nodes' })).length;
}

/** Creates what is missing, waits until every part answers, and tells what there is. */
export async function deployWorkloads(edges: Edges, options: DeployOptions): Promise<Workloads> {
  const files = ['workloads.yaml', ...(options.hostPods ? [hostPodsFile] : [])];
  const wanted = files
    .flatMap((file) => readManifests(file, options))
    .filter(({ metadata }) => !options.singleNode || metadata.name !== 'echo-other-node');
  const say = (symbol: string, text: string): void => edges.write(`${symbol} [${options.context}] ${text}\n`);
  if (options.forceDeploy) await removeNamespace(edges, options.namespace, say);
  for (const manifest of wanted) await createMissing(edges, manifest, say);
  const deployments = wanted.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name);
  say('⌛', `Waiting for deployments [${deployments.join(' ')}] to become ready...`);
  await Promise.all(deployments.map((name) => deploymentReady(edges, options.namespace, name)));
  const hostPods = options.hostPods ? await readyHostPods(edges, options.namespace) : [];
  const pods = await testPods(edges, options.namespace, ['client', 'echo']);
  for (const pod of pods) {
    say('⌛', `Waiting for CiliumEndpoint for pod ${pod.namespace}/${pod.name} to appear...`);
    await endpointExists(edges, pod);
  }
  const clients = pods.filter(({ labels }) => labels['kind'] === 'client');
  const echoes = pods.filter(({ labels }) => labels['kind'] === 'echo');
  const services = await testServices(edges, options.namespace, echoes);
  for (const client of clients) {
    say('⌛', `Waiting for pod ${client.namespace}/${client.name} to reach default/kubernetes service...`);
    await resolves(edges, client, 'kubernetes.default', dnsTimeoutMs);
  }
  for (const service of services) {
    say('⌛', `Waiting for Service ${service.name} to become ready...`);
    for (const client of clients) await resolves(edges, client, service.name, serviceTimeoutMs);
  }
  return { clients, echoes, services, hostPods, nodeAddresses: await nodeAddresses(edges), external: options.external };
}

const hostPodsFile = 'connectivity/host-netns.yaml';

type Say = (symbol: string, text: string) => void;

async function removeNamespace(edges: Edges, namespace: string, say: Say): Promise<void> {
  const path = { group: '', version: 'v1', resource: 'namespaces', name: namespace };
  if (!(await find(edges, path))) return;
  say('🔥', `Deleting namespace ${namespace}...`);
  await deleteManifest(edges, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await until(edges, `namespace ${namespace} is still there`, podsTimeoutMs, async () =>
    (await find(edges, path)) ? undefined : true,
  );
}

const deploying: Readonly<Record<string, string>> = {
  'echo-same-node': 'same-node',
  'echo-other-node': 'other-node',
};

async function createMissing(edges: Edges, manifest: Manifest, say: Say): Promise<void> {
  if (await find(edges, pathOf(manifest))) return;
  const { kind, metadata } = manifest;
  if (kind === 'Namespace') say('✨', 'Creating namespace for connectivity check...');
  else if (kind === 'Service') say('✨', `Deploying ${metadata.name} service...`);
  else if (kind === 'DaemonSet') say('✨', `Deploying ${metadata.name} daemonset...`);
  else if (kind === 'Deployment') say('✨', `Deploying ${deploying[metadata.name] ?? metadata.name} deployment...`);
  await applyManifest(edges, manifest);
}

async function deploymentReady(edges: Edges, namespace: string, name: string): Promise<void> {
  const path = { group: 'apps', version: 'v1', resource: 'deployments', namespace, name };
  await until(edges, `deployment ${name} is not ready`, podsTimeoutMs, async () => {
    const found = await find<Deployment>(edges, path);
    const { readyReplicas = 0, updatedReplicas = 0, observedGeneration = 0 } = found?.status ?? {};
    const replicas = found?.spec?.replicas ?? 1;
    const current = observedGeneration >= (found?.metadata.generation ?? 0);
    return found && current && readyReplicas >= replicas && updatedReplicas >= replicas ? true : undefined;
  });
}

async function readyHostPods(edges: Edges, namespace: string): Promise<TestPod[]> {
  const path = { group: 'apps', version: 'v1', resource: 'daemonsets', namespace, name: 'host-netns' };
  await until(edges, 'daemonset host-netns is not ready', podsTimeoutMs, async () => {
    const { numberReady = 0, desiredNumberScheduled = 0 } = (await find<DaemonSet>(edges, path))?.status ?? {};
    return desiredNumberScheduled > 0 && numberReady >= desiredNumberScheduled ? true : undefined;
  });
  return testPods(edges, namespace, ['host-netns']);
}

async function nodeAddresses(edges: Edges): Promise<string[]> {
  const nodes = await list<Node>(edges, { group: '', version: 'v1', resource: 'nodes' });
  return nodes
    .flatMap(({ status }) => status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => address);
}

/** Pods with one of these values of the label `kind` that are ready, by name. */
async function testPods(edges: Edges, namespace: string, kinds: readonly string[]): Promise<TestPod[]> {
  const pods = await list<Pod>(edges, { group: '', version: 'v1', resource: 'pods', namespace });
  return pods
    .filter(({ metadata, status }) => {
      const kind = metadata.labels?.['kind'] ?? '';
      const ready = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
      return kinds.includes(kind) && ready && !metadata.deletionTimestamp && status?.podIP;
    })
    .map(({ metadata, status }) => ({
      namespace,
      name: metadata.name,
      address: status?.podIP ?? '',
      nodeAddress: status?.hostIP ?? '',
      labels: metadata.labels ?? {},
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function endpointExists(edges: Edges, { namespace, name }: TestPod): Promise<void> {
  const path = { group: 'cilium.io', version: 'v2', resource: 'ciliumendpoints', namespace, name };
  await until(edges, `no CiliumEndpoint ${namespace}/${name}`, podsTimeoutMs, () => find(edges, path));
}

async function testServices(edges: Edges, namespace: string, echoes: readonly TestPod[]): Promise<TestService[]> {
  const services = await list<Service>(edges, { group: '', version: 'v1', resource: 'services', namespace });
  return services
    .filter(({ metadata }) => metadata.labels?.['kind'] === 'echo')
    .map(({ metadata, spec }) => ({
      namespace,
      name: metadata.name,
      address: spec?.clusterIP ?? '',
      port: spec?.ports?.[0]?.port ?? 0,
      nodePort: spec?.ports?.[0]?.nodePort,
      backends: echoes
        .filter(({ labels }) => Object.entries(spec?.selector ?? {}).every(([key, value]) => labels[key] === value))
        .map(({ address }) => address),
    }));
}

/** Waits until a name resolves inside the pod, by asking the pod's own curl: exit code 6 means that it does not. */
async function resolves(edges: Edges, pod: TestPod, name: string, timeoutMs: number): Promise<void> {
  const couldNotResolve = 6;
  await until(edges, `pod ${pod.name} cannot resolve ${name}`, timeoutMs, async () => {
    const command = [
      'curl',
      '--silent',
      '--output',
      '/dev/null',
      '--connect-timeout',
      '2',
      '--max-time',
      '3',
      `http://${name}:8080/`,
    ];
    const { exitCode } = await edges.exec(pod, command, execTimeoutMs);
    return exitCode === couldNotResolve ? undefined : true;
  });
}
