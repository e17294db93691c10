import type protobufjs from 'protobufjs';
import { protobufLibrary } from './registry.ts';
import type { RuleValue } from './scalars.ts';

const indexes = new WeakMap<protobufjs.Type, ReadonlyMap<string, protobufjs.Field>>();

/** Fields by both spellings that protobuf JSON accepts: `connect_timeout` and `connectTimeout`. */
export function fieldIndex(type: protobufjs.Type): ReadonlyMap<string, protobufjs.Field> {
  const known = indexes.get(type);
  if (known) return known;
  const index = new Map<string, protobufjs.Field>();
  for (const field of type.fieldsArray) {
    field.resolve();
    index.set(field.name, field);
    index.set(jsonNameOf(field), field);
  }
  indexes.set(type, index);
  return index;
}

function jsonNameOf(field: protobufjs.Field): string {
  return field.jsonName ?? field.name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Full name without the leading dot. */
export function nameOf(object: protobufjs.ReflectionObject): string {
  const { fullName } = object;
  return fullName.startsWith('.') ? fullName.slice(1) : fullName;
}

export function isMessage(type: protobufjs.ReflectionObject | null): type is protobufjs.Type {
  return type instanceof protobufLibrary().Type;
}

export function isEnum(type: protobufjs.ReflectionObject | null): type is protobufjs.Enum {
  return type instanceof protobufLibrary().Enum;
}

/** Whether absence differs from the default: messages, members of a oneof and `optional` scalars. */
export function hasPresence(field: protobufjs.Field): boolean {
  return isMessage(field.resolve().resolvedType) || field.partOf !== null || field.hasPresence;
}

/** The scalar that a `google.protobuf.*Value` message wraps. */
export function wrappedScalar(messageName: string): string | undefined {
  return wrappers[messageName];
}

const wrappers: Readonly<Record<string, string>> = {
  'google.protobuf.DoubleValue': 'double',
  'google.protobuf.FloatValue': 'float',
  'google.protobuf.Int64Value': 'int64',
  'google.protobuf.UInt64Value': 'uint64',
  'google.protobuf.Int32Value': 'int32',
  'google.protobuf.UInt32Value': 'uint32',
  'google.protobuf.BoolValue': 'bool',
  'google.protobuf.StringValue': 'string',
  'google.protobuf.BytesValue': 'bytes',
};

/** What a field without presence holds when nothing is written. */
export function implicitDefault(field: protobufjs.Field): RuleValue {
  if (field.type === 'string') return '';
  if (field.type === 'bool') return false;
  if (field.type === 'bytes') return new Uint8Array();
  return field.type.endsWith('64') ? 0n : 0;
}

const numbers = new WeakMap<protobufjs.Enum, ReadonlySet<number>>();

export function numbersOf(type: protobufjs.Enum): ReadonlySet<number> {
  const known = numbers.get(type);
  if (known) return known;
  const found = new Set(Object.values(type.values));
  numbers.set(type, found);
  return found;
}
