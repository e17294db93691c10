import { rangeOf } from '../policy/index.ts';
import { type ClusterView, compareText } from './cluster-view.ts';
import { sameItems } from './kept.ts';
import type { ServiceEntry } from './node-plan.ts';
import type { EndpointSlice, Service, World } from './world.ts';

export interface Backend {
  readonly address: string;
  readonly port: number;
}

/** One port of a Service with the addresses it is reached at and what stands behind it. */
export interface ServicePort {
  readonly name: string;
  readonly number: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** ClusterIP, external and node addresses, each with its own port. */
  readonly frontends: readonly Backend[];
  /** In address order. */
  readonly backends: readonly Backend[];
  /** Addresses of all endpoints, ready or not. */
  readonly addresses: readonly string[];
}

export interface PlannedService {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
}

/** All Services by `namespace/name`, headless ones included, sorted. */
export function plannedServices(world: World, view: ClusterView): ReadonlyMap<string, PlannedService> {
  const slices = slicesByService(world.endpointSlices);
  const nodeAddresses = [view.node, ...view.peers].map(({ address }) => address).sort(compareText);
  const services = world.services
    .map((service) => keptService(service, slices.get(serviceKey(service)) ?? noSlices, nodeAddresses))
    .sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name));
  return new Map(services.map((service) => [`${service.namespace}/${service.name}`, service]));
}

/** The frontends that the kernel translates. */
export function serviceEntries(services: ReadonlyMap<string, PlannedService>): readonly ServiceEntry[] {
  return [...services.values()].flatMap(({ namespace, name, ports }) =>
    ports.flatMap(({ protocol, frontends, backends }) =>
      frontends.map(({ address, port }) => ({ namespace, name, address, protocol, port, backends })),
    ),
  );
}

interface KeptService {
  readonly slices: readonly EndpointSlice[];
  readonly nodeAddresses: readonly string[];
  readonly planned: PlannedService;
}

const keptServices = new WeakMap<Service, KeptService>();
const noSlices: readonly EndpointSlice[] = [];

/** A Service is planned anew when it, its slices or the nodes have changed. */
function keptService(
  service: Service,
  slices: readonly EndpointSlice[],
  nodeAddresses: readonly string[],
): PlannedService {
  const known = keptServices.get(service);
  if (known && sameItems(known.slices, slices) && sameItems(known.nodeAddresses, nodeAddresses)) return known.planned;
  const planned = plannedService(service, slices, nodeAddresses);
  keptServices.set(service, { slices, nodeAddresses, planned });
  return planned;
}

function serviceKey({ metadata }: Service): string {
  return `${metadata?.namespace ?? 'default'}/${metadata?.name ?? ''}`;
}

function plannedService(
  { metadata, spec }: Service,
  slicesOfService: readonly EndpointSlice[],
  nodeAddresses: readonly string[],
): PlannedService {
  const namespace = metadata?.namespace ?? 'default';
  const name = metadata?.name ?? '';
  const own = endpointAddresses(slicesOfService);
  const addresses = [...new Set([...(spec?.clusterIPs ?? [spec?.clusterIP ?? '']), ...(spec?.externalIPs ?? [])])];
  const reachable = spec?.type === 'ExternalName' ? [] : addresses.filter((address) => rangeOf(address));
  const selector = spec?.selector;
  return {
    namespace,
    name,
    labels: metadata?.labels ?? {},
    ...(selector && Object.keys(selector).length > 0 && { selector }),
    ports: (spec?.ports ?? []).flatMap((port) => {
      const protocol = protocolOf(port.protocol);
      if (!protocol) return [];
      const onNodes = port.nodePort ? nodeAddresses.map((address) => ({ address, port: port.nodePort ?? 0 })) : [];
      const frontends = [...reachable.map((address) => ({ address, port: port.port })), ...onNodes];
      const backends = backendsOf(slicesOfService, port.name ?? '', protocol);
      return [{ name: port.name ?? '', number: port.port, protocol, frontends, backends, addresses: own }];
    }),
  };
}

function protocolOf(text: string | undefined): ServicePort['protocol'] | undefined {
  const protocol = (text ?? 'TCP').toLowerCase();
  return protocol === 'tcp' || protocol === 'udp' || protocol === 'sctp' ? protocol : undefined;
}

function slicesByService(slices: readonly EndpointSlice[]): ReadonlyMap<string, readonly EndpointSlice[]> {
  const byService = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata?.labels?.['kubernetes.io/service-name'];
    if (!name || slice.addressType !== 'IPv4') continue;
    const key = `${slice.metadata?.namespace ?? 'default'}/${name}`;
    const known = byService.get(key);
    if (known) known.push(slice);
    else byService.set(key, [slice]);
  }
  return byService;
}

function endpointAddresses(slices: readonly EndpointSlice[]): readonly string[] {
  const all = slices.flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses[0] ?? []));
  return [...new Set(all)].filter((address) => rangeOf(address)).sort(compareText);
}

/** Ready endpoints; where there is none, those that still serve while they terminate. */
function backendsOf(slices: readonly EndpointSlice[], portName: string, protocol: string): readonly Backend[] {
  const ready = new Map<string, Backend>();
  const terminating = new Map<string, Backend>();
  for (const { ports, endpoints } of slices) {
    const port = ports?.find((candidate) => {
      return (candidate.name ?? '') === portName && (candidate.protocol ?? 'TCP').toLowerCase() === protocol;
    })?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions } of endpoints ?? []) {
      const address = addresses[0];
      if (!address || !rangeOf(address)) continue;
      if (conditions?.ready !== false) ready.set(address, { address, port });
      else if (conditions.serving && conditions.terminating) terminating.set(address, { address, port });
    }
  }
  const chosen = ready.size > 0 ? ready : terminating;
  return [...chosen.values()].sort((a, b) => (rangeOf(a.address)?.start ?? 0) - (rangeOf(b.address)?.start ?? 0));
}
