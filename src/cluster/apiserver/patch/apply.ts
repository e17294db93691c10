import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../../store.ts';
import { isRecord, type Shape } from '../schema/shape.ts';
import { StatusError } from '../status.ts';
import {
  children,
  type FieldSet,
  fieldSetOf,
  intersect,
  isEmptySet,
  itemStep,
  leafPaths,
  memberShape,
  subtract,
} from './field-set.ts';
import { type Author, type ManagedEntry, readManagers, sameManager, withManagers } from './managed-fields.ts';

/**
 * Server-side apply: what `applied` sets wins, what its author set before and no longer does goes away unless another manager owns it.
 * Throws 409 with one cause per field when another manager owns a field with another value, unless `force`.
 */
export function applyObject(
  shape: Shape,
  live: KubernetesObject | undefined,
  applied: KubernetesObject,
  author: Author,
  force: boolean,
): KubernetesObject {
  const { managedFields: _ignored, ...metadata } = applied.metadata as KubernetesObject['metadata'] & {
    managedFields?: unknown;
  };
  const config: KubernetesObject = { ...applied, metadata };
  const wanted = fieldSetOf(shape, config);
  const managers = readManagers(live);
  const own = managers.find((entry) => sameManager(entry, author, 'Apply'));
  let others = managers.filter((entry) => entry !== own);
  if (live) {
    const conflicts = others.map((entry) => ({
      entry,
      fields: differing(shape, intersect(wanted, entry.fields), live, config),
    }));
    const real = conflicts.filter(({ fields }) => !isEmptySet(fields));
    if (real.length > 0 && !force) throw conflictError(real);
    others = conflicts.map(({ entry, fields }) => ({ ...entry, fields: subtract(entry.fields, fields) }));
  }
  let merged = live ? (mergeApplied(shape, live, config) as KubernetesObject) : config;
  const abandoned = others.reduce((rest, entry) => subtract(rest, entry.fields), subtract(own?.fields ?? {}, wanted));
  merged = prune(shape, merged, abandoned) as KubernetesObject;
  return withManagers(merged, [...others, { ...author, operation: 'Apply', fields: wanted }], managers);
}

function conflictError(conflicts: readonly { readonly entry: ManagedEntry; readonly fields: FieldSet }[]): StatusError {
  const causes = conflicts.flatMap(({ entry, fields }) => {
    const using = entry.operation === 'Update' ? ` using ${entry.apiVersion}` : '';
    return leafPaths(fields).map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with "${entry.manager}"${entry.subresource === '' ? '' : ` with subresource "${entry.subresource}"`}${using}`,
      field,
    }));
  });
  const text = causes.map(({ field, message }) => `${message}: ${field}`).join('\n');
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  return new StatusError(409, 'Conflict', `Apply failed with ${count}: ${text}`, { causes });
}

/** The part of the set where the two objects hold different values. */
function differing(shape: Shape, set: FieldSet, live: unknown, applied: unknown): FieldSet {
  const liveParts = new Map(children(shape, live).map((child) => [child.step, child]));
  const result: FieldSet = {};
  for (const child of children(shape, applied)) {
    const inner = set[child.step];
    if (inner === undefined) continue;
    const present = liveParts.get(child.step)?.value;
    const below = Object.fromEntries(Object.entries(inner).filter(([step]) => step !== '.'));
    if (isEmptySet(below)) {
      if (!('.' in inner) && !isDeepStrictEqual(present, child.value)) result[child.step] = {};
    } else {
      const nested = differing(child.shape, below, present, child.value);
      if (!isEmptySet(nested)) result[child.step] = nested;
    }
  }
  return result;
}

function mergeApplied(shape: Shape, live: unknown, applied: unknown): unknown {
  if (shape.kind === 'list' && Array.isArray(applied)) {
    if (shape.listType === 'atomic' || !Array.isArray(live)) return applied;
    return mergeList(shape, live, applied);
  }
  if (!isRecord(applied) || !isRecord(live) || (shape.kind !== 'scalar' && shape.kind !== 'list' && shape.atomic))
    return applied;
  const result: Record<string, unknown> = { ...live };
  for (const [name, value] of Object.entries(applied)) {
    if (value === null) delete result[name];
    else result[name] = name in live ? mergeApplied(memberShape(shape, name), live[name], value) : value;
  }
  return result;
}

function mergeList(
  shape: Extract<Shape, { kind: 'list' }>,
  live: readonly unknown[],
  applied: readonly unknown[],
): unknown[] {
  const stepOf = (item: unknown) => itemStep(shape.keys, shape.listType, item);
  const liveItems = new Map(live.map((item) => [stepOf(item), item]));
  const steps = new Set(applied.map(stepOf));
  const merged = applied.map((item) => {
    const present = liveItems.get(stepOf(item));
    return present === undefined ? item : mergeApplied(shape.items, present, item);
  });
  return [...merged, ...live.filter((item) => !steps.has(stepOf(item)))];
}

/** Removes the fields of the set from a value. */
function prune(shape: Shape, value: unknown, set: FieldSet): unknown {
  if (isEmptySet(set)) return value;
  if (Array.isArray(value) && shape.kind === 'list') {
    return value.flatMap((item) => {
      const inner = set[itemStep(shape.keys, shape.listType, item)];
      if (inner === undefined) return [item];
      return '.' in inner || isEmptySet(inner) ? [] : [prune(shape.items, item, inner)];
    });
  }
  if (!isRecord(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const inner = set[`f:${name}`];
    if (inner === undefined) result[name] = item;
    else if (!isEmptySet(inner)) {
      const rest = prune(memberShape(shape, name), item, inner);
      const emptied = isRecord(rest) ? Object.keys(rest).length === 0 : Array.isArray(rest) && rest.length === 0;
      if (!emptied) result[name] = rest;
    }
  }
  return result;
}
