import type { Fields } from '../config/fields.ts';
import { compileRegex, type Regex } from './regex.ts';

export type StringTest = (value: string) => boolean;

const NEVER: StringTest = () => false;

/** Reads an `envoy.type.matcher.v3.StringMatcher`. */
export function readStringMatcher(fields: Fields): StringTest {
  const folded = fields.flag('ignore_case');
  const kind = fields.oneOf('match_pattern', ['exact', 'prefix', 'suffix', 'contains', 'safe_regex']);
  switch (kind) {
    case undefined:
      return NEVER;
    case 'safe_regex': {
      const regex = fields.message('safe_regex', readRegex);
      if (folded) fields.problem('ignore_case', 'ignore_case has no effect for safe_regex.');
      return regex ? (value) => regex.matches(value) : NEVER;
    }
    default:
      return stringTest(kind, fields.text(kind), folded);
  }
}

/** Reads an `envoy.type.matcher.v3.RegexMatcher`. */
export function readRegex(fields: Fields): Regex | undefined {
  fields.ignore('google_re2');
  const source = fields.text('regex');
  const compiled = compileRegex(source);
  if (compiled.ok) return compiled.value;
  fields.problem('regex', compiled.error, 'an RE2 expression');
  return undefined;
}

/** `wanted` is compared as its UTF-8 bytes: values are latin1 text of the bytes on the wire. Only ASCII letters are folded. */
export function stringTest(
  kind: 'exact' | 'prefix' | 'suffix' | 'contains',
  wanted: string,
  ignoreCase = false,
): StringTest {
  const bytes = Buffer.from(wanted, 'utf8').toString('latin1');
  if (!ignoreCase) return plainTest(kind, bytes);
  const test = plainTest(kind, lowerAscii(bytes));
  return (value) => test(lowerAscii(value));
}

function plainTest(kind: 'exact' | 'prefix' | 'suffix' | 'contains', wanted: string): StringTest {
  switch (kind) {
    case 'exact':
      return (value) => value === wanted;
    case 'prefix':
      return (value) => value.startsWith(wanted);
    case 'suffix':
      return (value) => value.endsWith(wanted);
    case 'contains':
      return (value) => value.includes(wanted);
  }
}

/** Lower case of ASCII letters only, as Envoy folds. */
export function lowerAscii(text: string): string {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0x7f) return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return text.toLowerCase();
}
