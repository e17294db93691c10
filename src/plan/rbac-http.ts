import type { HeaderRule, HttpRule } from '../model/cilium/index.ts';
import type { JsonObject } from './node-plan.ts';

/** What a request must be for the rule to let it pass, all of it. Expressions match whole values; the path has its query. */
export function headerPermissions(rule: HttpRule): readonly JsonObject[] {
  const expressions = [
    [':path', rule.path],
    [':method', rule.method],
    [':authority', rule.host],
  ] as const;
  const fields = expressions.flatMap(([name, regex]) => {
    return regex === undefined || regex === '' ? [] : [{ header: { name, string_match: { safe_regex: { regex } } } }];
  });
  return [...fields, ...rule.headers.flatMap(headerPermissionsOf)];
}

/**
 * Cilium compares a repeated header as a whole, its values joined by commas; for RBAC one value that is right is enough. So no value
 * may be another one.
 */
function headerPermissionsOf({ name, value }: HeaderRule): readonly JsonObject[] {
  if (value === undefined || value === '') return [{ header: { name, present_match: true } }];
  const header = (stringMatch: JsonObject): JsonObject => ({ header: { name, string_match: stringMatch } });
  return [header({ exact: value }), { not_rule: header({ safe_regex: { regex: otherThan(value) } }) }];
}

const SAFE = /[A-Za-z0-9]/;

/** An expression (RE2, whole values) for every text but this one, which is not empty: it ends early, goes on differently, or goes on further. */
export function otherThan(text: string): string {
  let rest = '[\\s\\S]+';
  for (const character of [...text].reverse()) {
    const literal = SAFE.test(character) ? character : `\\x{${character.codePointAt(0)?.toString(16)}}`;
    rest = `(?:[^${literal}][\\s\\S]*|${literal}${rest})?`;
  }
  return rest;
}
