import type { Fields } from '../../config/fields.ts';
import { CidrIndex } from '../../match/cidr.ts';
import {
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
}

/** A compiled `envoy.config.rbac.v3.RBAC`. */
export interface RbacEngine {
  /** Everybody is allowed; whether a policy matched is a hint to access logs. */
  readonly logs: boolean;
  judge(stream: RbacSubject): Verdict;
}

interface Policy {
  readonly name: string;
  readonly permits: StreamCondition;
  readonly principals: readonly Condition[];
}

interface Candidate {
  readonly order: number;
  readonly name: string;
  readonly test: StreamCondition;
}

const CACHED_CLIENTS = 4096;

export function readEngine(fields: Fields): RbacEngine {
  const action = fields.choice('action', ['ALLOW', 'DENY', 'LOG']);
  const policies = [...fields.map('policies', readPolicy).values()].sort((left, right) =>
    Buffer.compare(Buffer.from(left.name), Buffer.from(right.name)),
  );
  const find = policyIndex(policies);
  return {
    logs: action === 'LOG',
    judge: (stream) => {
      const policy = find(stream);
      const matched = policy !== undefined;
      return { allowed: action === 'LOG' || matched === (action === 'ALLOW'), policy };
    },
  };
}

function readPolicy(fields: Fields, name: string): Policy {
  const permissions = fields.list('permissions', readPermission);
  const principals = fields.list('principals', readPrincipal);
  if (permissions.length === 0) fields.problem('permissions', 'value must contain at least 1 item(s)');
  if (principals.length === 0) fields.problem('principals', 'value must contain at least 1 item(s)');
  return { name, permits: anyOf(permissions), principals };
}

/**
 * The first policy in lexical order that matches. Policies whose principals are all client addresses stand in an index by address, so
 * that a request only tries those of its client.
 */
function policyIndex(policies: readonly Policy[]): (stream: RbacSubject) => string | undefined {
  const byClient = new CidrIndex<Candidate>();
  const others: Candidate[] = [];
  for (const [order, { name, permits, principals }] of policies.entries()) {
    const clients = principals.flatMap((one) => (one.kind === 'client' ? [one.cidr] : []));
    if (clients.length === principals.length) {
      for (const cidr of clients) byClient.add(cidr, { order, name, test: permits });
    } else {
      const isPrincipal = anyOf(principals);
      others.push({ order, name, test: (stream) => isPrincipal(stream) && permits(stream) });
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
  return (stream) => candidates(stream.peers.directRemote.address).find(({ test }) => test(stream))?.name;
}
