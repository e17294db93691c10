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
    return ok({ message: readerOf(messageType(typeName))(value, undefined, unknown) as T, unknown });
  } catch (error) {
    if (error instanceof Mismatch) return fail(error.message);
    throw error;
  }
}

/** Carries the one sentence from the depth of a message to `readJsonValue`, never further. */
class Mismatch extends Error {}

/** Where a value stands: a key in what is around it, or an index. Only made into a path for what has to be told. */
interface Place {
  readonly around: Place | undefined;
  readonly key: string | number;
}

type Read = (value: unknown, place: Place | undefined, unknown: string[]) => unknown;

const integerRanges: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

const readers = new Map<Type, Read>();

/** The reader of a message type, made once; types may hold themselves. */
function readerOf(type: Type): Read {
  const known = readers.get(type);
  if (known) return known;
  let read: Read | undefined;
  readers.set(type, (value, place, unknown) => (read as Read)(value, place, unknown));
  read = type.fullName.startsWith('.google.protobuf.') ? compileWellKnown(type) : compileMessage(type);
  readers.set(type, read);
  return read;
}

interface FieldReader {
  readonly name: string;
  readonly read: Read;
}

function compileMessage(type: Type): Read {
  const fields = new Map<string, FieldReader>();
  for (const field of type.fieldsArray) {
    const reader = { name: field.name, read: field.repeated ? compileList(field) : compileValue(field) };
    fields.set(field.name, reader);
    const camel = field.name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
    if (!fields.has(camel)) fields.set(camel, reader);
  }
  return (value, place, unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expected(place, 'an object', value);
    const out: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const item = (value as Record<string, unknown>)[key];
      const field = fields.get(key);
      if (!field) unknown.push(pathOf({ around: place, key }));
      else if (item !== null) out[field.name] = field.read(item, { around: place, key }, unknown);
    }
    return out;
  };
}

function compileList(field: Field): Read {
  const read = compileValue(field);
  return (value, place, unknown) => {
    if (!Array.isArray(value)) throw expected(place, 'a list', value);
    return value.map((item, index) => read(item, { around: place, key: index }, unknown));
  };
}

function compileValue(field: Field): Read {
  const target = field.resolvedType;
  if (target && 'fieldsArray' in target) return readerOf(target);
  if (target) return (value, place) => readEnum(target, value, place);
  switch (field.type) {
    case 'string':
      return (value, place) => {
        if (typeof value !== 'string') throw expected(place, 'a string', value);
        return value;
      };
    case 'bool':
      return (value, place) => {
        if (typeof value !== 'boolean') throw expected(place, 'true or false', value);
        return value;
      };
    case 'double':
      return (value, place) => {
        if (typeof value !== 'number') throw expected(place, 'a number', value);
        return value;
      };
    case 'bytes':
      return (value, place) => {
        if (typeof value !== 'string') throw expected(place, 'base64 text', value);
        return Buffer.from(value, 'base64');
      };
    default:
      return compileInteger(field.type);
  }
}

function compileInteger(type: string): Read {
  const [min, max] = integerRanges[type] ?? [0n, 0n];
  const [low, high] = [Number(min), Number(max)];
  const isLong = type.endsWith('64');
  return (value, place) => {
    if (!isLong && Number.isInteger(value) && (value as number) >= low && (value as number) <= high) return value;
    const written = typeof value === 'number' ? String(value) : value;
    if (typeof written !== 'string' || !/^-?\d{1,20}$/.test(written))
      throw expected(place, `a number (${type})`, value);
    const number = BigInt(written);
    if (number < min || number > max) throw expected(place, `a number from ${min} to ${max}`, value);
    return isLong ? written : Number(number);
  };
}

function readEnum(type: Enum, value: unknown, place: Place | undefined): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  const number = typeof value === 'string' && Object.hasOwn(type.values, value) ? type.values[value] : undefined;
  if (number === undefined) throw expected(place, `a name of ${type.fullName.slice(1)}`, value);
  return number;
}

function compileWellKnown(type: Type): Read {
  switch (type.fullName) {
    case '.google.protobuf.Timestamp':
      return (value, place) => {
        const time = typeof value === 'string' ? parseTimestamp(value) : undefined;
        if (!time) throw expected(place, 'an RFC 3339 time', value);
        return time;
      };
    case '.google.protobuf.FieldMask':
      return (value, place) => {
        if (typeof value !== 'string') throw expected(place, 'comma-separated paths', value);
        return { paths: value === '' ? [] : value.split(',').map(snakeCase) };
      };
    case '.google.protobuf.Any':
      return (value, place, unknown) => {
        if (typeof value !== 'object' || value === null) throw expected(place, 'an object', value);
        unknown.push(pathOf(place));
        return { type_url: String((value as Record<string, unknown>)['@type'] ?? '') };
      };
    default: {
      const read = compileValue(type.fieldsArray[0] as Field);
      return (value, place, unknown) => ({ value: read(value, place, unknown) });
    }
  }
}

function snakeCase(path: string): string {
  return path.replace(
    /([a-z0-9])([A-Z])/g,
    (_match, before: string, letter: string) => `${before}_${letter.toLowerCase()}`,
  );
}

/** `flow.source.labels[2]`; the message itself has no path. */
function pathOf(place: Place | undefined): string {
  if (!place) return '';
  const around = pathOf(place.around);
  if (typeof place.key === 'number') return `${around}[${place.key}]`;
  return around === '' ? place.key : `${around}.${place.key}`;
}

function expected(place: Place | undefined, what: string, value: unknown): Mismatch {
  const found = JSON.stringify(value) ?? 'nothing';
  return new Mismatch(`${place ? pathOf(place) : 'message'}: expected ${what}, got ${found.slice(0, 80)}`);
}
