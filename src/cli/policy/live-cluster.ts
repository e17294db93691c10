import { fail, formatIssue, ok, type Result } from '../../base/index.ts';
import { createClient, formatApiError, type KubeClient, loadKubeConfig, type ResourcePath } from '../../kube/index.ts';
import {
  type Cluster,
  configOf,
  identityNumbers,
  type Secret,
  type SecretReference,
  watchedSecrets,
} from '../../plan/index.ts';
import { learntNamesOf } from './learnt-names.ts';

type Resource = Pick<ResourcePath, 'group' | 'version' | 'resource'> & { readonly kind: string };

const core = (resource: string, kind: string): Resource => ({ group: '', version: 'v1', resource, kind });
const cilium = (resource: string, kind: string, version = 'v2'): Resource => ({
  group: 'cilium.io',
  version,
  resource,
  kind,
});

const resources = {
  nodes: [core('nodes', 'Node')],
  namespaces: [core('namespaces', 'Namespace')],
  pods: [core('pods', 'Pod')],
  services: [core('services', 'Service')],
  configMaps: [core('configmaps', 'ConfigMap')],
  endpointSlices: [{ group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', kind: 'EndpointSlice' }],
  identities: [cilium('ciliumidentities', 'CiliumIdentity')],
  policies: [
    cilium('ciliumnetworkpolicies', 'CiliumNetworkPolicy'),
    cilium('ciliumclusterwidenetworkpolicies', 'CiliumClusterwideNetworkPolicy'),
    { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies', kind: 'NetworkPolicy' },
  ],
  cidrGroups: [cilium('ciliumcidrgroups', 'CiliumCIDRGroup')],
  envoyConfigs: [
    cilium('ciliumenvoyconfigs', 'CiliumEnvoyConfig'),
    cilium('ciliumenvoyconfigs', 'CiliumEnvoyConfig', 'v2alpha1'),
    cilium('ciliumclusterwideenvoyconfigs', 'CiliumClusterwideEnvoyConfig'),
  ],
} satisfies Record<string, readonly Resource[]>;

/** The cluster that the kubeconfig leads to, and the namespace of its context. */
export async function liveCluster(
  kubeconfig: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Result<{ readonly cluster: Cluster; readonly namespace: string }, string>> {
  const access = loadKubeConfig(kubeconfig, environment);
  if (!access.ok) return fail(formatIssue(access.error));
  const client = createClient(access.value);
  try {
    const read = await readCluster(client);
    if (!read.ok) return read;
    const { server, namespace } = access.value;
    const nodes = read.value.nodes.flatMap(({ metadata }) => metadata?.name ?? []);
    const cluster = { ...read.value, learntNames: await learntNamesOf(server, nodes, environment) };
    return ok({ cluster, namespace });
  } finally {
    client.close();
  }
}

async function readCluster(client: KubeClient): Promise<Result<Cluster, string>> {
  const names = Object.keys(resources) as (keyof typeof resources)[];
  const lists = await Promise.all(names.map(async (name) => ({ name, list: await listAll(client, resources[name]) })));
  const found: Partial<Record<keyof typeof resources, readonly unknown[]>> = {};
  for (const { name, list } of lists) {
    if (!list.ok) return list;
    found[name] = list.value;
  }
  const of = <T>(name: keyof typeof resources) => (found[name] ?? []) as readonly T[];
  const configMap = of<Parameters<typeof configOf>[0] & object>('configMaps').find(
    ({ metadata }) => metadata?.namespace === 'kube-system' && metadata.name === 'cilium-config',
  );
  const identities = identityNumbers(of('identities'));
  const config = configOf(configMap, () => undefined);
  const secrets = await readSecrets(
    client,
    watchedSecrets({ policies: of('policies'), envoyConfigs: of('envoyConfigs'), config }),
  );
  if (!secrets.ok) return secrets;
  return ok({
    clusterName: configMap?.data?.['cluster-name'] ?? 'default',
    config,
    nodes: of('nodes'),
    namespaces: of('namespaces'),
    pods: of('pods'),
    services: of('services'),
    endpointSlices: of('endpointSlices'),
    secrets: secrets.value,
    policies: of('policies'),
    cidrGroups: of('cidrGroups'),
    envoyConfigs: of('envoyConfigs'),
    identities,
    learntNames: new Map(),
    proxyPorts: new Map(),
  });
}

/** The Secrets that there are of these. */
async function readSecrets(
  client: KubeClient,
  references: readonly SecretReference[],
): Promise<Result<readonly Secret[], string>> {
  const found: Secret[] = [];
  for (const { namespace, name } of references) {
    const secret = await client.get<Secret>({ group: '', version: 'v1', resource: 'secrets', namespace, name });
    if (secret.ok) found.push(secret.value);
    else if (secret.error.status?.code !== 404) return fail(`secrets: ${formatApiError(secret.error)}`);
  }
  return ok(found);
}

/** Every object of the resources; lists need not name the kind of what is in them. */
async function listAll(client: KubeClient, types: readonly Resource[]): Promise<Result<readonly unknown[], string>> {
  const objects: unknown[] = [];
  for (const { kind, ...path } of types) {
    const list = await client.list<object>(path);
    if (!list.ok) return fail(`${path.resource}: ${formatApiError(list.error)}`);
    const apiVersion = path.group === '' ? path.version : `${path.group}/${path.version}`;
    objects.push(...list.value.items.map((item) => ({ apiVersion, kind, ...item })));
  }
  return ok(objects);
}
