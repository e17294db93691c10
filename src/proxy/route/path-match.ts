import type { Fields } from '../config/fields.ts';
import { literalPrefix } from '../match/literal-prefix.ts';
import { lowerAscii, readRegex } from '../match/strings.ts';
import { readTemplateMatch, type UriTemplate } from './uri-template.ts';

/** How a route matches paths, which come without query and fragment. */
export interface PathMatch {
  readonly kind: 'prefix' | 'path' | 'path_separated_prefix' | 'regex' | 'connect' | 'template';
  /** The text of a prefix or path; empty for others, which stand for the whole path in a rewrite. */
  readonly text: string;
  /** What all paths begin with that an expression matches. */
  readonly literal: string;
  readonly caseSensitive: boolean;
  readonly test: (path: string) => boolean;
  readonly template: UriTemplate | undefined;
}

const PLAIN = { text: '', literal: '', caseSensitive: true, template: undefined } as const;
const NOTHING: PathMatch = { ...PLAIN, kind: 'regex', test: () => false };
export const ANY_PATH: PathMatch = { ...PLAIN, kind: 'prefix', test: () => true };
/** CONNECT has no path; the table asks this kind apart from the others. */
const CONNECT: PathMatch = { ...PLAIN, kind: 'connect', test: () => true };

/** Reads the `path_specifier` of an `envoy.config.route.v3.RouteMatch`. */
export function readPathMatch(fields: Fields): PathMatch {
  const caseSensitive = fields.boolean('case_sensitive') ?? true;
  const kind = fields.oneOf('path_specifier', [
    'prefix',
    'path',
    'safe_regex',
    'path_separated_prefix',
    'connect_matcher',
    'path_match_policy',
  ]);
  switch (kind) {
    case undefined:
      return NOTHING;
    case 'connect_matcher':
      fields.message('connect_matcher', () => undefined);
      return CONNECT;
    case 'safe_regex': {
      let literal = '';
      const regex = fields.message('safe_regex', (inner) => {
        literal = literalPrefix(inner.text('regex'));
        return readRegex(inner);
      });
      if (!regex) return NOTHING;
      return { ...PLAIN, kind: 'regex', literal, test: (path) => regex.matches(path) };
    }
    case 'path_match_policy': {
      const template = fields.message('path_match_policy', readTemplateMatch);
      return template ? { ...PLAIN, kind: 'template', test: (path) => template.matches(path), template } : NOTHING;
    }
    default:
      return textMatch(kind, latin1(fields.text(kind)), caseSensitive);
  }
}

/** Paths are latin1 text of their bytes. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function textMatch(kind: 'prefix' | 'path' | 'path_separated_prefix', text: string, caseSensitive: boolean): PathMatch {
  const wanted = caseSensitive ? text : lowerAscii(text);
  const test = textTest(kind, wanted);
  return {
    kind,
    text,
    literal: '',
    caseSensitive,
    test: caseSensitive ? test : (path) => test(lowerAscii(path)),
    template: undefined,
  };
}

function textTest(kind: 'prefix' | 'path' | 'path_separated_prefix', text: string): (path: string) => boolean {
  switch (kind) {
    case 'path':
      return (path) => path === text;
    case 'prefix':
      return (path) => path.startsWith(text);
    case 'path_separated_prefix':
      return (path) => path.startsWith(text) && (path.length === text.length || path.charCodeAt(text.length) === 0x2f);
  }
}

/** Index of the `?` or `#` that ends a path, or its length. */
export function pathEnd(full: string): number {
  for (let at = 0; at < full.length; at++) {
    const code = full.charCodeAt(at);
    if (code === 0x3f || code === 0x23) return at;
  }
  return full.length;
}
