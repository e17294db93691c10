import type protobufjs from 'protobufjs';
import type { RuleValue } from './scalars.ts';

/** A `validate.rules` option as parsed: one key, the kind (`string`, `uint32`, `repeated`, ...), with its conditions. */
export type RuleSet = Readonly<Record<string, Conditions>>;
export type Conditions = Readonly<Record<string, unknown>>;

export function rulesOf(field: protobufjs.Field): RuleSet | undefined {
  return optionOf(field, '(validate.rules)') as RuleSet | undefined;
}

export function isRequiredOneof(oneof: protobufjs.OneOf): boolean {
  return optionOf(oneof, '(validate.required)') === true;
}

function optionOf(object: protobufjs.ReflectionObject, name: string): unknown {
  // The declarations call `parsedOptions` an object; it is a list with one entry per option, or null.
  const options: unknown = object.parsedOptions;
  if (!Array.isArray(options)) return undefined;
  for (const option of options) if (name in option) return option[name];
  return undefined;
}

/** Whether the rules ask for a message to be present. */
export function isRequired(rules: RuleSet): boolean {
  return Object.values(rules).some((conditions) => conditions['required'] === true);
}

/**
 * What a scalar, duration or enum breaks, in protoc-gen-validate's words.
 * `defined` are the numbers of the enum. An empty list when it keeps all rules.
 */
export function brokenRules(rules: RuleSet, value: RuleValue, defined?: ReadonlySet<number>): readonly string[] {
  const faults: string[] = [];
  for (const conditions of Object.values(rules)) {
    if (conditions['ignore_empty'] === true && isEmpty(value)) continue;
    for (const [name, limit] of Object.entries(conditions)) {
      const fault = brokenCondition(name, limit, value, conditions, defined);
      if (fault !== undefined) faults.push(fault);
    }
  }
  return faults;
}

function isEmpty(value: RuleValue): boolean {
  return (
    value === '' ||
    value === 0 ||
    value === 0n ||
    value === false ||
    (value instanceof Uint8Array && value.length === 0)
  );
}

function brokenCondition(
  name: string,
  limit: unknown,
  value: RuleValue,
  conditions: Conditions,
  defined: ReadonlySet<number> | undefined,
): string | undefined {
  if (name === 'const') return value === limit ? undefined : `value must equal ${String(limit)}`;
  if (name === 'in')
    return listOf(limit).includes(value) ? undefined : `value must be in list [${listOf(limit).join(' ')}]`;
  if (name === 'not_in')
    return listOf(limit).includes(value) ? `value must not be in list [${listOf(limit).join(' ')}]` : undefined;
  if (name === 'defined_only') {
    return typeof value === 'number' && defined?.has(value) === false
      ? 'value must be one of the defined enum values'
      : undefined;
  }
  if (typeof value === 'string') return brokenText(name, limit, value, conditions);
  if (value instanceof Uint8Array) return brokenLength(name, limit, value.length, 'bytes');
  if (typeof value === 'number' || typeof value === 'bigint') return brokenComparison(name, limit, value);
  return undefined;
}

function listOf(limit: unknown): readonly unknown[] {
  return Array.isArray(limit) ? limit : [limit];
}

const headerName = /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/;

/** Strict names are tokens, strict values hold no control character but a tab; otherwise only NUL, CR and LF are refused. */
function isHeaderText(kind: unknown, strict: boolean, value: string): boolean {
  if (strict && kind === 'HTTP_HEADER_NAME') return headerName.test(value);
  return !Array.from(value).some((character) => {
    const code = character.charCodeAt(0);
    return strict ? code === 127 || (code < 32 && code !== 9) : code === 0 || code === 10 || code === 13;
  });
}

const patterns = new Map<string, RegExp>();

/** Patterns are those of the published files. */
function patternOf(text: string): RegExp {
  const known = patterns.get(text);
  if (known) return known;
  const pattern = new RegExp(text);
  patterns.set(text, pattern);
  return pattern;
}

