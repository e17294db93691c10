import { isObject, type JsonObject, type JsonValue } from '../../config/fields.ts';
import type { MetadataCriterion } from '../context.ts';
import type { Host } from '../host.ts';

/** Metadata namespace that subsets go by. */
const NAMESPACE = 'envoy.lb';

function lbMetadata(host: Host): JsonObject | undefined {
  const values = host.metadata?.[NAMESPACE];
  return isObject(values) ? values : undefined;
}

const keys = new WeakMap<MetadataCriterion, string>();

/** Text that is the same for equal values only. Kept for each criterion: those of routes are used again and again. */
export function criterionKey(criterion: MetadataCriterion): string {
  let key = keys.get(criterion);
  if (key === undefined) {
    key = valueKey(criterion.value);
    keys.set(criterion, key);
  }
  return key;
}

function valueKey(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(valueKey).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const parts = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${valueKey(value[name] ?? null)}`);
  return `{${parts.join()}}`;
}

/** Whether the host has all of these labels; with `listAsAny` a list on the host stands for each of its items. */
export function hasLabels(host: Host, labels: JsonObject, listAsAny: boolean): boolean {
  const own = lbMetadata(host);
  return Object.entries(labels).every(([name, wanted]) => {
    const value = own?.[name];
    if (value === undefined) return false;
    const key = valueKey(wanted);
    if (listAsAny && Array.isArray(value)) return value.some((item) => valueKey(item) === key);
    return valueKey(value) === key;
  });
}

/**
 * The values of these keys on the host, as keys of values in the order of the names; none when one is missing. With `listAsAny` lists
 * multiply: there is one combination for each choice of items.
 */
export function labelCombinations(
  host: Host,
  names: readonly string[],
  listAsAny: boolean,
): readonly (readonly string[])[] {
  const own = lbMetadata(host);
  let combinations: readonly (readonly string[])[] = [];
  for (const name of names) {
    const value = own?.[name];
    if (value === undefined) return [];
    const options = (listAsAny && Array.isArray(value) ? value : [value]).map(valueKey);
    combinations =
      combinations.length === 0
        ? options.map((option) => [option])
        : combinations.flatMap((before) => options.map((option) => [...before, option]));
  }
  return combinations;
}

/** The criteria of these names. */
export function onlyNamed(
  criteria: readonly MetadataCriterion[],
  names: readonly string[],
): readonly MetadataCriterion[] {
  return criteria.filter(({ name }) => names.includes(name));
}
