import { cidrContains, ipv4ToNumber, parseCidrOrIp } from '../../src/base/index.ts';
import { compileRuleset, type Ruleset } from '../../src/datapath/compile.ts';
import { type Phase, type Shape, setName, shapesOf, subjectsName } from '../../src/datapath/shapes.ts';
import type { NodePlan } from '../../src/plan/index.ts';
import type { Packet, Verdict } from './judge.ts';
import type { Direction } from './statements.ts';

/** Reads the sets that are loaded into the kernel as the chains of `src/datapath/skeleton-policy.ts` do. */
export interface Kernel {
  verdict(packet: Packet, direction: Direction): Verdict;
  identityOf(address: string): number;
  /** What the chains refuse of this endpoint's passes. */
  audits(address: string): boolean;
}

const world = 2;
const listenerVerdicts: Readonly<Record<string, Verdict>> = {
  'cilium-http-egress': 'http',
  'cilium-http-ingress': 'http',
  'cilium-dns-egress': 'dns',
  'cilium-tls-egress': 'tls',
  'cilium-tls-ingress': 'tls',
};

export function loadKernel(plan: NodePlan): Kernel {
  const compiled = compileRuleset(plan.datapath);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  const { sets } = compiled.value;
  const has = (set: string, key: string): boolean => sets.get(set)?.has(key) ?? false;
  const ranges = rangeIndex(compiled.value);
  const prefixes = [...(sets.get('ipcache_cidr') ?? [])].map(([cidr, id]) => ({ cidr: parseCidrOrIp(cidr), id }));

  const known = new Map<string, number>();

  function identityOf(address: string): number {
    const identity = known.get(address) ?? lookUpIdentity(address);
    known.set(address, identity);
    return identity;
  }

  function lookUpIdentity(address: string): number {
    const host = sets.get('ipcache')?.get(address);
    if (host !== undefined) return Number(host);
    const one = parseCidrOrIp(address);
    const found = prefixes.find(({ cidr }) => cidr && one && cidrContains(cidr, one));
    return found ? Number(found.id) : world;
  }

  /** The element that the packet finds in the set of a shape: its value, `''` in plain sets. */
  function lookUp(direction: Direction, phase: Phase, shape: Shape, own: string, peer: number, packet: Packet) {
    const isIcmp = packet.protocol === 'icmp';
    if (shape.packets === 'ports' && isIcmp) return undefined;
    if (shape.packets === 'icmp' && !isIcmp) return undefined;
    const parts: (string | number)[] = [own];
    if (shape.key.includes('meta mark')) parts.push(peer);
    if (shape.key.includes('meta l4proto')) parts.push(packet.protocol);
    const name = setName(direction, phase, shape);
    if (shape.interval) {
      const candidates = ranges.get(name)?.get(parts.join(' . ')) ?? [];
      return candidates.find(({ first, last }) => first <= packet.port && packet.port <= last)?.value;
    }
    if (shape.packets !== 'all') parts.push(packet.port);
    return sets.get(name)?.get(parts.join(' . '));
  }

  function find(direction: Direction, phase: Phase, own: string, peer: number, packet: Packet): string | undefined {
    if (!has(subjectsName(direction, phase), own)) return undefined;
    for (const shape of shapesOf(phase)) {
      const value = lookUp(direction, phase, shape, own, peer, packet);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  function verdict(packet: Packet, direction: Direction): Verdict {
    const [own, other] =
      direction === 'egress' ? [packet.source, packet.destination] : [packet.destination, packet.source];
    if (!has(`${direction}_subjects`, own)) return 'allow';
    const peer = identityOf(other);
    if (find(direction, 'deny', own, peer, packet) !== undefined) return 'deny';
    // The chain `from_host` judges what the node itself sends, and redirects nothing.
    const isFromHost = direction === 'ingress' && has('local_addresses', packet.source);
    const redirectable = !isFromHost && (packet.protocol === 'tcp' || packet.protocol === 'udp');
    const redirect = redirectable ? find(direction, 'redirect', own, peer, packet) : undefined;
    if (redirect !== undefined) return listenerOf(redirect, plan);
    if (find(direction, 'allow', own, peer, packet) !== undefined) return 'allow';
    return has(`${direction}_enforced`, own) ? 'default-deny' : 'allow';
  }

  return { verdict, identityOf, audits: (address) => has('audited', address) };
}

function listenerOf(target: string, { proxyPorts }: NodePlan): Verdict {
  const port = Number(/^goto redirect_(\d+)_/.exec(target)?.[1]);
  const name = [...proxyPorts].find(([, number]) => number === port)?.[0] ?? target;
  return verdictOfListener(name);
}

/** What a redirect to the listener is in the words of the judge. */
export function verdictOfListener(name: string): Verdict {
  return listenerVerdicts[name] ?? `listener ${name}`;
}

type Ranges = ReadonlyMap<string, ReadonlyMap<string, readonly { first: number; last: number; value: string }[]>>;

/** Elements `key . first-last` of interval sets, by set and key. What the kernel would refuse is an error here too. */
function rangeIndex({ sets }: Ruleset): Ranges {
  const index = new Map<string, Map<string, { first: number; last: number; value: string }[]>>();
  for (const [set, elements] of sets) {
    if (!set.endsWith('_range')) continue;
    const byKey = new Map<string, { first: number; last: number; value: string }[]>();
    for (const [element, value] of elements) {
      const [, key = '', first, last] = /^(.*) \. (\d+)-(\d+)$/.exec(element) ?? [];
      const list = byKey.get(key) ?? [];
      const range = { first: Number(first), last: Number(last), value };
      if (list.some((other) => other.first <= range.last && range.first <= other.last)) {
        throw new Error(`${set}: ${element} overlaps another element`);
      }
      byKey.set(key, [...list, range]);
    }
    index.set(set, byKey);
  }
  checkPrefixes(sets);
  return index;
}

function checkPrefixes(sets: Ruleset['sets']): void {
  const spans = [...(sets.get('ipcache_cidr')?.keys() ?? [])].map((cidr) => {
    const [address = '', length] = cidr.split('/');
    const start = ipv4ToNumber(address);
    return { cidr, start, end: start + 2 ** (32 - Number(length)) - 1 };
  });
  spans.sort((a, b) => a.start - b.start);
  spans.forEach(({ cidr, start }, at) => {
    if (at > 0 && (spans[at - 1]?.end ?? 0) >= start) throw new Error(`ipcache_cidr: ${cidr} overlaps another element`);
  });
}
