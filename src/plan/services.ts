import { rangeOf } from '../policy/index.ts';
import { type ClusterView, compareText } from './cluster-view.ts';
import { listChanges, sameItems } from './kept.ts';
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
  return createServiceStage()(world, view);
}

interface State {
  readonly world: World;
  readonly nodeAddresses: readonly string[];
  readonly services: ReadonlyMap<string, Service>;
  /** Carried from one state to the next, and changed for it. */
  readonly slices: Map<string, readonly EndpointSlice[]>;
  readonly planned: ReadonlyMap<string, PlannedService>;
}

/** Plans the Services of one world after the other; where only slices are others than the time before, only their Services. */
export function createServiceStage(): (world: World, view: ClusterView) => ReadonlyMap<string, PlannedService> {
  let state: State | undefined;
  return (world, view) => {
    const nodeAddresses = [view.node, ...view.peers].map(({ address }) => address).sort(compareText);
    const same =
      state && sameItems(state.world.services, world.services) && sameItems(state.nodeAddresses, nodeAddresses);
    state = state && same ? withSlicesOf(state, world) : planned(world, nodeAddresses);
    return state.planned;
  };
}

function planned(world: World, nodeAddresses: readonly string[]): State {
  const slices = Map.groupBy(world.endpointSlices, serviceOfSlice);
  const services = new Map(world.services.map((service) => [serviceKey(service), service]));
  const all = [...services]
    .map(([key, service]) => keptService(service, slices.get(key) ?? noSlices, nodeAddresses))
    .sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name));
  const byName = new Map(all.map((service) => [`${service.namespace}/${service.name}`, service]));
  return { world, nodeAddresses, services, slices, planned: byName };
}

function withSlicesOf(before: State, world: World): State {
  const [gone, come] = listChanges(before.world.endpointSlices, world.endpointSlices);
  if (gone.length + come.length === 0) return { ...before, world };
  const { slices, services, nodeAddresses } = before;
  const leaving = new Set(gone);
  for (const key of new Set(gone.map(serviceOfSlice))) {
    slices.set(key, slices.get(key)?.filter((slice) => !leaving.has(slice)) ?? noSlices);
  }
  for (const slice of come) slices.set(serviceOfSlice(slice), [...(slices.get(serviceOfSlice(slice)) ?? []), slice]);
  const byName = new Map(before.planned);
  for (const key of new Set([...gone, ...come].map(serviceOfSlice))) {
    const service = services.get(key);
    if (service) byName.set(key, keptService(service, slices.get(key) ?? noSlices, nodeAddresses));
  }
  return { ...before, world, planned: byName };
}

/** The frontends that the kernel translates. */
export function serviceEntries(services: ReadonlyMap<string, PlannedService>): readonly ServiceEntry[] {
  return [...services.values()].flatMap(entriesOf);
}

const keptEntries = new WeakMap<PlannedService, readonly ServiceEntry[]>();

function entriesOf(service: PlannedService): readonly ServiceEntry[] {
  const known = keptEntries.get(service);
  if (known) return known;
  const { namespace, name, ports } = service;
  const entries = ports.flatMap(({ protocol, frontends, backends }) =>
    frontends.map(({ address, port }) => ({ namespace, name, address, protocol, port, backends })),
  );
  keptEntries.set(service, entries);
  return entries;
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

/** `namespace/name` of the Service that the slice is of; empty where it is of none, or not of IPv4. */
function serviceOfSlice({ metadata, addressType }: EndpointSlice): string {
  const name = metadata?.labels?.['kubernetes.io/service-name'];
  return name && addressType === 'IPv4' ? `${metadata.namespace ?? 'default'}/${name}` : '';
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
