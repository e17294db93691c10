import { type Fields, isObject } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { compileJsonFormat } from './json.ts';
import { compileFormat } from './substitution.ts';

export interface CompiledFormat {
  readonly contentType: string;
  readonly text: (info: StreamInfo) => string;
}

/** Reads an `envoy.config.core.v3.SubstitutionFormatString`. A JSON format ends with a line feed, as Envoy's does. */
export function readFormatString(fields: Fields): CompiledFormat {
  const contentType = fields.text('content_type');
  const omit = fields.flag('omit_empty_values');
  switch (fields.oneOf('format', ['text_format', 'text_format_source', 'json_format'])) {
    case 'json_format':
      return { contentType: contentType || 'application/json', text: readJson(fields, omit) };
    case 'text_format_source': {
      const text = fields.message('text_format_source', (source) => source.text('inline_string')) ?? '';
      return { contentType: contentType || 'text/plain', text: compileText(fields, 'text_format_source', text, omit) };
    }
    case 'text_format': {
      const text = fields.text('text_format');
      return { contentType: contentType || 'text/plain', text: compileText(fields, 'text_format', text, omit) };
    }
    default:
      return { contentType, text: () => '' };
  }
}

export function compileText(
  fields: Fields,
  key: string,
  text: string,
  omitEmpty: boolean,
): (info: StreamInfo) => string {
  const compiled = compileFormat(Buffer.from(text, 'utf8').toString('latin1'), omitEmpty ? '' : '-');
  if (compiled.ok) return compiled.value;
  fields.problem(key, compiled.error);
  return () => '';
}

function readJson(fields: Fields, omitEmpty: boolean): (info: StreamInfo) => string {
  const format = fields.raw('json_format');
  const compiled = compileJsonFormat(isObject(format) ? format : {}, omitEmpty);
  if (!compiled.ok) {
    fields.problem('json_format', compiled.error);
    return () => '';
  }
  const render = compiled.value;
  return (info) => `${render(info)}\n`;
}
