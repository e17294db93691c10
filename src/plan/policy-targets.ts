import type { PolicyObject } from '../model/cilium/index.ts';
import { type FilterListener, filterListener, type PolicyFilter, type RuleReference } from '../policy/index.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { type Candidate, listenerPort } from './envoy-config/candidate.ts';
import { needsPort } from './envoy-config/select.ts';
import { tcpClusterFault } from './envoy-config/tcp-clusters.ts';
import type { JsonObject, PolicyConflict } from './node-plan.ts';
import { conflictText, filterConflicts, listenerKey } from './policy-conflicts.ts';

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
    const lost = new Set<PolicyFilter>(filterConflicts(filters).flatMap(({ pair }) => pair));
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

/** Of these the ones where some rule asks for a server name. */
export function namedTargets(groups: readonly EndpointGroup[]): ReadonlySet<string> {
  const named = groups.flatMap(({ policy }) => policy.filters.filter(({ serverNames }) => serverNames));
  return new Set(named.flatMap(({ listener }) => (listener ? [listenerKey(listener)] : [])));
}

/**
 * What to say of each policy, by `Kind/namespace/name`: listeners that it names and that are not there, and rules that meet others
 * which they cannot be merged with. `conflicts` are those of the whole cluster, so that every node says the same.
 */
export function targetFaults(
  policies: readonly PolicyObject[],
  conflicts: readonly PolicyConflict[],
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
  for (const conflict of conflicts) {
    const [one, other] = conflict.rules;
    add(one, `${one.path}: ${conflictText(conflict, other)}`);
    add(other, `${other.path}: ${conflictText(conflict, one)}`);
  }
  return new Map([...found].map(([key, messages]) => [key, [...messages].sort()]));
}

function listenersOf(policy: PolicyObject): readonly { readonly path: string; readonly listener: FilterListener }[] {
  const ports = policy.rules.flatMap(({ egress }) => egress.items.flatMap(({ ports: own }) => own ?? []));
  return ports.flatMap(({ fieldPath: path, listener }) =>
    listener ? [{ path, listener: filterListener(listener, policy) }] : [],
  );
}
