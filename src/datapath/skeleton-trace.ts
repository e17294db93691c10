import type { MonitorAggregation } from '../plan/index.ts';
import {
  logGroup,
  overlayInterface,
  podInterfaces,
  proxyMarkMask,
  sampledMark,
  toProxyMark,
  underlayInterface,
  vxlanPort,
} from './marks.ts';
import type { Direction } from './shapes.ts';
import { samplingJump } from './skeleton-sample.ts';

/** Longest IP header and longest TCP header, and a little. */
const snapLength = 128;

/** Dropped packets are counted always and shown up to this rate, so that a flood cannot drown the reader. */
const shownDropsPerSecond = 1000;

const hex = (value: number): string => `0x${value.toString(16)}`;

export function logStatement(prefix: string): string {
  return `log prefix "${prefix}" group ${logGroup} snaplen ${snapLength}`;
}

export interface DropOptions {
  /** What the log says before it names the drop. */
  readonly verdict?: string;
  readonly end?: 'drop' | 'reject';
  /** A rule that may lead packets away before anything is reported. */
  readonly unless?: string;
  /** A rule that may answer the sender once the drop is reported. */
  readonly answer?: string;
}

/** A chain that reports a drop under Cilium's reason number and then drops (or answers with a refusal). */
export function dropAndLog(
  name: string,
  reason: number,
  direction: Direction,
  { verdict, end = 'drop', unless, answer }: DropOptions = {},
): string[] {
  const limit = `limit rate ${shownDropsPerSecond}/second burst ${shownDropsPerSecond} packets`;
  return [
    `chain ${name}_log {`,
    ...(verdict === undefined ? [] : [logStatement(verdict)]),
    logStatement(`drop ${reason} ${direction}`),
    '}',
    `chain ${name} {`,
    ...(unless === undefined ? [] : [unless]),
    `${limit} jump ${name}_log`,
    ...(answer === undefined ? [] : [answer]),
    `counter ${end}`,
    '}',
  ];
}

interface TraceChain {
  readonly point: string;
  /** Direction of the connection as the local endpoint sees it, of a packet that is no reply; undefined: depends on the interface. */
  readonly direction: Direction | undefined;
}

const tracePoints: readonly TraceChain[] = [
  { point: 'to-endpoint', direction: 'ingress' },
  { point: 'to-overlay', direction: 'egress' },
  { point: 'to-network', direction: 'egress' },
  { point: 'to-stack', direction: 'egress' },
  { point: 'to-host', direction: 'egress' },
  { point: 'to-proxy', direction: undefined },
];

export function traceChains(): string[] {
  return tracePoints.flatMap(traceChain);
}

function traceChainName(point: string): string {
  return `trace_${point.replace('-', '_')}`;
}

function traceChain({ point, direction }: TraceChain): string[] {
  const opposite = direction === 'egress' ? 'ingress' : 'egress';
  const log = (connection: string, of: Direction | undefined): string =>
    logStatement(of === undefined ? `trace ${point} ${connection}` : `trace ${point} ${connection} ${of}`);
  const reply = direction === undefined ? undefined : opposite;
  return [
    `chain ${traceChainName(point)} {`,
    `ct state related ${log('related', direction)} return`,
    `ct direction reply ${log('reply', reply)} return`,
    `ct state new ${log('new', direction)} return`,
    log('established', direction),
    '}',
  ];
}

/** Where traces look: after policy, before source translation, so that they show backends and not Service addresses. */
export function traceHooks(level: MonitorAggregation['level']): string[] {
  const sample = samplingJump(level);
  const vxlan = `udp dport ${vxlanPort}`;
  const sampled = `meta mark & ${hex(sampledMark)} == ${hex(sampledMark)}`;
  const toProxy = hex(sampledMark | toProxyMark);
  const mask = hex(sampledMark | proxyMarkMask);
  return [
    'chain trace_prerouting {',
    'type filter hook prerouting priority -80; policy accept;',
    'iifname "lo" accept',
    'meta nfproto ipv6 accept',
    `iifname "${underlayInterface}" ${vxlan} accept`,
    sample,
    `meta mark & ${mask} == ${toProxy} jump ${traceChainName('to-proxy')}`,
    '}',
    'chain trace_output {',
    'type filter hook output priority 10; policy accept;',
    'meta nfproto ipv6 accept',
    `ip daddr @node_addresses ${vxlan} accept`,
    sample,
    '}',
    'chain trace_forward {',
    'type filter hook forward priority 0; policy accept;',
    `${sampled} iifname "${podInterfaces}" oifname != "${overlayInterface}" jump ${traceChainName('to-stack')}`,
    '}',
    'chain trace_input {',
    'type filter hook input priority 0; policy accept;',
    `meta mark & ${mask} == ${hex(sampledMark)} iifname "${podInterfaces}" jump ${traceChainName('to-host')}`,
    `meta mark & ${mask} == ${hex(sampledMark)} iifname "${overlayInterface}" jump ${traceChainName('to-host')}`,
    '}',
    'chain trace_postrouting {',
    'type filter hook postrouting priority 50; policy accept;',
    `meta mark & ${hex(sampledMark)} != ${hex(sampledMark)} accept`,
    `oifname "${podInterfaces}" jump ${traceChainName('to-endpoint')}`,
    `oifname "${overlayInterface}" jump ${traceChainName('to-overlay')}`,
    `oifname "${underlayInterface}" ip saddr @local_endpoints ip daddr != @pod_ranges jump ${traceChainName('to-network')}`,
    '}',
    ...(level === 'none' ? fromHooks(vxlan) : []),
  ];
}

/** The `from-*` points: before connection tracking, so what the packet belongs to is not known yet. */
function fromHooks(vxlan: string): string[] {
  const log = (point: string): string => logStatement(`trace ${point} unknown`);
  return [
    'chain trace_from {',
    'type filter hook prerouting priority -290; policy accept;',
    `iifname "${podInterfaces}" ${log('from-endpoint')}`,
    `iifname "${overlayInterface}" ${log('from-overlay')}`,
    `iifname "${underlayInterface}" meta l4proto != udp ${log('from-network')}`,
    `iifname "${underlayInterface}" udp dport != ${vxlanPort} ${log('from-network')}`,
    '}',
    'chain trace_from_local {',
    'type filter hook output priority -290; policy accept;',
    'meta nfproto ipv6 accept',
    `ip daddr @node_addresses ${vxlan} accept`,
    'oifname "lo" accept',
    `meta mark & 0xe00 == 0xa00 ${log('from-proxy')} accept`,
    log('from-host'),
    '}',
  ];
}
