import type { PolicyObject } from '../model/cilium/index.ts';
import { type FilterListener, filterListener, type PolicyFilter, type RuleReference } from '../policy/index.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { type Candidate, listenerPort } from './envoy-config/candidate.ts';
import { qualifiedName } from './envoy-config/names.ts';
import { needsPort } from './envoy-config/select.ts';
import { tcpClusterFault } from './envoy-config/tcp-clusters.ts';
import { selectorKeys } from './merged-selectors.ts';
import type { JsonObject } from './node-plan.ts';

/** The name under which a listener that a rule names travels. */
export function listenerKey({ namespace, config, name }: FilterListener): string {
  return qualifiedName({ namespace, config }, name, true);
}

/** The listeners that rules may send connections to, by qualified name; those of configurations that work. */
export interface PolicyTargets {
  readonly listeners: ReadonlyMap<string, JsonObject>;
  /** Why a listener that is there cannot be used. */
  readonly faults: ReadonlyMap<string, string>;
}

export function policyTargets(active: readonly Candidate[]): PolicyTargets {
  const listeners = new Map<string, JsonObject>();
  const faults = new Map<string, string>();
  for (const { resources } of active) {
    for (const { kind, name, value } of resources) {
      if (kind !== 'listener') continue;
      const reachable = needsPort(value) || listenerPort(value) !== undefined;
      const fault = reachable ? tcpClusterFault(value, active) : 'it takes no connections from outside of the proxy';
      if (fault === undefined) listeners.set(name, value);
      else faults.set(name, fault);
    }
  }
  return { listeners, faults };
}

/** The ports of targets: one of the node's pool, or their own. */
export function targetPorts(
  { listeners }: PolicyTargets,
  ports: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map(
    [...listeners].flatMap(([name, value]) => {
      const port = needsPort(value) ? ports.get(name) : listenerPort(value);
      return port === undefined ? [] : [[name, port] as const];
    }),
  );
}

/**
 * The groups without the filters that lead nowhere: their listener is not there, or Cilium could not merge them with another
 * (`mergeRedirect` of `pkg/policy`). The subject stays in default deny, so that what they allowed is dropped.
 */
export function withoutLostRedirects(
  groups: readonly EndpointGroup[],
  available: ReadonlyMap<string, unknown>,
): readonly EndpointGroup[] {
  return groups.map((group) => {
    const { filters } = group.policy;
    const lost = new Set<PolicyFilter>(conflicts(filters).flatMap(({ pair }) => pair));
    for (const filter of filters) {
      if (filter.listener && !available.has(listenerKey(filter.listener))) lost.add(filter);
    }
    if (lost.size === 0) return group;
    return { ...group, policy: { ...group.policy, filters: filters.filter((filter) => !lost.has(filter)) } };
  });
}

/** Qualified names of the listeners that filters lead to. */
export function targetNames(groups: readonly EndpointGroup[]): ReadonlySet<string> {
  const listeners = groups.flatMap(({ policy }) => policy.filters.flatMap(({ listener }) => listener ?? []));
  return new Set(listeners.map(listenerKey));
}

interface Conflict {
  readonly pair: readonly [PolicyFilter, PolicyFilter];
  readonly message: string;
}

const conflictsOfFilters = new WeakMap<readonly PolicyFilter[], readonly Conflict[]>();

/** Pairs of filters for one selector on the same ports that Cilium refuses to merge. Kept as long as the filters are. */
function conflicts(filters: readonly PolicyFilter[]): readonly Conflict[] {
  const known = conflictsOfFilters.get(filters);
  if (known) return known;
  const redirects = filters.filter((one) => one.action === 'allow' && parserOf(one) !== undefined);
  const found = redirects.flatMap((one, at) =>
    redirects.slice(at + 1).flatMap((other): readonly Conflict[] => {
      const message = meet(one, other) ? conflictOf(one, other) : undefined;
      return message === undefined ? [] : [{ pair: [one, other], message }];
    }),
  );
  conflictsOfFilters.set(filters, found);
  return found;
}

/** In the order in which Cilium's texts name them. */
const parsers = ['http', 'tls', 'dns', 'crd'] as const;

interface Layer7 {
  readonly listener?: unknown;
  readonly http?: unknown;
  readonly serverNames?: unknown;
  readonly dns?: unknown;
}

function parserOf({ listener, http, serverNames, dns }: Layer7): (typeof parsers)[number] | undefined {
  if (listener) return 'crd';
  if (http) return 'http';
  if (serverNames) return 'tls';
  return dns ? 'dns' : undefined;
}

