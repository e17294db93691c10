import type { Fields } from '../../config/fields.ts';
import { CidrIndex } from '../../match/cidr.ts';
import {
  anyActs,
  anyOf,
  type Condition,
  type RbacSubject,
  readPermission,
  readPrincipal,
  type StreamCondition,
} from './condition.ts';

export interface Verdict {
  readonly allowed: boolean;
  /** The policy that matched, if one did. */
  readonly policy: string | undefined;
  /** Its place among the verdicts of its engine. */
  readonly at: number;
  /** Tells access logs whether the rules want the request logged; undefined: they say nothing of it. */
  readonly hint: boolean | undefined;
}

/** Compiled rules. */
export interface RbacEngine {
  /** Number of different verdicts. */
  readonly verdicts: number;
  judge(stream: RbacSubject): Verdict;
}

interface Policy {
  readonly name: string;
  readonly permits: StreamCondition;
  /** Its permissions change requests. */
  readonly acts: boolean;
  readonly principals: readonly Condition[];
}

interface Candidate {
  readonly order: number;
  readonly test: StreamCondition;
  readonly acts: boolean;
}

const CACHED_CLIENTS = 4096;

export const ACTIONS = ['ALLOW', 'DENY', 'LOG'] as const;

/** Reads an `envoy.config.rbac.v3.RBAC`. */
export function readEngine(fields: Fields): RbacEngine {
  const action = fields.choice('action', ACTIONS);
  const logs = action === 'LOG';
  const policies = [...fields.map('policies', readPolicy).values()].sort((left, right) =>
    Buffer.compare(Buffer.from(left.name), Buffer.from(right.name)),
  );
  const find = policyIndex(policies);
  const verdict = (policy: string | undefined, at: number): Verdict => {
    const matched = policy !== undefined;
    return { allowed: logs || matched === (action === 'ALLOW'), policy, at, hint: logs ? matched : undefined };
  };
  const matches = policies.map(({ name }, at) => verdict(name, at));
  const none = verdict(undefined, policies.length);
  return {
    verdicts: policies.length + 1,
    judge: (stream) => matches[find(stream)] ?? none,
  };
}

function readPolicy(fields: Fields, name: string): Policy {
  const permissions = fields.list('permissions', readPermission);
  const principals = fields.list('principals', readPrincipal);
  if (permissions.length === 0) fields.problem('permissions', 'value must contain at least 1 item(s)');
  if (principals.length === 0) fields.problem('principals', 'value must contain at least 1 item(s)');
  return { name, permits: anyOf(permissions), acts: anyActs(permissions), principals };
}

/**
 * Position of the first policy in lexical order that matches, or the number of policies. Policies whose principals are all client
 * addresses stand in an index by address, so that a request only tries those of its client.
 */
function policyIndex(policies: readonly Policy[]): (stream: RbacSubject) => number {
  const byClient = new CidrIndex<Candidate>();
  const others: Candidate[] = [];
  const policiesAct = policies.some(({ acts }) => acts);
  for (const [order, { permits, acts, principals }] of policies.entries()) {
    const clients = principals.flatMap((one) => (one.kind === 'client' ? [one.cidr] : []));
    if (clients.length === principals.length) {
      for (const cidr of clients) byClient.add(cidr, { order, test: permits, acts });
    } else {
      const isPrincipal = anyOf(principals);
      others.push({ order, test: (stream) => isPrincipal(stream) && permits(stream), acts });
    }
  }
  const cache = new Map<string, readonly Candidate[]>();
  const candidates = (address: string): readonly Candidate[] => {
    const known = cache.get(address);
    if (known) return known;
    const found = [...byClient.find(address), ...others].sort((left, right) => left.order - right.order);
    if (cache.size >= CACHED_CLIENTS) cache.clear();
    cache.set(address, found);
    return found;
  };
  return (stream) => {
    const list = byClient.empty ? others : candidates(stream.peers.directRemote.address);
    for (let at = 0; at < list.length; at++) {
      const { order, test } = list[at] as Candidate;
      if (!test(stream)) continue;
      if (policiesAct) act(list, at + 1, stream);
      return order;
    }
    return policies.length;
  };
}

/** As in Cilium's proxy, what changes requests does so whether or not another policy lets them pass. */
function act(list: readonly Candidate[], from: number, stream: RbacSubject): void {
  for (let at = from; at < list.length; at++) {
    const { test, acts } = list[at] as Candidate;
    if (acts) test(stream);
  }
}
