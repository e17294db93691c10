import type { EndpointSubset, ServicePort } from 'kubernetes-types/core/v1.d.ts';
import type { Endpoint, EndpointPort } from 'kubernetes-types/discovery/v1.d.ts';
import { parseIp } from '../../base/index.ts';
import { canonicalJson } from './hash.ts';
import type { Pod, Service } from './kinds.ts';
import { isReady, isTerminal } from './pods.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that share the same resolved ports, as one EndpointSlice holds them. */
export interface EndpointGroup {
  readonly addressType: AddressType;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** Most endpoints of one slice, as in Kubernetes. */
const sliceCapacity = 100;

/**
 * The wanted slices of a Service: pods with an address of each of its families, grouped by what their named target ports
 * resolve to, sorted by pod name and cut at 100. A family without pods gives one empty group, as Kubernetes keeps one.
 */
export function endpointGroups(service: Service, pods: readonly Pod[]): EndpointGroup[] {
  const families = (service.spec.ipFamilies ?? ['IPv4']) as readonly AddressType[];
  return families.flatMap((addressType) => {
    const groups = new Map<string, { readonly ports: EndpointPort[]; readonly endpoints: Endpoint[] }>();
    for (const pod of [...pods].sort((left, right) => left.metadata.name.localeCompare(right.metadata.name))) {
      const address = addressOf(pod, addressType);
      if (address === undefined || isTerminal(pod)) continue;
      const ports = resolvePorts(service, pod);
      const key = canonicalJson(ports);
      const group = groups.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(endpointOf(service, pod, address));
      groups.set(key, group);
    }
    if (groups.size === 0) return [{ addressType, ports: [], endpoints: [] }];
    return [...groups.values()].flatMap(({ ports, endpoints }) =>
      chunks(endpoints, sliceCapacity).map((chunk) => ({ addressType, ports, endpoints: chunk })),
    );
  });
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}

function addressOf(pod: Pod, addressType: AddressType): string | undefined {
  const addresses = [pod.status?.podIP, ...(pod.status?.podIPs ?? []).map(({ ip }) => ip)];
  const bits = addressType === 'IPv4' ? 32 : 128;
  return addresses.find((address) => address !== undefined && parseIp(address)?.bits === bits);
}

function endpointOf(service: Service, pod: Pod, address: string): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const { hostname, nodeName, subdomain } = pod.spec;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    targetRef: {
      kind: 'Pod',
      name: pod.metadata.name,
      ...(pod.metadata.namespace === undefined ? {} : { namespace: pod.metadata.namespace }),
      ...(pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid }),
    },
  };
}

/** The Service's ports as numbers on this pod; a named target port that no container has is left out. */
function resolvePorts(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(servicePort, pod);
    if (port === undefined) return [];
    const { appProtocol, name = '', protocol = 'TCP' } = servicePort;
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function targetPort({ port, targetPort: target, protocol = 'TCP' }: ServicePort, pod: Pod): number | undefined {
  if (target === undefined || target === '' || target === 0) return port;
  if (typeof target === 'number') return target;
  const ports = [...pod.spec.containers, ...restartableInit(pod)].flatMap((container) => container.ports ?? []);
  return ports.find(({ name, protocol: own = 'TCP' }) => name === target && own === protocol)?.containerPort;
}

function restartableInit(pod: Pod): Pod['spec']['containers'] {
  return (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
}

/** The older Endpoints form of the same groups, the first address family only. */
export function endpointSubsets(groups: readonly EndpointGroup[]): EndpointSubset[] {
  const family = groups[0]?.addressType;
  return groups.flatMap(({ addressType, endpoints, ports }) => {
    if (addressType !== family || endpoints.length === 0) return [];
    const listed = endpoints.filter(({ conditions }) => !conditions?.terminating);
    const toAddress = ({ addresses, nodeName, hostname, targetRef }: Endpoint) => ({
      ip: addresses[0] ?? '',
      ...(hostname === undefined ? {} : { hostname }),
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(targetRef === undefined ? {} : { targetRef }),
    });
    const addresses = listed.filter(({ conditions }) => conditions?.ready).map(toAddress);
    const notReadyAddresses = listed.filter(({ conditions }) => !conditions?.ready).map(toAddress);
    if (listed.length === 0) return [];
    return [
      {
        ...(addresses.length > 0 ? { addresses } : {}),
        ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
        ports: ports.map(({ port = 0, name = '', ...rest }) => ({ port, ...(name === '' ? {} : { name }), ...rest })),
      },
    ];
  });
}
