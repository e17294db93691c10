import type { Fields } from '../config/fields.ts';
import type { HeaderMap } from '../http/headers.ts';
import { readStringMatcher } from './strings.ts';

/** Reads an `envoy.config.route.v3.CookieMatcher`. An absent cookie matches only with `invert_match`. */
export function readCookieMatcher(fields: Fields): (headers: HeaderMap | undefined) => boolean {
  const name = Buffer.from(fields.required('name'), 'utf8').toString('latin1');
  const invert = fields.flag('invert_match');
  if (!fields.has('string_match')) fields.problem('string_match', 'value is required');
  const test = fields.message('string_match', readStringMatcher) ?? (() => false);
  return (headers) => {
    const value = headers && cookieValue(headers, name);
    return (value !== undefined && test(value)) !== invert;
  };
}

/** The first value of a cookie over all `cookie` fields, without the quotes around it. */
export function cookieValue(headers: HeaderMap, name: string): string | undefined {
  for (let at = headers.find('cookie'); at >= 0; at = headers.find('cookie', at + 1)) {
    const value = valueIn(headers.valueAt(at), name);
    if (value !== undefined) return value;
  }
  return undefined;
}

function valueIn(text: string, name: string): string | undefined {
  for (let from = 0; from < text.length; ) {
    const semicolon = text.indexOf(';', from);
    const end = semicolon < 0 ? text.length : semicolon;
    while (from < end && text.charCodeAt(from) === 0x20) from++;
    const equals = text.indexOf('=', from);
    if (equals >= 0 && equals < end && equals - from === name.length && text.startsWith(name, from)) {
      const value = text.slice(equals + 1, end);
      return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    }
    from = end + 1;
  }
  return undefined;
}
