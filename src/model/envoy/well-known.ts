import type protobufjs from 'protobufjs';
import type { Checker } from './check.ts';
import { nameOf, wrappedScalar } from './fields.ts';
import { isJsonObject, type JsonValue } from './json.ts';
import { lookupMessage } from './registry.ts';
import { checkScalar, describeValue, durationNanos, type RuleValue } from './scalars.ts';

/**
 * Checks a message whose JSON is not an object of its fields: durations, wrappers, `Any`, structs.
 * Undefined when the message is an ordinary one; else what its own validation rules act on, if it has any.
 */
export function checkWellKnown(
  checker: Checker,
  type: protobufjs.Type,
  value: JsonValue,
  path: string,
  depth: number,
): { readonly value?: RuleValue } | undefined {
  const name = nameOf(type);
  if (!name.startsWith('google.protobuf.')) return undefined;
  const scalar = wrappedScalar(name);
  if (scalar) return checkWrapper(checker, scalar, value, path);
  switch (name) {
    case 'google.protobuf.Duration':
      return checkDuration(checker, value, path);
    case 'google.protobuf.Any':
      checkAny(checker, value, path, depth);
      return {};
    case 'google.protobuf.Timestamp':
      return checkForm(
        checker,
        typeof value === 'string' && isTimestamp(value),
        value,
        path,
        'a time such as 2026-01-31T12:00:00Z',
      );
    case 'google.protobuf.FieldMask':
      return checkForm(checker, typeof value === 'string', value, path, 'field paths with commas between');
    case 'google.protobuf.Struct':
      return checkForm(checker, isJsonObject(value) && isShallow(value, depth), value, path, 'an object');
    case 'google.protobuf.ListValue':
      return checkForm(checker, Array.isArray(value) && isShallow(value, depth), value, path, 'a list');
    case 'google.protobuf.Value':
      return checkForm(checker, isShallow(value, depth), value, path, 'any value nested less than 90 levels');
    default:
      return undefined;
  }
}

function checkWrapper(
  checker: Checker,
  scalar: string,
  value: JsonValue,
  path: string,
): { readonly value?: RuleValue } {
  const checked = checkScalar(scalar, value);
  if (checked.ok) return { value: checked.value };
  checker.add(path, `found ${describeValue(value)}`, checked.expected);
  return {};
}

function checkDuration(checker: Checker, value: JsonValue, path: string): { readonly value?: RuleValue } {
  const nanos = durationNanos(value);
  if (nanos !== undefined) return { value: nanos };
  checker.add(path, `found ${describeValue(value)}`, 'seconds with the suffix s, for instance 1.5s');
  return {};
}

function checkForm(
  checker: Checker,
  holds: boolean,
  value: JsonValue,
  path: string,
  allowed: string,
): { readonly value?: never } {
  if (!holds) checker.add(path, `found ${describeValue(value)}`, allowed);
  return {};
}

function isTimestamp(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))
  );
}

function isShallow(value: JsonValue, depth: number): boolean {
  if (depth > 90) return false;
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every((inner: JsonValue) => isShallow(inner, depth + 1));
}

/** Checks `{"@type": ..., fields}`; the message that it names must be one of the published API. */
export function checkAny(checker: Checker, value: unknown, path: string, depth: number): void {
  if (!isJsonObject(value)) {
    checker.add(path, `expected an object, found ${describeValue(value)}`, 'an object with "@type"');
    return;
  }
  const { '@type': url, ...body } = value;
  if (typeof url !== 'string') {
    checker.add(
      path,
      url === undefined ? '"@type" is missing' : `"@type" is ${describeValue(url)}`,
      'type.googleapis.com/<message>',
    );
    return;
  }
  const type = lookupMessage(url);
  if (!type) {
    checker.add(
      `${path}.@type`,
      `unknown type ${describeValue(url, 200)}`,
      'type.googleapis.com/<message of the Envoy v3 API>',
    );
    return;
  }
  if (!hasCustomJson(type)) {
    checker.message(type, body, path, depth);
    return;
  }
  for (const key of Object.keys(body))
    if (key !== 'value') checker.add(`${path}.${key}`, `unknown field of ${nameOf(type)}`, 'value');
  checkWellKnown(checker, type, body['value'] ?? null, `${path}.value`, depth);
}

function hasCustomJson(type: protobufjs.Type): boolean {
  const name = nameOf(type);
  return name.startsWith('google.protobuf.') && name !== 'google.protobuf.Empty';
}
