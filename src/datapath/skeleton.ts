import type { MonitorAggregation } from '../plan/index.ts';
import {
  auditedMark,
  fromProxyMark,
  overlayInterface,
  podInterfaces,
  proxyMarkMask,
  toNodeMark,
  toProxyMark,
  underlayInterface,
  vxlanPort,
} from './marks.ts';
import { directions, phases, setName, shapes, subjectsName } from './shapes.ts';
import { policyChains } from './skeleton-policy.ts';
import { sampleChains } from './skeleton-sample.ts';
import { dropAndLog, traceChains, traceHooks } from './skeleton-trace.ts';

export const table = 'inet ciliate';

const hex = (value: number): string => `0x${value.toString(16)}`;
const lookup = 'ip daddr . meta l4proto . th dport';

/** Every set and map that never changes its shape; `compileElements` fills them. */
function fixedSets(): string[] {
  return [
    'map ipcache { type ipv4_addr : mark; }',
    'map ipcache_cidr { type ipv4_addr : mark; flags interval; }',
    'set endpoint_links { type ifname . ipv4_addr; }',
    'set local_endpoints { type ipv4_addr; }',
    'set local_addresses { type ipv4_addr; }',
    'set node_addresses { type ipv4_addr; }',
    'set guarded_nodes { type ipv4_addr; }',
    'set pod_ranges { type ipv4_addr; flags interval; }',
    'set service_range { type ipv4_addr; flags interval; }',
    'set underlay_forbidden { type ipv4_addr; flags interval; }',
    'set overlay_forbidden { type ipv4_addr; flags interval; }',
    'set audited { type ipv4_addr; }',
    'set answered { type ipv4_addr; }',
    'set hairpin { type ipv4_addr . ipv4_addr; }',
    'map services { type ipv4_addr . inet_proto . inet_service : verdict; }',
    'map backends { type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service; }',
    'set taken_frontends { type ipv4_addr . inet_proto . inet_service; }',
    'map service_redirects { type ipv4_addr . inet_proto . inet_service : verdict; }',
  ];
}

function policySets(): string[] {
  return directions.flatMap((direction) => [
    `set ${direction}_subjects { type ipv4_addr; }`,
    `set ${direction}_enforced { type ipv4_addr; }`,
    ...phases.flatMap((phase) => [
      `set ${subjectsName(direction, phase)} { type ipv4_addr; }`,
      ...shapes.map((shape) => {
        const kind = phase === 'redirect' ? 'map' : 'set';
        const type = phase === 'redirect' ? `${shape.type} : verdict` : shape.type;
        const flags = shape.interval ? ' flags interval;' : '';
        return `${kind} ${setName(direction, phase, shape)} { type ${type};${flags} }`;
      }),
    ]),
  ]);
}

/** Who may send what, before anything looks at the packet. IPv6 is not carried and dropped here. */
const guardHooks = [
  'chain guard {',
  'type filter hook prerouting priority -300; policy accept;',
  'iifname "lo" accept',
  'meta nfproto ipv6 counter drop',
  `iifname "${underlayInterface}" udp dport ${vxlanPort} ip saddr @node_addresses notrack accept`,
  `iifname "${underlayInterface}" udp dport ${vxlanPort} goto drop_spoofed`,
  `iifname "${underlayInterface}" ip saddr @underlay_forbidden goto drop_spoofed`,
  `iifname "${overlayInterface}" ip saddr @overlay_forbidden goto drop_spoofed`,
  `iifname != "${podInterfaces}" accept`,
  `ip daddr @node_addresses udp dport ${vxlanPort} goto drop_spoofed`,
  'iifname . ip saddr @endpoint_links accept',
  'goto drop_spoofed',
  '}',
  'chain guard_output {',
  'type filter hook output priority -300; policy accept;',
  `ip daddr @node_addresses udp dport ${vxlanPort} notrack`,
  '}',
];

const serviceHooks = [
  'chain services_forwarded {',
  'type nat hook prerouting priority -100; policy accept;',
  `iifname "${podInterfaces}" ${lookup} @taken_frontends accept`,
  `${lookup} vmap @services`,
  '}',
  'chain services_local {',
  'type nat hook output priority -100; policy accept;',
  `${lookup} vmap @services`,
  '}',
  'chain masquerade_chain {',
  'type nat hook postrouting priority 100; policy accept;',
  'ct status dnat ip saddr . ip daddr @hairpin masquerade',
  'ip daddr @guarded_nodes accept',
  `oifname "${underlayInterface}" ip saddr @local_endpoints ip daddr != @pod_ranges masquerade`,
  '}',
];

