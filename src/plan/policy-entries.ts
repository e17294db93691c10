import { type Direction, type PolicyFilter, type ResolvedPolicy, subtractRanges } from '../policy/index.ts';
import { interceptionName } from './interception.ts';
import { sameEntries, sameFields } from './kept.ts';
import type { PolicyEntry } from './node-plan.ts';
import { listenerKey } from './policy-conflicts.ts';

/** Ports of the listeners that filters with Layer-7 rules redirect to. */
export interface RedirectPorts {
  readonly httpEgress: number;
  readonly httpIngress: number;
  readonly tlsEgress: number;
  readonly tlsIngress: number;
  readonly dns: number;
  /** By qualified name: those of the users' configurations that rules may name, and by their names those for TLS contexts. */
  readonly listeners: ReadonlyMap<string, number>;
}

interface Shape {
  readonly direction: Direction;
  readonly peer: number;
  readonly protocol: PolicyFilter['protocol'];
  readonly port: number;
  readonly portEnd: number;
  readonly action: PolicyEntry['action'];
  readonly proxyPort?: number;
  readonly strength: number;
  readonly rules: Set<string>;
}

/** Addresses that one resolved policy is for: a group of pods, or the node itself. */
export interface PolicySubjects {
  readonly pods: readonly { readonly address: string }[];
  readonly policy: Pick<ResolvedPolicy, 'filters'>;
}

/**
 * The verdict entries of all local endpoints, by endpoint, direction, peer, protocol and port. Of several rules with the same
 * peer, protocol and port the strongest action stays (deny, redirect, allow) and names every rule that asked for it.
 */
export function policyEntries(groups: readonly PolicySubjects[], ports: RedirectPorts): readonly PolicyEntry[] {
  const endpoints = groups.flatMap((group) => {
    const shapes = keptShapes(group.policy.filters, ports);
    return group.pods.map(({ address }) => ({ address, shapes }));
  });
  endpoints.sort((a, b) => (a.address < b.address ? -1 : 1));
  return endpoints.flatMap(({ address, shapes }) => keptEntries(address, shapes));
}

type EntryShape = Omit<PolicyEntry, 'endpoint'>;

const entriesByShapes = new WeakMap<readonly EntryShape[], Map<string, readonly PolicyEntry[]>>();

/** The same entries again for an endpoint whose policy is the same. Endpoints are of one node's range, so that there are not many. */
function keptEntries(endpoint: string, shapes: readonly EntryShape[]): readonly PolicyEntry[] {
  const byEndpoint = entriesByShapes.get(shapes) ?? new Map<string, readonly PolicyEntry[]>();
  entriesByShapes.set(shapes, byEndpoint);
  const known = byEndpoint.get(endpoint);
  if (known) return known;
  const entries = shapes.map((shape) => ({ endpoint, ...shape }));
  byEndpoint.set(endpoint, entries);
  return entries;
}

const shapesByFilters = new WeakMap<
  readonly PolicyFilter[],
  { readonly ports: RedirectPorts; readonly shapes: readonly EntryShape[] }
>();

/** Policy that is the same object has the same entries, as long as the listeners keep their ports. */
function keptShapes(filters: readonly PolicyFilter[], ports: RedirectPorts): readonly EntryShape[] {
  const known = shapesByFilters.get(filters);
  if (known && samePorts(known.ports, ports)) return known.shapes;
  const shapes = shapesOf(filters, ports);
  shapesByFilters.set(filters, { ports, shapes });
  return shapes;
}

function samePorts({ listeners: own, ...one }: RedirectPorts, { listeners, ...other }: RedirectPorts): boolean {
  return sameFields(one, other) && sameEntries(own, listeners);
}

function shapesOf(filters: readonly PolicyFilter[], ports: RedirectPorts): readonly EntryShape[] {
  const shapes = new Map<string, Shape>();
  for (const filter of filters) {
    const { direction, protocol, portEnd } = filter;
    const verdict = verdictOf(filter, ports);
    // As a range it is asked before single ports of everyone, of which it may be the stronger.
    const port = verdict.action === 'redirect' ? Math.max(1, filter.port) : filter.port;
    for (const peer of filter.peers) {
      const key = `${direction} ${peer} ${protocol} ${port} ${portEnd}`;
      const known = shapes.get(key);
      const shape = { direction, peer, protocol, port, portEnd, ...verdict, rules: new Set([filter.rule]) };
      if (!known || shape.strength > known.strength) shapes.set(key, shape);
      else if (shape.strength === known.strength && shape.proxyPort === known.proxyPort) known.rules.add(filter.rule);
    }
  }
  return yieldToStronger([...shapes.values()])
    .toSorted(compareShapes)
    .map(entryShape);
}

