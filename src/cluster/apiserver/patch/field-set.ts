import { isDeepStrictEqual } from 'node:util';
import { ANY, isRecord, type Shape } from '../schema/shape.ts';

/** FieldsV1 as JSON: `f:name`, `k:{"key":"value"}`, `v:value`, and `.` for the element itself. */
export interface FieldSet {
  [step: string]: FieldSet;
}

/** Fields of every object that nobody owns. */
const UNOWNED = new Set(['apiVersion', 'kind']);
const UNOWNED_METADATA = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
  'generateName',
]);

/** The fields that an object sets. */
export function fieldSetOf(shape: Shape, object: Record<string, unknown>): FieldSet {
  const root: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    if (UNOWNED.has(name)) continue;
    if (name !== 'metadata') root[name] = value;
    else if (isRecord(value)) {
      const own = Object.entries(value).filter(([field]) => !UNOWNED_METADATA.has(field));
      if (own.length > 0) root[name] = Object.fromEntries(own);
    }
  }
  return setOf(shape, root);
}

function isLeaf(shape: Shape, value: unknown): boolean {
  if (shape.kind === 'scalar') return !(shape.scalar === 'any' && isRecord(value) && Object.keys(value).length > 0);
  if (shape.kind === 'list') return shape.listType === 'atomic' || !Array.isArray(value) || value.length === 0;
  return shape.atomic || !isRecord(value) || Object.keys(value).length === 0;
}

function setOf(shape: Shape, value: unknown): FieldSet {
  if (isLeaf(shape, value)) return {};
  const result: FieldSet = {};
  for (const { step, shape: inner, value: item } of children(shape, value)) {
    const nested = setOf(inner, item);
    // An item of a list is owned as such; so the list keeps it when its owner is asked.
    result[step] = step.startsWith('k:') ? { '.': {}, ...nested } : nested;
  }
  return result;
}

interface Child {
  readonly step: string;
  readonly shape: Shape;
  readonly value: unknown;
}

/** The parts of a value that can have different owners. */
export function children(shape: Shape, value: unknown): readonly Child[] {
  if (Array.isArray(value)) {
    if (shape.kind !== 'list') return [];
    return value.map((item) => ({ step: itemStep(shape.keys, shape.listType, item), shape: shape.items, value: item }));
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).map(([name, item]) => ({
    step: `f:${name}`,
    shape: memberShape(shape, name),
    value: item,
  }));
}

export function memberShape(shape: Shape, name: string): Shape {
  if (shape.kind === 'map') return shape.values;
  return shape.kind === 'object' ? (shape.fields.get(name)?.shape ?? ANY) : ANY;
}

export function itemStep(keys: readonly string[], listType: string, item: unknown): string {
  if (listType !== 'map') return `v:${JSON.stringify(item)}`;
  // Protocol is part of the key of ports and has a default that an applied object may leave out.
  const defaults: Readonly<Record<string, string>> = { protocol: 'TCP' };
  const identity = keys.map((key) => [key, isRecord(item) ? (item[key] ?? defaults[key]) : undefined] as const);
  return `k:${JSON.stringify(Object.fromEntries(identity.sort(([a], [b]) => (a < b ? -1 : 1))))}`;
}

/** Fields whose value differs between the two objects or that only `after` has. */
export function changedFields(shape: Shape, before: unknown, after: unknown): FieldSet | undefined {
  if (isDeepStrictEqual(before, after)) return undefined;
  if (before === undefined || isLeaf(shape, after) || isLeaf(shape, before)) return setOf(shape, after);
  const old = new Map(children(shape, before).map((child) => [child.step, child.value]));
  const result: FieldSet = {};
  for (const { step, shape: inner, value } of children(shape, after)) {
    const changed = changedFields(inner, old.get(step), value);
    if (!changed) continue;
    result[step] = step.startsWith('k:') && !old.has(step) ? { '.': {}, ...changed } : changed;
  }
  return Object.keys(result).length > 0 ? result : undefined;
}

export function isEmptySet(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}

/** Fields in either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = { ...a };
  for (const [step, inner] of Object.entries(b)) result[step] = union(a[step] ?? {}, inner);
  return result;
}

/** Fields of `a` that are not in `b`; parents stay while something is left below them. */
export function subtract(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {};
  for (const [step, inner] of Object.entries(a)) {
    const other = b[step];
    if (other === undefined) result[step] = inner;
    else if (!isEmptySet(inner) && !isEmptySet(other)) {
      const rest = subtract(inner, other);
      if (!isEmptySet(rest)) result[step] = rest;
    }
  }
  return result;
}

/** Leaf fields in both. */
export function intersect(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {};
  for (const [step, inner] of Object.entries(a)) {
    const other = b[step];
    if (other === undefined) continue;
    if (isEmptySet(inner) || isEmptySet(other)) {
      result[step] = {};
      continue;
    }
    const both = intersect(inner, other);
    if (!isEmptySet(both)) result[step] = both;
  }
  return result;
}

/** Dotted names of the leaves, as conflict messages print them: `.spec.replicas`, `.spec.containers[name="a"].image`. */
export function leafPaths(set: FieldSet, prefix = ''): string[] {
  return Object.entries(set).flatMap(([step, inner]) => {
    if (step === '.') return [];
    const path = `${prefix}${stepText(step)}`;
    return isEmptySet(inner) ? [path] : leafPaths(inner, path);
  });
}

function stepText(step: string): string {
  if (step.startsWith('f:')) return `.${step.slice(2)}`;
  if (step.startsWith('v:')) return `[=${step.slice(2)}]`;
  const key: unknown = JSON.parse(step.slice(2));
  const parts = isRecord(key) ? Object.entries(key).map(([name, value]) => `${name}=${JSON.stringify(value)}`) : [];
  return `[${parts.join(',')}]`;
}
