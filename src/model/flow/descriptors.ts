import { createRequire } from 'node:module';
import type { Enum, Field, Namespace, Root, Service, Type } from 'protobufjs';
import { flowSchema, protobufLibrary, schemaText } from './schema.ts';

/** Which file declares what, and each file as a FileDescriptorProto. */
export interface FileDescriptors {
  /** The name of the file that declares a message, enum, service, or one of their members, by its full name. */
  readonly fileOf: (symbol: string) => string | undefined;
  /** The bytes of a file's descriptor and the names of the files that it imports. */
  readonly file: (name: string) => FileDescriptor | undefined;
}

export interface FileDescriptor {
  readonly bytes: Uint8Array;
  readonly imports: readonly string[];
}

/** Files that services stand in; what they import follows. */
const served = [
  'observer/observer.proto',
  'peer/peer.proto',
  'grpc/health/v1/health.proto',
  'grpc/reflection/v1/reflection.proto',
  'grpc/reflection/v1alpha/reflection.proto',
];

interface ParsedFile {
  readonly package: string;
  readonly imports: readonly string[];
  readonly publicImports: readonly string[];
  /** Full names of what stands at the top of the file. */
  readonly names: readonly string[];
}

let made: FileDescriptors | undefined;

/**
 * The descriptors of Hubble's API, made on first use. The library's own `toDescriptor` makes a file of a package rather than of a file, with names
 * that are relative and no imports, which other languages' clients refuse.
 */
export function fileDescriptors(): FileDescriptors {
  made ??= describe();
  return made;
}

function describe(): FileDescriptors {
  const root = flowSchema('flow', 'observer', 'peer', 'health', 'reflection', 'reflectionAlpha');
  const files = parseAll();
  const owners = new Map<string, string>();
  for (const [name, { names }] of files) {
    for (const full of names) for (const symbol of symbolsOf(root, full)) owners.set(symbol, name);
  }
  const encoded = new Map<string, FileDescriptor>();
  return {
    fileOf: (symbol) => owners.get(symbol),
    file(name) {
      const known = encoded.get(name);
      const parsed = files.get(name);
      if (known || !parsed) return known;
      const descriptor = { bytes: encodeFile(root, name, parsed), imports: parsed.imports };
      encoded.set(name, descriptor);
      return descriptor;
    },
  };
}

function parseAll(): ReadonlyMap<string, ParsedFile> {
  const files = new Map<string, ParsedFile>();
  const waiting = [...served];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (files.has(name)) continue;
    const file = name.startsWith('google/') ? builtInFile(name) : parseFile(name);
    files.set(name, file);
    waiting.push(...file.imports);
  }
  return files;
}

function parseFile(name: string): ParsedFile {
  const { parse, Root: RootConstructor } = protobufLibrary();
  const text = schemaText(name);
  const { package: of = '', imports = [], root } = parse(text, new RootConstructor(), { keepCase: true });
  return {
    package: of,
    imports,
    publicImports: [...text.matchAll(/^import public "([^"]+)";/gm)].map(([, file = '']) => file),
    names: namesIn(root, of),
  };
}

/** Google's own files, which the library brings along. */
function builtInFile(name: string): ParsedFile {
  const of = 'google.protobuf';
  const { common, Root: RootConstructor } = protobufLibrary();
  const json = common.get(name);
  if (!json) throw new Error(`${name} is not known`);
  return { package: of, imports: [], publicImports: [], names: namesIn(RootConstructor.fromJSON(json), of) };
}

function namesIn(root: Root, of: string): readonly string[] {
  const namespace = root.lookup(of) as Namespace | null;
  return (namespace?.nestedArray ?? []).map(({ name }) => `${of}.${name}`);
}

