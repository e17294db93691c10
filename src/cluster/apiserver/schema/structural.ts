import { builtinShape } from './builtin.ts';
import { ANY, type FieldShape, isRecord, type ObjectShape, type Shape, stringAt } from './shape.ts';

/** The part of a CustomResourceDefinition's `openAPIV3Schema` that this server reads; anything else is left to the validator. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const SCALARS = { string: 'string', boolean: 'boolean', integer: 'integer', number: 'number' } as const;

/** Shape of a custom resource: its schema, with apiVersion, kind and metadata as every object has them. */
export function structuralShape(schema: JsonSchema | undefined): ObjectShape {
  const inner = schema ? shapeOf(schema) : undefined;
  const own = inner?.kind === 'object' ? inner : undefined;
  const fields = new Map(own?.fields ?? []);
  for (const [name, field] of rootFields()) fields.set(name, field);
  return { kind: 'object', name: '', fields, open: own ? own.open : true, atomic: false, embedded: false };
}

function rootFields(): ReadonlyMap<string, FieldShape> {
  const text: Shape = { kind: 'scalar', scalar: 'string' };
  return new Map([
    ['apiVersion', { name: 'apiVersion', shape: text, optional: true }],
    ['kind', { name: 'kind', shape: text, optional: true }],
    ['metadata', { name: 'metadata', shape: builtinShape('meta.v1.ObjectMeta'), optional: true }],
  ]);
}

function shapeOf(schema: JsonSchema): Shape {
  if (schema['x-kubernetes-int-or-string'] === true) return { kind: 'scalar', scalar: 'intorstring' };
  const type = stringAt(schema, 'type');
  if (type === 'array') return arrayShape(schema);
  if (type === 'object' || isRecord(schema['properties'])) return objectShape(schema);
  if (type === 'string' && schema['format'] === 'byte') return { kind: 'scalar', scalar: 'bytes' };
  if (type !== undefined && Object.hasOwn(SCALARS, type))
    return { kind: 'scalar', scalar: SCALARS[type as keyof typeof SCALARS] };
  return ANY;
}

function arrayShape(schema: JsonSchema): Shape {
  const items = isRecord(schema['items']) ? shapeOf(schema['items']) : ANY;
  const type = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  return {
    kind: 'list',
    items,
    listType: type === 'map' || type === 'set' ? type : 'atomic',
    keys: Array.isArray(keys) ? keys.map(String) : [],
  };
}

function objectShape(schema: JsonSchema): Shape {
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const atomic = schema['x-kubernetes-map-type'] === 'atomic';
  const additional = schema['additionalProperties'];
  const properties = isRecord(schema['properties']) ? schema['properties'] : undefined;
  if (!properties && isRecord(additional)) return { kind: 'map', values: shapeOf(additional), atomic };
  if (!properties && (additional === true || preserve) && schema['x-kubernetes-embedded-resource'] !== true)
    return { kind: 'map', values: ANY, atomic };
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const fields = new Map<string, FieldShape>();
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (isRecord(value)) fields.set(name, { name, shape: shapeOf(value), optional: !required.includes(name) });
  }
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  return { kind: 'object', name: '', fields, open: preserve, atomic, embedded };
}
