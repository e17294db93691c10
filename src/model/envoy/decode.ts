import { fail, type Issue, ok, type Result } from '../../base/index.ts';
import { canonicalJson } from './binary.ts';
import { Checker } from './check.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { lookupMessage } from './registry.ts';
import { describeValue } from './scalars.ts';
import { resourceNameField, typeNameOf } from './type-urls.ts';
import { checkAny } from './well-known.ts';

/** One Envoy v3 message that is known to be valid. */
export interface DecodedResource {
  readonly typeUrl: string;
  readonly typeName: string;
  /** `name`, or `cluster_name` of a load assignment; empty when the message has none. */
  readonly name: string;
  /** Canonical protobuf JSON with original field names, without `@type` on top. */
  readonly value: JsonObject;
}

export interface DecodeOptions {
  /** Where the message stands in the user's object, for the issues' paths. */
  readonly path: string;
  /** Type URL or full message name; absent: what `@type` says. */
  readonly type?: string;
}

/**
 * Decodes the protobuf JSON of an Envoy v3 message strictly: unknown fields and types, wrong values, two members of a oneof
 * and broken validation rules (protoc-gen-validate) are all reported, each with its full path. Field names may be snake_case
 * or lowerCamelCase. Nested `typed_config`s are decoded by their `@type` in the same way.
 */
export function decodeEnvoyJson(json: unknown, options: DecodeOptions): Result<DecodedResource, readonly Issue[]> {
  const checker = new Checker();
  const url = options.type ?? (isJsonObject(json) ? json['@type'] : undefined);
  if (options.type === undefined) checkAny(checker, json, options.path, 0);
  else checkTyped(checker, json, options.type, options.path);
  if (checker.issues.length > 0 || typeof url !== 'string' || !isJsonObject(json)) return fail(checker.issues);
  return canonical(json, typeNameOf(url), options.path);
}

function checkTyped(checker: Checker, json: unknown, typeName: string, path: string): void {
  const type = lookupMessage(typeName);
  if (!type) {
    checker.add(path, `unknown type ${describeValue(typeName, 200)}`, 'a message of the Envoy v3 API');
    return;
  }
  const { '@type': url, ...body } = isJsonObject(json) ? json : {};
  if (url !== undefined && (typeof url !== 'string' || typeNameOf(url) !== typeNameOf(typeName))) {
    checker.add(`${path}.@type`, `found ${describeValue(url, 200)}`, `type.googleapis.com/${typeNameOf(typeName)}`);
  }
  checker.message(type, isJsonObject(json) ? body : json, path, 0);
}

function canonical(json: JsonObject, typeName: string, path: string): Result<DecodedResource, readonly Issue[]> {
  try {
    const value = canonicalJson(typeName, json);
    const name = value[resourceNameField(typeName)];
    const typeUrl = `type.googleapis.com/${typeName}`;
    return ok({ typeUrl, typeName, name: typeof name === 'string' ? name : '', value });
  } catch (error) {
    // The library has the last word on forms that the checker lets through.
    return fail([{ path, message: error instanceof Error ? error.message : String(error) }]);
  }
}
