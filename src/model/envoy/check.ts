import type protobufjs from 'protobufjs';
import type { Issue } from '../../base/index.ts';
import { fieldIndex, hasPresence, implicitDefault, isEnum, isMessage, nameOf, numbersOf } from './fields.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { nearestNames } from './nearest.ts';
import {
  brokenCollectionRules,
  brokenRules,
  innerRules,
  isRequired,
  isRequiredOneof,
  type RuleSet,
  rulesOf,
} from './rules.ts';
import { checkScalar, describeValue } from './scalars.ts';
import { checkWellKnown } from './well-known.ts';

/** Deeper messages are refused, as protobuf libraries do. */
const maxDepth = 90;
/** A file with more faults than this gets the first ones. */
const maxIssues = 200;
/** `Any` fields of which Envoy takes an empty one: `config: {}` turns a filter on that its chain has turned off. */
const mayBeEmpty: ReadonlySet<string> = new Set(['envoy.config.route.v3.FilterConfig.config']);

/** One pass over a JSON value; collects the faults it meets. */
export class Checker {
  readonly issues: Issue[] = [];

  add(path: string, message: string, allowed?: string): void {
    if (this.issues.length < maxIssues)
      this.issues.push({ path, message, ...(allowed === undefined ? {} : { allowed }) });
  }

  /** Checks that `json` is the protobuf JSON of a message of this type and keeps its validation rules. */
  message(type: protobufjs.Type, json: unknown, path: string, depth: number): void {
    if (depth > maxDepth) {
      this.add(path, `nested deeper than ${maxDepth} levels`);
      return;
    }
    if (!isJsonObject(json)) {
      this.add(path, `expected an object of type ${nameOf(type)}, found ${describeValue(json)}`);
      return;
    }
    const written = this.#keysByField(type, json, path);
    this.#oneofs(type, written, path);
    for (const field of type.fieldsArray) {
      const key = written.get(field.name);
      if (key === undefined) this.#absent(field, `${path}.${field.name}`);
      else this.#present(field, json[key] ?? null, `${path}.${key}`, depth);
    }
  }

