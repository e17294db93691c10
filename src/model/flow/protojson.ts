import type { Enum, Field, Type } from 'protobufjs';
import { messageType } from './schema.ts';
import { formatTimestamp, type Uint64, type WireTimestamp } from './time.ts';

type Message = Readonly<Record<string, unknown>>;
/** The text of a value, of a message or of an element of a list. */
type Print = (value: unknown) => string;

/** Characters that Go's encoding/json escapes in strings besides what JSON itself must. */
const htmlUnsafe = /[&<>\u2028\u2029]/g;
/** Text that stands in JSON as it is: printable ASCII without quotes, backslashes and what HTML minds. */
const plainText = /^[ !#-%'-;=?-[\]-~]*$/;

/**
 * One line of protobuf JSON as Go's protojson with UseProtoNames prints it after encoding/json compaction: fields in
 * declaration order, zero values left out, 64-bit numbers as strings, enums as names, `&<>` escaped.
 */
export function printJson(typeName: string, message: object): string {
  return printerOf(messageType(typeName))(message);
}

const printers = new Map<Type, Print>();

/** The printer of a message type, made once; types may hold themselves. */
function printerOf(type: Type): Print {
  const known = printers.get(type);
  if (known) return known;
  let print: Print | undefined;
  printers.set(type, (value) => (print as Print)(value));
  print = compileMessage(type);
  printers.set(type, print);
  return print;
}

function compileMessage(type: Type): Print {
  switch (type.fullName) {
    case '.google.protobuf.Timestamp':
      return (message) => `"${formatTimestamp(message as WireTimestamp)}"`;
    case '.google.protobuf.FieldMask':
      return (message) => text(((message as { paths?: string[] }).paths ?? []).map(camelCase).join(','));
    case '.google.protobuf.BoolValue':
    case '.google.protobuf.Int32Value':
    case '.google.protobuf.UInt32Value': {
      const print = compileValue(type.fieldsArray[0] as Field);
      return (message) => print((message as Message)['value']);
    }
    case '.google.protobuf.Any':
      return (message) => `{"@type":${text(String((message as Message)['type_url'] ?? ''))}}`;
    default:
      return compileFields(type);
  }
}

function compileFields(type: Type): Print {
  const fields = type.fieldsArray.map((field) => ({
    name: field.name,
    key: `"${field.name}":`,
    isList: field.repeated,
    isMessage: field.resolvedType !== null && 'fieldsArray' in field.resolvedType,
    isZero: isLong(field) ? isZeroLong : isZero,
    print: compileValue(field),
  }));
  return (message) => {
    let out = '{';
    for (const { name, key, isList, isMessage, isZero, print } of fields) {
      const value = (message as Message)[name];
      if (value === null || value === undefined) continue;
      if (isList ? (value as readonly unknown[]).length === 0 : !isMessage && isZero(value)) continue;
      if (out.length > 1) out += ',';
      out += key;
      out += isList ? printList(value as readonly unknown[], print) : print(value);
    }
    return `${out}}`;
  };
}

function printList(values: readonly unknown[], print: Print): string {
  let out = '[';
  for (const value of values) out += out.length > 1 ? `,${print(value)}` : print(value);
  return `${out}]`;
}

function isZero(value: unknown): boolean {
  return value === 0 || value === '' || value === false;
}

/** 64-bit numbers come as numbers, texts or objects. */
function isZeroLong(value: unknown): boolean {
  return value === 0 || String(value) === '0';
}

function isLong({ type }: Field): boolean {
  return type === 'uint64' || type === 'int64';
}

function compileValue(field: Field): Print {
  const target = field.resolvedType;
  if (target && 'fieldsArray' in target) return printerOf(target);
  if (target) return (value) => enumText(target, value as number);
  switch (field.type) {
    case 'string':
      return (value) => text(value as string);
    case 'bool':
      return (value) => (value === true ? 'true' : 'false');
    case 'uint64':
    case 'int64':
      return (value) => `"${((value ?? 0) as Uint64).toString()}"`;
    case 'bytes':
      return (value) => `"${Buffer.from(value as Uint8Array).toString('base64')}"`;
    case 'double':
      return (value) => doubleText(value as number);
    default:
      return (value) => String(value ?? 0);
  }
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
  if (plainText.test(value)) return `"${value}"`;
  return JSON.stringify(value).replace(
    htmlUnsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function camelCase(path: string): string {
  return path.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
