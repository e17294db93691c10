import type { Enum, Field, Type } from 'protobufjs';
import { messageType } from './schema.ts';
import { formatTimestamp, type Uint64, type WireTimestamp } from './time.ts';

type Message = Readonly<Record<string, unknown>>;

/** Characters that Go's encoding/json escapes in strings besides what JSON itself must. */
const htmlUnsafe = /[&<>\u2028\u2029]/g;

/**
 * One line of protobuf JSON as Go's protojson with UseProtoNames prints it after encoding/json compaction: fields in
 * declaration order, zero values left out, 64-bit numbers as strings, enums as names, `&<>` escaped.
 */
export function printJson(typeName: string, message: object): string {
  return printMessage(messageType(typeName), message as Message);
}

function printMessage(type: Type, message: Message): string {
  switch (type.fullName) {
    case '.google.protobuf.Timestamp':
      return `"${formatTimestamp(message as WireTimestamp)}"`;
    case '.google.protobuf.FieldMask':
      return text(((message['paths'] as string[] | undefined) ?? []).map(camelCase).join(','));
    case '.google.protobuf.BoolValue':
    case '.google.protobuf.Int32Value':
    case '.google.protobuf.UInt32Value':
      return printValue(type.fieldsArray[0] as Field, message['value']);
    case '.google.protobuf.Any':
      return `{"@type":${text(String(message['type_url'] ?? ''))}}`;
    default:
      return printFields(type, message);
  }
}

function printFields(type: Type, message: Message): string {
  let out = '';
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    if (value === null || value === undefined) continue;
    const printed = field.repeated ? printList(field, value as readonly unknown[]) : printSingle(field, value);
    if (printed !== undefined) out += `${out === '' ? '' : ','}"${field.name}":${printed}`;
  }
  return `{${out}}`;
}

function printList(field: Field, values: readonly unknown[]): string | undefined {
  return values.length === 0 ? undefined : `[${values.map((value) => printValue(field, value)).join(',')}]`;
}

function printSingle(field: Field, value: unknown): string | undefined {
  if (!isMessage(field) && (value === 0 || value === '' || value === false || String(value) === '0')) return undefined;
  return printValue(field, value);
}

function printValue(field: Field, value: unknown): string {
  const target = field.resolvedType;
  if (target && 'fieldsArray' in target) return printMessage(target, value as Message);
  if (target) return enumText(target, value as number);
  switch (field.type) {
    case 'string':
      return text(value as string);
    case 'bool':
      return value === true ? 'true' : 'false';
    case 'uint64':
    case 'int64':
      return `"${((value ?? 0) as Uint64).toString()}"`;
    case 'bytes':
      return `"${Buffer.from(value as Uint8Array).toString('base64')}"`;
    case 'double':
      return doubleText(value as number);
    default:
      return String(value ?? 0);
  }
}

function isMessage(field: Field): boolean {
  return field.resolvedType !== null && 'fieldsArray' in field.resolvedType;
}

function enumText(type: Enum, value: number): string {
  const name = type.valuesById[value];
  return name === undefined ? String(value) : `"${name}"`;
}

function doubleText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"';
}

function text(value: string): string {
  return JSON.stringify(value).replace(
    htmlUnsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function camelCase(path: string): string {
  return path.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
