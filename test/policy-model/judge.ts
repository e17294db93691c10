import { type Facts, type Fields, type Party, partyOf } from './facts.ts';
import { nameMatches } from './names.ts';
import { type Direction, type PortEntry, type Statement, statementsOf } from './statements.ts';

/** `port` is the message type of an ICMP packet. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  readonly port: number;
}

export type Verdict = 'allow' | 'deny' | 'default-deny' | 'http' | 'dns';

export interface Request {
  readonly client: string;
  readonly backend: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What policy says, by definition: every statement is looked at for every question, and nothing is planned ahead. */
export interface Judge {
  /** The verdict of the packet's sender (`egress`) or receiver. */
  verdict(packet: Packet, direction: Direction): Verdict;
  /** Whether a request passes the Layer-7 rules of both ends that `isLocal`, each asked on its own. */
  requestPasses(request: Request, isLocal: (address: string) => boolean): boolean;
  /** Whether a query that was redirected may ask for the name. */
  queryPasses(packet: Packet, name: string): boolean;
}

interface Covering {
  readonly deny: boolean;
  readonly entry: PortEntry | undefined;
}

export function createJudge(policies: readonly unknown[], facts: Facts): Judge {
  const statements = facts.mode === 'never' ? [] : statementsOf(policies, facts);

  function outcome(packet: Packet, direction: Direction) {
    const [source, destination] = [partyOf(facts, packet.source), partyOf(facts, packet.destination)];
    const [own, peer] = direction === 'egress' ? [source, destination] : [destination, source];
    const mine = statements.filter((one) => one.direction === direction && one.isSubject(own));
    const isolated = facts.mode === 'always' || mine.some((one) => one.defaultDeny || facts.everyRuleIsolates);
    const isLocalhost = direction === 'ingress' && isolated && facts.allowLocalhost && isHost(peer);
    const covering = mine.filter(({ isPeer }) => isPeer(peer)).flatMap((one) => coverings(one, packet, own, peer));
    const denied = covering.some(({ deny }) => deny);
    const allows = covering.filter(({ deny }) => !deny).map(({ entry }) => entry);
    return { denied, isolated, allows: isLocalhost ? [...allows, undefined] : allows, peer };
  }

  /** The statement once for each of its port entries that covers the packet. */
  function coverings(
    { ports, deny, direction }: Statement,
    packet: Packet,
    own: Party,
    peer: Party,
  ): readonly Covering[] {
    if (!ports) return [{ deny, entry: undefined }];
    const covering = ports.filter(({ protocol, port, endPort }) => {
      if (protocol !== packet.protocol) return false;
      if (typeof port === 'number') return port <= packet.port && packet.port <= endPort;
      return containerPorts(direction === 'ingress' ? own : peer, direction, protocol, port).includes(packet.port);
    });
    return covering.map((entry) => ({ deny, entry }));
  }

  /** Numbers that a name stands for: of the subject itself, or of all pods that policy cannot tell from the peer. */
  function containerPorts(party: Party, direction: Direction, protocol: string, name: string): readonly number[] {
    if (!party.pod) return [];
    const key = labelKey(party);
    const pods =
      direction === 'ingress'
        ? [party.pod]
        : facts.pods.filter(({ status }) => labelKey(partyOf(facts, status?.podIP ?? '')) === key);
    return pods.flatMap(({ spec }) =>
      (spec?.containers ?? [])
        .flatMap(({ ports }) => ports ?? [])
        .filter((port) => port.name === name && (port.protocol ?? 'TCP').toLowerCase() === protocol)
        .map(({ containerPort }) => containerPort),
    );
  }

  function verdict(packet: Packet, direction: Direction): Verdict {
    const { denied, isolated, allows, peer } = outcome(packet, direction);
    if (denied) return 'deny';
    // What a node sends to its own pods passes no proxy.
    if (direction === 'ingress' && isHost(peer)) return allows.length > 0 || !isolated ? 'allow' : 'default-deny';
    if (allows.some((entry) => entry?.http)) return 'http';
    if (allows.some((entry) => entry?.dns)) return 'dns';
    return allows.length > 0 || !isolated ? 'allow' : 'default-deny';
  }

  function requestPasses(request: Request, isLocal: (address: string) => boolean): boolean {
    const { client, backend, port } = request;
    const packet: Packet = { source: client, destination: backend, protocol: 'tcp', port };
    const judged = (['egress', 'ingress'] as const).filter((direction) =>
      isLocal(direction === 'egress' ? client : backend),
    );
    return judged.every((direction) => {
      const { denied, isolated, allows } = outcome(packet, direction);
      if (denied) return false;
      if (!isolated) return true;
      return allows.some((entry) => !layer7(entry) || (entry?.http ?? []).some((rule) => httpMatches(rule, request)));
    });
  }

  /** Cilium's DNS proxy knows the rules of the port and protocol that were redirected, not what else allows the packet. */
  function queryPasses(packet: Packet, name: string): boolean {
    const { denied, isolated, allows } = outcome(packet, 'egress');
    if (denied) return false;
    if (!isolated) return true;
    const same = allows.filter((entry) => {
      if (!entry) return false;
      return typeof entry.port === 'string' || (entry.port === packet.port && entry.endPort === packet.port);
    });
    return same.some((entry) => !layer7(entry) || (entry?.dns ?? []).some((rule) => nameMatches(rule, name)));
  }

  return { verdict, requestPasses, queryPasses };
}

function labelKey({ labels }: Party): string {
  return JSON.stringify([...labels].map(([key, value]) => `${key}=${value}`).sort());
}

function isHost({ labels }: Party): boolean {
  return labels.has('reserved:host');
}

function layer7(entry: PortEntry | undefined): boolean {
  return entry?.http !== undefined || entry?.dns !== undefined;
}

/** Every field that is set holds; expressions match whole values. */
function httpMatches(rule: Fields, { path, method, authority, headers }: Request): boolean {
  const whole = (expression: unknown, value: string): boolean =>
    expression === undefined || new RegExp(`^(?:${String(expression)})$`).test(value);
  const header = (text: string): boolean => {
    const space = text.indexOf(' ');
    const name = (space < 0 ? text : text.slice(0, space).replace(/:$/, '')).toLowerCase();
    const value = headers[name];
    return space < 0 ? value !== undefined : value === text.slice(space + 1);
  };
  return (
    whole(rule['path'], path) &&
    whole(rule['method'], method) &&
    whole(rule['host'], authority) &&
    ((rule['headers'] ?? []) as readonly string[]).every(header)
  );
}
