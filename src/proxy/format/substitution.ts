import { fail, ok, type Result } from '../../base/index.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { Command } from './command.ts';
import { compileCommand } from './commands.ts';
import type { MoreCommands } from './formatters.ts';
import { type Appender, literal, Place } from './line.ts';
import { METADATA_COMMANDS } from './metadata-commands.ts';
import { metadataText } from './metadata-text.ts';

export type Formatter = (info: StreamInfo) => string;

/** A command at a place in a format: name, argument, length. */
const COMMAND = /%([A-Z0-9_]+)(?:\((.*?)\))?(?::([0-9]+))?%/y;

/** A command and how many characters of its value are used. */
export interface FormatCommand {
  readonly command: Command;
  readonly limit: number | undefined;
  /** Its numbers are written as metadata's are. */
  readonly ofMetadata: boolean;
}

type Part = string | FormatCommand;

/** Compiles a substitution format string, or says what in it is unknown. */
export function compileFormat(text: string, absent = '-', more?: MoreCommands): Result<Formatter, string> {
  const parts = parseFormat(text, more);
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

/** The same for a line of an access log. */
export function compileLine(text: string, absent: string, more?: MoreCommands): Result<Appender, string> {
  const parts = parseFormat(text, more);
  if (!parts.ok) return parts;
  const list = parts.value.map((part) => (typeof part === 'string' ? literalText(part) : appendValue(part, absent)));
  return ok((info, line) => {
    for (let at = 0; at < list.length; at++) (list[at] as Appender)(info, line);
  });
}

function literalText(text: string): Appender {
  const bytes = literal(text);
  return (_, line) => line.literal(bytes);
}

function appendValue(part: FormatCommand, absent: string): Appender {
  const { command, limit, ofMetadata } = part;
  const place = new Place();
  return (info, line) => {
    const value = command(info);
    if (typeof value === 'number' && limit === undefined && !ofMetadata && Number.isInteger(value)) line.number(value);
    else line.textAt(place, textOfValue(value, part, absent));
  };
}

/** Takes a format string apart into text and commands; a fault is told in Envoy's words. */
export function parseFormat(text: string, more?: MoreCommands): Result<readonly Part[], string> {
  const parts: Part[] = [];
  let literal = '';
  for (let at = 0; at < text.length; ) {
    const percent = text.indexOf('%', at);
    literal += text.slice(at, percent < 0 ? text.length : percent);
    if (percent < 0) break;
    if (text[percent + 1] === '%') {
      literal += '%';
      at = percent + 2;
      continue;
    }
    COMMAND.lastIndex = percent;
    const match = COMMAND.exec(text);
    const limit = match?.[3] === undefined ? undefined : Number(match[3]);
    if (!match || (limit !== undefined && !Number.isSafeInteger(limit))) {
      return fail(`Incorrect configuration: ${text}. Couldn't find valid command at position ${percent}`);
    }
    const command = compileCommand(match[1] as string, match[2], limit, more);
    if (!command.ok) return command;
    if (literal !== '') parts.push(literal);
    literal = '';
    const ofMetadata = Object.hasOwn(METADATA_COMMANDS, match[1] as string);
    parts.push({ command: command.value, limit, ofMetadata });
    at = COMMAND.lastIndex;
  }
  if (literal !== '') parts.push(literal);
  return ok(parts);
}

function valueText(part: FormatCommand, info: StreamInfo, absent: string): string {
  return textOfValue(part.command(info), part, absent);
}

function textOfValue(value: ReturnType<Command>, { limit, ofMetadata }: FormatCommand, absent: string): string {
  if (value === undefined || value === null) return absent;
  const text =
    typeof value === 'string' ? value : typeof value === 'object' || ofMetadata ? metadataText(value) : String(value);
  return limit === undefined ? text : text.slice(0, limit);
}
