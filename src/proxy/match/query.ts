import type { Fields } from '../config/fields.ts';
import { readStringMatcher } from './strings.ts';

/** Whether a path with its query passes. */
export type QueryTest = (path: string) => boolean;

/** Reads an `envoy.config.route.v3.QueryParameterMatcher`. Names and values are compared as they were sent, or values once `decode` was applied. */
export function readQueryMatcher(fields: Fields, decode = (value: string): string => value): QueryTest {
  const name = Buffer.from(fields.required('name'), 'utf8').toString('latin1');
  const present = fields.boolean('present_match') ?? true;
  const test = fields.message('string_match', readStringMatcher);
  if (!test) return (path) => (queryValue(path, name) !== undefined) === present;
  return (path) => {
    const value = queryValue(path, name);
    return value !== undefined && test(decode(value));
  };
}

/** The first value of a parameter, undecoded: empty when it has none, undefined when it is absent. */
export function queryValue(path: string, name: string): string | undefined {
  if (name.includes('=')) return undefined;
  for (let at = path.indexOf('?'); at >= 0; ) {
    const from = at + 1;
    at = path.indexOf('&', from);
    const end = at < 0 ? path.length : at;
    const stop = from + name.length;
    if (stop > end || !path.startsWith(name, from)) continue;
    if (stop === end) return '';
    if (path.charCodeAt(stop) === 0x3d) return path.slice(stop + 1, end);
  }
  return undefined;
}

/** Text with its `%xx` replaced; what is no escape stays. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
