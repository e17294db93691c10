import { fail, ok, type Result } from '../../base/index.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type Command, commandNames, compileCommand } from './commands.ts';

export type Formatter = (info: StreamInfo) => string;

const COMMAND = /%(?:%|([A-Z0-9_]+)(?:\(((?:[^()]|\([^)]*\))*)\))?(?::(\d+))?%)/g;

/** A command and how many characters of its value are used. */
export interface FormatCommand {
  readonly command: Command;
  readonly limit: number | undefined;
}

type Part = string | FormatCommand;

/** Compiles a substitution format string, or says what in it is unknown. */
export function compileFormat(text: string, absent = '-'): Result<Formatter, string> {
  const parts = parseFormat(text);
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

/** Takes a format string apart into text and commands. */
export function parseFormat(text: string): Result<readonly Part[], string> {
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

function valueText(part: FormatCommand, info: StreamInfo, absent: string): string {
  const value = part.command(info);
  if (value === undefined || value === null) return absent;
  const text = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return part.limit === undefined ? text : text.slice(0, part.limit);
}
