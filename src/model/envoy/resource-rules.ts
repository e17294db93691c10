import type protobufjs from 'protobufjs';
import type { Issue } from '../../base/index.ts';
import { hasPresence, implicitDefault, isEnum, isMessage, nameOf, numbersOf, wrappedScalar } from './fields.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { lookupMessage } from './registry.ts';
import {
  brokenCollectionRules,
  brokenRules,
  innerRules,
  isRequired,
  isRequiredOneof,
  type RuleSet,
  rulesOf,
} from './rules.ts';
import { checkScalar, durationNanos, type RuleValue } from './scalars.ts';

/** A validation rule that a resource breaks. */
export interface BrokenRule extends Issue {
  /** It stands inside of an `Any`: another extension's business than the resource's own. */
  readonly inExtension: boolean;
}

/** One pass over a resource. */
interface Pass {
  readonly broken: BrokenRule[];
  readonly inExtension: boolean;
}

type Check = (value: JsonValue, path: string, pass: Pass) => void;

/** The rules of one message type, made ready once. */
interface MessageRules {
  /** Of fields that are set. */
  readonly fields: ReadonlyMap<string, Check>;
  /** Fields whose absence breaks rules, with the words for it. */
  readonly absent: readonly { readonly name: string; readonly faults: readonly string[] }[];
  /** Members of each oneof of which one must be set. */
  readonly oneofs: readonly { readonly name: string; readonly members: readonly string[] }[];
}

const known = new WeakMap<protobufjs.Type, MessageRules>();

/** What canonical JSON of a message breaks of the API's validation rules (protoc-gen-validate), also inside of `Any`s. */
export function brokenResourceRules(type: protobufjs.Type, json: JsonObject): readonly BrokenRule[] {
  const broken: BrokenRule[] = [];
  checkMessage(type, json, '', { broken, inExtension: false });
  return broken;
}

function checkMessage(type: protobufjs.Type, json: JsonObject, path: string, pass: Pass): void {
  const { fields, absent, oneofs } = known.get(type) ?? rulesOfMessage(type);
  for (const key in json) {
    const value = json[key];
    if (value !== undefined) fields.get(key)?.(value, placeOf(path, key), pass);
  }
  for (const { name, faults } of absent) if (json[name] === undefined) report(faults, placeOf(path, name), pass);
  for (const { name, members } of oneofs) {
    if (members.some((member) => json[member] !== undefined)) continue;
    const allowed = `one of ${members.join(', ')}`;
    pass.broken.push({ path, message: `${name}: value is required`, allowed, inExtension: pass.inExtension });
  }
}

function placeOf(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function report(faults: readonly string[], path: string, { broken, inExtension }: Pass): void {
  for (const message of faults) broken.push({ path, message, inExtension });
}

function rulesOfMessage(type: protobufjs.Type): MessageRules {
  const fields = new Map<string, Check>();
  const absent: { name: string; faults: readonly string[] }[] = [];
  for (const field of type.fieldsArray) {
    field.resolve();
    const check = fieldCheck(field);
    if (check) fields.set(field.name, check);
    const faults = faultsOfAbsence(field);
    if (faults.length > 0) absent.push({ name: field.name, faults });
  }
  const oneofs = type.oneofsArray.filter(isRequiredOneof).map((oneof) => ({
    name: oneof.name,
    members: oneof.fieldsArray.map(({ name }) => name),
  }));
  const rules = { fields, absent, oneofs };
  known.set(type, rules);
  return rules;
}

/** What a field breaks by not being set: its default is judged, but for members of a oneof. */
function faultsOfAbsence(field: protobufjs.Field): readonly string[] {
  const rules = rulesOf(field);
  if (!rules) return [];
  if (field.repeated || field.map) return brokenCollectionRules(rules, []);
  if (hasPresence(field)) return isRequired(rules) && !field.partOf ? ['value is required'] : [];
  return brokenRules(rules, implicitDefault(field), enumNumbers(field));
}

function fieldCheck(field: protobufjs.Field): Check | undefined {
  const rules = rulesOf(field);
  if (field.map) return mapCheck(field, rules);
  if (!field.repeated) return valueCheck(field, rules);
  const item = valueCheck(field, rules && innerRules(rules, 'items'));
  if (!item && !rules) return undefined;
  return (value, path, pass) => {
    if (!Array.isArray(value)) return;
    if (rules) report(brokenCollectionRules(rules, value), path, pass);
    if (item) for (const [index, one] of value.entries()) item(one, `${path}[${index}]`, pass);
  };
}

function mapCheck(field: protobufjs.Field, rules: RuleSet | undefined): Check | undefined {
  const keyRules = rules && innerRules(rules, 'keys');
  const item = valueCheck(field, rules && innerRules(rules, 'values'));
  if (!item && !rules) return undefined;
  return (value, path, pass) => {
    if (!isJsonObject(value)) return;
    if (rules) report(brokenCollectionRules(rules, Object.keys(value)), path, pass);
    for (const [key, one] of Object.entries(value)) {
      const place = `${path}[${JSON.stringify(key)}]`;
      if (keyRules) report(brokenRules(keyRules, key), place, pass);
      item?.(one, place, pass);
    }
  };
}

/** Of one value of a field; undefined: there is nothing to check. */
function valueCheck(field: protobufjs.Field, rules: RuleSet | undefined): Check | undefined {
  const type = field.resolvedType;
  if (!isMessage(type)) return rules && scalarCheck(ruleValueOf(field), rules, enumNumbers(field));
  const name = nameOf(type);
  if (name === 'google.protobuf.Any') return checkAny;
  if (name === 'google.protobuf.Duration') return rules && scalarCheck(durationNanos, rules);
  const scalar = wrappedScalar(name);
  if (scalar) return rules && scalarCheck((value) => scalarOf(scalar, value), rules);
  if (name.startsWith('google.protobuf.') || rules?.['message']?.['skip'] === true) return undefined;
  return (value, path, pass) => {
    if (isJsonObject(value)) checkMessage(type, value, path, pass);
  };
}

function scalarCheck(
  read: (value: JsonValue) => RuleValue | undefined,
  rules: RuleSet,
  defined?: ReadonlySet<number>,
): Check {
  return (value, path, pass) => {
    const found = read(value);
    if (found !== undefined) report(brokenRules(rules, found, defined), path, pass);
  };
}

function ruleValueOf(field: protobufjs.Field): (value: JsonValue) => RuleValue | undefined {
  const type = field.resolvedType;
  if (isEnum(type)) return (value) => (typeof value === 'string' ? type.values[value] : Number(value));
  if (field.type === 'string' || field.type === 'bool') return (value) => value as RuleValue;
  return (value) => scalarOf(field.type, value);
}

function scalarOf(type: string, value: JsonValue): RuleValue | undefined {
  const checked = checkScalar(type, value);
  return checked.ok ? checked.value : undefined;
}

function enumNumbers(field: protobufjs.Field): ReadonlySet<number> | undefined {
  return isEnum(field.resolvedType) ? numbersOf(field.resolvedType) : undefined;
}

/** An extension of a type that is not published is refused by whoever would read it. */
function checkAny(value: JsonValue, path: string, { broken }: Pass): void {
  if (!isJsonObject(value)) return;
  const url = value['@type'];
  const type = typeof url === 'string' ? lookupMessage(url) : undefined;
  if (type && !nameOf(type).startsWith('google.protobuf.'))
    checkMessage(type, value, path, { broken, inExtension: true });
}
