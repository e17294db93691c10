import type protobufjs from 'protobufjs';
import { isEnum, isMessage, nameOf, wrappedScalar } from '../../src/model/envoy/fields.ts';
import type { JsonObject, JsonValue } from '../../src/model/envoy/index.ts';
import { isRequired, isRequiredOneof, type RuleSet, rulesOf } from '../../src/model/envoy/rules.ts';
import { BASES, KEYS } from './bases.ts';

/** Deeper than this nothing is made up: a message that needs itself has no smallest form. */
const MAX_DEPTH = 12;

/** The smallest JSON of a message that keeps its validation rules, or what `bases.ts` says is one that also makes sense. */
export function baseOf(type: protobufjs.Type, depth = 0): JsonObject {
  const known = BASES[nameOf(type)];
  if (known) return known;
  if (depth > MAX_DEPTH) return {};
  const json: Record<string, JsonValue> = {};
  for (const field of type.fieldsArray) if (isNeeded(field)) json[field.name] = sampleOf(field, depth);
  for (const oneof of type.oneofsArray.filter(isRequiredOneof)) {
    const [first] = oneof.fieldsArray;
    if (first) json[first.name] = sampleOf(first, depth);
  }
  return json;
}

/** Whether a message without the field breaks a rule. */
function isNeeded(field: protobufjs.Field): boolean {
  const rules = rulesOf(field);
  if (!rules || field.partOf) return false;
  if (field.repeated) return Number(rules['repeated']?.['min_items'] ?? 0) > 0;
  if (isMessage(field.resolve().resolvedType)) return isRequired(rules);
  const { min_len: length = 0, min_bytes: bytes = 0, gte = 0 } = rules['string'] ?? rules[field.type] ?? {};
  return Number(length) + Number(bytes) + Number(gte) > 0;
}

/** Values for a field that are not its default: one, or all that a choice has. */
export function samplesOf(field: protobufjs.Field): readonly JsonValue[] {
  const type = field.resolve().resolvedType;
  if (!isEnum(type) || field.map) return [sampleOf(field)];
  const choices = choicesOf(type);
  if (choices.length === 0) return [sampleOf(field)];
  return choices.map((name) => (field.repeated ? [name] : name));
}

/** Names of an enum but for its default. */
function choicesOf({ values }: protobufjs.Enum): readonly string[] {
  return Object.keys(values).filter((name) => values[name] !== 0);
}

function sampleOf(field: protobufjs.Field, depth = 0): JsonValue {
  const rules = rulesOf(field);
  if (field.map) return { [keyOf(field)]: oneValue(field, undefined, depth) };
  if (field.repeated) return [oneValue(field, rules?.['repeated']?.['items'] as RuleSet | undefined, depth)];
  return oneValue(field, rules, depth);
}

/** The key of a map field's only entry. */
export function keyOf(field: protobufjs.Field): string {
  return KEYS[nameOf(field)] ?? 'x';
}

function oneValue(field: protobufjs.Field, rules: RuleSet | undefined, depth: number): JsonValue {
  const type = field.resolve().resolvedType;
  if (isEnum(type)) return choicesOf(type)[0] ?? 0;
  if (!isMessage(type)) return scalarOf(field.type, rules);
  const name = nameOf(type);
  const scalar = wrappedScalar(name);
  if (scalar) return scalarOf(scalar, rules);
  switch (name) {
    case 'google.protobuf.Duration':
      return '1s';
    case 'google.protobuf.Timestamp':
      return '2026-01-01T00:00:00Z';
    case 'google.protobuf.Struct':
      return { x: 1 };
    case 'google.protobuf.Value':
      return 'x';
    case 'google.protobuf.ListValue':
      return ['x'];
    case 'google.protobuf.Any':
      return { '@type': STRANGE };
    default:
      return baseOf(type, depth + 1);
  }
}

/** An extension that nobody supports. */
export const STRANGE = 'type.googleapis.com/envoy.extensions.filters.http.dynamo.v3.Dynamo';

function scalarOf(type: string, rules: RuleSet | undefined): JsonValue {
  const conditions = Object.values(rules ?? {})[0] ?? {};
  if (type === 'bool') return true;
  if (type === 'string') return String([conditions['const'] ?? conditions['in'] ?? 'x'].flat()[0]);
  if (type === 'bytes') return 'eA==';
  const least = Number(conditions['gte'] ?? 0);
  const number = Math.max(1, least, Number(conditions['gt'] ?? 0) + 1);
  return type.endsWith('64') ? String(number) : number;
}
