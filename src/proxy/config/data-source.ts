import { readFileSync, statSync } from 'node:fs';
import type { Fields } from './fields.ts';

/** Reads an `envoy.config.core.v3.DataSource` once, as latin1 text of its bytes. `limit`: the most bytes there may be. */
export function readDataSource(fields: Fields, limit = Number.MAX_SAFE_INTEGER): string {
  switch (fields.oneOf('specifier', ['inline_string', 'inline_bytes', 'filename', 'environment_variable'])) {
    case 'inline_string':
      return limited(fields, 'inline_string', Buffer.from(fields.text('inline_string'), 'utf8'), limit);
    case 'inline_bytes':
      return limited(fields, 'inline_bytes', Buffer.from(fields.text('inline_bytes'), 'base64'), limit);
    case 'filename':
      return readFile(fields, fields.required('filename'), limit);
    case 'environment_variable': {
      const name = fields.required('environment_variable');
      const value = process.env[name];
      if (value === undefined) fields.problem('environment_variable', `Environment variable doesn't exist: ${name}`);
      return limited(fields, 'environment_variable', Buffer.from(value ?? '', 'utf8'), limit);
    }
    default:
      return '';
  }
}

function limited(fields: Fields, key: string, bytes: Buffer, limit: number): string {
  if (bytes.length > limit) {
    fields.problem(key, `response body size is ${bytes.length} bytes; maximum is ${limit}`);
    return '';
  }
  return bytes.toString('latin1');
}

function readFile(fields: Fields, name: string, limit: number): string {
  try {
    const { size } = statSync(name);
    if (size <= limit) return readFileSync(name, 'latin1');
    fields.problem('filename', `file ${name} size is ${size} bytes; maximum is ${limit}`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason = error instanceof Error ? error.message : String(error);
    fields.problem(
      'filename',
      code === 'ENOENT' ? `file ${name} does not exist` : `file ${name} cannot be read: ${reason}`,
    );
  }
  return '';
}
