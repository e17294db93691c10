import { isDeepStrictEqual } from 'node:util';
import { ANY, type FieldShape, isRecord, type Shape } from '../schema/shape.ts';

/** A strategic merge patch that cannot be applied; the message is for the user. */
export class PatchError extends Error {}

type Draft = Record<string, unknown>;

const ORDER = '$setElementOrder/';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';
const RETAIN = '$retainKeys';
const DIRECTIVE = '$patch';

/**
 * Kubernetes' strategic merge patch: lists with a merge key are merged item by item, as the kind's shape tells.
 * Neither argument is changed. Throws `PatchError`.
 */
export function strategicMerge(shape: Shape, target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const directive = patch[DIRECTIVE];
  if (directive === 'delete') return {};
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive !== undefined && directive !== 'merge')
    throw new PatchError(`unknown patch directive ${JSON.stringify(directive)}`);
  const result: Draft = isRecord(target) ? { ...target } : {};
  retainKeys(result, patch);
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    if (value === null) delete result[name];
    else result[name] = mergeField(fieldOf(shape, name), result[name], value);
  }
  applyListDirectives(shape, result, patch);
  return result;
}

function fieldOf(shape: Shape, name: string): FieldShape {
  const plain: FieldShape = { name, shape: shape.kind === 'map' ? shape.values : ANY, optional: true };
  return shape.kind === 'object' ? (shape.fields.get(name) ?? plain) : plain;
}

function mergeField(field: FieldShape, target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    return isRecord(patch) && !replaces(field) ? strategicMerge(field.shape, target, patch) : patch;
  }
  if (!merges(field)) return patch;
  const current = Array.isArray(target) ? target : [];
  if (field.mergeKey !== undefined) return mergeByKey(field, field.mergeKey, current, patch);
  return [...current, ...patch.filter((item) => !current.some((present) => isDeepStrictEqual(present, item)))];
}

function merges(field: FieldShape): boolean {
  return field.strategy?.split(',').includes('merge') ?? false;
}

function replaces(field: FieldShape): boolean {
  return field.strategy?.split(',').includes('replace') ?? false;
}

function mergeByKey(field: FieldShape, key: string, target: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const items = field.shape.kind === 'list' ? field.shape.items : ANY;
  if (patch.some((item) => isRecord(item) && item[DIRECTIVE] === 'replace' && Object.keys(item).length === 1))
    return patch.filter((item) => !(isRecord(item) && item[DIRECTIVE] === 'replace')).map(withoutDirectives);
  let result = [...target];
  for (const item of patch) {
    if (!isRecord(item)) throw new PatchError(`items of ${field.name} must be objects`);
    if (item[key] === undefined)
      throw new PatchError(`map: ${JSON.stringify(item).slice(0, 120)} does not contain declared merge key: ${key}`);
    const position = result.findIndex((present) => isRecord(present) && isDeepStrictEqual(present[key], item[key]));
    if (item[DIRECTIVE] === 'delete')
      result = result.filter((present) => !(isRecord(present) && isDeepStrictEqual(present[key], item[key])));
    else if (position < 0) result.push(strategicMerge(items, {}, item));
    else
      result[position] =
        item[DIRECTIVE] === 'replace' ? withoutDirectives(item) : strategicMerge(items, result[position], item);
  }
  return result;
}

function retainKeys(result: Draft, patch: Draft): void {
  const kept = patch[RETAIN];
  if (!Array.isArray(kept)) return;
  for (const name of Object.keys(result)) if (!kept.includes(name)) delete result[name];
}

function applyListDirectives(shape: Shape, result: Draft, patch: Draft): void {
  for (const [directive, value] of Object.entries(patch)) {
    if (directive.startsWith(DELETE_PRIMITIVES) && Array.isArray(value)) {
      const name = directive.slice(DELETE_PRIMITIVES.length);
      const list = result[name];
      if (Array.isArray(list)) result[name] = list.filter((item) => !value.includes(item));
    }
  }
  for (const [directive, value] of Object.entries(patch)) {
    if (!directive.startsWith(ORDER) || !Array.isArray(value)) continue;
    const name = directive.slice(ORDER.length);
    const list = result[name];
    if (Array.isArray(list)) result[name] = reorder(list, value, fieldOf(shape, name).mergeKey);
  }
}

/** Items named by the order stand in that order; the others keep their place after the item they followed. */
function reorder(list: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const identity = (item: unknown) => (key !== undefined && isRecord(item) ? item[key] : item);
  const rank = (item: unknown) => order.findIndex((wanted) => isDeepStrictEqual(identity(wanted), identity(item)));
  const ordered = list.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const result: unknown[] = [];
  let next = 0;
  for (const item of list) {
    if (rank(item) < 0) result.push(item);
    else result.push(ordered[next++]);
  }
  return result;
}

function withoutDirectives(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name, item]) => !name.startsWith('$') && item !== null));
}
