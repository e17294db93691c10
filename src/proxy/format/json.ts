import { ok, type Result } from '../../base/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { compileFormat, type FormatCommand, parseFormat } from './substitution.ts';

/** The JSON text of a value; undefined where it is left out. */
type JsonText = (info: StreamInfo) => string | undefined;

/**
 * Compiles a JSON format to a writer of its text: single commands keep their type, numbers stay numbers.
 * Absent values are `null`, or with `omitEmpty` left out with their keys.
 */
export function compileJsonFormat(
  format: JsonObject,
  omitEmpty: boolean,
): Result<(info: StreamInfo) => string, string> {
  const keys: string[] = [];
  const texts: JsonText[] = [];
  // Envoy prints keys in the order of their bytes.
  for (const [key, value] of Object.entries(format).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const compiled = compileValue(value, omitEmpty);
    if (!compiled.ok) return compiled;
    keys.push(`${JSON.stringify(key)}:`);
    texts.push(compiled.value);
  }
  const count = keys.length;
  return ok((info) => {
    let out = '{';
    for (let at = 0; at < count; at++) {
      const text = (texts[at] as JsonText)(info);
      if (text === undefined) continue;
      if (out.length > 1) out += ',';
      out += keys[at];
      out += text;
    }
    return `${out}}`;
  });
}

function compileValue(value: JsonValue, omitEmpty: boolean): Result<JsonText, string> {
  if (isObject(value)) return compileJsonFormat(value, omitEmpty);
  if (Array.isArray(value)) return compileList(value, omitEmpty);
  if (typeof value !== 'string') {
    const text = value === null && omitEmpty ? undefined : JSON.stringify(value);
    return ok(() => text);
  }
  const parts = parseFormat(value);
  if (!parts.ok) return parts;
  const [only] = parts.value;
  if (parts.value.length === 1 && typeof only === 'object') return ok(commandText(only, omitEmpty));
  const text = compileFormat(value, omitEmpty ? '' : '-');
  if (!text.ok) return text;
  const render = text.value;
  return ok((info) => jsonString(render(info)));
}

function compileList(list: readonly JsonValue[], omitEmpty: boolean): Result<JsonText, string> {
  const texts: JsonText[] = [];
  for (const item of list) {
    const compiled = compileValue(item, omitEmpty);
    if (!compiled.ok) return compiled;
    texts.push(compiled.value);
  }
  return ok((info) => `[${texts.flatMap((text) => text(info) ?? []).join(',')}]`);
}

function commandText({ command, limit }: FormatCommand, omitEmpty: boolean): JsonText {
  const absent = omitEmpty ? undefined : 'null';
  const withoutNulls = (_key: string, value: unknown): unknown => (value === null ? undefined : value);
  return (info) => {
    const value = command(info);
    if (typeof value === 'string') return jsonString(limit === undefined ? value : value.slice(0, limit));
    if (value === undefined || value === null) return absent;
    if (typeof value === 'number') return Number.isFinite(value) ? String(value) : absent;
    return omitEmpty ? JSON.stringify(value, withoutNulls) : JSON.stringify(value);
  };
}

/**
 * A string literal. Values are bytes, and each one outside of ASCII is escaped, as Envoy does with what is not UTF-8 for certain.
 * Most texts have nothing to escape, which is cheaper to see than to serialise.
 */
function jsonString(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x22 || code === 0x5c || code >= 0x7f) return escaped(text);
  }
  return `"${text}"`;
}

function escaped(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
