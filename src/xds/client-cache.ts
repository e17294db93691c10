import {
  decodeBinary,
  type GrpcMessage,
  type JsonObject,
  resourceNameField,
  typeNameOf,
} from '../model/envoy/index.ts';
import { textIn, textsIn } from './message.ts';
import { isWildcardType } from './resource-types.ts';

/** What a response changes, decoded: protobuf JSON with original field names. */
export interface ResourceUpdate {
  /** `version_info` of a full state, `system_version_info` of a delta. */
  readonly version: string;
  /** All that the response holds, also what is as it was. */
  readonly names: readonly string[];
  /** New or different from what was accepted last. */
  readonly changed: ReadonlyMap<string, JsonObject>;
  /** Accepted before and no longer there: left out of a full state, or removed by the control plane. */
  readonly removed: readonly string[];
  /** Asked for by name and unknown to the control plane so far. */
  readonly missing: readonly string[];
}

export type ProtocolForm = 'sotw' | 'delta';

/** The resources of one type as last accepted. */
export interface ClientCache {
  /** Reads a response; `broken` are resources that are no messages of the type, with the reason. */
  read(
    response: GrpcMessage,
    names: ReadonlySet<string>,
  ): { readonly update: ResourceUpdate; readonly broken: ReadonlyMap<string, string> };
  /** Takes over what the last `read` brought, except for names with an error: of those the last good stays. */
  accept(errors: ReadonlyMap<string, string>): void;
  /** Takes over nothing of what the last `read` brought. */
  discard(): void;
  forget(names: readonly string[]): void;
  /** Version by name, for a delta stream that starts again. */
  versions(): Readonly<Record<string, string>>;
}

interface Held {
  readonly version: string;
  readonly bytes: Buffer;
}

interface Received extends Held {
  readonly name: string;
  readonly json: JsonObject;
}

export function createClientCache(url: string, form: ProtocolForm): ClientCache {
  const accepted = new Map<string, Held>();
  let pending: readonly Received[] = [];
  let removed: readonly string[] = [];

  return {
    read(response, names) {
      const { received, broken } = unpack(url, form, response);
      pending = received.filter(({ name, bytes }) => accepted.get(name)?.bytes.equals(bytes) !== true);
      const present = new Set([...received.map(({ name }) => name), ...broken.keys()]);
      removed = goneNames(response, present, broken.size > 0).filter((name) => accepted.has(name));
      const missing = [...names].filter((name) => name !== '*' && !accepted.has(name) && !present.has(name));
      const version = textIn(response, form === 'delta' ? 'system_version_info' : 'version_info');
      return {
        update: {
          version,
          names: received.map(({ name }) => name),
          changed: new Map(pending.map(({ name, json }) => [name, json])),
          removed,
          missing,
        },
        broken,
      };
    },

    accept(errors) {
      for (const { name, version, bytes } of pending) if (!errors.has(name)) accepted.set(name, { version, bytes });
      for (const name of removed) accepted.delete(name);
      pending = [];
      removed = [];
    },

    discard() {
      pending = [];
      removed = [];
    },

    forget(names) {
      for (const name of names) accepted.delete(name);
    },

    versions: () => Object.fromEntries([...accepted].map(([name, { version }]) => [name, version])),
  };

  function goneNames(response: GrpcMessage, present: ReadonlySet<string>, hasBroken: boolean): readonly string[] {
    if (form === 'delta') return textsIn(response, 'removed_resources');
    // A resource that cannot be read may be any of those that seem to be gone.
    return isWildcardType(url) && !hasBroken ? [...accepted.keys()].filter((name) => !present.has(name)) : [];
  }
}

function unpack(
  url: string,
  form: ProtocolForm,
  response: GrpcMessage,
): { received: Received[]; broken: Map<string, string> } {
  const received = new Map<string, Received>();
  const broken = new Map<string, string>();
  const items = Array.isArray(response['resources']) ? (response['resources'] as readonly GrpcMessage[]) : [];
  for (const [position, item] of items.entries()) {
    const label = form === 'delta' ? textIn(item, 'name') : `resource ${position}`;
    try {
      const resource = unpackOne(url, form, item);
      if (received.has(resource.name)) broken.set(resource.name, 'occurs twice in one response');
      received.set(resource.name, resource);
    } catch (error) {
      broken.set(label, error instanceof Error ? error.message : String(error));
    }
  }
  for (const name of broken.keys()) received.delete(name);
  return { received: [...received.values()], broken };
}

function unpackOne(url: string, form: ProtocolForm, item: GrpcMessage): Received {
  const any = (form === 'delta' ? item['resource'] : item) as GrpcMessage | null | undefined;
  const type = textIn(any, 'type_url');
  if (typeNameOf(type) !== typeNameOf(url)) throw new Error(`type ${type || 'missing'} instead of ${url}`);
  const bytes = Buffer.from((any?.['value'] as Uint8Array | undefined) ?? new Uint8Array());
  const json = decodeBinary(url, bytes);
  const ownName = json[resourceNameField(url)];
  const name = form === 'delta' ? textIn(item, 'name') : typeof ownName === 'string' ? ownName : '';
  return { name, version: form === 'delta' ? textIn(item, 'version') : '', bytes, json };
}
