import { type Fields, isObject } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type MoreCommands, readFormatters } from './formatters.ts';
import { compileJsonFormat } from './json.ts';
import { type Appender, literal, textOf } from './line.ts';
import { compileLine } from './substitution.ts';

export interface CompiledFormat {
  readonly contentType: string;
  readonly text: (info: StreamInfo) => string;
  readonly append: Appender;
}

/** Reads an `envoy.config.core.v3.SubstitutionFormatString`. A JSON format ends with a line feed, as Envoy's does. */
export function readFormatString(fields: Fields): CompiledFormat {
  const contentType = fields.text('content_type');
  const omit = fields.flag('omit_empty_values');
  const more = readFormatters(fields);
  // Properties are always sorted.
  fields.ignore('json_format_options');
  switch (fields.oneOf('format', ['text_format', 'text_format_source', 'json_format'])) {
    case 'json_format':
      return compiled(contentType || 'application/json', readJsonFormat(fields, 'json_format', omit, more));
    case 'text_format_source': {
      const text = fields.message('text_format_source', (source) => source.text('inline_string')) ?? '';
      return compiled(contentType || 'text/plain', readText(fields, 'text_format_source', text, omit, more));
    }
    case 'text_format':
      return compiled(
        contentType || 'text/plain',
        readText(fields, 'text_format', fields.text('text_format'), omit, more),
      );
    default:
      return compiled(contentType, () => undefined);
  }
}

function compiled(contentType: string, append: Appender): CompiledFormat {
  return { contentType, append, text: textOf(append) };
}

/** Compiles a format string that `key` holds. */
export function readText(fields: Fields, key: string, text: string, omitEmpty: boolean, more?: MoreCommands): Appender {
  const line = compileLine(Buffer.from(text, 'utf8').toString('latin1'), omitEmpty ? '' : '-', more);
  if (line.ok) return line.value;
  fields.problem(key, line.error);
  return () => undefined;
}

const LINE_FEED = literal('\n');

/** Reads a JSON format that stands in a field of its own. */
export function readJsonFormat(fields: Fields, key: string, omitEmpty: boolean, more?: MoreCommands): Appender {
  const format = fields.raw(key);
  const object = compileJsonFormat(isObject(format) ? format : {}, omitEmpty, more);
  if (!object.ok) {
    fields.problem(key, object.error);
    return () => undefined;
  }
  const append = object.value;
  return (info, line) => {
    append(info, line);
    line.literal(LINE_FEED);
  };
}
