import { closedEntries, spanOf } from './conflicts.ts';
import { type Facts, type Party, partyOf } from './facts.ts';
import { headersAfter, httpMatches } from './http.ts';
import { nameMatches, serverNameMatches } from './names.ts';
import { type Direction, type PortEntry, type Statement, statementsOf } from './statements.ts';

/** `port` is the message type of an ICMP packet. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  readonly port: number;
}

/** Whose proxy takes it, else what happens to it. A user's listener is named as `listener /CONFIG/LISTENER`. */
export type Verdict = 'allow' | 'deny' | 'default-deny' | 'http' | 'tls' | 'dns' | `listener ${string}`;

export interface Request {
  readonly client: string;
  readonly backend: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A TLS connection that its sender's or receiver's policy redirects for its server name; without one the client speaks no TLS. */
export interface Connection {
  readonly client: string;
  readonly backend: string;
  readonly port: number;
  readonly serverName?: string;
}

/** What policy says, by definition: every statement is looked at for every question, and nothing is planned ahead. */
export interface Judge {
  /** The verdict of the packet's sender (`egress`) or receiver. */
  verdict(packet: Packet, direction: Direction): Verdict;
  /** Whether a request passes the Layer-7 rules of both ends that `isLocal`, each asked on its own. */
  requestPasses(request: Request, isLocal: (address: string) => boolean): boolean;
  /** The headers that a request which passes has behind both ends. */
  headersBehind(request: Request, isLocal: (address: string) => boolean): Request['headers'];
  /** Whether the sender's rules to the listener that takes a connection let it pass there. */
  listenerPasses(connection: Connection, listener: string): boolean;
  /** Whether the rules of one end let a connection pass that is judged by its server name. */
  connectionPasses(connection: Connection, direction: Direction): boolean;
  /** Whether a query that was redirected may ask for the name. */
  queryPasses(packet: Packet, name: string): boolean;
}

interface Covering {
  readonly deny: boolean;
  readonly entry: PortEntry | undefined;
  /** Whether it asks for no server name: neither itself nor a rule that Cilium merges with it. */
  readonly nameless: boolean;
}

/** Cilium's priorities of proxies (`ListenerPriority` of `pkg/policy`); the lowest number takes the packet. */
const priorities = { http: 101, tls: 116, dns: 121 } as const;

export function createJudge(policies: readonly unknown[], facts: Facts): Judge {
  const statements = facts.mode === 'never' ? [] : statementsOf(policies, facts);

  const partyAt = remembered((address: string) => partyOf(facts, address));

  /** Whom a statement is about, and with whom, is asked once for each address. */
  const statementsAbout = remembered((own: Party) => statements.filter((one) => one.isSubject(own)));
  const selectorsOf = remembered((peer: Party) =>
    remembered((one: Statement) => one.peers.filter(({ matches }) => matches(peer)).map(({ key }) => key)),
  );
  const selectorsWith = (one: Statement, peer: Party): readonly string[] => selectorsOf(peer)(one);

  function outcome(packet: Packet, direction: Direction) {
    const [source, destination] = [partyAt(packet.source), partyAt(packet.destination)];
    const [own, peer] = direction === 'egress' ? [source, destination] : [destination, source];
    const mine = statementsAbout(own).filter((one) => one.direction === direction);
    const isJudged = !isHost(own) || facts.hostFirewall;
    const always = facts.mode === 'always' && isJudged;
    const isolated = always || mine.some((one) => one.defaultDeny || facts.everyRuleIsolates);
    const isLocalhost = direction === 'ingress' && isolated && facts.allowLocalhost && isHost(peer) && !isHost(own);
    const closed = closedEntries(mine);
    const isVoid = (entry: PortEntry | undefined) => entry !== undefined && (closed.has(entry) || isLost(entry));
    const named = namedSelectors(mine, isVoid);
    const covering = mine.flatMap((one) => {
      const selectors = selectorsWith(one, peer);
      return selectors.length === 0 ? [] : coverings(one, packet, own, peer).map((each) => ({ ...each, selectors }));
    });
    const denied = covering.some(({ deny }) => deny);
    const allows = covering
      .filter(({ deny, entry }) => !deny && !isVoid(entry))
      .map(({ entry, selectors }): Covering => {
        const nameless = !entry || selectors.some((key) => !named.has(`${spanOf(entry)} ${key}`));
        return { deny: false, entry, nameless };
      });
    const localhost = { deny: false, entry: undefined, nameless: true };
    return { denied, isolated, allows: isLocalhost ? [...allows, localhost] : allows, peer };
  }

  /** Its listener is not there: nothing is redirected, and default deny holds. */
  function isLost({ listener }: PortEntry): boolean {
    return listener !== undefined && !facts.listeners.has(listener.name);
  }

  /** The statement once for each of its port entries that covers the packet. */
  function coverings(
    { ports, deny, direction }: Statement,
    packet: Packet,
    own: Party,
    peer: Party,
  ): readonly Pick<Covering, 'deny' | 'entry'>[] {
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
        : facts.pods.filter(({ status }) => labelKey(partyAt(status?.podIP ?? '')) === key);
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
    const passes = allows.length > 0 || !isolated ? 'allow' : 'default-deny';
    if (direction === 'ingress' && isHost(peer)) return passes;
    const proxies = allows.flatMap(({ entry }) => proxyOf(entry) ?? []);
    return proxies.sort((a, b) => a.priority - b.priority)[0]?.verdict ?? passes;
  }

  function judgedEnds({ client, backend }: Request, isLocal: (address: string) => boolean): readonly Direction[] {
    return (['egress', 'ingress'] as const).filter((direction) => isLocal(direction === 'egress' ? client : backend));
  }

  function headersBehind(request: Request, isLocal: (address: string) => boolean): Request['headers'] {
    const { client, backend, port } = request;
    return judgedEnds(request, isLocal).reduce((headers, direction) => {
      const packet: Packet = { source: client, destination: backend, protocol: 'tcp', port };
      const rules = outcome(packet, direction).allows.flatMap(({ entry }) => entry?.http ?? []);
      return headersAfter(rules, { ...request, headers });
    }, request.headers);
  }

  function requestPasses(request: Request, isLocal: (address: string) => boolean): boolean {
    const { client, backend, port } = request;
    const packet: Packet = { source: client, destination: backend, protocol: 'tcp', port };
    return judgedEnds(request, isLocal).every((direction) => {
      const { denied, isolated, allows } = outcome(packet, direction);
      if (denied && !facts.audit) return false;
      if (!isolated) return true;
      const limited = allows.some(({ entry }) => entry?.http);
      const passes = allows.some(({ entry, nameless }) => {
        if (entry?.http) return entry.http.some((rule) => httpMatches(rule, request));
        if (entry?.listener) return !limited && nameless && !entry.serverNames;
        return nameless && !entry?.dns && !entry?.serverNames;
      });
      return passes || (facts.audit && !limited);
    });
  }

  function connectionPasses({ client, backend, port, serverName }: Connection, direction: Direction): boolean {
    const packet: Packet = { source: client, destination: backend, protocol: 'tcp', port };
    const { denied, isolated, allows } = outcome(packet, direction);
    if (denied) return false;
    if (!isolated) return true;
    return allows.some(({ entry, nameless }) => {
      if (entry?.http || entry?.dns || entry?.listener) return false;
      if (!entry?.serverNames) return nameless;
      return serverName !== undefined && entry.serverNames.some((pattern) => serverNameMatches(pattern, serverName));
    });
  }

  function listenerPasses({ client, backend, port, serverName }: Connection, listener: string): boolean {
    const packet: Packet = { source: client, destination: backend, protocol: 'tcp', port };
    const leading = outcome(packet, 'egress').allows.filter(({ entry }) => entry?.listener?.name === listener);
    if (leading.every(({ entry }) => !entry?.serverNames)) return true;
    return leading.some(({ entry, nameless }) => {
      if (!entry?.serverNames) return nameless;
      return serverName !== undefined && entry.serverNames.some((pattern) => serverNameMatches(pattern, serverName));
    });
  }

  /** Cilium's DNS proxy knows the rules of the port and protocol that were redirected, not what else allows the packet. */
  function queryPasses(packet: Packet, name: string): boolean {
    const { denied, isolated, allows } = outcome(packet, 'egress');
    if (denied) return false;
    if (!isolated) return true;
    return allows.some(({ entry }) => {
      if (!entry || entry.http || entry.serverNames || entry.listener) return false;
      if (typeof entry.port === 'number' && (entry.port !== packet.port || entry.endPort !== packet.port)) return false;
      return !entry.dns || entry.dns.some((rule) => nameMatches(rule, name));
    });
  }

  return { verdict, requestPasses, headersBehind, listenerPasses, connectionPasses, queryPasses };
}

/** Ports and selectors on which some rule that is in force asks for a server name. */
function namedSelectors(statements: readonly Statement[], isVoid: (entry: PortEntry) => boolean): ReadonlySet<string> {
  return new Set(
    statements.flatMap(({ ports, peers }) =>
      (ports ?? [])
        .filter((entry) => entry.serverNames && !isVoid(entry))
        .flatMap((entry) => peers.map(({ key }) => `${spanOf(entry)} ${key}`)),
    ),
  );
}

function proxyOf(entry: PortEntry | undefined): { readonly priority: number; readonly verdict: Verdict } | undefined {
  if (entry?.listener) return { priority: entry.listener.priority, verdict: `listener ${entry.listener.name}` };
  for (const kind of ['http', 'dns'] as const) if (entry?.[kind]) return { priority: priorities[kind], verdict: kind };
  return entry?.serverNames && { priority: priorities.tls, verdict: 'tls' };
}

function remembered<K, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (!known.has(key)) known.set(key, compute(key));
    return known.get(key) as V;
  };
}

function labelKey({ labels }: Party): string {
  return JSON.stringify([...labels].map(([key, value]) => `${key}=${value}`).sort());
}

function isHost({ labels }: Party): boolean {
  return labels.has('reserved:host');
}
