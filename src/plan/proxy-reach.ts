import { type AddressRange, mergeRanges, rangeOf } from '../policy/index.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { endpointNameOf, matchingPorts, parseBackendName } from './envoy-config/backends.ts';
import type { Candidate } from './envoy-config/candidate.ts';
import type { Identity } from './node-plan.ts';
import type { PlannedService } from './services.ts';

/** Where requests through the proxy can end: addresses and ports, each sorted and disjoint. */
export interface ProxyReach {
  readonly addresses: readonly AddressRange[];
  readonly ports: readonly AddressRange[];
}

const everyAddress: AddressRange = { start: 0, end: 0xffff_ffff };
const everyPort: AddressRange = { start: 0, end: 65_535 };

/** The destinations of connections that policy redirects, and the backends of the clusters in force. */
export function proxyReach(
  groups: readonly EndpointGroup[],
  ranges: ReadonlyMap<Identity, readonly AddressRange[]>,
  configs: readonly Candidate[],
  services: ReadonlyMap<string, PlannedService>,
): ProxyReach {
  const addresses: AddressRange[] = [];
  const ports: AddressRange[] = [];
  for (const { pods, policy } of groups) {
    const own = pods.flatMap(({ address }) => rangeOf(address) ?? []);
    for (const filter of policy.filters) {
      if (!filter.http && !filter.listener) continue;
      ports.push({ start: filter.port, end: filter.portEnd });
      if (filter.direction === 'ingress') addresses.push(...own);
      else if (filter.peers[0] === 0) addresses.push(everyAddress);
      else for (const peer of filter.peers) addresses.push(...(ranges.get(peer) ?? []));
    }
  }
  for (const config of configs) addClusters(config, services, addresses, ports);
  return { addresses: mergeRanges(addresses), ports: mergeRanges(ports) };
}

function addClusters(
  { resources, references }: Candidate,
  services: ReadonlyMap<string, PlannedService>,
  addresses: AddressRange[],
  ports: AddressRange[],
): void {
  const explicit = new Set(resources.filter(({ kind }) => kind === 'endpoint').map(({ name }) => name));
  const clusters = resources.filter(({ kind }) => kind === 'cluster');
  const defined = new Set(clusters.map(({ name }) => name));
  const foreign = references.some(({ kind, name }) => kind === 'cluster' && !defined.has(name));
  const backends = clusters.map(({ value }) => {
    const name = endpointNameOf(value);
    return name === undefined || explicit.has(name) ? undefined : parseBackendName(name);
  });
  // A cluster that does not take its hosts from a Service may lead anywhere.
  if (foreign || backends.includes(undefined)) {
    addresses.push(everyAddress);
    ports.push(everyPort);
  }
  for (const backend of backends) {
    const service = backend && services.get(backend.service);
    for (const port of (service && matchingPorts(service, backend?.port)) ?? []) {
      addresses.push(...port.addresses.flatMap((address) => rangeOf(address) ?? []));
      ports.push(...port.backends.map(({ port: number }) => ({ start: number, end: number })));
    }
  }
}
