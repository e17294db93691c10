import {
  type Endpoint,
  type Flow,
  type FlowPolicy,
  IpVersion,
  type NamespacedService,
} from '../../model/flow/index.ts';

/** Names of OpenTelemetry's semantic conventions (1.37) where they have one, else below `cilium.`. */
export type Attributes = Readonly<Record<string, string | number | readonly string[]>>;

/** On whose behalf something is told; the key fields of a resource. */
export interface Workload {
  /** `service.name`. */
  readonly name: string;
  readonly namespace: string;
  /** `Deployment`, `DaemonSet` and so on; empty for a pod of its own and for what is no pod. */
  readonly kind: string;
}

/** The pod's workload, or the pod, or what an address without a pod is called. */
export function workloadOf(endpoint: Endpoint | null | undefined): Workload {
  const { namespace = '', pod_name: pod = '', workloads = [], labels = [] } = endpoint ?? {};
  const [{ name = '', kind = '' } = {}] = workloads;
  if (name !== '') return { name, namespace, kind };
  const reserved = labels.find((label) => label.startsWith('reserved:'))?.slice('reserved:'.length);
  return { name: pod || reserved || 'unknown', namespace, kind: '' };
}

/** A resource for what is told on behalf of a workload. */
export function resourceAttributes(workload: Workload, nodeName: string, version: string): Attributes {
  const slash = nodeName.indexOf('/');
  const { name, namespace, kind } = workload;
  return {
    'service.name': name,
    ...(namespace !== '' && { 'service.namespace': namespace, 'k8s.namespace.name': namespace }),
    ...(kind !== '' && { [`k8s.${kind.toLowerCase()}.name`]: name }),
    ...(slash > 0 && { 'k8s.cluster.name': nodeName.slice(0, slash) }),
    'k8s.node.name': nodeName.slice(slash + 1),
    'telemetry.distro.name': 'ciliate',
    'telemetry.distro.version': version,
  };
}

/** One side of a flow, under `source.` or `destination.`. */
export function sideAttributes(flow: Flow, side: 'source' | 'destination'): Attributes {
  const endpoint = flow[side] ?? {};
  const service: NamespacedService | null | undefined = flow[`${side}_service`];
  const port = (flow.l4?.TCP ?? flow.l4?.UDP ?? flow.l4?.SCTP)?.[`${side}_port`] ?? 0;
  const [workload] = endpoint.workloads ?? [];
  const names = flow[`${side}_names`] ?? [];
  const texts: readonly (readonly [string, string | undefined])[] = [
    [`${side}.address`, flow.IP?.[side]],
    [`${side}.domain`, names[0]],
    [`${side}.k8s.namespace.name`, endpoint.namespace],
    [`${side}.k8s.pod.name`, endpoint.pod_name],
    [`${side}.k8s.workload.name`, workload?.name],
    [`${side}.k8s.workload.kind`, workload?.kind],
    [`${side}.k8s.service.name`, service?.name],
  ];
  return {
    ...Object.fromEntries(texts.filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '')),
    ...(port > 0 && { [`${side}.port`]: port }),
    ...(endpoint.identity !== undefined && { [`${side}.cilium.identity`]: endpoint.identity }),
  };
}

export function networkType(flow: Flow): Attributes {
  if (flow.IP?.ipVersion === IpVersion.IPv4) return { 'network.type': 'ipv4' };
  return flow.IP?.ipVersion === IpVersion.IPv6 ? { 'network.type': 'ipv6' } : {};
}

/** `CiliumNetworkPolicy shop/only-get`, each once. */
export function policyNames(policies: readonly FlowPolicy[] | null | undefined): readonly string[] {
  const names = (policies ?? []).map(({ kind, namespace, name }) => {
    const full = namespace ? `${namespace}/${name}` : (name ?? '');
    return kind ? `${kind} ${full}` : full;
  });
  return [...new Set(names)];
}

export function deniedBy(flow: Flow): readonly string[] {
  return policyNames([...(flow.egress_denied_by ?? []), ...(flow.ingress_denied_by ?? [])]);
}

/** An attribute for a text that there is. */
export function textAttribute(key: string, value: string | undefined): Attributes {
  return value === undefined || value === '' ? {} : { [key]: value };
}
