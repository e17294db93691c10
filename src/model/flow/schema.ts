import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Enum, Root, Type } from 'protobufjs';

const directory = fileURLToPath(new URL('./proto/', import.meta.url));

/** Files by the package that a caller asks for; each brings what it imports. */
const files = {
  flow: 'flow/flow.proto',
  observer: 'observer/observer.proto',
  peer: 'peer/peer.proto',
  health: 'grpc/health/v1/health.proto',
  reflection: 'grpc/reflection/v1/reflection.proto',
  reflectionAlpha: 'grpc/reflection/v1alpha/reflection.proto',
} as const;

export type SchemaFile = keyof typeof files;

/** The text of a file of `proto/` by the name that it is imported by. Throws when there is none. */
export function schemaText(name: string): string {
  return readFileSync(path.join(directory, name), 'utf8');
}

let library: typeof import('protobufjs') | undefined;

/** protobufjs, loaded by the first who asks: what is required anew costs more than reading a message. */
export function protobufLibrary(): typeof import('protobufjs') {
  library ??= createRequire(import.meta.url)('protobufjs') as typeof import('protobufjs');
  return library;
}

let root: Root | undefined;
const loaded = new Set<SchemaFile>();

/** The messages and services of Hubble's API. Read and parsed on first use, some 40 ms, each file once. */
export function flowSchema(...wanted: readonly SchemaFile[]): Root {
  const missing = wanted.filter((file) => !loaded.has(file));
  if (root && missing.length === 0) return root;
  const { Root: RootConstructor } = protobufLibrary();
  root ??= new RootConstructor();
  root.resolvePath = (_origin, target) =>
    path.isAbsolute(target) || target.startsWith('google/') ? target : path.join(directory, target);
  root.loadSync(
    missing.map((file) => path.join(directory, files[file])),
    { keepCase: true },
  );
  root.resolveAll();
  for (const file of missing) loaded.add(file);
  return root;
}

const types = new Map<string, Type>();
const enums = new Map<string, Enum>();

/** A message type by its full name, for instance `observer.GetFlowsResponse`. */
export function messageType(name: string): Type {
  const known = types.get(name);
  if (known) return known;
  const found = flowSchema(schemaFileOf(name)).lookupType(name);
  types.set(name, found);
  return found;
}

/** A service by its full name, for instance `observer.Observer`. */
export function serviceOf(name: string): import('protobufjs').Service {
  return flowSchema(schemaFileOf(name)).lookupService(name);
}

/** The name of an enum's number, or undefined; `flow.Verdict` and 2 give `DROPPED`. */
export function enumName(enumType: string, number: number): string | undefined {
  return enumOf(enumType).valuesById[number];
}

/** The number of an enum's name, or undefined. */
export function enumNumber(enumType: string, name: string): number | undefined {
  const { values } = enumOf(enumType);
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Every name of an enum in declaration order. */
export function enumNames(enumType: string): readonly string[] {
  return Object.keys(enumOf(enumType).values);
}

/** Found once: it is asked for with every flow. */
function enumOf(name: string): Enum {
  const known = enums.get(name);
  if (known) return known;
  const found = flowSchema(schemaFileOf(name)).lookupEnum(name);
  enums.set(name, found);
  return found;
}

function schemaFileOf(name: string): SchemaFile {
  if (name.startsWith('flow.')) return 'flow';
  if (name.startsWith('peer.')) return 'peer';
  if (name.startsWith('grpc.reflection.v1.')) return 'reflection';
  if (name.startsWith('grpc.reflection.v1alpha.')) return 'reflectionAlpha';
  return name.startsWith('grpc.health.') ? 'health' : 'observer';
}

/** The message as protobuf bytes. */
export function encodeMessage(typeName: string, message: object): Uint8Array {
  return messageType(typeName).encode(message).finish();
}

/** Decodes protobuf bytes; throws a RangeError or Error on bytes that are not such a message. */
export function decodeMessage<T extends object>(typeName: string, bytes: Uint8Array): T {
  return messageType(typeName).decode(bytes) as unknown as T;
}
