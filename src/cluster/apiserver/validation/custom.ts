import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { type Issue, parseCidr } from '../../../base/index.ts';
import { isRecord, numberAt, stringAt } from '../schema/shape.ts';
import type { JsonSchema } from '../schema/structural.ts';
import { child, duplicate, index, invalidValue, mapKey, required, show, tooMany, unsupported } from './errors.ts';

const MAX_ISSUES = 32;

/**
 * Faults of a value against an `openAPIV3Schema`, worded as Kubernetes does; at most 32.
 * The schema is read as it stands: to compile Cilium's policy schema takes 45 MB and 0.3 s, for rules that are checked a few times a minute.
 */
export function validateCustom(schema: JsonSchema, value: unknown): readonly Issue[] {
  const issues: Issue[] = [];
  check(schema, value, '', issues);
  return issues.slice(0, MAX_ISSUES);
}

function check(schema: JsonSchema, value: unknown, path: string, issues: Issue[]): void {
  if (issues.length >= MAX_ISSUES || (value === null && schema['nullable'] === true)) return;
  const mismatch = typeIssue(schema, value, path);
  if (mismatch) {
    issues.push(mismatch);
    return;
  }
  const allowed = schema['enum'];
  if (Array.isArray(allowed) && !allowed.some((one) => isDeepStrictEqual(one, value)))
    issues.push(unsupported(path, value, allowed.map(String)));
  if (typeof value === 'string') checkText(schema, value, path, issues);
  else if (typeof value === 'number') checkNumber(schema, value, path, issues);
  else if (Array.isArray(value)) checkList(schema, value, path, issues);
  else if (isRecord(value)) checkObject(schema, value, path, issues);
  checkComposites(schema, value, path, issues);
}

function typeIssue(schema: JsonSchema, value: unknown, path: string): Issue | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (typeof value === 'string' || Number.isInteger(value)) return undefined;
    return invalidValue(path, value, `must be of type integer or string: ${show(typeOf(value))}`);
  }
  const type = stringAt(schema, 'type');
  const found = typeOf(value);
  if (type === undefined || type === found || (type === 'number' && found === 'integer')) return undefined;
  return invalidValue(path, value, `must be of type ${type}: ${show(found)}`);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  ipv4: (value) => isIP(value) === 4,
  ipv6: (value) => isIP(value) === 6,
  cidr: (value) => parseCidr(value) !== undefined,
  'date-time': (value) => !Number.isNaN(Date.parse(value)),
};

const patterns = new WeakMap<JsonSchema, RegExp>();

function checkText(schema: JsonSchema, value: string, path: string, issues: Issue[]): void {
  const least = numberAt(schema, 'minLength') ?? 0;
  const most = numberAt(schema, 'maxLength') ?? Number.POSITIVE_INFINITY;
  const length = value.length;
  if (length < least) issues.push(invalidValue(path, value, `should be at least ${least} chars long`));
  if (length > most) issues.push({ path, message: `Too long: may not be more than ${most} bytes` });
  const pattern = stringAt(schema, 'pattern');
  if (pattern !== undefined && !patternOf(schema, pattern).test(value))
    issues.push(invalidValue(path, value, `should match '${pattern}'`));
  const format = stringAt(schema, 'format') ?? '';
  if (Object.hasOwn(FORMATS, format) && FORMATS[format]?.(value) === false)
    issues.push(invalidValue(path, value, `must be of format ${format}`));
}

/** Patterns are checked when the definition is accepted, so they compile here. */
function patternOf(schema: JsonSchema, pattern: string): RegExp {
  const known = patterns.get(schema) ?? new RegExp(pattern);
  patterns.set(schema, known);
  return known;
}

function checkNumber(schema: JsonSchema, value: number, path: string, issues: Issue[]): void {
  const least = numberAt(schema, 'minimum');
  const most = numberAt(schema, 'maximum');
  const step = numberAt(schema, 'multipleOf');
  if (least !== undefined && (schema['exclusiveMinimum'] === true ? value <= least : value < least)) {
    const sign = schema['exclusiveMinimum'] === true ? 'greater than' : 'greater than or equal to';
    issues.push(invalidValue(path, value, `should be ${sign} ${least}`));
  }
  if (most !== undefined && (schema['exclusiveMaximum'] === true ? value >= most : value > most)) {
    const sign = schema['exclusiveMaximum'] === true ? 'less than' : 'less than or equal to';
    issues.push(invalidValue(path, value, `should be ${sign} ${most}`));
  }
  if (step !== undefined && !Number.isInteger(value / step))
    issues.push(invalidValue(path, value, `should be a multiple of ${step}`));
}