/**
 * Where policy is decided. A proxied connection's packets belong to a socket of this node; a new SYN never does, so that an old
 * socket in TIME_WAIT cannot catch it. UDP sockets of the proxy are looked up for answers only, or they would catch a pod's own queries.
 * What the node itself sends to its pods is judged by their ingress rules but never redirected.
 */
const policyHooks = [
  'chain policy_forwarded {',
  'type filter hook prerouting priority -90; policy accept;',
  'iifname "lo" accept',
  `iifname "${underlayInterface}" udp dport ${vxlanPort} accept`,
  'ct state invalid counter drop',
  `meta l4proto tcp tcp flags & (syn | ack) != syn socket transparent 1 meta mark set ${hex(toProxyMark)} accept`,
  `meta l4proto udp ct direction reply socket transparent 1 meta mark set ${hex(toProxyMark)} accept`,
  'ct direction reply accept',
  'ct state related accept',
  `iifname "${podInterfaces}" jump from_endpoint`,
  'ip daddr @ingress_subjects jump ingress',
  'meta mark set 0',
  `iifname "${podInterfaces}" ip daddr @guarded_nodes meta mark set ${hex(toNodeMark)}`,
  '}',
  'chain from_endpoint {',
  `${lookup} vmap @service_redirects`,
  'ip daddr @service_range goto drop_no_backend',
  'ip saddr . ip daddr @hairpin accept',
  'ip saddr @egress_subjects jump egress',
  '}',
  // The tunnel looks for the way of its own packets by the mark of those that it carries.
  'chain into_tunnel {',
  'type filter hook postrouting priority 60; policy accept;',
  `oifname "${overlayInterface}" meta mark & ${hex(proxyMarkMask)} == ${hex(toNodeMark)} meta mark set 0`,
  '}',
  'chain policy_local {',
  'type filter hook output priority 0; policy accept;',
  // A socket that is connecting does not hear of an ICMP error that comes back at once; of a reset it does.
  'ip daddr @service_range meta l4proto tcp reject with tcp reset',
  'ip daddr @service_range reject',
  'ip saddr @local_addresses ip saddr @egress_subjects jump host_egress',
  `meta mark & ${hex(proxyMarkMask)} == ${hex(fromProxyMark)} ct direction original ip daddr @ingress_subjects jump from_proxy`,
  'meta mark 0 ct state != related ct direction original ip daddr @ingress_subjects ip daddr != @local_addresses jump from_host',
  '}',
  // A translated packet still names the interface that it would have left by, so the node's own addresses are told by address.
  'chain host_egress {',
  'ip daddr @local_addresses return',
  `ip daddr @node_addresses udp dport ${vxlanPort} return`,
  `meta mark & ${hex(proxyMarkMask)} == ${hex(fromProxyMark)} return`,
  'ct direction reply return',
  'ct state related return',
  'jump identify_destination',
  'ip saddr @egress_deny_subjects jump egress_deny',
  `meta mark != ${auditedMark} jump egress_allow`,
  'meta mark set 0',
  '}',
  'chain from_proxy {',
  'ip saddr @local_addresses return',
  'jump identify_source',
  'ip daddr @ingress_deny_subjects jump ingress_deny',
  `meta mark != ${auditedMark} jump ingress_allow`,
  `meta mark set ${hex(fromProxyMark)}`,
  '}',
  'chain from_host {',
  'jump identify_source',
  'ip daddr @ingress_deny_subjects jump ingress_deny',
  `meta mark != ${auditedMark} jump ingress_allow`,
  'meta mark set 0',
  '}',
  'chain identify_source {',
  'meta mark set ip saddr map @ipcache return',
  'meta mark set ip saddr map @ipcache_cidr return',
  'meta mark set 2',
  '}',
  'chain identify_destination {',
  'meta mark set ip daddr map @ipcache return',
  'meta mark set ip daddr map @ipcache_cidr return',
  'meta mark set 2',
  '}',
];

/** What later chains of TPROXY and of drops end in. */
const ends = [
  ...dropAndLog('drop_spoofed', 132, 'egress'),
  ...dropAndLog('drop_no_backend', 158, 'egress', { end: 'reject' }),
  ...directions.flatMap((direction) => dropAndLog(`${direction}_drop_no_listener`, 178, direction)),
];

/** The whole table without elements: chains and rules that no plan changes but in what it says of traces, as nft commands. */
export function skeleton(aggregation: MonitorAggregation): string {
  const body = [
    ...fixedSets(),
    ...policySets(),
    ...ends,
    ...directions.flatMap(policyChains),
    ...sampleChains(aggregation),
    ...traceChains(),
    ...guardHooks,
    ...serviceHooks,
    ...policyHooks,
    ...traceHooks(aggregation.level),
  ];
  return `table ${table} {\n${body.join('\n')}\n}\n`;
}
