import { fail, ok, type Result } from '../../base/index.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type Command, compileCommand } from './commands.ts';

export type Formatter = (info: StreamInfo) => string;

/** `%COMMAND%`, `%COMMAND(argument)%`, `%COMMAND(argument):LENGTH%`; only at the position it is tried at. */
const COMMAND = /%([A-Z0-9_]+)(?:\(([^)\r\n\0]*)\))?(?::(\d+))?%/y;

/** A command and how many characters of its value are used. */
export interface FormatCommand {
  readonly command: Command;
  readonly limit: number | undefined;
}

type Part = string | FormatCommand;

/** Compiles a substitution format string, or says in Envoy's words what is wrong with it. */
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
  let literal = '';
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('%', at);
    if (next < 0) {
      literal += text.slice(at);
      break;
    }
    literal += text.slice(at, next);
    if (text[next + 1] === '%') {
      literal += '%';
      at = next + 2;
      continue;
    }
    COMMAND.lastIndex = next;
    const match = COMMAND.exec(text);
    if (!match) return fail(`Incorrect configuration: ${text}. Couldn't find valid command at position ${next}`);
    const [whole, name = '', argument, limit] = match;
    const command = compileCommand(name, argument, limit !== undefined);
    if (!command.ok) return command;
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({ command: command.value, limit: limit === undefined ? undefined : Number(limit) });
    at = next + whole.length;
  }
  if (literal !== '') parts.push(literal);
  return ok(parts);
}

function valueText(part: FormatCommand, info: StreamInfo, absent: string): string {
  const value = part.command(info);
  if (value === undefined || value === null) return absent;
  const text = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return part.limit === undefined ? text : text.slice(0, part.limit);
}
