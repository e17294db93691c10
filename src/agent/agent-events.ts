import { type AgentEvent, AgentEventType } from '../model/flow/index.ts';
import type { LocalEndpoint, NodePlan, PolicyEntry, World } from '../plan/index.ts';

/** What is in force on the node, and what it was made of. */
export interface InForce {
  readonly plan: NodePlan;
  readonly policies: World['policies'];
}

export interface AgentEventLookups {
  readonly endpointId: (address: string) => number;
  /** Cilium's counter of policy changes. */
  readonly policyRevision: number;
}

/**
 * What Hubble's agent events say of the way from one state of the node to the next (`pkg/monitor/api`): policies that changed or went,
 * endpoints that came, went or got other rules, addresses with other identities. Pure.
 */
export function agentEvents(before: InForce | undefined, next: InForce, lookups: AgentEventLookups): AgentEvent[] {
  return [
    ...policyEvents(before?.policies ?? [], next.policies, lookups),
    ...endpointEvents(before?.plan, next.plan, lookups),
    ...ipcacheEvents(before?.plan.datapath.ipcache ?? [], next.plan.datapath.ipcache),
  ];
}

interface PolicyLike {
  readonly kind?: string;
  readonly metadata?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
    readonly generation?: number;
  };
  readonly specs?: readonly unknown[];
}

function policyEvents(
  before: World['policies'],
  next: World['policies'],
  { policyRevision }: AgentEventLookups,
): AgentEvent[] {
  const known = new Set(before.map(policyVersion));
  const keys = new Set(next.map(policyKey));
  const event = (type: number, policy: unknown): AgentEvent => ({
    type,
    policy_update: {
      labels: policyLabels(policy as PolicyLike),
      revision: policyRevision,
      rule_count: (policy as PolicyLike).specs?.length ?? 1,
    },
  });
  return [
    ...next
      .filter((policy) => !known.has(policyVersion(policy)))
      .map((policy) => event(AgentEventType.POLICY_UPDATED, policy)),
    ...before
      .filter((policy) => !keys.has(policyKey(policy)))
      .map((policy) => event(AgentEventType.POLICY_DELETED, policy)),
  ];
}

function policyKey(policy: unknown): string {
  const { kind = '', metadata } = policy as PolicyLike;
  return `${kind}/${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}

/** Another one where what is asked for is another, and not where only its status is. */
function policyVersion(policy: unknown): string {
  const { uid = '', generation = 0 } = (policy as PolicyLike).metadata ?? {};
  return `${policyKey(policy)} ${uid} ${generation}`;
}

/** As Cilium labels the rules of a policy, sorted. */
function policyLabels({ kind = '', metadata = {} }: PolicyLike): string[] {
  const { name = '', namespace, uid } = metadata;
  const label = (key: string, value: string) => `k8s:io.cilium.k8s.policy.${key}=${value}`;
  return [
    label('derived-from', kind),
    label('name', name),
    ...(namespace === undefined ? [] : [label('namespace', namespace)]),
    ...(uid === undefined ? [] : [label('uid', uid)]),
  ];
}

function endpointEvents(before: NodePlan | undefined, next: NodePlan, { endpointId }: AgentEventLookups): AgentEvent[] {
  const known = new Map(before?.datapath.endpoints.map((endpoint) => [endpoint.address, endpoint]));
  const now = new Map(next.datapath.endpoints.map((endpoint) => [endpoint.address, endpoint]));
  const isSamePod = (one: LocalEndpoint | undefined, other: LocalEndpoint): boolean =>
    one?.namespace === other.namespace && one.podName === other.podName;
  const update = (type: number, { address, namespace, podName, identity }: LocalEndpoint): AgentEvent => ({
    type,
    endpoint_update: {
      id: endpointId(address),
      labels: [...(before?.identities.get(identity) ?? next.identities.get(identity) ?? [])],
      pod_name: podName,
      namespace,
    },
  });
  const rulesBefore = entriesByEndpoint(before?.datapath.policy ?? []);
  const rules = entriesByEndpoint(next.datapath.policy);
  const isRegenerated = (endpoint: LocalEndpoint): boolean => {
    const { address } = endpoint;
    const one = known.get(address);
    return (
      !isSamePod(one, endpoint) ||
      one?.identity !== endpoint.identity ||
      one.enforceIngress !== endpoint.enforceIngress ||
      one.enforceEgress !== endpoint.enforceEgress ||
      !isSameList(rulesBefore.get(address) ?? [], rules.get(address) ?? [])
    );
  };
  return [
    ...[...known.values()]
      .filter((endpoint) => !isSamePod(now.get(endpoint.address), endpoint))
      .map((endpoint) => update(AgentEventType.ENDPOINT_DELETED, endpoint)),
    ...[...now.values()]
      .filter((endpoint) => !isSamePod(known.get(endpoint.address), endpoint))
      .map((endpoint) => update(AgentEventType.ENDPOINT_CREATED, endpoint)),
    ...[...now.values()].filter(isRegenerated).map(({ address, identity }) => ({
      type: AgentEventType.ENDPOINT_REGENERATE_SUCCESS,
      endpoint_regenerate: { id: endpointId(address), labels: [...(next.identities.get(identity) ?? [])] },
    })),
  ];
}

function entriesByEndpoint(entries: readonly PolicyEntry[]): ReadonlyMap<string, readonly PolicyEntry[]> {
  return Map.groupBy(entries, ({ endpoint }) => endpoint);
}

function isSameList(one: readonly PolicyEntry[], other: readonly PolicyEntry[]): boolean {
  return one.length === other.length && one.every((entry, at) => isSameEntry(entry, other[at]));
}

/** Entries of a policy that is the same object are the same objects; those of one whose status alone changed are made anew. */
function isSameEntry(one: PolicyEntry, other: PolicyEntry | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

type Ipcache = NodePlan['datapath']['ipcache'];

function ipcacheEvents(before: Ipcache, next: Ipcache): AgentEvent[] {
  if (before === next) return [];
  const known = new Map(before.map(({ cidr, identity }) => [cidr, identity]));
  const events: AgentEvent[] = [];
  for (const { cidr, identity } of next) {
    const old = known.get(cidr);
    known.delete(cidr);
    if (old === identity) continue;
    const from = old === undefined ? {} : { old_identity: { value: old } };
    events.push({ type: AgentEventType.IPCACHE_UPSERTED, ipcache_update: { cidr, identity, ...from } });
  }
  for (const [cidr, identity] of known) {
    events.push({ type: AgentEventType.IPCACHE_DELETED, ipcache_update: { cidr, identity } });
  }
  return events;
}
