import type { PodSpec } from './types.ts';

export interface PodFileOptions {
  readonly name: string;
  readonly namespace: string;
  readonly spec: PodSpec;
  readonly address: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  /** What the machine itself resolves with, for `dnsPolicy: Default`. */
  readonly hostResolver: string;
}

const searchMax = 32;
const nameserversMax = 3;

/** The files under `/etc` that Kubernetes gives a pod, and a `nsswitch.conf` without the machine's own name services. */
export function podFiles(options: PodFileOptions): Record<string, string> {
  const hostname = podHostname(options);
  return {
    hostname: `${hostname}\n`,
    hosts: hosts(options, hostname),
    'resolv.conf': resolver(options),
    'nsswitch.conf':
      'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n',
  };
}

/** `spec.hostname` or the pod's name, cut to what the kernel takes. */
export function podHostname({ name, spec }: Pick<PodFileOptions, 'name' | 'spec'>): string {
  return (spec.hostname ?? name).slice(0, 63).replace(/[-.]+$/, '');
}

function hosts({ spec, namespace, address, clusterDomain }: PodFileOptions, hostname: string): string {
  const qualified = spec.subdomain ? `${hostname}.${spec.subdomain}.${namespace}.svc.${clusterDomain}\t` : '';
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    `${address}\t${qualified}${hostname}`,
    ...(spec.hostAliases ?? []).map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}`),
  ];
  return `${lines.join('\n')}\n`;
}

function resolver(options: PodFileOptions): string {
  const { spec, namespace, clusterDns, clusterDomain, hostResolver } = options;
  const policy = spec.dnsPolicy ?? 'ClusterFirst';
  const ofCluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && spec.hostNetwork !== true);
  if (!ofCluster && policy !== 'None' && !spec.dnsConfig) return hostResolver;
  const config = spec.dnsConfig;
  const domains = [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  const search = [...(ofCluster ? domains : []), ...(config?.searches ?? [])].slice(0, searchMax);
  const nameservers = [...(ofCluster ? [clusterDns] : []), ...(config?.nameservers ?? [])].slice(0, nameserversMax);
  const given = (config?.options ?? []).map(({ name, value }) =>
    value === undefined ? `${name}` : `${name}:${value}`,
  );
  const dots = ofCluster && !given.some((option) => option.startsWith('ndots:')) ? ['ndots:5'] : [];
  const inherited = !ofCluster && policy !== 'None' ? hostResolver.trimEnd().split('\n') : [];
  const lines = [
    ...inherited,
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(dots.length + given.length > 0 ? [`options ${[...dots, ...given].join(' ')}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
