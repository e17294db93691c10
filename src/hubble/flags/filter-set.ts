import type { FlowFilter } from '../../model/flow/index.ts';
import { FlagFault } from './fault.ts';
import { applyNamespaces, type NamespaceFlags } from './namespaces.ts';

/** One of the two lists of a request under construction: the filters for "left or right". */
export interface FilterSet {
  readonly left: FlowFilter;
  readonly right: FlowFilter;
  readonly used: Set<string>;
  readonly namespaces: NamespaceFlags;
}

/** Flags of which no two may be used together. */
const exclusiveGroups: readonly (readonly string[])[] = [
  ['from-fqdn', 'from-ip', 'ip', 'fqdn', 'from-namespace', 'namespace', 'from-all-namespaces', 'all-namespaces'],
  ['from-fqdn', 'from-ip', 'ip', 'fqdn', 'from-pod', 'pod'],
  ['to-fqdn', 'to-ip', 'ip', 'fqdn', 'to-namespace', 'namespace', 'to-all-namespaces', 'all-namespaces'],
  ['to-fqdn', 'to-ip', 'ip', 'fqdn', 'to-pod', 'pod'],
  ['to-pod', 'namespace', 'all-namespaces'],
  ['from-pod', 'namespace', 'all-namespaces'],
  ['to-service', 'namespace', 'all-namespaces'],
  ['from-service', 'namespace', 'all-namespaces'],
  ['label', 'from-label'],
  ['label', 'to-label'],
  ['service', 'from-service'],
  ['service', 'to-service'],
  ['port', 'from-port'],
  ['port', 'to-port'],
  ['identity', 'from-identity'],
  ['identity', 'to-identity'],
  ['workload', 'from-workload'],
  ['workload', 'to-workload'],
  ['encrypted', 'unencrypted'],
];

export function emptySet(): FilterSet {
  return { left: {}, right: {}, used: new Set(), namespaces: { both: [], from: [], to: [] } };
}

/** Notes a flag's use; a flag that another one of the same set excludes is a fault. */
export function useFlag(set: FilterSet, flag: string): void {
  for (const group of exclusiveGroups) {
    if (!group.includes(flag)) continue;
    const [first, second] = group.filter((name) => name === flag || set.used.has(name));
    if (second !== undefined) throw new FlagFault(`filters --${first} and --${second} cannot be combined`);
  }
  set.used.add(flag);
}

/** The set as the filters of a request: none, one, or two where the flags speak of either side. */
export function filtersOf(set: FilterSet): FlowFilter[] {
  if (set.used.size === 0) return [];
  applyNamespaces(set);
  return JSON.stringify(set.left) === JSON.stringify(set.right) ? [set.left] : [set.left, set.right];
}

type ListField = {
  [K in keyof FlowFilter]-?: NonNullable<FlowFilter[K]> extends (infer _)[] ? K : never;
}[keyof FlowFilter];
type ItemOf<K extends ListField> = NonNullable<FlowFilter[K]> extends (infer Item)[] ? Item : never;

/** Adds a value to a field of both filters. */
export function addBoth<K extends ListField>(set: FilterSet, field: K, value: ItemOf<K>): void {
  addTo(set.left, field, value);
  addTo(set.right, field, value);
}

export function addTo<K extends ListField>(filter: FlowFilter, field: K, value: ItemOf<K>): void {
  const values = (filter[field] ?? []) as ItemOf<K>[];
  filter[field] = [...values, value] as FlowFilter[K];
}
