import type { Fields } from '../config/fields.ts';
import type { RequestHead } from '../http/head.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { readRegex, readStringMatcher, type StringTest, stringTest } from './strings.ts';

/** A header's value by lower-case name, pseudo headers included; each of several values on a line of its own. */
export type HeaderLookup = (name: string) => string | undefined;
export type HeaderTest = (header: HeaderLookup) => boolean;

const OLD_FORMS = ['exact_match', 'prefix_match', 'suffix_match', 'contains_match'] as const;

interface HeaderParts {
  readonly name: string;
  /** Of a value; undefined where the matcher only asks whether there is one. */
  readonly test: StringTest | undefined;
  readonly invert: boolean;
  readonly emptyWhenAbsent: boolean;
}

/**
 * Reads an `envoy.config.route.v3.HeaderMatcher`. Of several values one must match, as in Envoy since it asks them one by one.
 * An absent header matches only where Envoy says so, also with `invert_match`.
 */
export function readHeaderMatcher(fields: Fields): HeaderTest {
  const { name, test, invert, emptyWhenAbsent } = readParts(fields);
  if (!test) return (header) => (emptyWhenAbsent || header(name) !== undefined) !== invert;
  return (header) => {
    const value = header(name) ?? (emptyWhenAbsent ? '' : undefined);
    return value !== undefined && anyLine(value, test) !== invert;
  };
}

/** What a matcher asks for headers that are fields of the head. */
type PseudoHeaders = Pick<StreamInfo, 'requestHeader'>;

/** The same where Envoy looks at the values of a repeated header of the request one by one: one that passes is enough. */
export function readEachHeaderMatcher(
  fields: Fields,
): (info: PseudoHeaders, request: RequestHead | undefined) => boolean {
  const { name, test, invert, emptyWhenAbsent } = readParts(fields);
  const any = (): boolean => true;
  if (!test) return (info, request) => (emptyWhenAbsent || anyHeaderValue(info, request, name, any)) !== invert;
  return (info, request) => {
    if (anyHeaderValue(info, request, name, test)) return !invert;
    return anyHeaderValue(info, request, name, any) ? invert : emptyWhenAbsent && test('') !== invert;
  };
}

/** Whether a value of the request's header, pseudo headers included, passes. */
function anyHeaderValue(
  info: PseudoHeaders,
  request: RequestHead | undefined,
  name: string,
  passes: StringTest,
): boolean {
  if (!request || name.startsWith(':')) {
    const value = info.requestHeader(name);
    return value !== undefined && passes(value);
  }
  const { headers } = request;
  for (let at = headers.find(name); at >= 0; at = headers.find(name, at + 1)) {
    if (passes(headers.valueAt(at))) return true;
  }
  return false;
}

function readParts(fields: Fields): HeaderParts {
  const name = headerName(fields.required('name'));
  const invert = fields.flag('invert_match');
  const emptyWhenAbsent = fields.flag('treat_missing_header_as_empty');
  const present = fields.boolean('present_match');
  if (present !== undefined) return { name, test: undefined, invert: present === invert, emptyWhenAbsent };
  return { name, test: readValueTest(fields), invert, emptyWhenAbsent };
}

function anyLine(values: string, test: StringTest): boolean {
  return values.includes('\n') ? values.split('\n').some(test) : test(values);
}

function headerName(name: string): string {
  const lower = name.toLowerCase();
  return lower === 'host' ? ':authority' : lower;
}

function readValueTest(fields: Fields): StringTest | undefined {
  const string = fields.message('string_match', readStringMatcher);
  if (string) return string;
  const regex = fields.message('safe_regex_match', readRegex);
  if (regex) return (value) => regex.matches(value);
  const range = fields.message('range_match', readRange);
  if (range) return range;
  for (const form of OLD_FORMS) {
    const wanted = fields.string(form);
    if (wanted === '' && form === 'exact_match') return () => true;
    if (wanted !== undefined) {
      return stringTest(form.slice(0, form.indexOf('_')) as 'exact' | 'prefix' | 'suffix' | 'contains', wanted);
    }
  }
  return undefined;
}

/** Digits that a double holds exactly. */
const EXACT_DIGITS = 15;
const INT64_MAX = 2n ** 63n - 1n;

/** From `start` up to but not with `end`, of a decimal 64-bit integer. */
function readRange(fields: Fields): StringTest {
  const start = BigInt(String(fields.raw('start') ?? 0));
  const end = BigInt(String(fields.raw('end') ?? 0));
  const range = { start: Number(start), end: Number(end) };
  return (value) => {
    const number = parseInteger(value);
    if (number === undefined) return false;
    if (typeof number === 'number') return number >= range.start && number < range.end;
    return number >= start && number < end;
  };
}

/** A 64-bit integer with an optional sign and blanks around it; undefined for anything else. */
function parseInteger(value: string): number | bigint | undefined {
  const text = value.trim();
  const from = text.startsWith('-') || text.startsWith('+') ? 1 : 0;
  if (text.length === from) return undefined;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return undefined;
  }
  if (text.length <= EXACT_DIGITS) return Number(text);
  const size = BigInt(text.slice(from));
  const negative = text.startsWith('-');
  if (size > INT64_MAX + (negative ? 1n : 0n)) return undefined;
  return negative ? -size : size;
}
