import { type Cidr, cidrContains, numberToIpv4, parseCidr, parseIp } from '../base/index.ts';
import type { PacketEvent } from '../model/flow/index.ts';
import {
  type DatapathPlan,
  matchingEntries,
  matchTypeOf,
  type PolicyEntry,
  type PolicyQuestion,
} from '../plan/index.ts';

/** Finds the policy rules behind what the ruleset did to a packet. */
export interface RuleIndex {
  /** Keys of `NodePlan.rules`, undefined when none decided (default deny, or a plan newer than the packet). */
  rulesOf(event: PacketEvent): readonly string[] | undefined;
}

const protocols: Readonly<Record<number, PolicyQuestion['protocol']>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 132: 'sctp' };
const denyListed = 181;

/** Asks the plan that is in the kernel: of the entries that cover the packet and have the reported action, those that match in the reported way. */
export function createRuleIndex(plan: DatapathPlan): RuleIndex {
  let identities: ((address: string) => number) | undefined;
  return {
    rulesOf(event) {
      const actions = actionsOf(event);
      const { direction, packet } = event;
      if (!actions || !direction) return undefined;
      const source = addressAt(packet, 12);
      const destination = addressAt(packet, 16);
      const [endpoint, peer] = direction === 'egress' ? [source, destination] : [destination, source];
      identities ??= identityLookup(plan);
      const question = { endpoint, direction, peer: identities(peer), ...transportOf(packet) };
      const found = matchingEntries(plan.policy, question).filter(({ action }) => actions.includes(action));
      const reported = found.filter((entry) => matchTypeOf(entry) === event.matchType);
      const rules = new Set((reported.length > 0 ? reported : found).flatMap((entry) => entry.rules));
      return rules.size > 0 ? [...rules] : undefined;
    },
  };
}

/** A proxy's own packet is reported as allowed where its entry says redirect. */
function actionsOf(event: PacketEvent): readonly PolicyEntry['action'][] | undefined {
  if (event.kind === 'drop') return event.dropReason === denyListed ? ['deny'] : undefined;
  switch (event.verdict) {
    case 'allowed':
      return ['allow', 'redirect'];
    case 'redirected':
      return ['redirect'];
    case 'denied':
    case 'audited':
      return event.matchType === 0 ? undefined : ['deny'];
    default:
      return undefined;
  }
}

function transportOf(packet: Uint8Array): Pick<PolicyQuestion, 'protocol' | 'port'> {
  const protocol = protocols[packet[9] ?? 0];
  const transport = ((packet[0] ?? 0) & 15) * 4;
  const port = ((packet[transport + 2] ?? 0) << 8) | (packet[transport + 3] ?? 0);
  return { protocol, port: protocol === 'icmp' ? (packet[transport] ?? 0) : port };
}

function addressAt(packet: Uint8Array, offset: number): string {
  const byte = (index: number): number => packet[offset + index] ?? 0;
  return numberToIpv4(((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0);
}

function identityLookup(plan: DatapathPlan): (address: string) => number {
  const hosts = new Map<string, number>();
  const ranges: { cidr: Cidr; identity: number }[] = [];
  for (const { cidr, identity } of plan.ipcache) {
    if (cidr.endsWith('/32')) hosts.set(cidr.slice(0, -3), identity);
    else {
      const parsed = parseCidr(cidr);
      if (parsed) ranges.push({ cidr: parsed, identity });
    }
  }
  return (address) => {
    const host = hosts.get(address);
    if (host !== undefined) return host;
    const ip = parseIp(address);
    const one = ip && { ...ip, prefix: ip.bits };
    return (one && ranges.find(({ cidr }) => cidrContains(cidr, one))?.identity) ?? 2;
  };
}
