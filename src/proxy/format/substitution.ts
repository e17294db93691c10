import { fail, ok, type Result } from '../../base/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type Command, commandNames, compileCommand } from './commands.ts';

export type Formatter = (info: StreamInfo) => string;

const COMMAND = /%(?:%|([A-Z0-9_]+)(?:\(((?:[^()]|\([^)]*\))*)\))?(?::(\d+))?%)/g;

type Part = string | { readonly command: Command; readonly limit: number | undefined };

/** Compiles a substitution format string, or says what in it is unknown. */
export function compileFormat(text: string, absent = '-'): Result<Formatter, string> {
  const parts = parse(text);
  if (!parts.ok) return parts;
  const list = parts.value;
  const [only] = list;
  if (list.length === 0) return ok(() => '');
  if (list.length === 1 && typeof only === 'string') return ok(() => only);
  return ok((info) => {
    let out = '';
    for (const part of list) out += typeof part === 'string' ? part : valueText(part, info, absent);
    return out;
  });
}

/** Compiles a JSON format: single commands keep their type, numbers stay numbers. */
export function compileJsonFormat(format: JsonObject): Result<(info: StreamInfo) => JsonValue, string> {
  const entries: [string, (info: StreamInfo) => JsonValue][] = [];
  for (const [key, value] of Object.entries(format)) {
    const compiled = compileJsonValue(value);
    if (!compiled.ok) return compiled;
    entries.push([key, compiled.value]);
  }
  return ok((info) => Object.fromEntries(entries.map(([key, value]) => [key, value(info)])));
}

function compileJsonValue(value: JsonValue): Result<(info: StreamInfo) => JsonValue, string> {
  if (isObject(value)) return compileJsonFormat(value);
  if (typeof value !== 'string') return ok(() => value);
  const parts = parse(value);
  if (!parts.ok) return parts;
  const [only] = parts.value;
  if (parts.value.length === 1 && typeof only === 'object') return ok((info) => typed(only, info));
  return compileFormat(value);
}

function typed(part: Exclude<Part, string>, info: StreamInfo): JsonValue {
  const value = part.command(info) ?? null;
  return typeof value === 'string' ? value.slice(0, part.limit) : value;
}

function parse(text: string): Result<readonly Part[], string> {
  const parts: Part[] = [];
  let at = 0;
  let literal = '';
  for (const match of text.matchAll(COMMAND)) {
    literal += text.slice(at, match.index);
    at = match.index + match[0].length;
    if (match[1] === undefined) {
      literal += '%';
      continue;
    }
    const command = compileCommand(match[1], match[2]);
    if (!command) return fail(`unknown command ${match[0]}; allowed: ${commandNames()}`);
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({ command, limit: match[3] === undefined ? undefined : Number(match[3]) });
  }
  literal += text.slice(at);
  if (text.slice(at).includes('%')) return fail(`incomplete command in ${JSON.stringify(text)}`);
  if (literal !== '') parts.push(literal);
  return ok(parts);
}

function valueText(part: Exclude<Part, string>, info: StreamInfo, absent: string): string {
  const value = part.command(info);
  if (value === undefined || value === null) return absent;
  const text = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return part.limit === undefined ? text : text.slice(0, part.limit);
}
