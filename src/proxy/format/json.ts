import { ok, type Result } from '../../base/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../config/fields.ts';
import type { MoreCommands } from './formatters.ts';
import { type Appender, type Line, type Literal, literal, Place } from './line.ts';
import { metadataText } from './metadata-text.ts';
import { compileFormat, type FormatCommand, parseFormat } from './substitution.ts';

/** Appends a value; `key` comes before it, unless the value is left out. */
type Member = (info: Parameters<Appender>[0], line: Line, key: Literal) => void;

const COMMA = literal(',');
const NULL = literal('null');

/**
 * Compiles a JSON format: single commands keep their type, numbers stay numbers.
 * Absent values are `null`, or with `omitEmpty` left out with their keys.
 */
export function compileJsonFormat(
  format: JsonObject,
  omitEmpty: boolean,
  more?: MoreCommands,
): Result<Appender, string> {
  const keys: Literal[] = [];
  const members: Member[] = [];
  // Envoy prints keys in the order of their bytes.
  for (const [key, value] of Object.entries(format).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const compiled = compileValue(value, omitEmpty, more);
    if (!compiled.ok) return compiled;
    keys.push(literal(`,${JSON.stringify(key)}:`));
    members.push(compiled.value);
  }
  return ok(enclosed('{', members, keys, '}'));
}

/** Members between brackets. The comma of the first one is where the bracket goes. */
function enclosed(
  open: string,
  members: readonly Member[],
  keys: readonly (Literal | undefined)[],
  close: string,
): Appender {
  const bracket = open.charCodeAt(0);
  const empty = literal(open);
  const end = literal(close);
  return (info, line) => {
    const start = line.length;
    for (let at = 0; at < members.length; at++) (members[at] as Member)(info, line, keys[at] ?? COMMA);
    if (line.length === start) line.literal(empty);
    else line.bytes[start] = bracket;
    line.literal(end);
  };
}

function compileValue(value: JsonValue, omitEmpty: boolean, more: MoreCommands | undefined): Result<Member, string> {
  if (isObject(value) || Array.isArray(value)) {
    const inner = isObject(value) ? compileJsonFormat(value, omitEmpty, more) : compileList(value, omitEmpty, more);
    if (!inner.ok) return inner;
    const append = inner.value;
    return ok((info, line, key) => {
      line.literal(key);
      append(info, line);
    });
  }
  if (typeof value !== 'string') return ok(constant(value, omitEmpty));
  const parts = parseFormat(value, more);
  if (!parts.ok) return parts;
  const [only] = parts.value;
  if (parts.value.length === 1 && typeof only === 'object') return ok(commandMember(only, omitEmpty));
  const text = compileFormat(value, omitEmpty ? '' : '-', more);
  if (!text.ok) return text;
  const render = text.value;
  const place = new Place();
  return ok((info, line, key) => {
    line.literal(key);
    line.jsonStringAt(place, render(info));
  });
}

function compileList(
  list: readonly JsonValue[],
  omitEmpty: boolean,
  more: MoreCommands | undefined,
): Result<Appender, string> {
  const members: Member[] = [];
  for (const item of list) {
    const compiled = compileValue(item, omitEmpty, more);
    if (!compiled.ok) return compiled;
    members.push(compiled.value);
  }
  return ok(enclosed('[', members, [], ']'));
}

function constant(value: JsonValue, omitEmpty: boolean): Member {
  if (value === null && omitEmpty) return () => undefined;
  const text = literal(JSON.stringify(value));
  return (_, line, key) => {
    line.literal(key);
    line.literal(text);
  };
}

function commandMember({ command, limit, ofMetadata }: FormatCommand, omitEmpty: boolean): Member {
  const place = new Place();
  return (info, line, key) => {
    const value = command(info);
    const absent = value === undefined || value === null || (typeof value === 'number' && !Number.isFinite(value));
    if (absent && omitEmpty) return;
    line.literal(key);
    if (absent) line.literal(NULL);
    else if (typeof value === 'string') line.jsonStringAt(place, limit === undefined ? value : value.slice(0, limit));
    else if (typeof value === 'number' && !ofMetadata && Number.isInteger(value)) line.number(value);
    else line.text(metadataText(value, omitEmpty));
  };
}
