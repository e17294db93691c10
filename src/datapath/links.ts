import type { DatapathPlan, NodeAddress } from '../plan/index.ts';
import {
  overlayInterface,
  proxyMarkMask,
  toNodeMark,
  toNodeTable,
  toProxyMark,
  toProxyTable,
  underlayInterface,
  vxlanNetworkId,
  vxlanPort,
} from './marks.ts';

/** Lines for `ip -batch` and `bridge -batch`. */
export interface LinkCommands {
  readonly ip: readonly string[];
  readonly bridge: readonly string[];
  /** `ip` lines that run after `bridge`. */
  readonly cleanup: readonly string[];
}

/** What of the links and routes is in the kernel. */
export interface LinkState {
  readonly hasOverlay: boolean;
  readonly hasProxyRule: boolean;
  /** The plan that the routes follow; undefined before the first. */
  readonly applied: DatapathPlan | undefined;
}

const podMtu = 1450;

/**
 * The commands that take links, routes and neighbours to a plan; empty when they are there already. Pure.
 * Everything is written with `replace`, so that an agent that starts anew takes over what the last one left.
 */
export function linkCommands(state: LinkState, plan: DatapathPlan): LinkCommands {
  const { applied } = state;
  const first = applied === undefined;
  const modeChanged = applied?.mode !== plan.mode || applied.node.routerAddress !== plan.node.routerAddress;
  const ip: string[] = first ? nodeRoutes(plan, state.hasProxyRule) : [];
  if (applied && applied.serviceCidr !== plan.serviceCidr) ip.push(...replaceServiceRoute(applied, plan));
  const bridge: string[] = [];
  const cleanup: string[] = [];
  if (plan.mode === 'vxlan' && modeChanged && !state.hasOverlay) ip.push(...overlay(plan.node));
  const known = new Map((modeChanged ? [] : applied.peers).map((peer) => [peer.name, peer]));
  for (const peer of plan.peers) {
    const before = known.get(peer.name);
    if (before && sameNode(before, peer)) continue;
    ip.push(...peerRoute(plan, peer));
    if (plan.mode === 'vxlan')
      bridge.push(`fdb replace ${macAddress(peer)} dev ${overlayInterface} dst ${peer.address} self permanent`);
  }
  for (const gone of goneRoutes(applied, plan)) cleanup.push(`route del ${gone}`);
  if (plan.mode === 'direct' && state.hasOverlay) cleanup.push(`link del ${overlayInterface}`);
  return { ip, bridge, cleanup };
}

function nodeRoutes({ node, serviceCidr }: DatapathPlan, hasProxyRule: boolean): string[] {
  const marked = (mark: number): string => `fwmark 0x${mark.toString(16)}/0x${proxyMarkMask.toString(16)}`;
  const rules = [
    `rule add ${marked(toProxyMark)} lookup ${toProxyTable} pref 10`,
    `rule add ${marked(toNodeMark)} lookup ${toNodeTable} pref 11`,
  ];
  return [
    ...(hasProxyRule ? [] : rules),
    `route replace local 0.0.0.0/0 dev lo table ${toProxyTable}`,
    `addr replace ${node.routerAddress}/32 dev lo`,
    serviceRoute(serviceCidr, node),
  ];
}

/** Gives the node's own connections to Services a source address that belongs to this node before translation picks the real way. */
function serviceRoute(serviceCidr: string, node: NodeAddress): string {
  return `route replace ${serviceCidr} dev lo src ${node.routerAddress}`;
}

function replaceServiceRoute(applied: DatapathPlan, plan: DatapathPlan): string[] {
  return [serviceRoute(plan.serviceCidr, plan.node), `route del ${applied.serviceCidr} dev lo`];
}

function overlay(node: NodeAddress): string[] {
  return [
    `link add ${overlayInterface} mtu ${podMtu} address ${macAddress(node)} type vxlan id ${vxlanNetworkId} local ${node.address} dstport ${vxlanPort} nolearning`,
    `link set ${overlayInterface} up`,
  ];
}

function peerRoute({ mode, node }: DatapathPlan, peer: NodeAddress): string[] {
  if (mode === 'direct') {
    return [
      `route replace ${peer.podCidr} via ${peer.address} dev ${underlayInterface} src ${node.routerAddress} mtu ${podMtu}`,
    ];
  }
  return [
    `neigh replace ${peer.routerAddress} lladdr ${macAddress(peer)} dev ${overlayInterface} nud permanent`,
    `route replace ${peer.podCidr} via ${peer.routerAddress} dev ${overlayInterface} onlink src ${node.routerAddress} mtu ${podMtu}`,
    `route replace ${tunnelToNode(peer)} via ${peer.routerAddress} dev ${overlayInterface} onlink mtu ${podMtu}`,
  ];
}

/** The way of pods to a node's own address, which hides their address on the underlay. */
function tunnelToNode({ address }: NodeAddress): string {
  return `${address}/32 table ${toNodeTable}`;
}

function goneRoutes(applied: DatapathPlan | undefined, plan: DatapathPlan): string[] {
  const wanted = new Set(plan.peers.flatMap((peer) => [peer.podCidr, peer.address]));
  const before = applied?.peers ?? [];
  const tunnels = applied?.mode === 'vxlan' && plan.mode === 'vxlan' ? before : [];
  return [
    ...before.filter(({ podCidr }) => !wanted.has(podCidr)).map(({ podCidr }) => podCidr),
    ...tunnels.filter(({ address }) => !wanted.has(address)).map(tunnelToNode),
  ];
}

function sameNode(a: NodeAddress, b: NodeAddress): boolean {
  return (
    a.index === b.index && a.address === b.address && a.routerAddress === b.routerAddress && a.podCidr === b.podCidr
  );
}

/** The overlay interface's address of a node: locally administered, from its index, so that nobody has to ask for it. */
function macAddress(node: NodeAddress): string {
  const hex = (value: number): string => (value & 255).toString(16).padStart(2, '0');
  return `02:00:0a:f4:${hex(node.index >> 8)}:${hex(node.index)}`;
}
