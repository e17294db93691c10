import type { Issue } from '../../../base/index.ts';
import { builtinShape } from '../schema/builtin.ts';
import type { ListShape, ObjectShape, ScalarKind, Shape } from '../schema/shape.ts';
import { isRecord } from '../schema/shape.ts';
import { child, index, invalidValue, mapKey } from './errors.ts';

/** A field that the kind does not have. `path` is as strict decoding prints it. */
export interface UnknownField {
  readonly path: string;
  readonly known: readonly string[];
}

export interface ShapeCheck {
  readonly unknown: readonly UnknownField[];
  readonly mismatches: readonly Issue[];
}

interface Collector {
  readonly unknown: UnknownField[];
  readonly mismatches: Issue[];
  readonly prune: boolean;
}

/**
 * Walks a value along its shape and reports fields that do not exist and values of the wrong type.
 * With `prune`, unknown fields are also removed from the value (in place).
 */
export function checkShape(shape: Shape, value: unknown, prune: boolean): ShapeCheck {
  const collector: Collector = { unknown: [], mismatches: [], prune };
  walk(shape, value, '', collector);
  return collector;
}

const WANTED: Readonly<Record<ScalarKind, string>> = {
  string: 'a string',
  boolean: 'a boolean',
  integer: 'an integer',
  number: 'a number',
  bytes: 'base64 text',
  time: 'an RFC 3339 time',
  microtime: 'an RFC 3339 time',
  duration: 'a duration such as 30s',
  quantity: 'a quantity such as 100m or 1Gi',
  intorstring: 'an integer or a string',
  rawjson: 'an object',
  any: 'anything',
};

function walk(shape: Shape, value: unknown, path: string, into: Collector): void {
  if (value === null || value === undefined) return;
  switch (shape.kind) {
    case 'scalar':
      if (!scalarFits(shape.scalar, value))
        into.mismatches.push(invalidValue(path, value, `must be ${WANTED[shape.scalar]}`));
      return;
    case 'list':
      walkList(shape, value, path, into);
      return;
    case 'map':
      if (!isRecord(value)) into.mismatches.push(invalidValue(path, value, 'must be a map'));
      else for (const [key, item] of Object.entries(value)) walk(shape.values, item, mapKey(path, key), into);
      return;
    case 'object':
      walkObject(shape, value, path, into);
  }
}

function walkList(shape: ListShape, value: unknown, path: string, into: Collector): void {
  if (!Array.isArray(value)) {
    into.mismatches.push(invalidValue(path, value, 'must be a list'));
    return;
  }
  for (const [position, item] of value.entries()) walk(shape.items, item, index(path, position), into);
}

function walkObject(shape: ObjectShape, value: unknown, path: string, into: Collector): void {
  if (!isRecord(value)) {
    into.mismatches.push(invalidValue(path, value, 'must be an object'));
    return;
  }
  for (const [name, item] of Object.entries(value)) {
    const field = shape.fields.get(name);
    if (field) walk(field.shape, item, child(path, name), into);
    else if (shape.embedded && (name === 'apiVersion' || name === 'kind')) continue;
    else if (shape.embedded && name === 'metadata')
      walk(builtinShape('meta.v1.ObjectMeta'), item, child(path, name), into);
    else if (!shape.open) {
      into.unknown.push({ path: child(path, name), known: [...shape.fields.keys()] });
      if (into.prune) delete value[name];
    }
  }
}

const QUANTITY = /^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;
const BASE64 = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/;

function scalarFits(scalar: ScalarKind, value: unknown): boolean {
  switch (scalar) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'bytes':
      return typeof value === 'string' && BASE64.test(value);
    case 'time':
    case 'microtime':
      return typeof value === 'string' && (value === '' || !Number.isNaN(Date.parse(value)));
    case 'duration':
      return typeof value === 'string';
    case 'quantity':
      return typeof value === 'number' || (typeof value === 'string' && QUANTITY.test(value));
    case 'intorstring':
      return typeof value === 'string' || Number.isInteger(value);
    case 'rawjson':
      return isRecord(value);
    case 'any':
      return true;
  }
}

/** The unknown field as an issue: what is allowed are the closest field names. */
export function unknownFieldIssue({ path, known }: UnknownField): Issue {
  const name = path.slice(path.lastIndexOf('.') + 1);
  const closest =
    known.length <= 12 ? known : [...known].sort((a, b) => distance(name, a) - distance(name, b)).slice(0, 6);
  const more = closest.length < known.length ? ', …' : '';
  return { path, message: `unknown field "${path}"`, allowed: `${[...closest].sort().join(', ')}${more}` };
}

/** Edit distance without regard to case. */
function distance(a: string, b: string): number {
  const left = a.slice(0, 64).toLowerCase();
  const right = b.toLowerCase();
  let row = Array.from({ length: right.length + 1 }, (_, position) => position);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitute));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
