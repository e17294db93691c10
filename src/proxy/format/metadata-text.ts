import { isUtf8 } from 'node:buffer';
import type { JsonValue } from '../config/fields.ts';

/** JSON of what stands in metadata, with numbers as Envoy writes them. */
export function metadataText(value: JsonValue, withoutNulls = false): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => metadataText(item, withoutNulls)).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, inner]) => inner !== undefined && !(withoutNulls && inner === null))
    .map(([key, inner]) => `${quoted(key)}:${metadataText(inner as JsonValue, withoutNulls)}`);
  return `{${members.join(',')}}`;
}

/** Text stands as it is where it is UTF-8, byte by byte where it is not. */
function quoted(text: string): string {
  const json = JSON.stringify(text);
  if (!/[\x80-\xff]/.test(json) || isUtf8(Buffer.from(text, 'latin1'))) return json;
  return json.replace(/[\x80-\xff]/g, (byte) => `\\u00${byte.charCodeAt(0).toString(16)}`);
}

/** The shortest text of a number: in digits unless that is longer than with an exponent, which has two digits at least. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return 'null';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0';
  const scientific = value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  const fixed = fixedText(value);
  return fixed.length <= scientific.length ? fixed : scientific;
}

function fixedText(value: number): string {
  if (Math.abs(value) >= 1e21) return BigInt(value).toString();
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(text);
  if (!match) return text;
  const [, sign = '', first = '', rest = '', exponent = ''] = match;
  return `${sign}0.${'0'.repeat(Number(exponent) - 1)}${first}${rest}`;
}