function checkList(schema: JsonSchema, value: readonly unknown[], path: string, issues: Issue[]): void {
  const least = numberAt(schema, 'minItems') ?? 0;
  const most = numberAt(schema, 'maxItems') ?? Number.POSITIVE_INFINITY;
  if (value.length < least) issues.push(invalidValue(path, value.length, `should have at least ${least} items`));
  if (value.length > most) issues.push(tooMany(path, value.length, most));
  const items = schema['items'];
  if (isRecord(items))
    for (const [position, item] of value.entries()) check(items, item, index(path, position), issues);
  checkUnique(schema, value, path, issues);
}

/** Items of `set` lists and the keys of `map` lists must differ. */
function checkUnique(schema: JsonSchema, value: readonly unknown[], path: string, issues: Issue[]): void {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map' && schema['uniqueItems'] !== true) return;
  const keys = schema['x-kubernetes-list-map-keys'];
  const seen = new Set<string>();
  for (const [position, item] of value.entries()) {
    const identity =
      type === 'map' && Array.isArray(keys)
        ? Object.fromEntries(keys.map((key) => [key, isRecord(item) ? item[String(key)] : undefined]))
        : item;
    const text = JSON.stringify(identity) ?? '';
    if (seen.has(text)) issues.push(duplicate(index(path, position), identity));
    seen.add(text);
  }
}

function checkObject(schema: JsonSchema, value: Record<string, unknown>, path: string, issues: Issue[]): void {
  const names = Object.keys(value);
  const least = numberAt(schema, 'minProperties') ?? 0;
  const most = numberAt(schema, 'maxProperties') ?? Number.POSITIVE_INFINITY;
  if (names.length < least) issues.push(invalidValue(path, value, `should have at least ${least} properties`));
  if (names.length > most) issues.push(tooMany(path, names.length, most));
  for (const name of requiredNames(schema)) {
    if (!Object.hasOwn(value, name)) issues.push(required(child(path, name)));
  }
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const additional = schema['additionalProperties'];
  for (const [name, item] of Object.entries(value)) {
    const inner = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (isRecord(inner)) check(inner, item, child(path, name), issues);
    else if (isRecord(additional)) check(additional, item, mapKey(path, name), issues);
    else if (additional === false) issues.push(invalidValue(child(path, name), item, 'is not allowed here'));
  }
}

function requiredNames(schema: JsonSchema): readonly string[] {
  return Array.isArray(schema['required']) ? schema['required'].map(String) : [];
}

function schemasAt(schema: JsonSchema, name: string): readonly Record<string, unknown>[] {
  const list = schema[name];
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

function checkComposites(schema: JsonSchema, value: unknown, path: string, issues: Issue[]): void {
  for (const part of schemasAt(schema, 'allOf')) check(part, value, path, issues);
  const anyOf = schemasAt(schema, 'anyOf');
  if (anyOf.length > 0 && matching(anyOf, value) === 0)
    issues.push(compositeIssue(anyOf, value, path, 'must validate at least one schema (anyOf)'));
  const oneOf = schemasAt(schema, 'oneOf');
  if (oneOf.length > 0 && matching(oneOf, value) !== 1)
    issues.push(compositeIssue(oneOf, value, path, 'must validate one and only one schema (oneOf)'));
  const not = schema['not'];
  if (isRecord(not) && matching([not], value) === 1)
    issues.push(invalidValue(path, value, 'must not validate the schema (not)'));
}

function matching(branches: readonly Record<string, unknown>[], value: unknown): number {
  return branches.filter((branch) => {
    const faults: Issue[] = [];
    check(branch, value, '', faults);
    return faults.length === 0;
  }).length;
}

/** Branches mostly differ by the fields they require, so these are what is allowed. */
function compositeIssue(
  branches: readonly Record<string, unknown>[],
  value: unknown,
  path: string,
  text: string,
): Issue {
  const wanted = branches.map((branch) => requiredNames(branch).join(' with ')).filter((names) => names !== '');
  const issue = invalidValue(path, value, text);
  return wanted.length === 0 ? issue : { ...issue, allowed: `one of: ${wanted.join(', ')}` };
}
