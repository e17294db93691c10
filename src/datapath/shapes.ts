/** The transport protocols that have ports. */
export const portProtocols = ['tcp', 'udp', 'sctp'] as const;

export type Direction = 'egress' | 'ingress';
export const directions: readonly Direction[] = ['egress', 'ingress'];
export type Phase = 'deny' | 'redirect' | 'allow';
export const phases: readonly Phase[] = ['deny', 'redirect', 'allow'];

/**
 * One way for a policy entry to match a packet: which of (endpoint, peer identity, protocol, port) it names.
 * `matchType` is Cilium's number for it in policy verdicts.
 */
export interface Shape {
  readonly name: string;
  /** Key type of the set, the local endpoint's address first. */
  readonly type: string;
  /** The packet's key after the endpoint's address; the peer's identity is in the packet mark. */
  readonly key: string;
  readonly packets: 'ports' | 'icmp' | 'all';
  readonly interval: boolean;
  readonly matchType: number;
}

const ports = { packets: 'ports', interval: false } as const;
const ranges = { packets: 'ports', interval: true } as const;
const icmp = { packets: 'icmp', interval: false } as const;
const all = { packets: 'all', interval: false } as const;

/** In the order of look-up; within a phase any match decides, so the order only fixes which match is reported. */
export const shapes: readonly Shape[] = [
  {
    name: 'identity_port',
    type: 'ipv4_addr . mark . inet_proto . inet_service',
    key: 'meta mark . meta l4proto . th dport',
    ...ports,
    matchType: 2,
  },
  {
    name: 'identity_range',
    type: 'ipv4_addr . mark . inet_proto . inet_service',
    key: 'meta mark . meta l4proto . th dport',
    ...ranges,
    matchType: 2,
  },
  {
    name: 'port',
    type: 'ipv4_addr . inet_proto . inet_service',
    key: 'meta l4proto . th dport',
    ...ports,
    matchType: 3,
  },
  {
    name: 'range',
    type: 'ipv4_addr . inet_proto . inet_service',
    key: 'meta l4proto . th dport',
    ...ranges,
    matchType: 3,
  },
  { name: 'identity_icmp', type: 'ipv4_addr . mark . icmp_type', key: 'meta mark . icmp type', ...icmp, matchType: 2 },
  { name: 'icmp', type: 'ipv4_addr . icmp_type', key: 'icmp type', ...icmp, matchType: 3 },
  {
    name: 'identity_protocol',
    type: 'ipv4_addr . mark . inet_proto',
    key: 'meta mark . meta l4proto',
    ...all,
    matchType: 5,
  },
  { name: 'protocol', type: 'ipv4_addr . inet_proto', key: 'meta l4proto', ...all, matchType: 6 },
  { name: 'identity', type: 'ipv4_addr . mark', key: 'meta mark', ...all, matchType: 1 },
  { name: 'any', type: 'ipv4_addr', key: '', ...all, matchType: 4 },
];

/** Match types that a verdict can carry, 0 when nothing matched. */
export const matchTypes: readonly number[] = [...new Set(shapes.map((shape) => shape.matchType))];

/** TPROXY takes TCP and UDP only, so nothing redirects ICMP. */
export function shapesOf(phase: Phase): readonly Shape[] {
  return phase === 'redirect' ? shapes.filter((shape) => shape.packets !== 'icmp') : shapes;
}

export function setName(direction: Direction, phase: Phase, shape: Shape): string {
  return `${direction}_${phase}_${shape.name}`;
}

/** Endpoints with at least one entry of a phase, so that packets of all others skip its look-ups. */
export function subjectsName(direction: Direction, phase: Phase): string {
  return `${direction}_${phase}_subjects`;
}
