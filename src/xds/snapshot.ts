import { createHash } from 'node:crypto';
import { fail, formatIssue, ok, type Result } from '../base/index.ts';
import { decodeEnvoyJson, encodeResource, type JsonObject } from '../model/envoy/index.ts';
import type { ResourceMap, XdsResources } from '../plan/index.ts';
import { type ResourceType, resourceTypes } from './resource-types.ts';

export interface SnapshotResource {
  readonly name: string;
  /** Hash of the content: equal over restarts of the agent. */
  readonly version: string;
  readonly any: { readonly type_url: string; readonly value: Buffer };
}

export interface TypeSnapshot {
  readonly version: string;
  readonly resources: ReadonlyMap<string, SnapshotResource>;
}

/** Resources by type URL, encoded. */
export type Snapshot = ReadonlyMap<string, TypeSnapshot>;

export interface Rejection {
  readonly typeUrl: string;
  readonly message: string;
}

/** Encodes resources; what `previous` holds with the same content is taken over. Fails with the faults of each resource that is no valid message. */
export function createSnapshot(
  resources: XdsResources,
  previous: EncodedResources,
): Result<EncodedResources, readonly Rejection[]> {
  const rejections: Rejection[] = [];
  const types = new Map<string, ReadonlyMap<string, EncodedResource>>();
  for (const type of resourceTypes) {
    const encoded = new Map<string, EncodedResource>();
    for (const [name, json] of resources[type.kind]) {
      const result = encodeOne(type, name, json, previous.get(type.url)?.get(name));
      if (result.ok) encoded.set(name, result.value);
      else rejections.push(result.error);
    }
    types.set(type.url, encoded);
  }
  return rejections.length > 0 ? fail(rejections) : ok(types);
}

interface EncodedResource extends SnapshotResource {
  readonly text: string;
}

export type EncodedResources = ReadonlyMap<string, ReadonlyMap<string, EncodedResource>>;

function encodeOne(
  { url }: ResourceType,
  name: string,
  json: JsonObject,
  previous: EncodedResource | undefined,
): Result<EncodedResource, Rejection> {
  const text = JSON.stringify(json);
  if (previous?.text === text) return ok(previous);
  try {
    const value = Buffer.from(encodeResource(url, json));
    return ok({ name, text, version: hash(value), any: { type_url: url, value } });
  } catch (error) {
    const decoded = decodeEnvoyJson(json, { type: url, path: name });
    const message = decoded.ok ? `${name}: ${String(error)}` : decoded.error.map(formatIssue).join('; ');
    return fail({ typeUrl: url, message });
  }
}

function hash(value: Uint8Array | string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 16);
}

/** The snapshot of these resources, each type under a version made of its content. */
export function sealSnapshot(encoded: EncodedResources): Snapshot {
  return new Map(
    [...encoded].map(([url, resources]): [string, TypeSnapshot] => {
      const content = [...resources.values()].map(({ name, version }) => `${name}\n${version}\n`).sort();
      return [url, { version: hash(content.join('')), resources }];
    }),
  );
}

/** `next` with what only `previous` holds of the types that listeners and routes refer to. */
export function withStale(previous: EncodedResources, next: EncodedResources): EncodedResources {
  const referring = new Set(
    resourceTypes.filter(({ kind }) => kind === 'listeners' || kind === 'routes').map(({ url }) => url),
  );
  return new Map(
    [...next].map(([url, resources]) => [
      url,
      referring.has(url) ? resources : new Map([...(previous.get(url) ?? []), ...resources]),
    ]),
  );
}

export const emptyResources: XdsResources = {
  listeners: new Map(),
  routes: new Map(),
  clusters: new Map(),
  endpoints: new Map(),
  secrets: new Map(),
  extensionConfigs: new Map(),
} satisfies Record<string, ResourceMap>;
