import { fail, formatIssue, ok, type Result } from '../base/index.ts';
import {
  decodeResource,
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
  /** What was asked for by name and is unknown to the control plane so far. */
  missing(): readonly string[];
  /** Resources with an extension that is no valid message of its type; not among `changed`. */
  readonly broken: ReadonlyMap<string, BrokenResource>;
  /** Names that occur more than once; the first resource counts, and the response is not accepted. */
  readonly repeated: readonly string[];
}

export interface BrokenResource {
  readonly json: JsonObject;
  readonly reason: string;
}

export type ProtocolForm = 'sotw' | 'delta';

/** The resources of one type as last accepted. */
export interface ClientCache {
  /** Reads a response; one with a resource that is no valid message of the type is refused as a whole, as by Envoy. */
  read(response: GrpcMessage, names: ReadonlySet<string>): Result<ResourceUpdate, string>;
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
  /** Undefined: the very bytes that were accepted last. */
  readonly json: JsonObject | undefined;
  /** What is wrong inside of its extensions; empty when nothing is. */
  readonly reason: string;
}

export function createClientCache(url: string, form: ProtocolForm): ClientCache {
  const accepted = new Map<string, Held>();
  let pending: readonly Received[] = [];
  let removed: readonly string[] = [];

  return {
    read(response, names) {
      const unpacked = unpack(url, form, response, accepted);
      if (!unpacked.ok) return unpacked;
      const { received, broken, repeated } = unpacked.value;
      const isNew = ({ name, version, json }: Received): boolean =>
        json !== undefined || version !== accepted.get(name)?.version;
      pending = received.filter((one) => isNew(one) && one.reason === '');
      const present = new Set(received.map(({ name }) => name));
      removed = goneNames(response, present).filter((name) => accepted.has(name));
      return ok({
        version: textIn(response, form === 'delta' ? 'system_version_info' : 'version_info'),
        names: [...present],
        changed: new Map(pending.flatMap(({ name, json }) => (json ? [[name, json] as const] : []))),
        removed,
        missing: () => [...names].filter((name) => name !== '*' && !accepted.has(name) && !present.has(name)),
        broken,
        repeated,
      });
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

  function goneNames(response: GrpcMessage, present: ReadonlySet<string>): readonly string[] {
    if (form === 'delta') return textsIn(response, 'removed_resources');
    return isWildcardType(url) ? [...accepted.keys()].filter((name) => !present.has(name)) : [];
  }
}

interface Unpacked {
  readonly received: readonly Received[];
  readonly broken: ReadonlyMap<string, BrokenResource>;
  readonly repeated: readonly string[];
}

type Accepted = ReadonlyMap<string, Held>;

function unpack(url: string, form: ProtocolForm, response: GrpcMessage, accepted: Accepted): Result<Unpacked, string> {
  const received = new Map<string, Received>();
  const broken = new Map<string, BrokenResource>();
  const repeated: string[] = [];
  const items = Array.isArray(response['resources']) ? (response['resources'] as readonly GrpcMessage[]) : [];
  for (const [position, item] of items.entries()) {
    const one = unpackOne(url, form, item, accepted);
    if (!one.ok) return fail(`resource ${position}: ${one.error}`);
    const { name, reason, json = {} } = one.value;
    if (reason !== '') broken.set(name, { json, reason });
    if (received.has(name)) repeated.push(name);
    else received.set(name, one.value);
  }
  return ok({ received: [...received.values()], broken, repeated });
}

function unpackOne(url: string, form: ProtocolForm, item: GrpcMessage, accepted: Accepted): Result<Received, string> {
  const any = (form === 'delta' ? item['resource'] : item) as GrpcMessage | null | undefined;
  const type = textIn(any, 'type_url');
  if (typeNameOf(type) !== typeNameOf(url)) return fail(`type ${type || 'missing'} instead of ${url}`);
  const bytes = (any?.['value'] as Uint8Array | undefined) ?? new Uint8Array();
  const label = textIn(item, 'name');
  const version = form === 'delta' ? textIn(item, 'version') : '';
  const known = form === 'delta' ? label : peekName(bytes);
  const before = accepted.get(known);
  if (before?.bytes.equals(bytes))
    return ok({ name: known, version, bytes: before.bytes, json: undefined, reason: '' });
  try {
    const { json, faults } = decodeResource(url, bytes);
    const ownName = json[resourceNameField(url)];
    const name = form === 'delta' ? label : typeof ownName === 'string' ? ownName : '';
    const own = faults.filter(({ inExtension }) => !inExtension);
    if (own.length > 0) return fail(`${name}: ${own.map(formatIssue).join('; ')}`);
    return ok({ name, version, bytes: Buffer.from(bytes), json, reason: faults.map(formatIssue).join('; ') });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** The name of a resource that is written as all of them are, its name first; what it gives is compared with what is known. */
function peekName(bytes: Uint8Array): string {
  const length = bytes[1] ?? 0;
  if (bytes[0] !== NAME_TAG || length > 127) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset + 2, Math.min(length, bytes.length - 2)).toString('utf8');
}

/** Field 1, a text. */
const NAME_TAG = 0x0a;
