import type { Logger } from '../base/index.ts';
import {
  type Informer,
  type InformerChange,
  type KubeClient,
  startInformer,
  type WatchedObject,
} from '../kube/index.ts';
import {
  type CiliumIdentity,
  type ConfigMap,
  configOf,
  type EndpointSlice,
  keyOfIdentity,
  type Namespace,
  type Node,
  type Pod,
  type Service,
  type World,
} from '../plan/index.ts';
import { type DnsSettings, dnsSettingsOf } from './dns-settings.ts';

/** What the agent reads of the cluster, kept current. */
export interface Sources {
  /** Resolves when everything has been listed once. */
  readonly synced: Promise<void>;
  /** The objects of a plan's world as they are now. */
  objects(): ClusterObjects;
  /** Identities that exist: number to key. */
  identities(): ReadonlyMap<number, string>;
  pod(namespace: string, name: string): Pod | undefined;
  dnsSettings(): DnsSettings;
  /** The ConfigMap of kube-system with this name. */
  configMap(name: string): ConfigMap | undefined;
  /** The highest resource version seen of any policy, Envoy configuration or setting, deletions included. */
  observedVersion(): string;
  stop(): Promise<void>;
}

export type ClusterObjects = Pick<
  World,
  | 'config'
  | 'nodes'
  | 'namespaces'
  | 'pods'
  | 'services'
  | 'endpointSlices'
  | 'policies'
  | 'cidrGroups'
  | 'envoyConfigs'
>;

const policyResources = [
  { group: 'cilium.io', version: 'v2', resource: 'ciliumnetworkpolicies' },
  { group: 'cilium.io', version: 'v2', resource: 'ciliumclusterwidenetworkpolicies' },
  { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies' },
];

const envoyConfigResources = [
  { group: 'cilium.io', version: 'v2', resource: 'ciliumenvoyconfigs' },
  { group: 'cilium.io', version: 'v2alpha1', resource: 'ciliumenvoyconfigs' },
  { group: 'cilium.io', version: 'v2', resource: 'ciliumclusterwideenvoyconfigs' },
];

interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace?: string;
}

export interface SourcesOptions {
  readonly client: KubeClient;
  readonly log: Logger;
  /** Called after anything has changed. */
  readonly onChange: () => void;
  readonly onPodGone: (namespace: string, name: string) => void;
}

/** Starts an informer per kind. */
export function startSources({ client, log, onChange, onPodGone }: SourcesOptions): Sources {
  let observed = 0n;
  const informers: Informer<WatchedObject>[] = [];
  const watch = <T extends WatchedObject>(type: ResourceType, counts: boolean): Informer<T> => {
    const informer = startInformer<T>({
      client,
      ...type,
      onChange: (change: InformerChange<T>) => {
        const { metadata } = change.object;
        if (counts) observed = later(observed, metadata?.resourceVersion);
        if (type.resource === 'pods' && change.type === 'deleted') {
          onPodGone(metadata?.namespace ?? 'default', metadata?.name ?? '');
        }
        onChange();
      },
      onError: (error) => log.warn({ resource: type.resource, error: error.message }, 'watch failed; trying again'),
    });
    informers.push(informer);
    return informer;
  };
  const core = (resource: string): ResourceType => ({ group: '', version: 'v1', resource });
  const nodes = watch<Node>(core('nodes'), false);
  const namespaces = watch<Namespace>(core('namespaces'), false);
  const pods = watch<Pod>(core('pods'), false);
  const services = watch<Service>(core('services'), false);
  const slices = watch<EndpointSlice>({ group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' }, false);
  const configMaps = watch<ConfigMap>({ ...core('configmaps'), namespace: 'kube-system' }, true);
  const identities = watch<CiliumIdentity>({ group: 'cilium.io', version: 'v2', resource: 'ciliumidentities' }, false);
  const policies = policyResources.map((type) => watch(type, true));
  const cidrGroups = watch({ group: 'cilium.io', version: 'v2', resource: 'ciliumcidrgroups' }, true);
  const envoyConfigs = envoyConfigResources.map((type) => watch(type, true));

  return {
    synced: Promise.all(informers.map(({ synced }) => synced)).then(() => undefined),
    objects: () => ({
      config: configOf(configMaps.get('kube-system', 'cilium-config'), (fault) =>
        log.error(fault, 'cilium-config holds a value that is not understood'),
      ),
      nodes: nodes.objects(),
      namespaces: namespaces.objects(),
      pods: pods.objects(),
      services: services.objects(),
      endpointSlices: slices.objects(),
      policies: policies.flatMap((informer) => informer.objects()),
      cidrGroups: cidrGroups.objects(),
      envoyConfigs: envoyConfigs.flatMap((informer) => informer.objects()),
    }),
    identities: () =>
      new Map(identities.objects().map((identity) => [Number(identity.metadata.name), keyOfIdentity(identity)])),
    pod: (namespace, name) => pods.get(namespace, name),
    dnsSettings: () => dnsSettingsOf(configMaps.get('kube-system', 'cilium-config')),
    configMap: (name) => configMaps.get('kube-system', name),
    observedVersion: () => String(observed),
    stop: async () => {
      await Promise.all(informers.map((informer) => informer.stop()));
    },
  };
}

function later(before: bigint, version: string | undefined): bigint {
  if (version === undefined || !/^\d{1,30}$/.test(version)) return before;
  const value = BigInt(version);
  return value > before ? value : before;
}