  /** Field name to the key it is written with; null counts as absent. */
  #keysByField(type: protobufjs.Type, json: JsonObject, path: string): ReadonlyMap<string, string> {
    const index = fieldIndex(type);
    const written = new Map<string, string>();
    for (const key of Object.keys(json)) {
      const field = index.get(key);
      if (!field && this.issues.length >= maxIssues) break;
      if (!field) {
        const names = type.fieldsArray.map((each) => each.name);
        const nearest = names.length === 0 ? 'no field at all' : nearestNames(key, names).join(', ');
        this.add(`${path}.${key}`, `unknown field of ${nameOf(type)}`, nearest);
        continue;
      }
      if (json[key] === null && !acceptsNull(field)) continue;
      if (written.has(field.name)) this.add(`${path}.${key}`, `field is set twice, also as ${written.get(field.name)}`);
      else written.set(field.name, key);
    }
    return written;
  }

  #oneofs(type: protobufjs.Type, written: ReadonlyMap<string, string>, path: string): void {
    for (const oneof of type.oneofsArray) {
      const members = oneof.fieldsArray.map((field) => field.name);
      const set = members.filter((name) => written.has(name)).map((name) => written.get(name) ?? name);
      if (set.length > 1) this.add(path, `${set.join(' and ')} exclude each other`, `one of ${members.join(', ')}`);
      if (set.length === 0 && isRequiredOneof(oneof)) {
        this.add(path, `${oneof.name}: value is required`, `one of ${members.join(', ')}`);
      }
    }
  }

  #absent(field: protobufjs.Field, path: string): void {
    const rules = rulesOf(field);
    if (!rules) return;
    if (field.repeated || field.map) {
      this.#report(path, brokenCollectionRules(rules, []));
      return;
    }
    if (hasPresence(field)) {
      if (isRequired(rules) && !field.partOf) this.add(path, 'value is required', `a ${typeText(field)}`);
      return;
    }
    this.#report(path, brokenRules(rules, implicitDefault(field), enumNumbers(field)));
  }

  #present(field: protobufjs.Field, value: JsonValue, path: string, depth: number): void {
    const rules = rulesOf(field);
    if (field.map) this.#map(field, (field as unknown as protobufjs.MapField).keyType, value, path, depth, rules);
    else if (field.repeated) this.#list(field, value, path, depth, rules);
    else this.#single(field, value, path, depth, rules);
  }

  #list(field: protobufjs.Field, value: JsonValue, path: string, depth: number, rules: RuleSet | undefined): void {
    if (!Array.isArray(value)) {
      this.add(path, `expected a list, found ${describeValue(value)}`, `a list of ${typeText(field)}`);
      return;
    }
    const inner = rules && innerRules(rules, 'items');
    value.forEach((item: JsonValue, position) => {
      this.#single(field, item, `${path}[${position}]`, depth, inner);
    });
    if (rules) this.#report(path, brokenCollectionRules(rules, value));
  }

  #map(
    field: protobufjs.Field,
    keyType: string,
    value: JsonValue,
    path: string,
    depth: number,
    rules: RuleSet | undefined,
  ): void {
    if (!isJsonObject(value)) {
      this.add(
        path,
        `expected an object, found ${describeValue(value)}`,
        `${keyType} keys with ${typeText(field)} values`,
      );
      return;
    }
    const keyRules = rules && innerRules(rules, 'keys');
    const valueRules = rules && innerRules(rules, 'values');
    for (const [key, item] of Object.entries(value)) {
      const place = `${path}[${key}]`;
      const checked =
        keyType === 'bool'
          ? checkScalar('bool', JSON.parse(/^(true|false)$/.test(key) ? key : '0'))
          : checkScalar(keyType, key);
      if (!checked.ok) this.add(place, `expected ${checked.expected} as key`);
      else if (keyRules) this.#report(place, brokenRules(keyRules, checked.value));
      this.#single(field, item, place, depth, valueRules);
    }
    if (rules) this.#report(path, brokenCollectionRules(rules, Object.keys(value)));
  }

  #single(field: protobufjs.Field, value: JsonValue, path: string, depth: number, rules: RuleSet | undefined): void {
    const type = field.resolvedType;
    if (isMessage(type)) {
      if (mayBeEmpty.has(nameOf(field)) && isJsonObject(value) && Object.keys(value).length === 0) return;
      const known = checkWellKnown(this, type, value, path, depth + 1);
      if (known === undefined) this.message(type, value, path, depth + 1);
      else if (known.value !== undefined && rules) this.#report(path, brokenRules(rules, known.value));
      return;
    }
    if (isEnum(type)) {
      this.#enum(type, value, path, rules);
      return;
    }
    const checked = checkScalar(field.type, value);
    if (!checked.ok) this.add(path, `found ${describeValue(value)}`, checked.expected);
    else if (rules) this.#report(path, brokenRules(rules, checked.value));
  }

  #enum(type: protobufjs.Enum, value: JsonValue, path: string, rules: RuleSet | undefined): void {
    if (value === null && nameOf(type) === 'google.protobuf.NullValue') return;
    const number = typeof value === 'string' && Object.hasOwn(type.values, value) ? type.values[value] : value;
    if (typeof number !== 'number' || !Number.isInteger(number) || Math.abs(number) > 2 ** 31) {
      this.add(path, `unknown value ${describeValue(value)} of ${nameOf(type)}`, Object.keys(type.values).join(', '));
      return;
    }
    if (rules) this.#report(path, brokenRules(rules, number, numbersOf(type)));
  }

  #report(path: string, faults: readonly string[]): void {
    for (const fault of faults) this.add(path, fault);
  }
}

function acceptsNull(field: protobufjs.Field): boolean {
  const type = field.resolvedType;
  return type !== null && /^\.google\.protobuf\.(?:Null)?Value$/.test(type.fullName);
}

function typeText(field: protobufjs.Field): string {
  return field.resolvedType ? nameOf(field.resolvedType) : field.type;
}

function enumNumbers(field: protobufjs.Field): ReadonlySet<number> | undefined {
  return isEnum(field.resolvedType) ? numbersOf(field.resolvedType) : undefined;
}
