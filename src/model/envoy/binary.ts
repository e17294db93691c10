import { createRequire } from 'node:module';
import type protobufjs from 'protobufjs';
import type * as protojson from 'protobufjs/ext/protojson.js';
import { hasPresence, isEnum, isMessage, nameOf, wrappedScalar } from './fields.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { lookupMessage } from './registry.ts';

const requireHere = createRequire(import.meta.url);
let library: typeof protojson | undefined;

function protoJson(): typeof protojson {
  library ??= requireHere('protobufjs/ext/protojson.js') as typeof protojson;
  return library;
}

function requiredMessage(nameOrUrl: string): protobufjs.Type {
  const type = lookupMessage(nameOrUrl);
  if (!type) throw new Error(`no message ${nameOrUrl} in the published Envoy API`);
  return type;
}

/** Loads the messages that `Any` fields inside `json` name: the library looks them up but cannot load them. */
function loadNamedTypes(json: JsonValue): void {
  if (typeof json !== 'object' || json === null) return;
  if (!Array.isArray(json)) {
    const url = (json as JsonObject)['@type'];
    if (typeof url === 'string') lookupMessage(url);
  }
  for (const inner of Object.values(json)) loadNamedTypes(inner);
}

/**
 * The wire form of a resource that was decoded before or that our own code made.
 * `json` may hold the message's own `@type`. Throws when it is not of this type: that is a bug of the caller.
 */
export function encodeResource(nameOrUrl: string, json: JsonObject): Uint8Array {
  const type = requiredMessage(nameOrUrl);
  const { '@type': _, ...body } = json;
  loadNamedTypes(body);
  return type.encode(protoJson().fromJson(type, body)).finish();
}

/**
 * A message from the wire as protobuf JSON with original field names: defaults left out, `Any` expanded with its `@type`,
 * 64-bit integers as text, durations as `1.5s`. An `Any` of a type that is not published stays `{@type, value: base64}`.
 * Throws when the bytes are not a message of this type.
 */
export function decodeBinary(nameOrUrl: string, bytes: Uint8Array): JsonObject {
  const type = requiredMessage(nameOrUrl);
  return messageJson(type, type.decode(bytes) as unknown as Message, 0);
}

/** A field of a gRPC message made from protobuf JSON; throws like `encodeResource`. */
export function messageOf(nameOrUrl: string, json: JsonObject): Readonly<Record<string, unknown>> {
  return requiredMessage(nameOrUrl).decode(encodeResource(nameOrUrl, json)) as unknown as Message;
}

/** The canonical form of JSON that was checked: as `decodeBinary` would give it. */
export function canonicalJson(nameOrUrl: string, json: JsonObject): JsonObject {
  return decodeBinary(nameOrUrl, encodeResource(nameOrUrl, json));
}

type Message = Readonly<Record<string, unknown>>;

/** A decoded message as JSON; also for messages that the gRPC library has decoded. */
export function messageJson(type: protobufjs.Type, message: Message, depth = 0): JsonObject {
  if (depth > 100) throw new Error(`${nameOf(type)} is nested deeper than 100 levels`);
  const json: Record<string, JsonValue> = {};
  // A decoded message has what was set as properties of its own, in the order of the wire.
  for (const key of Object.keys(message)) {
    const field = type.fields[key];
    const value = message[key];
    if (field === undefined || value === undefined || value === null) continue;
    const converted = fieldJson(field.resolve(), value, depth);
    if (converted !== undefined) json[field.name] = converted;
  }
  return json;
}

function fieldJson(field: protobufjs.Field, value: unknown, depth: number): JsonValue | undefined {
  if (field.repeated) {
    const items = value as readonly unknown[];
    return items.length === 0 ? undefined : items.map((item) => singleJson(field, item, depth));
  }
  if (field.map) {
    const entries = Object.entries(value as Message);
    return entries.length === 0
      ? undefined
      : Object.fromEntries(entries.map(([key, item]) => [key, singleJson(field, item, depth)]));
  }
  if (!hasPresence(field) && isDefault(value)) return undefined;
  return singleJson(field, value, depth);
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === '' || value === 0 || value === false || String(value) === '0';
}

function singleJson(field: protobufjs.Field, value: unknown, depth: number): JsonValue {
  const type = field.resolvedType;
  if (isMessage(type)) return valueJson(type, value as Message, depth + 1);
  if (isEnum(type)) return type.valuesById[Number(value)] ?? Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (field.type.endsWith('64')) return String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : (value as JsonValue);
}

function valueJson(type: protobufjs.Type, message: Message, depth: number): JsonValue {
  const name = nameOf(type);
  if (name === 'google.protobuf.Any') return anyJson(message, depth);
  const custom = wrappedScalar(name) !== undefined || customJson.has(name);
  return custom ? (protoJson().toJson(type, message) as JsonValue) : messageJson(type, message, depth);
}

const customJson: ReadonlySet<string> = new Set(
  ['Duration', 'Timestamp', 'FieldMask', 'Struct', 'Value', 'ListValue'].map((name) => `google.protobuf.${name}`),
);

function anyJson(message: Message, depth: number): JsonObject {
  const url = typeof message['type_url'] === 'string' ? message['type_url'] : '';
  if (url === '') return {};
  const bytes = (message['value'] as Uint8Array | undefined) ?? new Uint8Array();
  const type = lookupMessage(url);
  if (!type) return { '@type': url, value: Buffer.from(bytes).toString('base64') };
  const inner = valueJson(type, type.decode(bytes) as unknown as Message, depth + 1);
  const name = nameOf(type);
  if (name.startsWith('google.protobuf.') && name !== 'google.protobuf.Empty') return { '@type': url, value: inner };
  return { '@type': url, ...(inner as JsonObject) };
}