function brokenText(name: string, limit: unknown, value: string, conditions: Conditions): string | undefined {
  switch (name) {
    case 'min_len':
    case 'max_len':
      return brokenLength(name, limit, Array.from(value).length, 'characters');
    case 'min_bytes':
    case 'max_bytes':
      return brokenLength(name.replace('bytes', 'len'), limit, Buffer.byteLength(value), 'bytes');
    case 'prefix':
      return value.startsWith(String(limit)) ? undefined : `value does not have prefix ${JSON.stringify(limit)}`;
    case 'suffix':
      return value.endsWith(String(limit)) ? undefined : `value does not have suffix ${JSON.stringify(limit)}`;
    case 'pattern':
      return patternOf(String(limit)).test(value)
        ? undefined
        : `value does not match regex pattern ${JSON.stringify(limit)}`;
    case 'well_known_regex': {
      // An empty name is the business of min_len.
      const fits = value === '' || isHeaderText(limit, conditions['strict'] !== false, value);
      return fits ? undefined : 'value holds characters that a header cannot carry';
    }
    default:
      return undefined;
  }
}

function brokenLength(name: string, limit: unknown, length: number, unit: string): string | undefined {
  if (name === 'min_len' && length < Number(limit)) return `value length must be at least ${String(limit)} ${unit}`;
  if (name === 'max_len' && length > Number(limit)) return `value length must be at most ${String(limit)} ${unit}`;
  return undefined;
}

const comparisons: Readonly<
  Record<string, readonly [text: string, holds: (value: number | bigint, limit: number | bigint) => boolean]>
> = {
  lt: ['less than', (value, limit) => value < limit],
  lte: ['less than or equal to', (value, limit) => value <= limit],
  gt: ['greater than', (value, limit) => value > limit],
  gte: ['greater than or equal to', (value, limit) => value >= limit],
};

function brokenComparison(name: string, limit: unknown, value: number | bigint): string | undefined {
  const comparison = comparisons[name];
  if (!comparison) return undefined;
  const [text, holds] = comparison;
  if (typeof limit === 'object' && limit !== null) {
    const nanos = limitNanos(limit as Conditions);
    return holds(value, nanos) ? undefined : `value must be ${text} ${secondsText(nanos)}`;
  }
  return holds(value, Number(limit)) ? undefined : `value must be ${text} ${String(limit)}`;
}

function limitNanos(limit: Conditions): bigint {
  return BigInt(Number(limit['seconds'] ?? 0)) * 1_000_000_000n + BigInt(Number(limit['nanos'] ?? 0));
}

function secondsText(nanos: bigint): string {
  return `${Number(nanos) / 1e9}s`;
}

/** What a list or map breaks by its size or by repeating an item. */
export function brokenCollectionRules(rules: RuleSet, items: readonly unknown[]): readonly string[] {
  const faults: string[] = [];
  const conditions = rules['repeated'] ?? rules['map'] ?? {};
  const least = Number(conditions['min_items'] ?? conditions['min_pairs'] ?? 0);
  const most = Number(conditions['max_items'] ?? conditions['max_pairs'] ?? Number.POSITIVE_INFINITY);
  if (conditions['ignore_empty'] === true && items.length === 0) return faults;
  if (items.length < least) faults.push(`value must contain at least ${least} item(s)`);
  if (items.length > most) faults.push(`value must contain no more than ${most} item(s)`);
  if (conditions['unique'] === true && new Set(items.map((item) => JSON.stringify(item))).size !== items.length) {
    faults.push('repeated value must contain unique items');
  }
  return faults;
}

/** Rules for the items of a list (`items`), or the keys or values of a map. */
export function innerRules(rules: RuleSet, part: 'items' | 'keys' | 'values'): RuleSet | undefined {
  return (rules['repeated'] ?? rules['map'])?.[part] as RuleSet | undefined;
}
