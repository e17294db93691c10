import type { MetadataCriterion } from '../cluster/context.ts';
import { type Fields, isObject } from '../config/fields.ts';

/** Reads the load balancer's part (`envoy.lb`) of an `envoy.config.core.v3.Metadata`, sorted by name. Other namespaces say nothing to it. */
export function readCriteria(fields: Fields): readonly MetadataCriterion[] {
  fields.ignore('typed_filter_metadata');
  const all = fields.raw('filter_metadata');
  const own = isObject(all) ? all['envoy.lb'] : undefined;
  if (!isObject(own)) return [];
  return Object.entries(own)
    .map(([name, value]) => ({ name, value }))
    .sort(byName);
}

/** Both in one; where both name a key, `over` says its value. */
export function mergeCriteria(
  under: readonly MetadataCriterion[] | undefined,
  over: readonly MetadataCriterion[] | undefined,
): readonly MetadataCriterion[] | undefined {
  if (!under || !over) return over ?? under;
  const merged = new Map([...under, ...over].map((criterion) => [criterion.name, criterion]));
  return [...merged.values()].sort(byName);
}

function byName(left: MetadataCriterion, right: MetadataCriterion): number {
  return left.name < right.name ? -1 : 1;
}
