import { type AddressRange, mergeRanges } from '../policy/index.ts';
import type { JsonObject } from './node-plan.ts';
import type { AddressBook } from './rbac-addresses.ts';
import { allOf, anyOf, type Statement, targetPermissions } from './rbac-statements.ts';

export interface AuditPolicy {
  readonly permissions: JsonObject[];
  readonly principals: readonly JsonObject[];
}

/**
 * What audit mode lets pass in the proxy, by name: everything that no Layer-7 rule for its client is about. Clients are told
 * apart by the rules that are for them.
 */
export function auditPolicies(layer7: readonly Statement[], addresses: AddressBook): ReadonlyMap<string, AuditPolicy> {
  const targets = targetsOf(layer7.filter(({ clients, backends }) => clients.length > 0 && backends.length > 0));
  const everyones = targets.filter(({ clients }) => clients === 'any');
  const elsewhere = (own: readonly Target[]): JsonObject => {
    const held = [...everyones, ...own].map((target) => allOf(targetPermissions(target, addresses)));
    return held.length === 0 ? { any: true } : { not_rule: anyOf(held) };
  };
  const groups = clientGroups(targets);
  const known = mergeRanges(groups.flatMap(({ clients }) => clients));
  const others = known.length === 0 ? { any: true } : { not_id: { or_ids: { ids: addresses.principals(known) } } };
  return new Map<string, AuditPolicy>([
    ['audited', { permissions: [elsewhere([])], principals: [others] }],
    ...groups.map(({ clients, own }, index): [string, AuditPolicy] => [
      `audited/${index}`,
      { permissions: [elsewhere(own)], principals: addresses.principals(clients) },
    ]),
  ]);
}

type Target = Pick<Statement, 'filter' | 'backends' | 'clients'>;

interface ClientGroup {
  readonly clients: readonly AddressRange[];
  readonly own: readonly Target[];
}

/** The clients that targets name, those together that the same targets are for. */
function clientGroups(targets: readonly Target[]): readonly ClientGroup[] {
  const named = targets.flatMap((target) => (target.clients === 'any' ? [] : [{ target, clients: target.clients }]));
  const edges = named.flatMap(({ clients }) => clients.flatMap(({ start, end }) => [start, end + 1]));
  const starts = [...new Set(edges)].sort((a, b) => a - b);
  const groups = new Map<string, { clients: AddressRange[]; own: readonly Target[] }>();
  starts.slice(0, -1).forEach((start, at) => {
    const isFor = ({ clients }: (typeof named)[number]) =>
      clients.some((one) => one.start <= start && start <= one.end);
    const own = named.filter(isFor);
    if (own.length === 0) return;
    const key = own.map((one) => named.indexOf(one)).join(' ');
    const group = groups.get(key) ?? { clients: [], own: own.map(({ target }) => target) };
    group.clients.push({ start, end: (starts[at + 1] ?? start + 1) - 1 });
    groups.set(key, group);
  });
  return [...groups.values()].map(({ clients, own }) => ({ clients: mergeRanges(clients), own }));
}

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
