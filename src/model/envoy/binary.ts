import type protobufjs from 'protobufjs';
import type { JsonObject, JsonValue } from './json.ts';
import { decodeKeeping, messageJson, protoJson, type UnknownField } from './message-json.ts';
import { lookupMessage } from './registry.ts';
import { type BrokenRule, brokenResourceRules } from './resource-rules.ts';

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
  return messageJson(type, type.decode(bytes) as unknown as Readonly<Record<string, unknown>>);
}

/** A field of a gRPC message made from protobuf JSON; throws like `encodeResource`. */
export function messageOf(nameOrUrl: string, json: JsonObject): Readonly<Record<string, unknown>> {
  const bytes = encodeResource(nameOrUrl, json);
  return requiredMessage(nameOrUrl).decode(bytes) as unknown as Readonly<Record<string, unknown>>;
}

/** The canonical form of JSON that was checked: as `decodeBinary` would give it. */
export function canonicalJson(nameOrUrl: string, json: JsonObject): JsonObject {
  return decodeBinary(nameOrUrl, encodeResource(nameOrUrl, json));
}

/** What is wrong with a resource from the wire. */
export type ResourceFault = BrokenRule;

/**
 * A resource from the wire as `decodeBinary` gives it, with what is wrong with it: fields that the published API does not
 * know, and broken validation rules, each with its path inside of the resource. Throws like `decodeBinary`.
 */
export function decodeResource(
  nameOrUrl: string,
  bytes: Uint8Array,
): { readonly json: JsonObject; readonly faults: readonly ResourceFault[] } {
  const type = requiredMessage(nameOrUrl);
  const unknown: UnknownField[] = [];
  const json = messageJson(type, decodeKeeping(type, bytes), unknown);
  const strange = unknown.map(({ type: of, number, path, inExtension }): ResourceFault => {
    return { path, message: `field ${number} of ${of} is not known to ciliate-proxy`, inExtension };
  });
  return { json, faults: [...strange, ...brokenResourceRules(type, json)] };
}
