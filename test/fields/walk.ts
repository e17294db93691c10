import type protobufjs from 'protobufjs';
import type { Issue } from '../../src/base/index.ts';
import { isMessage, nameOf } from '../../src/model/envoy/fields.ts';
import { isJsonObject, type JsonObject, type JsonValue, lookupMessage } from '../../src/model/envoy/index.ts';
import { AFTER, OPAQUE } from './bases.ts';
import { observed } from './observe.ts';
import { baseOf, keyOf, STRANGE, samplesOf } from './sample.ts';
import type { Read } from './subject.ts';

/** What becomes of a field when it is set. `silent`: it is accepted and nobody has looked at it. */
export type Fate = 'read' | 'refused' | 'silent';

/** Fates of all fields of the messages that are accepted, by the name of the message and the field. Where contexts differ, the worst one. */
export type Fates = Map<string, Map<string, Fate>>;

export interface Walk {
  readonly fates: Fates;
  /** Where each silent field was met first. */
  readonly places: Map<string, string>;
}

/** Puts JSON in the place of a message inside of a resource. */
type Embed = (json: JsonObject) => JsonObject;

interface Place {
  readonly type: protobufjs.Type;
  readonly base: JsonObject;
  readonly path: string;
  readonly embed: Embed;
  readonly read: Read;
}

/** Sets every field of every message that a resource of this type may hold, each on its own, and looks what becomes of it. */
export function walkResource(name: string, read: Read, base: JsonObject, walk: Walk): void {
  const type = requiredType(name);
  walkMessage({ type, base, path: '', embed: (json) => json, read }, walk, new Set());
}

export function requiredType(name: string): protobufjs.Type {
  const type = lookupMessage(name);
  if (!type) throw new Error(`no message ${name}`);
  return type;
}

function walkMessage(place: Place, walk: Walk, visited: Set<string>): void {
  const { type, base, path, embed, read } = place;
  const fates = walk.fates.get(nameOf(type)) ?? new Map<string, Fate>();
  walk.fates.set(nameOf(type), fates);
  for (const field of type.fieldsArray) {
    field.resolve();
    const at = path === '' ? field.name : `${path}.${field.name}`;
    const rest = withoutRivals(base, field);
    const put = (value: JsonValue): JsonObject => embed({ ...rest, [field.name]: value });
    const isAny = isMessage(field.resolvedType) && nameOf(field.resolvedType) === 'google.protobuf.Any';
    const given = isAny ? undefined : base[field.name];
    const tried = tryValues(given === undefined ? samplesOf(field) : [given], (value) =>
      tryOut(put(value), at, field, read),
    );
    const { issues, value } = tried;
    // A refusal that lists what is taken instead is about the extension that was tried.
    const fate = isAny && tried.fate === 'refused' && knownTypes(issues).length > 0 ? 'read' : tried.fate;
    note(fates, field.name, fate);
    if (fate === 'silent' && !walk.places.has(nameOf(field))) walk.places.set(nameOf(field), at);
    if (fate === 'silent' || fate === 'refused') continue;
    descend({ field, at, value, issues, put, read }, walk, visited);
  }
}

interface Tried {
  readonly fate: Fate;
  readonly issues: readonly Issue[];
}

/** What becomes of the first value that is not refused: a choice of which some is taken is acted on. */
function tryValues(values: readonly JsonValue[], attempt: (value: JsonValue) => Tried): Tried & { value: JsonValue } {
  let first: (Tried & { value: JsonValue }) | undefined;
  for (const value of values) {
    const one = { ...attempt(value), value };
    if (one.fate !== 'refused') return one;
    first ??= one;
  }
  if (!first) throw new Error('no value to try');
  return first;
}

function note(fates: Map<string, Fate>, field: string, fate: Fate): void {
  const before = fates.get(field);
  // What one context refuses and another reads is read.
  if (before === undefined || fate === 'silent' || (before === 'refused' && fate === 'read')) fates.set(field, fate);
}

/** The other members of a field's oneof go. */
function withoutRivals(base: JsonObject, field: protobufjs.Field): JsonObject {
  const rivals = new Set(field.partOf?.fieldsArray.map(({ name }) => name) ?? []);
  return Object.fromEntries(Object.entries(base).filter(([key]) => !rivals.has(key) || key === field.name));
}

const REFUSAL = /not supported|is known to Envoy|not for |cannot be used|unsupported/i;

