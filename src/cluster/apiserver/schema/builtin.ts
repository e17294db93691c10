import { readFileSync } from 'node:fs';
import path from 'node:path';
import { assert } from '../../../base/index.ts';
import { ANY, type FieldShape, type ListShape, type ObjectShape, type ScalarKind, type Shape } from './shape.ts';

const SCALARS: Readonly<Record<string, ScalarKind>> = {
  string: 'string',
  bool: 'boolean',
  bytes: 'bytes',
  int32: 'integer',
  int64: 'integer',
  uint32: 'integer',
  double: 'number',
  time: 'time',
  microtime: 'microtime',
  duration: 'duration',
  quantity: 'quantity',
  intorstring: 'intorstring',
  rawjson: 'rawjson',
  any: 'any',
};

interface RawType {
  readonly atomic: boolean;
  readonly lines: string[];
}

let rawTypes: Map<string, RawType> | undefined;
const shapes = new Map<string, ObjectShape>();

/** The shape of a Kubernetes type by its short name, such as `core.v1.Pod` or `meta.v1.ObjectMeta`. Asking for a name that is not in `fields.txt` is a bug. */
export function builtinShape(name: string): ObjectShape {
  const known = shapes.get(name);
  if (known) return known;
  rawTypes ??= readTypes();
  const raw = rawTypes.get(name);
  assert(raw, `no built-in type ${name}`);
  let fields: ReadonlyMap<string, FieldShape> | undefined;
  // Types refer to themselves (JSONPath-like recursion), so fields are resolved when first asked for.
  const shape: ObjectShape = {
    kind: 'object',
    name,
    open: false,
    atomic: raw.atomic,
    embedded: false,
    get fields() {
      fields ??= readFields(raw.lines);
      return fields;
    },
  };
  shapes.set(name, shape);
  return shape;
}

/** The shape of a whole built-in object: the type's own fields with apiVersion and kind, which the table leaves out. */
export function builtinRootShape(name: string): ObjectShape {
  const own = builtinShape(name);
  let fields: ReadonlyMap<string, FieldShape> | undefined;
  return {
    kind: 'object',
    name,
    open: false,
    atomic: false,
    embedded: false,
    get fields() {
      fields ??= new Map<string, FieldShape>([
        ['apiVersion', { name: 'apiVersion', shape: { kind: 'scalar', scalar: 'string' }, optional: true }],
        ['kind', { name: 'kind', shape: { kind: 'scalar', scalar: 'string' }, optional: true }],
        ...own.fields,
      ]);
      return fields;
    },
  };
}

/** Protobuf view of a type: its own fields by number, embedded structs included as the message they are. */
export function protobufFields(name: string): readonly { readonly line: readonly string[]; readonly number: number }[] {
  rawTypes ??= readTypes();
  return (rawTypes.get(name)?.lines ?? []).map((text) => {
    const line = text.split(' ');
    return { line, number: Number(line[1]) };
  });
}

function readTypes(): Map<string, RawType> {
  const types = new Map<string, RawType>();
  let current: RawType | undefined;
  for (const line of readFileSync(path.join(import.meta.dirname, 'fields.txt'), 'utf8').split('\n')) {
    if (line.startsWith(':')) {
      const [name = '', flag] = line.slice(1).split(' ');
      current = { atomic: flag === 'atomic', lines: [] };
      types.set(name, current);
    } else if (line !== '') current?.lines.push(line);
  }
  return types;
}

function readFields(lines: readonly string[]): ReadonlyMap<string, FieldShape> {
  const fields = new Map<string, FieldShape>();
  for (const line of lines) {
    const [name = '', number = '', type = '', ...flags] = line.split(' ');
    if (flags.includes('inline')) {
      for (const [inner, field] of builtinShape(type).fields) fields.set(inner, field);
      continue;
    }
    const mergeKey = flagValue(flags, 'key');
    const strategy = flagValue(flags, 'strategy');
    fields.set(name, {
      name,
      number: Number(number),
      optional: flags.includes('?'),
      shape: readShape(type, flags),
      ...(mergeKey === undefined ? {} : { mergeKey }),
      ...(strategy === undefined ? {} : { strategy }),
    });
  }
  return fields;
}

function readShape(type: string, flags: readonly string[]): Shape {
  if (type.startsWith('[]')) return listShape(readShape(type.slice(2), []), flags);
  if (type.startsWith('{}'))
    return { kind: 'map', values: readShape(type.slice(2), []), atomic: flags.includes('atomic') };
  if (type === 'authentication.v1.ExtraValue') return listShape({ kind: 'scalar', scalar: 'string' }, []);
  const scalar = SCALARS[type];
  if (scalar === 'any') return ANY;
  if (scalar) return { kind: 'scalar', scalar };
  const object = builtinShape(type);
  return flags.includes('atomic') ? { ...object, fields: object.fields, atomic: true } : object;
}

function listShape(items: Shape, flags: readonly string[]): ListShape {
  const type = flagValue(flags, 'list');
  const listType = type === 'map' || type === 'set' ? type : 'atomic';
  return { kind: 'list', items, listType, keys: flagValue(flags, 'keys')?.split(',') ?? [] };
}

function flagValue(flags: readonly string[], name: string): string | undefined {
  return flags.find((flag) => flag.startsWith(`${name}=`))?.slice(name.length + 1);
}
