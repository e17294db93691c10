import { createRequire } from 'node:module';
import type protobufjs from 'protobufjs';
import { droppedRules, overlayFields, overlayValues } from './overlay.ts';
import { overlayMessages } from './overlay-messages.ts';
import { fileDefining, protoClosure } from './proto-files.ts';
import { typeNameOf } from './type-urls.ts';

export type Protobuf = typeof protobufjs;

const requireHere = createRequire(import.meta.url);
let protobuf: Protobuf | undefined;
let root: protobufjs.Root | undefined;
const loaded = new Set<string>();
const messages = new Map<string, protobufjs.Type | undefined>();

/** The protobuf library; loaded at first use because it costs 30 ms. */
export function protobufLibrary(): Protobuf {
  protobuf ??= requireHere('protobufjs') as Protobuf;
  return protobuf;
}

function ensureRoot(): protobufjs.Root {
  if (root) return root;
  const library = protobufLibrary();
  root = new library.Root();
  for (const name of ['any', 'duration', 'empty', 'struct', 'timestamp', 'wrappers', 'field_mask']) {
    const definition = library.common.get(`google/protobuf/${name}.proto`);
    if (definition?.nested) root.addJSON(definition.nested);
  }
  return root;
}

/**
 * Lets go of all definitions, which take several megabytes; what is asked for later is loaded again. Types that somebody still holds stay as
 * they are and differ from those loaded later.
 */
export function forgetDefinitions(): void {
  root = undefined;
  loaded.clear();
  messages.clear();
}

/**
 * The message type of a type URL or full name, loading its files at first use.
 * Undefined when the published API has no such message, or one that needs files which are not published.
 */
export function lookupMessage(nameOrUrl: string): protobufjs.Type | undefined {
  const name = typeNameOf(nameOrUrl);
  if (messages.has(name)) return messages.get(name);
  const found = findMessage(name);
  // Names come from users: only those that exist are remembered.
  if (found) messages.set(name, found);
  return found;
}

function findMessage(name: string): protobufjs.Type | undefined {
  if (!/^[a-z]\w*(?:\.\w+)*\.[A-Z]\w*(?:\.[A-Z]\w*)*$/.test(name)) return undefined;
  const object = loadDefinition(name);
  return object instanceof protobufLibrary().Type ? object : undefined;
}

/** The service with this full name; throws when the published API has none, since only our own code asks. */
export function lookupService(name: string): protobufjs.Service {
  const object = loadDefinition(name);
  if (!(object instanceof protobufLibrary().Service)) throw new Error(`no service ${name} in the published Envoy API`);
  return object;
}

function loadDefinition(name: string): protobufjs.ReflectionObject | undefined {
  const container = ensureRoot();
  const known = find(container, name);
  if (known) return known;
  if (!loadFilesOf(container, name) && !defineOverlayPackage(container, name)) return undefined;
  addOverlay(container);
  container.resolveAll();
  return find(container, name);
}

function loadFilesOf(container: protobufjs.Root, name: string): boolean {
  const split = /^(.*?)\.([A-Z]\w*)/.exec(name);
  const packageName = split?.[1] ?? '';
  if (!isServedPackage(packageName)) return false;
  const file = fileDefining(packageName, split?.[2] ?? '');
  const texts = file === undefined ? undefined : protoClosure(file, loaded);
  if (!texts) return false;
  for (const { file: part, text } of texts) {
    protobufLibrary().parse(text, container, { keepCase: true });
    loaded.add(part);
  }
  return true;
}

/** Version 2 packages and Envoy's internals are shipped too, but no data plane takes them. */
function isServedPackage(name: string): boolean {
  return /^envoy\.(?:.+\.)?v3(?:alpha)?$/.test(name) || /^(?:xds|udpa|google\.rpc|google\.protobuf)(?:\.|$)/.test(name);
}

function addOverlay(container: protobufjs.Root): void {
  // What is added may need files that something is to be added to.
  for (let size = -1; size !== loaded.size; ) {
    size = loaded.size;
    addOverlayMessages(container);
    addOverlayFields(container);
    addOverlayValues(container);
  }
  for (const [message, name] of droppedRules) {
    const type = find(container, message);
    const field = type instanceof protobufLibrary().Type ? type.fields[name] : undefined;
    if (field) Object.assign(field, { parsedOptions: null });
  }
}

/** Makes room for a message whose package is not published, or not loaded; false: there is none of that name. */
function defineOverlayPackage(container: protobufjs.Root, name: string): boolean {
  const at = name.lastIndexOf('.');
  const parent = name.slice(0, at);
  const message = new RegExp(`^\\s*message ${name.slice(at + 1)} \\{`, 'm');
  const known = overlayMessages.some((one) => one.parent === parent && message.test(one.definition));
  if (known) container.define(parent);
  return known;
}

function addOverlayMessages(container: protobufjs.Root): void {
  for (const { parent, definition, needs = [] } of overlayMessages) {
    const place = find(container, parent);
    if (!(place instanceof protobufLibrary().Namespace) || !addDefinitions(place, definition)) continue;
    for (const type of needs) {
      if (!find(container, type) && !loadFilesOf(container, type)) defineOverlayPackage(container, type);
    }
  }
}

function addOverlayFields(container: protobufjs.Root): void {
  const library = protobufLibrary();
  for (const { message, field, number, type, repeated, oneof, replaces } of overlayFields) {
    const found = find(container, message);
    if (!(found instanceof library.Type)) continue;
    const published = found.fields[field];
    if (published && (!replaces || published.type === type)) continue;
    if (published) found.remove(published);
    if (type.includes('.') && !find(container, type)) loadFilesOf(container, type);
    const added = new library.Field(field, number, type, repeated ? 'repeated' : undefined);
    const group = oneof === undefined ? undefined : found.oneofs?.[oneof];
    if (group) group.add(added);
    else found.add(added);
  }
}

function addOverlayValues(container: protobufjs.Root): void {
  for (const [name, value, number] of overlayValues) {
    const found = find(container, name);
    if (found instanceof protobufLibrary().Enum && found.values[value] === undefined) found.add(value, number);
  }
}

/** False: they are there already. */
function addDefinitions(place: protobufjs.Namespace, definition: string): boolean {
  const library = protobufLibrary();
  const { root: parsed } = library.parse(`syntax = "proto3"; ${definition}`, new library.Root(), { keepCase: true });
  const added = [...parsed.nestedArray].filter(({ name }) => !place.get(name));
  for (const object of added) place.add(object);
  return added.length > 0;
}

/** The definition with exactly this name. The library's own `lookup` searches every namespace for a partial match. */
function find(container: protobufjs.Root, name: string): protobufjs.ReflectionObject | undefined {
  let object: protobufjs.ReflectionObject = container;
  for (const part of name.split('.')) {
    if (!(object instanceof protobufLibrary().Namespace)) return undefined;
    const next = object.get(part);
    if (!next) return undefined;
    object = next;
  }
  return object;
}
