import { cidrContains, parseCidrOrIp } from '../../base/index.ts';
import type { Enforcement, Identity, NodePlan, PolicyEntry } from '../node-plan.ts';

/** A packet that opens a connection. For icmp the port is the message's type. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  readonly port: number;
}

/** What of a packet one endpoint's policy looks at. */
export interface PolicyQuestion {
  /** The address of the endpoint whose policy is asked. */
  readonly endpoint: string;
  readonly direction: 'ingress' | 'egress';
  readonly peer: Identity;
  /** Undefined for a protocol of which policy only knows that it is one: entries for any protocol cover it. */
  readonly protocol: Packet['protocol'] | undefined;
  readonly port: number;
}

/** `listener` is where a redirect leads. */
export type Verdict =
  | { readonly kind: 'allow' | 'deny' | 'default-deny' }
  | { readonly kind: 'redirect'; readonly listener: string };

/** The identity that the plan gives an address; `world` (2) for one that it does not know. */
export function identityOf(plan: NodePlan, address: string): Identity {
  const one = parseCidrOrIp(address);
  const entry = plan.datapath.ipcache.find(({ cidr }) => {
    const range = parseCidrOrIp(cidr);
    return one && range && cidrContains(range, one);
  });
  return entry?.identity ?? 2;
}

/** The verdict on a packet in one direction: that of its sender or receiver, whichever the direction means. */
export function policyVerdict(plan: NodePlan, packet: Packet, direction: 'ingress' | 'egress'): Verdict {
  return judgePacket(plan, packet, direction).verdict;
}

/** The same with the entries that decided: none where no policy of this plan has a say, or none allows. */
export function judgePacket(
  plan: NodePlan,
  { source, destination, protocol, port }: Packet,
  direction: 'ingress' | 'egress',
): { readonly verdict: Verdict; readonly entries: readonly PolicyEntry[] } {
  const [own, other] = direction === 'egress' ? [source, destination] : [destination, source];
  const enforcement = enforcementAt(plan, own);
  if (!enforcement) return { verdict: { kind: 'allow' }, entries: [] };
  const peer = identityOf(plan, other);
  const matching = matchingEntries(plan.datapath.policy, { endpoint: own, direction, peer, protocol, port });
  const entries = strongest(matching);
  switch (entries[0]?.action) {
    case 'deny':
      return { verdict: { kind: 'deny' }, entries };
    case 'redirect':
      return { verdict: { kind: 'redirect', listener: listenerAt(plan, entries[0].proxyPort ?? 0) }, entries };
    case 'allow':
      return { verdict: { kind: 'allow' }, entries };
    default: {
      const enforced = direction === 'egress' ? enforcement.enforceEgress : enforcement.enforceIngress;
      return { verdict: { kind: enforced ? 'default-deny' : 'allow' }, entries };
    }
  }
}

/** What is enforced at an address: of a pod of this node, or of the node itself where its firewall is on; undefined elsewhere. */
export function enforcementAt({ datapath }: NodePlan, own: string): Enforcement | undefined {
  const { node, endpoints, host } = datapath;
  if (own === node.address || own === node.routerAddress) return host;
  return endpoints.find(({ address }) => address === own);
}

/** The entries of the action that wins: any deny, else any redirect (where they differ that of the peer), else the allows. */
function strongest(entries: readonly PolicyEntry[]): readonly PolicyEntry[] {
  for (const action of ['deny', 'redirect', 'allow'] as const) {
    const found = entries.filter((entry) => entry.action === action);
    const first = found.find(({ peer }) => peer !== 0) ?? found[0];
    if (first) return found.filter(({ proxyPort }) => proxyPort === first.proxyPort);
  }
  return [];
}

/**
 * How an entry matches, as Cilium's policy verdicts number it: 1 the peer alone, 2 peer and port, 3 the port alone, 4
 * everything, 5 peer and protocol, 6 the protocol alone.
 */
export function matchTypeOf({ peer, protocol, port, portEnd }: PolicyEntry): number {
  const every = protocol === 'icmp' ? port < 0 : port === 0 && portEnd === undefined;
  if (!every) return peer === 0 ? 3 : 2;
  if (protocol !== 'any') return peer === 0 ? 6 : 5;
  return peer === 0 ? 4 : 1;
}

/** Every entry that covers what is asked, whatever its action. */
export function matchingEntries(policy: readonly PolicyEntry[], question: PolicyQuestion): readonly PolicyEntry[] {
  const peers = entriesOf(policy, question.endpoint);
  return [...(peers.get(0) ?? []), ...(question.peer === 0 ? [] : (peers.get(question.peer) ?? []))].filter(
    (entry) => entry.direction === question.direction && coversPort(entry, question),
  );
}

function coversPort(entry: PolicyEntry, { protocol, port }: PolicyQuestion): boolean {
  if (entry.protocol !== 'any' && entry.protocol !== protocol) return false;
  if (protocol === undefined) return true;
  if (protocol === 'icmp') return entry.protocol === 'any' || entry.port === port || entry.port < 0;
  return entry.port === 0 || (entry.port <= port && port <= (entry.portEnd ?? entry.port));
}

type EntriesByPeer = ReadonlyMap<Identity, readonly PolicyEntry[]>;

interface EntryIndex {
  readonly byEndpoint: ReadonlyMap<string, readonly PolicyEntry[]>;
  readonly byPeer: Map<string, EntriesByPeer>;
}

const indexes = new WeakMap<readonly PolicyEntry[], EntryIndex>();

/** An endpoint's entries by peer. A plan does not change, so its index is made by the first question, that of an endpoint by the first about it. */
function entriesOf(policy: readonly PolicyEntry[], endpoint: string): EntriesByPeer {
  let index = indexes.get(policy);
  if (!index) {
    index = { byEndpoint: grouped(policy, (entry) => entry.endpoint), byPeer: new Map() };
    indexes.set(policy, index);
  }
  let peers = index.byPeer.get(endpoint);
  if (!peers) {
    peers = grouped(index.byEndpoint.get(endpoint) ?? [], ({ peer }) => peer);
    index.byPeer.set(endpoint, peers);
  }
  return peers;
}

function grouped<K>(
  entries: readonly PolicyEntry[],
  keyOf: (entry: PolicyEntry) => K,
): ReadonlyMap<K, readonly PolicyEntry[]> {
  const groups = new Map<K, PolicyEntry[]>();
  for (const entry of entries) {
    const group = groups.get(keyOf(entry));
    if (group) group.push(entry);
    else groups.set(keyOf(entry), [entry]);
  }
  return groups;
}

function listenerAt(plan: NodePlan, port: number): string {
  return [...plan.proxyPorts].find(([, number]) => number === port)?.[0] ?? '';
}