/** A symbol and its members under their full names; values of an enum stand beside it, as in protobuf's own scopes. */
function symbolsOf(root: Root, name: string): readonly string[] {
  const found = find(root, name);
  const scope = name.slice(0, name.lastIndexOf('.'));
  const own = (names: readonly { readonly name: string }[]): string[] => names.map((one) => `${name}.${one.name}`);
  if (isEnum(found)) return [name, ...Object.keys(found.values).map((value) => `${scope}.${value}`)];
  if (isService(found)) return [name, ...own(found.methodsArray)];
  const nested = found.nestedArray.flatMap((one) => symbolsOf(root, `${name}.${one.name}`));
  return [name, ...own(found.fieldsArray), ...own(found.oneofsArray), ...nested];
}

type Symbol = Type | Enum | Service;

function find(root: Root, name: string): Symbol {
  return root.lookup(`.${name}`) as Symbol;
}

const isEnum = (symbol: object): symbol is Enum => symbol instanceof protobufLibrary().Enum;
const isService = (symbol: object): symbol is Service => symbol instanceof protobufLibrary().Service;

function encodeFile(root: Root, name: string, { package: of, imports, publicImports, names }: ParsedFile): Uint8Array {
  const { FileDescriptorProto } = createRequire(import.meta.url)('protobufjs/ext/descriptor') as {
    readonly FileDescriptorProto: Type;
  };
  const symbols = names.map((full) => find(root, full));
  const file = {
    name,
    package: of,
    dependency: imports,
    publicDependency: publicImports.map((one) => imports.indexOf(one)),
    ...membersOf(symbols),
    service: symbols.filter(isService).map(serviceDescriptor),
    syntax: 'proto3',
  };
  return FileDescriptorProto.encode(file).finish();
}

function membersOf(symbols: readonly object[]): { readonly messageType: object[]; readonly enumType: object[] } {
  const messages = symbols.filter((symbol): symbol is Type => symbol instanceof protobufLibrary().Type);
  return { messageType: messages.map(messageDescriptor), enumType: symbols.filter(isEnum).map(enumDescriptor) };
}

function messageDescriptor(type: Type): object {
  const { messageType, enumType } = membersOf(type.nestedArray);
  const reserved = (type.reserved ?? []).filter((one) => Array.isArray(one));
  return {
    name: type.name,
    field: type.fieldsArray.map(fieldDescriptor),
    oneofDecl: type.oneofsArray.map(({ name }) => ({ name })),
    nestedType: messageType,
    enumType,
    // The end of a range is the first number that is free again.
    reservedRange: reserved.map(([start = 0, end = 0]) => ({ start, end: end + 1 })),
  };
}

/** The numbers of FieldDescriptorProto.Type. */
const typeNumbers: Readonly<Record<string, number>> = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
  sfixed32: 15,
  sfixed64: 16,
  sint32: 17,
  sint64: 18,
};
const messageNumber = 11;
const enumNumber = 14;
const label = { optional: 1, repeated: 3 };

function fieldDescriptor(field: Field): object {
  const { name, id, type, resolvedType, repeated, partOf, parent, options } = field;
  const number = resolvedType ? (isEnum(resolvedType) ? enumNumber : messageNumber) : typeNumbers[type];
  if (number === undefined) throw new Error(`${field.fullName}: type ${type} is not known`);
  const oneofs = (parent as Type).oneofsArray;
  return {
    name,
    number: id,
    label: repeated ? label.repeated : label.optional,
    type: number,
    ...(resolvedType && { typeName: resolvedType.fullName }),
    ...(partOf && { oneofIndex: oneofs.indexOf(partOf) }),
    ...(options?.['deprecated'] === true && { options: { deprecated: true } }),
  };
}

function enumDescriptor({ name, values, valuesOptions }: Enum): object {
  return {
    name,
    value: Object.entries(values).map(([value, number]) => ({
      name: value,
      number,
      ...(valuesOptions?.[value]?.['deprecated'] === true && { options: { deprecated: true } }),
    })),
  };
}

function serviceDescriptor({ name, methodsArray }: Service): object {
  return {
    name,
    method: methodsArray.map((method) => ({
      name: method.name,
      inputType: method.resolvedRequestType?.fullName,
      outputType: method.resolvedResponseType?.fullName,
      ...(method.requestStream === true && { clientStreaming: true }),
      ...(method.responseStream === true && { serverStreaming: true }),
    })),
  };
}
