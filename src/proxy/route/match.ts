import type { Fields } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { readHeaderMatcher } from '../match/headers.ts';
import { readMetadataMatcher } from '../match/metadata.ts';
import { readRegex, readStringMatcher, type StringTest } from '../match/strings.ts';

/** A request as the matchers see it, its path split once. */
export interface RouteInput {
  readonly info: StreamInfo;
  /** Without query and fragment. */
  readonly path: string;
  /** Text after `?`, or undefined. */
  readonly query: string | undefined;
  readonly method: string;
  readonly header: (name: string) => string | undefined;
  /** Stable random number of this request, 0 to 2^32-1. */
  readonly random: number;
}

export interface PathMatch {
  readonly kind: 'prefix' | 'path' | 'regex' | 'path_separated_prefix' | 'connect';
  /** The text that a prefix rewrite replaces; empty for a regex, which is replaced whole. */
  readonly text: string;
  readonly caseSensitive: boolean;
  readonly test: (path: string, method: string) => boolean;
}

export interface RouteMatch {
  readonly path: PathMatch;
  readonly conditions: readonly ((input: RouteInput) => boolean)[];
}

const NOTHING: PathMatch = { kind: 'prefix', text: '', caseSensitive: true, test: () => false };

/** Reads an `envoy.config.route.v3.RouteMatch`. */
export function readRouteMatch(fields: Fields): RouteMatch {
  const conditions: ((input: RouteInput) => boolean)[] = [];
  const fraction = fields.message('runtime_fraction', readRuntimeFraction);
  if (fraction) conditions.push((input) => input.random % fraction.denominator < fraction.numerator);
  if (fields.message('grpc', () => true)) conditions.push(isGrpc);
  for (const test of fields.list('headers', readHeaderMatcher)) conditions.push((input) => test(input.header));
  for (const test of fields.list('query_parameters', readQueryMatcher)) conditions.push((input) => test(input.query));
  for (const test of fields.list('dynamic_metadata', readMetadataMatcher)) conditions.push((input) => test(input.info));
  return { path: readPath(fields), conditions };
}

function readPath(fields: Fields): PathMatch {
  const caseSensitive = fields.boolean('case_sensitive') ?? true;
  const kind = fields.oneOf('path_specifier', [
    'prefix',
    'path',
    'safe_regex',
    'path_separated_prefix',
    'connect_matcher',
  ]);
  switch (kind) {
    case undefined:
      return NOTHING;
    case 'connect_matcher':
      fields.message('connect_matcher', () => undefined);
      return { kind: 'connect', text: '', caseSensitive, test: (_, method) => method === 'CONNECT' };
    case 'safe_regex': {
      const regex = fields.message('safe_regex', readRegex);
      return regex ? { kind: 'regex', text: '', caseSensitive, test: (path) => regex.matches(path) } : NOTHING;
    }
    default: {
      const text = fields.text(kind);
      if (kind === 'path_separated_prefix' && (/[?#]/.test(text) || text.endsWith('/'))) {
        fields.problem(kind, `found ${JSON.stringify(text)}`, 'a path without ?, # and trailing /');
      }
      const test = pathTest(kind, caseSensitive ? text : text.toLowerCase());
      return { kind, text, caseSensitive, test: caseSensitive ? test : (path) => test(path.toLowerCase()) };
    }
  }
}

function pathTest(kind: 'prefix' | 'path' | 'path_separated_prefix', text: string): (path: string) => boolean {
  switch (kind) {
    case 'path':
      return (path) => path === text;
    case 'prefix':
      return (path) => path.startsWith(text);
    case 'path_separated_prefix':
      return (path) => path.startsWith(text) && (path.length === text.length || path[text.length] === '/');
  }
}

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

export function readFraction(fields: Fields): { readonly numerator: number; readonly denominator: number } {
  const denominator = DENOMINATORS[fields.choice('denominator', ['HUNDRED', 'TEN_THOUSAND', 'MILLION'])];
  return { numerator: fields.number('numerator') ?? 0, denominator };
}

function readRuntimeFraction(fields: Fields): { readonly numerator: number; readonly denominator: number } {
  fields.ignore('runtime_key');
  return fields.message('default_value', readFraction) ?? { numerator: 0, denominator: 100 };
}

function isGrpc(input: RouteInput): boolean {
  const type = input.header('content-type');
  return type === 'application/grpc' || (type?.startsWith('application/grpc+') ?? false);
}

function readQueryMatcher(fields: Fields): (query: string | undefined) => boolean {
  const name = fields.required('name');
  const present = fields.boolean('present_match');
  const test: StringTest | undefined = fields.message('string_match', readStringMatcher);
  return (query) => {
    const value = query === undefined ? undefined : queryValue(query, name);
    if (test) return value !== undefined && test(value);
    return (value !== undefined) === (present ?? true);
  };
}

/** The first value of a query parameter, undecoded. */
function queryValue(query: string, name: string): string | undefined {
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    if ((equals < 0 ? pair : pair.slice(0, equals)) === name) return equals < 0 ? '' : pair.slice(equals + 1);
  }
  return undefined;
}
