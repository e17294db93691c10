import { cidrContains, ipv4ToNumber, numberToIpv4, parseCidr, parseCidrOrIp } from '../../../base/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { isRecord, listAt, numberAt, stringAt } from '../schema/shape.ts';
import { invalid, type ResourceName } from '../status.ts';
import { invalidValue } from '../validation/errors.ts';

const SERVICE_RANGE = '10.96.0.0/16';
const RANGE_BASE = ipv4ToNumber('10.96.0.0');
/** Addresses below are left to Services that ask for one (the API server, cluster DNS). */
const DYNAMIC_START = 256;
const DYNAMIC_COUNT = 65_536 - DYNAMIC_START - 1;
const NODE_PORTS = { first: 30_000, count: 2768 };

type Draft = Record<string, unknown>;

/**
 * Gives a Service its cluster address and node ports, in place, or checks the ones it asks for (422).
 * Values of `old` are kept when the new object leaves them out. `seed` spreads dynamic addresses.
 */
export function allocateService(
  resource: ResourceName,
  service: KubernetesObject,
  old: KubernetesObject | undefined,
  others: readonly KubernetesObject[],
  seed: number,
): void {
  const spec = service['spec'];
  if (!isRecord(spec)) return;
  if (spec['type'] === 'ExternalName') return;
  if (stringAt(old, 'spec', 'type') !== 'ExternalName') spec['clusterIP'] ||= stringAt(old, 'spec', 'clusterIP') ?? '';
  const issues = [
    ...allocateAddress(spec, old, others, seed),
    ...(spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer'
      ? allocateNodePorts(spec, old, others, seed)
      : []),
  ];
  if (issues.length > 0) throw invalid(resource, service.metadata.name, issues);
}

function allocateAddress(
  spec: Draft,
  old: KubernetesObject | undefined,
  others: readonly KubernetesObject[],
  seed: number,
) {
  const asked = spec['clusterIP'] || listAt(spec, 'clusterIPs')[0];
  if (asked === 'None') {
    spec['clusterIP'] = 'None';
    spec['clusterIPs'] = ['None'];
    return [];
  }
  const used = new Set(others.map((other) => stringAt(other, 'spec', 'clusterIP')));
  if (typeof asked === 'string' && asked !== '') {
    const range = parseCidr(SERVICE_RANGE);
    const address = parseCidrOrIp(asked);
    spec['clusterIP'] = asked;
    spec['clusterIPs'] = [asked];
    if (asked === stringAt(old, 'spec', 'clusterIP')) return [];
    if (!range || !address || !cidrContains(range, address))
      return [
        invalidValue(
          'spec.clusterIPs',
          [asked],
          `failed to allocate IP ${asked}: the provided IP is not in the valid range. The range of valid IPs is ${SERVICE_RANGE}`,
        ),
      ];
    return used.has(asked)
      ? [invalidValue('spec.clusterIPs', [asked], `failed to allocate IP ${asked}: provided IP is already allocated`)]
      : [];
  }
  for (let step = 0; step < DYNAMIC_COUNT; step++) {
    const candidate = numberToIpv4(RANGE_BASE + DYNAMIC_START + ((seed + step) % DYNAMIC_COUNT));
    if (used.has(candidate)) continue;
    spec['clusterIP'] = candidate;
    spec['clusterIPs'] = [candidate];
    return [];
  }
  return [invalidValue('spec.clusterIPs', null, `failed to allocate a serviceIP: range ${SERVICE_RANGE} is full`)];
}

function allocateNodePorts(
  spec: Draft,
  old: KubernetesObject | undefined,
  others: readonly KubernetesObject[],
  seed: number,
) {
  const used = new Set(
    others.flatMap((other) => listAt(other, 'spec', 'ports').map((port) => numberAt(port, 'nodePort'))),
  );
  return listAt(spec, 'ports').flatMap((port, position) => {
    if (!isRecord(port)) return [];
    const before = listAt(old, 'spec', 'ports').find(
      (one) => numberAt(one, 'port') === port['port'] && stringAt(one, 'protocol') === port['protocol'],
    );
    port['nodePort'] ||= numberAt(before, 'nodePort') ?? freeNodePort(used, seed);
    const asked = port['nodePort'];
    const path = `spec.ports[${position}].nodePort`;
    if (typeof asked !== 'number' || asked < NODE_PORTS.first || asked >= NODE_PORTS.first + NODE_PORTS.count)
      return [
        invalidValue(
          path,
          asked ?? null,
          `provided port is not in the valid range. The range of valid ports is ${NODE_PORTS.first}-${NODE_PORTS.first + NODE_PORTS.count - 1}`,
        ),
      ];
    if (used.has(asked)) return [invalidValue(path, asked, 'provided port is already allocated')];
    used.add(asked);
    return [];
  });
}

function freeNodePort(used: ReadonlySet<number | undefined>, seed: number): number | undefined {
  for (let step = 0; step < NODE_PORTS.count; step++) {
    const candidate = NODE_PORTS.first + ((seed + step) % NODE_PORTS.count);
    if (!used.has(candidate)) return candidate;
  }
  return undefined;
}
