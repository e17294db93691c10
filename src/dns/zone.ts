import { isIPv4 } from 'node:net';
import type { Service } from 'kubernetes-types/core/v1.d.ts';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.d.ts';
import type { NameRecords, Zone } from './zone-types.ts';

const recordTtlSeconds = 30;
/** Version of the Kubernetes DNS-based service discovery that the names follow. */
const schemaVersion = '1.1.0';

interface Draft {
  a: Set<string>;
  srv: Map<string, { target: string; port: number }>;
  ptr: Set<string>;
  cname?: string;
  txt?: string;
}

type Drafts = Map<string, Draft>;

/**
 * The cluster's zone after the Kubernetes DNS specification: Services with an address, headless Services with their ready endpoints,
 * ExternalName Services, SRV of named ports, PTR of all these, and names outside the cluster with their IPv4 addresses. Pure; IPv4 only.
 */
export function buildZone(
  services: readonly Service[],
  endpointSlices: readonly EndpointSlice[],
  externalNames: Readonly<Record<string, string>>,
  domain = 'cluster.local',
): Zone {
  const drafts: Drafts = new Map();
  at(drafts, `dns-version.${domain}.`).txt = schemaVersion;
  const slices = groupSlices(endpointSlices);
  for (const service of services) addService(drafts, service, slices, domain);
  for (const [name, address] of Object.entries(externalNames)) {
    if (isIPv4(address)) at(drafts, `${name.toLowerCase().replace(/\.$/, '')}.`).a.add(address);
  }
  const records: Record<string, NameRecords> = {};
  for (const name of [...drafts.keys()].sort()) {
    const draft = drafts.get(name);
    if (draft) records[name] = freeze(draft);
  }
  return { domain, ttl: recordTtlSeconds, records };
}

function at(drafts: Drafts, name: string): Draft {
  let draft = drafts.get(name);
  if (!draft) {
    draft = { a: new Set(), srv: new Map(), ptr: new Set() };
    drafts.set(name, draft);
  }
  return draft;
}

function groupSlices(slices: readonly EndpointSlice[]): Map<string, EndpointSlice[]> {
  const grouped = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const key = `${slice.metadata?.namespace}/${slice.metadata?.labels?.['kubernetes.io/service-name']}`;
    grouped.set(key, [...(grouped.get(key) ?? []), slice]);
  }
  return grouped;
}

function addService(drafts: Drafts, service: Service, slices: Map<string, EndpointSlice[]>, domain: string): void {
  const { name, namespace } = service.metadata ?? {};
  if (name === undefined || namespace === undefined) return;
  const full = `${name}.${namespace}.svc.${domain}.`;
  const { type, clusterIP, externalName, ports = [] } = service.spec ?? {};
  if (type === 'ExternalName') {
    if (externalName !== undefined) at(drafts, full).cname = `${externalName.toLowerCase().replace(/\.$/, '')}.`;
    return;
  }
  if (clusterIP === 'None') {
    const publishAll = service.spec?.publishNotReadyAddresses === true;
    for (const slice of slices.get(`${namespace}/${name}`) ?? []) addHeadless(drafts, full, slice, publishAll);
    return;
  }
  if (clusterIP === undefined || !isIPv4(clusterIP)) return;
  at(drafts, full).a.add(clusterIP);
  at(drafts, reverseName(clusterIP)).ptr.add(full);
  for (const port of ports) addSrv(drafts, full, port.name, port.protocol, full, port.port);
}

function addHeadless(drafts: Drafts, full: string, slice: EndpointSlice, publishAll: boolean): void {
  for (const endpoint of slice.endpoints) {
    if (!publishAll && endpoint.conditions?.ready === false) continue;
    for (const address of endpoint.addresses) {
      if (!isIPv4(address)) continue;
      const host = `${(endpoint.hostname ?? address.replaceAll('.', '-')).toLowerCase()}.${full}`;
      at(drafts, full).a.add(address);
      at(drafts, host).a.add(address);
      at(drafts, reverseName(address)).ptr.add(host);
      for (const port of slice.ports ?? []) {
        if (port.port !== undefined) addSrv(drafts, full, port.name, port.protocol, host, port.port);
      }
    }
  }
}

function addSrv(
  drafts: Drafts,
  full: string,
  portName: string | undefined,
  protocol: string | undefined,
  target: string,
  port: number,
): void {
  if (portName === undefined || portName === '') return;
  const name = `_${portName}._${(protocol ?? 'TCP').toLowerCase()}.${full}`;
  at(drafts, name).srv.set(`${target}:${port}`, { target, port });
}

function reverseName(address: string): string {
  return `${address.split('.').reverse().join('.')}.in-addr.arpa.`;
}

function freeze({ a, srv, ptr, cname, txt }: Draft): NameRecords {
  return {
    ...(a.size > 0 && { a: [...a].sort() }),
    ...(srv.size > 0 && { srv: [...srv.values()] }),
    ...(ptr.size > 0 && { ptr: [...ptr].sort() }),
    ...(cname !== undefined && { cname }),
    ...(txt !== undefined && { txt }),
  };
}
