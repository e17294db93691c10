import type { Enum, Field, Type } from 'protobufjs';
import { fail, ok, type Result } from '../../base/index.ts';
import { messageType } from './schema.ts';
import { parseTimestamp } from './time.ts';

/** What reading one JSON text found besides the message. */
export interface JsonReading<T> {
  readonly message: T;
  /** Field paths that the schema does not know, in order of appearance; they were left out. */
  readonly unknown: readonly string[];
}

/**
 * Reads protobuf JSON: original or lowerCamelCase field names, enum names or numbers, 64-bit values as strings or numbers.
 * The error is one sentence that names the field path.
 */
export function readJson<T extends object>(typeName: string, json: string): Result<JsonReading<T>, string> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return fail(`not JSON: ${(error as Error).message}`);
  }
  return readJsonValue(typeName, value);
}

/** `readJson` for a value that is parsed already. */
export function readJsonValue<T extends object>(typeName: string, value: unknown): Result<JsonReading<T>, string> {
  const unknown: string[] = [];
  try {
    return ok({ message: readMessage(messageType(typeName), value, '', unknown) as T, unknown });
  } catch (error) {
    if (error instanceof Mismatch) return fail(error.message);
    throw error;
  }
}

/** Carries the one sentence from the depth of a message to `readJsonValue`, never further. */
class Mismatch extends Error {}

const integerRanges: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

function readMessage(type: Type, value: unknown, path: string, unknown: string[]): object {
  if (type.fullName.startsWith('.google.protobuf.')) return readWellKnown(type, value, path, unknown);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expected(path, 'an object', value);
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const field = fieldOf(type, key);
    const itemPath = path === '' ? key : `${path}.${key}`;
    if (!field) unknown.push(itemPath);
    else if (item !== null) out[field.name] = readField(field, item, itemPath, unknown);
  }
  return out;
}

const camelNames = new WeakMap<Type, ReadonlyMap<string, Field>>();

function fieldOf(type: Type, key: string): Field | undefined {
  let names = camelNames.get(type);
  if (!names) {
    const camel = type.fieldsArray.map((field): [string, Field] => [
      field.name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      field,
    ]);
    names = new Map([...camel, ...type.fieldsArray.map((field): [string, Field] => [field.name, field])]);
    camelNames.set(type, names);
  }
  return names.get(key);
}

function readField(field: Field, value: unknown, path: string, unknown: string[]): unknown {
  if (!field.repeated) return readValue(field, value, path, unknown);
  if (!Array.isArray(value)) throw expected(path, 'a list', value);
  return value.map((item, index) => readValue(field, item, `${path}[${index}]`, unknown));
}

function readValue(field: Field, value: unknown, path: string, unknown: string[]): unknown {
  const target = field.resolvedType;
  if (target && 'fieldsArray' in target) return readMessage(target, value, path, unknown);
  if (target) return readEnum(target, value, path);
  switch (field.type) {
    case 'string':
      if (typeof value !== 'string') throw expected(path, 'a string', value);
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw expected(path, 'true or false', value);
      return value;
    case 'double':
      if (typeof value !== 'number') throw expected(path, 'a number', value);
      return value;
    case 'bytes':
      if (typeof value !== 'string') throw expected(path, 'base64 text', value);
      return Buffer.from(value, 'base64');
    default:
      return readInteger(field.type, value, path);
  }
}

function readInteger(type: string, value: unknown, path: string): number | string {
  const written = typeof value === 'number' ? String(value) : value;
  const [min, max] = integerRanges[type] ?? [0n, 0n];
  if (typeof written !== 'string' || !/^-?\d{1,20}$/.test(written)) throw expected(path, `a number (${type})`, value);
  const number = BigInt(written);
  if (number < min || number > max) throw expected(path, `a number from ${min} to ${max}`, value);
  return type.endsWith('64') ? written : Number(number);
}

function readEnum(type: Enum, value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  const number = typeof value === 'string' && Object.hasOwn(type.values, value) ? type.values[value] : undefined;
  if (number === undefined) throw expected(path, `a name of ${type.fullName.slice(1)}`, value);
  return number;
}

function readWellKnown(type: Type, value: unknown, path: string, unknown: string[]): object {
  switch (type.fullName) {
    case '.google.protobuf.Timestamp': {
      const time = typeof value === 'string' ? parseTimestamp(value) : undefined;
      if (!time) throw expected(path, 'an RFC 3339 time', value);
      return time;
    }
    case '.google.protobuf.FieldMask':
      if (typeof value !== 'string') throw expected(path, 'comma-separated paths', value);
      return { paths: value === '' ? [] : value.split(',').map(snakeCase) };
    case '.google.protobuf.Any':
      if (typeof value !== 'object' || value === null) throw expected(path, 'an object', value);
      unknown.push(path);
      return { type_url: String((value as Record<string, unknown>)['@type'] ?? '') };
    default:
      return { value: readValue(type.fieldsArray[0] as Field, value, path, unknown) };
  }
}

function snakeCase(path: string): string {
  return path.replace(
    /([a-z0-9])([A-Z])/g,
    (_match, before: string, letter: string) => `${before}_${letter.toLowerCase()}`,
  );
}

function expected(path: string, what: string, value: unknown): Mismatch {
  const found = JSON.stringify(value) ?? 'nothing';
  return new Mismatch(`${path === '' ? 'message' : path}: expected ${what}, got ${found.slice(0, 80)}`);
}