/**
 * Of redirects that cover one packet the strongest takes it, however narrow the others are. The kernel asks the narrowest
 * first, so weaker ones leave out the ports that a stronger one covers for the same peer or for everyone.
 */
function yieldToStronger(shapes: readonly Shape[]): readonly Shape[] {
  const redirects = shapes.filter(({ action }) => action === 'redirect');
  const strongest = Math.max(...redirects.map(({ strength }) => strength));
  return shapes.flatMap((shape) => {
    if (shape.action !== 'redirect' || shape.strength === strongest) return [shape];
    const stronger = redirects.filter(
      ({ strength, direction, protocol, peer }) =>
        strength > shape.strength &&
        direction === shape.direction &&
        protocol === shape.protocol &&
        (peer === 0 || peer === shape.peer),
    );
    if (stronger.length === 0) return [shape];
    const span = (one: Shape) => ({ start: one.port, end: one.portEnd });
    const rest = subtractRanges(span(shape), stronger.map(span));
    return rest.map(({ start, end }) => ({ ...shape, port: start, portEnd: end }));
  });
}

/**
 * Where rules of several kinds meet on one port, the strongest takes the connection: HTTP before server names before DNS, as by
 * Cilium's parser priorities, and the listener of a rule where its own priority puts it. Filters whose listener is not there
 * must have been taken away before.
 */
function verdictOf(filter: PolicyFilter, ports: RedirectPorts): Pick<Shape, 'action' | 'proxyPort' | 'strength'> {
  if (filter.listener) {
    const proxyPort = ports.listeners.get(listenerKey(filter.listener)) ?? 0;
    return { action: 'redirect', proxyPort, strength: lowestPriority - filter.listener.priority };
  }
  if (filter.action === 'deny') return { action: 'deny', strength: strengths.deny };
  if (filter.tls) {
    const proxyPort = ports.listeners.get(interceptionName(filter.direction, filter.tls)) ?? 0;
    return { action: 'redirect', proxyPort, strength: strengths.httpInTls };
  }
  if (filter.http) {
    const proxyPort = filter.direction === 'egress' ? ports.httpEgress : ports.httpIngress;
    return { action: 'redirect', proxyPort, strength: strengths.http };
  }
  if (filter.serverNames) {
    const proxyPort = filter.direction === 'egress' ? ports.tlsEgress : ports.tlsIngress;
    return { action: 'redirect', proxyPort, strength: strengths.tls };
  }
  if (filter.dns) return { action: 'redirect', proxyPort: ports.dns, strength: strengths.dns };
  return { action: 'allow', strength: strengths.allow };
}

/** Lower numbers are stronger (`ListenerPriority` of Cilium's `pkg/policy`); this one is behind all. */
const lowestPriority = 128;
const strengths = {
  allow: 0,
  dns: lowestPriority - 121,
  tls: lowestPriority - 116,
  http: lowestPriority - 101,
  // Of rules for HTTP those with a TLS context decide how the connection is read.
  httpInTls: lowestPriority - 101 + 0.5,
  deny: lowestPriority,
} as const;

function compareShapes(a: Shape, b: Shape): number {
  return (
    (a.direction === b.direction ? 0 : a.direction < b.direction ? -1 : 1) ||
    a.peer - b.peer ||
    (a.protocol === b.protocol ? 0 : a.protocol < b.protocol ? -1 : 1) ||
    a.port - b.port ||
    a.portEnd - b.portEnd
  );
}

function entryShape({ direction, peer, protocol, port, portEnd, action, proxyPort, rules }: Shape): EntryShape {
  return {
    direction,
    peer,
    protocol,
    port,
    ...(port !== 0 && portEnd > port && { portEnd }),
    action,
    ...(proxyPort !== undefined && { proxyPort }),
    rules: [...rules].sort(),
  };
}
