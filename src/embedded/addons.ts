import type { KubernetesObject } from '../cluster/index.ts';

/** Fixed addresses of the embedded cluster. */
export const addresses = {
  fabric: '172.30.0.254',
  apiPort: 6443,
  serviceCidr: '10.96.0.0/16',
  kubernetesService: '10.96.0.1',
  dnsService: '10.96.0.10',
  hubblePort: 4244,
  relayPort: 4245,
  agentMetricsPort: 9962,
  proxyMetricsPort: 9964,
  hubbleMetricsPort: 9965,
} as const;

export const clusterName = 'ciliate';

export const version = '0.1.0';

/** What a cluster holds before its user adds anything, as resource and object; made when missing, otherwise left as it is. */
export function addonObjects(
  datapathMode: 'vxlan' | 'direct',
): readonly { readonly resource: string; readonly object: KubernetesObject }[] {
  return [
    ...['default', 'kube-system', 'kube-public', 'kube-node-lease', 'cilium-secrets'].map((name) => ({
      resource: 'namespaces',
      object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    })),
    { resource: 'configmaps', object: ciliumConfig(datapathMode) },
    { resource: 'configmaps', object: relayConfig() },
    { resource: 'services', object: kubernetesService() },
    { resource: 'endpointslices.discovery.k8s.io', object: kubernetesEndpoints() },
    { resource: 'services', object: dnsService() },
    { resource: 'deployments.apps', object: dnsDeployment() },
    { resource: 'services', object: relayService() },
    { resource: 'deployments.apps', object: relayDeployment() },
  ];
}

/** What every node counts unless it is set otherwise. */
export const defaultHubbleMetrics = [
  'dns drop tcp flow icmp port-distribution policy',
  'httpV2:labelsContext=source_namespace,source_workload,destination_namespace,destination_workload,traffic_direction',
].join(' ');

function ciliumConfig(datapathMode: 'vxlan' | 'direct'): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'cilium-config', namespace: 'kube-system' },
    data: {
      'cluster-name': clusterName,
      'enable-envoy-config': 'true',
      'enable-host-firewall': 'false',
      'enable-hubble': 'true',
      'enable-l7-proxy': 'true',
      'enable-policy': 'default',
      'hubble-disable-tls': 'true',
      'hubble-metrics': defaultHubbleMetrics,
      'identity-gc-interval': '15m0s',
      'identity-heartbeat-timeout': '30m0s',
      'ipv4-service-range': addresses.serviceCidr,
      'monitor-aggregation': 'medium',
      'monitor-aggregation-flags': 'all',
      'monitor-aggregation-interval': '5s',
      ...routingSettings(datapathMode),
    },
  };
}

function relayConfig(): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'hubble-relay-config', namespace: 'kube-system' },
    data: { 'config.yaml': 'disable-server-tls: true\n' },
  };
}

/** The ConfigMap keys that choose how packets travel between nodes. */
export function routingSettings(datapathMode: 'vxlan' | 'direct'): Record<string, string> {
  return datapathMode === 'vxlan'
    ? { 'routing-mode': 'tunnel', 'tunnel-protocol': 'vxlan' }
    : { 'routing-mode': 'native', 'tunnel-protocol': '' };
}

function kubernetesService(): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      clusterIP: addresses.kubernetesService,
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: addresses.apiPort }],
    },
  };
}

function kubernetesEndpoints(): KubernetesObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [addresses.fabric], conditions: { ready: true } }],
    ports: [{ name: 'https', port: addresses.apiPort, protocol: 'TCP' }],
  };
}

const dnsLabels = { 'k8s-app': 'kube-dns' };

function dnsService(): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: { ...dnsLabels, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      clusterIP: addresses.dnsService,
      selector: dnsLabels,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      ],
    },
  };
}

function dnsDeployment(): KubernetesObject {
  return systemDeployment({ name: 'coredns', labels: dnsLabels }, dnsLabels, {
    containers: [
      {
        name: 'coredns',
        image: 'registry.k8s.io/coredns/coredns:v1.11.3',
        ports: [
          { name: 'dns', containerPort: 53, protocol: 'UDP' },
          { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
        ],
        readinessProbe: { tcpSocket: { port: 53 }, periodSeconds: 1 },
      },
    ],
  });
}

const relaySelector = { 'k8s-app': 'hubble-relay' };
const relayLabels = {
  ...relaySelector,
  'app.kubernetes.io/name': 'hubble-relay',
  'app.kubernetes.io/part-of': 'cilium',
};

/** As in Cilium's chart: `hubble --port-forward` asks for its first port and a pod that it selects. */
function relayService(): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'hubble-relay', namespace: 'kube-system', labels: relayLabels },
    spec: { selector: relaySelector, ports: [{ port: 80, protocol: 'TCP', targetPort: 'grpc' }] },
  };
}

function relayDeployment(): KubernetesObject {
  return systemDeployment({ name: 'hubble-relay', labels: relayLabels }, relaySelector, {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'hubble-relay',
        image: 'quay.io/cilium/hubble-relay:v1.19.0',
        ports: [{ name: 'grpc', containerPort: addresses.relayPort, protocol: 'TCP' }],
        readinessProbe: { tcpSocket: { port: 'grpc' } },
      },
    ],
  });
}

/** One pod of kube-system, with the labels of its Deployment. */
function systemDeployment(
  { name, labels }: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  matchLabels: Readonly<Record<string, string>>,
  spec: object,
): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'kube-system', labels },
    spec: { replicas: 1, selector: { matchLabels }, template: { metadata: { labels }, spec } },
  };
}
