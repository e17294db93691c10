import { createRequire } from 'node:module';
import type protobufjs from 'protobufjs';
import type * as protojson from 'protobufjs/ext/protojson.js';
import { hasPresence, isEnum, isMessage, nameOf, wrappedScalar } from './fields.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { lookupMessage, protobufLibrary } from './registry.ts';

const requireHere = createRequire(import.meta.url);
let library: typeof protojson | undefined;

/** The library's own mapping of the types that have a JSON form of their own. */
export function protoJson(): typeof protojson {
  library ??= requireHere('protobufjs/ext/protojson.js') as typeof protojson;
  return library;
}

type Message = Readonly<Record<string, unknown>>;

/** A field on the wire that the published API does not have: in which message, and where that stands. At most one is told of each message. */
export interface UnknownField {
  readonly type: string;
  readonly number: number;
  readonly path: string;
  /** Inside of an `Any`. */
  readonly inExtension: boolean;
}

/** One pass over a message. */
interface Reading {
  readonly depth: number;
  readonly unknown: UnknownField[];
  readonly inExtension: boolean;
  /** Names and positions from the outermost message to here. */
  readonly place: (string | number)[];
}

type Convert = (value: unknown, reading: Reading) => JsonValue;

/** How one field of a decoded message becomes JSON. */
interface FieldForm {
  readonly form: 'single' | 'list' | 'map';
  /** The default of a field without presence is left out. */
  readonly dropsDefault: boolean;
  readonly convert: Convert;
}

const MAX_DEPTH = 100;
const forms = new WeakMap<protobufjs.Type, ReadonlyMap<string, FieldForm>>();

/** Decodes bytes and keeps what is not of the published API, to be told. */
export function decodeKeeping(type: protobufjs.Type, bytes: Uint8Array): Message {
  const reader = protobufLibrary().Reader.create(bytes) as protobufjs.Reader & { discardUnknown: boolean };
  reader.discardUnknown = false;
  return type.decode(reader) as unknown as Message;
}

/** A decoded message as JSON; also for messages that the gRPC library has decoded. */
export function messageJson(type: protobufjs.Type, message: Message, unknown: UnknownField[] = []): JsonObject {
  return objectJson(type, message, { depth: 0, unknown, inExtension: false, place: [] });
}

function objectJson(type: protobufjs.Type, message: Message, reading: Reading): JsonObject {
  if (reading.depth > MAX_DEPTH) throw new Error(`${nameOf(type)} is nested deeper than ${MAX_DEPTH} levels`);
  const unknown = (message as { readonly $unknowns?: readonly Uint8Array[] }).$unknowns?.[0];
  if (unknown) noteUnknown(type, unknown, reading);
  const fields = forms.get(type) ?? formsOf(type);
  const inner: Reading = { ...reading, depth: reading.depth + 1 };
  const json: Record<string, JsonValue> = {};
  // A decoded message has what was set as properties of its own, in the order of the wire.
  for (const key of Object.keys(message)) {
    const field = fields.get(key);
    const value = message[key];
    if (field === undefined || value === undefined || value === null) continue;
    reading.place.push(key);
    const converted = fieldJson(field, value, inner);
    reading.place.pop();
    if (converted !== undefined) json[key] = converted;
  }
  return json;
}

function noteUnknown(type: protobufjs.Type, bytes: Uint8Array, { unknown, inExtension, place }: Reading): void {
  const number = protobufLibrary().Reader.create(bytes).uint32() >>> 3;
  const path = place.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  unknown.push({ type: nameOf(type), number, path: path.replace(/^\./, ''), inExtension });
}

function fieldJson(
  { form, dropsDefault, convert }: FieldForm,
  value: unknown,
  reading: Reading,
): JsonValue | undefined {
  if (form === 'single') return dropsDefault && isDefault(value) ? undefined : convert(value, reading);
  if (form === 'list') {
    const items = value as readonly unknown[];
    return items.length === 0 ? undefined : items.map((item, index) => convertAt(index, item, convert, reading));
  }
  const entries = Object.entries(value as Message);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map(([key, item]) => [key, convertAt(key, item, convert, reading)]));
}

function convertAt(step: string | number, item: unknown, convert: Convert, reading: Reading): JsonValue {
  reading.place.push(step);
  const converted = convert(item, reading);
  reading.place.pop();
  return converted;
}

function formsOf(type: protobufjs.Type): ReadonlyMap<string, FieldForm> {
  const fields = new Map<string, FieldForm>();
  for (const field of type.fieldsArray) {
    field.resolve();
    const form = field.map ? 'map' : field.repeated ? 'list' : 'single';
    fields.set(field.name, { form, dropsDefault: !hasPresence(field), convert: conversion(field) });
  }
  forms.set(type, fields);
  return fields;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  if (typeof value === 'string') return value === '';
  return value === 0 || value === false || String(value) === '0';
}

function conversion(field: protobufjs.Field): Convert {
  const type = field.resolvedType;
  if (isMessage(type)) return messageConversion(type);
  if (isEnum(type)) return (value) => type.valuesById[Number(value)] ?? Number(value);
  if (field.type === 'bytes') return (value) => Buffer.from(value as Uint8Array).toString('base64');
  if (field.type.endsWith('64')) return String;
  if (field.type === 'double' || field.type === 'float')
    return (value) => (Number.isFinite(value) ? (value as number) : String(value));
  return (value) => value as JsonValue;
}

function messageConversion(type: protobufjs.Type): Convert {
  const name = nameOf(type);
  if (name === 'google.protobuf.Any') return (value, reading) => anyJson(value as Message, reading);
  if (wrappedScalar(name) !== undefined || customJson.has(name))
    return (value) => protoJson().toJson(type, value as Message) as JsonValue;
  return (value, reading) => objectJson(type, value as Message, reading);
}

const customJson: ReadonlySet<string> = new Set(
  ['Duration', 'Timestamp', 'FieldMask', 'Struct', 'Value', 'ListValue'].map((name) => `google.protobuf.${name}`),
);

function anyJson(message: Message, reading: Reading): JsonObject {
  const url = typeof message['type_url'] === 'string' ? message['type_url'] : '';
  if (url === '') return {};
  const bytes = (message['value'] as Uint8Array | undefined) ?? new Uint8Array();
  const type = lookupMessage(url);
  if (!type) return { '@type': url, value: Buffer.from(bytes).toString('base64') };
  const inner = messageConversion(type)(decodeKeeping(type, bytes), { ...reading, inExtension: true });
  const name = nameOf(type);
  if (name.startsWith('google.protobuf.') && name !== 'google.protobuf.Empty') return { '@type': url, value: inner };
  return { '@type': url, ...(inner as JsonObject) };
}
