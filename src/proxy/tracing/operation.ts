import type { Fields } from '../config/fields.ts';
import { compileFormat, type Formatter } from '../format/substitution.ts';
import { bytesOf } from './custom-tags.ts';

/** Formats of the names of spans; undefined: Envoy's own. */
export interface SpanNames {
  readonly operation: Formatter | undefined;
  readonly upstreamOperation: Formatter | undefined;
}

/** Reads a format of a span's name. */
export function readOperation(fields: Fields, key: string): Formatter | undefined {
  const text = fields.text(key);
  if (text === '') return undefined;
  const format = compileFormat(bytesOf(text), '');
  if (format.ok) return format.value;
  fields.problem(key, format.error);
  return undefined;
}