function conflictOf(one: PolicyFilter, other: PolicyFilter): string | undefined {
  const own = parserOf(one);
  const pair = parsers.filter((parser) => parser === own || parser === parserOf(other));
  const [first, second] = pair;
  if (first === 'http' && second === 'tls') {
    const names = [...new Set([...(one.serverNames ?? []), ...(other.serverNames ?? [])])].sort();
    return `cannot merge L7 rules with SNI filtering without TLS termination: [${names.join(' ')}]`;
  }
  if (second !== undefined) return `cannot merge conflicting L7 parsers (${first}/${second})`;
  if (!one.listener || !other.listener) return undefined;
  const names = [listenerKey(one.listener), listenerKey(other.listener)];
  const { priority } = one.listener;
  if (names[0] === names[1] || priority !== other.listener.priority) return undefined;
  const shown = names.sort().join('/');
  return `cannot merge conflicting CiliumEnvoyConfig Listeners (${shown}) with the same priority (${priority})`;
}

function meet(one: PolicyFilter, other: PolicyFilter): boolean {
  if (one.direction !== other.direction || one.protocol !== other.protocol) return false;
  if (one.port !== other.port || one.portEnd !== other.portEnd) return false;
  const own = selectorKeys(one);
  return [...selectorKeys(other)].some((key) => own.has(key));
}

/**
 * What to say of each policy, by `Kind/namespace/name`: listeners that it names and that are not there, and rules that meet others
 * which they cannot be merged with. `groups` are those of the whole cluster, so that every node says the same.
 */
export function targetFaults(
  policies: readonly PolicyObject[],
  groups: readonly EndpointGroup[],
  { listeners, faults }: PolicyTargets,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  const add = ({ kind, namespace, name }: Omit<RuleReference, 'path' | 'labels'>, fault: string) => {
    const key = `${kind}/${namespace ?? ''}/${name}`;
    found.set(key, (found.get(key) ?? new Set()).add(fault));
  };
  for (const policy of policies) {
    for (const { path, listener } of listenersOf(policy)) {
      const name = listenerKey(listener);
      if (listeners.has(name)) continue;
      const owner = listener.namespace === '' ? listener.config : `${listener.namespace}/${listener.config}`;
      const why = faults.get(name) ?? `${listener.kind} ${owner} with such a listener is not in force`;
      add(policy, `${path}.listener: nothing is redirected to listener "${listener.name}": ${why}`);
    }
  }
  for (const { policy } of groups) {
    for (const { pair, message } of conflicts(policy.filters)) {
      for (const { rule } of pair) {
        const reference = policy.references.get(rule);
        if (reference) add(reference, `${reference.path}: ${message}`);
      }
    }
  }
  return new Map([...found].map(([key, messages]) => [key, [...messages].sort()]));
}

/** Whether there can be anything to say: a rule names a listener, or rules for different parsers have a port in common. */
export function mayHaveFaults(policies: readonly PolicyObject[]): boolean {
  const parserOfPort = new Map<string, string>();
  for (const { port, parser } of policies.flatMap(redirectedPorts)) {
    if (parser === 'crd') return true;
    // Which number a name stands for depends on the pod.
    const places = port === anyName ? parserOfPort.keys() : [port, anyName];
    for (const place of places) if ((parserOfPort.get(place) ?? parser) !== parser) return true;
    parserOfPort.set(port, parser);
  }
  return false;
}

const anyName = 'name';

interface RedirectedPort {
  /** `80-80`, or `anyName`. */
  readonly port: string;
  readonly parser: (typeof parsers)[number];
}

const redirectedPortsOf = new WeakMap<PolicyObject, readonly RedirectedPort[]>();

function redirectedPorts(policy: PolicyObject): readonly RedirectedPort[] {
  const known = redirectedPortsOf.get(policy);
  if (known) return known;
  const items = policy.rules.flatMap(({ ingress, egress }) => [...ingress.items, ...egress.items]);
  const found = items.flatMap(({ ports }) =>
    (ports ?? []).flatMap((rule): readonly RedirectedPort[] => {
      const parser = parserOf(rule);
      if (!parser) return [];
      return rule.ports.map((one) => ({ port: one.kind === 'name' ? anyName : `${one.port}-${one.endPort}`, parser }));
    }),
  );
  redirectedPortsOf.set(policy, found);
  return found;
}

function listenersOf(policy: PolicyObject): readonly { readonly path: string; readonly listener: FilterListener }[] {
  const ports = policy.rules.flatMap(({ egress }) => egress.items.flatMap(({ ports: own }) => own ?? []));
  return ports.flatMap(({ fieldPath: path, listener }) =>
    listener ? [{ path, listener: filterListener(listener, policy) }] : [],
  );
}
