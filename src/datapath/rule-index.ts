import { type Cidr, cidrContains, numberToIpv4, parseCidr, parseIp } from '../base/index.ts';
import type { PacketEvent } from '../model/flow/index.ts';
import type { DatapathPlan, PolicyEntry } from '../plan/index.ts';

/** Finds the policy rules behind what the ruleset did to a packet. */
export interface RuleIndex {
  /** Keys of `NodePlan.rules`, undefined when none decided (default deny, or a plan newer than the packet). */
  rulesOf(event: PacketEvent): readonly string[] | undefined;
}

const protocols: Readonly<Record<number, PolicyEntry['protocol']>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 132: 'sctp' };
const denyListed = 181;

/** Looks entries up as the ruleset does: same keys, same phases. */
export function createRuleIndex(plan: DatapathPlan): RuleIndex {
  const entries = new Map<string, PolicyEntry[]>();
  for (const entry of plan.policy) {
    const key = `${entry.direction} ${entry.endpoint}`;
    const list = entries.get(key);
    if (list) list.push(entry);
    else entries.set(key, [entry]);
  }
  let identities: ((address: string) => number) | undefined;
  return {
    rulesOf(event) {
      const action = actionOf(event);
      const { direction, packet } = event;
      if (!action || !direction) return undefined;
      const source = addressAt(packet, 12);
      const destination = addressAt(packet, 16);
      const [endpoint, peer] = direction === 'egress' ? [source, destination] : [destination, source];
      const candidates = entries.get(`${direction} ${endpoint}`);
      if (!candidates) return undefined;
      identities ??= identityLookup(plan);
      const identity = identities(peer);
      const found = candidates.filter((entry) => action.includes(entry.action) && covers(entry, identity, packet));
      const rules = new Set(found.flatMap((entry) => entry.rules));
      return rules.size > 0 ? [...rules] : undefined;
    },
  };
}

/** A proxy's own packet is reported as allowed where its entry says redirect. */
function actionOf(event: PacketEvent): readonly PolicyEntry['action'][] | undefined {
  if (event.kind === 'drop') return event.dropReason === denyListed ? ['deny'] : undefined;
  switch (event.verdict) {
    case 'allowed':
      return ['allow', 'redirect'];
    case 'redirected':
      return ['redirect'];
    case 'denied':
      return event.matchType === 0 ? undefined : ['deny'];
    default:
      return undefined;
  }
}

function covers(entry: PolicyEntry, identity: number, packet: Uint8Array): boolean {
  if (entry.peer !== 0 && entry.peer !== identity) return false;
  const protocol = protocols[packet[9] ?? 0];
  const transport = ((packet[0] ?? 0) & 15) * 4;
  const port = ((packet[transport + 2] ?? 0) << 8) | (packet[transport + 3] ?? 0);
  const everyPort = entry.port === 0 && entry.portEnd === undefined;
  if (entry.protocol === 'any') {
    if (everyPort) return true;
    if (protocol === undefined || protocol === 'icmp') return false;
  } else if (entry.protocol !== protocol) return false;
  if (protocol === 'icmp') return entry.port < 0 || entry.port === packet[transport];
  return everyPort || (port >= entry.port && port <= (entry.portEnd ?? entry.port));
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
