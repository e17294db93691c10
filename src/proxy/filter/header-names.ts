import type { Fields } from '../config/fields.ts';
import { readStringMatcher } from '../match/strings.ts';

/** Whether a header of that name, in lower case, is meant. */
export type HeaderNames = (name: string) => boolean;

/** Reads an `envoy.type.matcher.v3.ListStringMatcher`. */
export function readNames(fields: Fields): HeaderNames {
  const tests = fields.list('patterns', readStringMatcher);
  if (tests.length === 0) fields.problem('patterns', 'value must contain at least 1 item(s)');
  return (name) => tests.some((test) => test(name));
}