function tryOut(json: JsonObject, at: string, field: protobufjs.Field, read: Read): Tried {
  const seen = new Set<string>();
  const issues = read(observed(json, seen));
  const own = issues.filter((issue) => isAbout(issue, at, field.name));
  if (own.some((issue) => (issue.path === at || !issue.path.startsWith(at)) && REFUSAL.test(issue.message)))
    return { fate: 'refused', issues };
  return { fate: seen.has(lookedAt(at)) || own.length > 0 ? 'read' : 'silent', issues };
}

/** A path as `observed` notes it, which does not know maps. */
function lookedAt(path: string): string {
  return path.replaceAll(/\["([^"]*)"\]/g, '.$1');
}

/** An issue at the field, or one of its message that names it. */
function isAbout({ path, message }: Issue, at: string, name: string): boolean {
  if (path === at || path.startsWith(`${at}.`) || path.startsWith(`${at}[`)) return true;
  const parent = at.slice(0, Math.max(0, at.length - name.length - 1));
  return path === parent && new RegExp(`\\b${name}\\b`).test(message);
}

interface Accepted {
  readonly field: protobufjs.Field;
  readonly at: string;
  readonly value: JsonValue;
  readonly issues: readonly Issue[];
  readonly put: (value: JsonValue) => JsonObject;
  readonly read: Read;
}

/** Goes on with the message in a field that is read. */
function descend({ field, at, value, issues, put, read }: Accepted, walk: Walk, visited: Set<string>): void {
  const type = field.resolvedType;
  if (!isMessage(type)) return;
  const name = nameOf(type);
  const edge = `${nameOf(field.parent as protobufjs.Type)}.${field.name}`;
  const after = AFTER[edge] ?? [];
  const wrap = (json: JsonObject): JsonValue =>
    field.map ? { [keyOf(field)]: json } : field.repeated ? [json, ...after] : json;
  const path = field.map ? `${at}[${JSON.stringify(keyOf(field))}]` : field.repeated ? `${at}[0]` : at;
  if (name === 'google.protobuf.Any') {
    for (const known of knownTypes(issues)) {
      const inner = lookupMessage(known);
      if (!inner || visited.has(`${edge}:${known}`)) continue;
      visited.add(`${edge}:${known}`);
      const typed = (json: JsonObject): JsonObject => put(wrap({ '@type': `type.googleapis.com/${known}`, ...json }));
      enter({ type: inner, base: baseOf(inner), path, embed: typed, read }, walk, visited);
    }
    return;
  }
  if (name.startsWith('google.protobuf.') || OPAQUE.has(edge) || visited.has(edge)) return;
  visited.add(edge);
  const given = Array.isArray(value) ? value[0] : field.map && isJsonObject(value) ? value[keyOf(field)] : value;
  const base = isJsonObject(given) ? given : baseOf(type);
  enter({ type, base, path, embed: (json) => put(wrap(json)), read }, walk, visited);
}

function enter(wanted: Place, walk: Walk, visited: Set<string>): void {
  const place = withExtension(wanted);
  const issues = place.read(place.embed(place.base));
  // A type that another refusal lists and that is not taken here is refused as a whole.
  if (issues.some(({ path }) => path === `${place.path}.@type`)) return;
  walkMessage(place, walk, visited);
}

/** A message that holds an extension gets one of those that are taken. */
function withExtension(place: Place): Place {
  const field = place.type.fieldsArray.find((one) => one.name === 'typed_config' || one.name === 'config');
  if (!field || nameOf(field.resolve().resolvedType ?? place.type) !== 'google.protobuf.Any') return place;
  if (place.read(place.embed(place.base)).length === 0) return place;
  const asked = place.read(place.embed({ ...place.base, [field.name]: { '@type': STRANGE } }));
  for (const known of knownTypes(asked)) {
    const type = lookupMessage(known);
    const config = { '@type': `type.googleapis.com/${known}`, ...(type ? baseOf(type) : {}) };
    const base = { ...place.base, [field.name]: config };
    if (place.read(place.embed(base)).length === 0) return { ...place, base };
  }
  return place;
}

/** The extensions that a refusal of another one lists. */
function knownTypes(issues: readonly Issue[]): readonly string[] {
  const lists = issues.flatMap(({ allowed = '' }) => [...allowed.matchAll(/[a-z]\w*(?:\.\w+)+\.[A-Z]\w+/g)]);
  return [...new Set(lists.map(([name]) => name))].filter((name) => !STRANGE.endsWith(name));
}
