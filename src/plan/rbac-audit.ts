import { intersectRanges, mergeRanges } from '../policy/index.ts';
import type { JsonObject } from './node-plan.ts';
import type { AddressBook } from './rbac-addresses.ts';
import { allOf, anyOf, type Statement, targetPermissions } from './rbac-statements.ts';

export interface AuditPolicy {
  readonly permissions: JsonObject[];
  readonly principals: readonly JsonObject[];
}

/**
 * What audit mode lets pass in the proxy, by name: everything that no Layer-7 rule is about. Where Layer-7 rules of different
 * clients cover overlapping backends and ports, all of these clients are held to them.
 */
export function auditPolicies(layer7: readonly Statement[], addresses: AddressBook): ReadonlyMap<string, AuditPolicy> {
  const targets = targetsOf(layer7.filter(({ clients, backends }) => clients.length > 0 && backends.length > 0));
  const permission = (target: Target) => allOf(targetPermissions(target, addresses));
  const everywhere = targets.length === 0 ? { any: true } : { not_rule: anyOf(targets.map(permission)) };
  const policies = new Map<string, AuditPolicy>([
    ['audited', { permissions: [everywhere], principals: [{ any: true }] }],
  ]);
  targets.forEach((target, index) => {
    if (target.clients === 'any') return;
    const others = targets.filter((other) => other !== target && overlap(other, target)).map(permission);
    const alone = others.length === 0 ? [] : [{ not_rule: anyOf(others) }];
    policies.set(`audited/${index}`, {
      permissions: [allOf([permission(target), ...alone])],
      principals: [{ not_id: { or_ids: { ids: addresses.principals(target.clients) } } }],
    });
  });
  return policies;
}

type Target = Pick<Statement, 'filter' | 'backends' | 'clients'>;

/** The backends and ports that statements are about, each once with the clients of all of them. */
function targetsOf(statements: readonly Statement[]): readonly Target[] {
  const byPlace = Map.groupBy(statements, ({ filter, backends }) => {
    return JSON.stringify([filter.port, filter.portEnd, backends]);
  });
  return [...byPlace.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const lists = same.map(({ clients }) => clients);
    const clients = lists.includes('any') ? 'any' : mergeRanges(lists.flatMap((list) => (list === 'any' ? [] : list)));
    return [{ filter: first.filter, backends: first.backends, clients }];
  });
}

function overlap(a: Target, b: Target): boolean {
  if (a.filter.port > b.filter.portEnd || b.filter.port > a.filter.portEnd) return false;
  return a.backends === 'any' || b.backends === 'any' || intersectRanges(a.backends, b.backends).length > 0;
}
