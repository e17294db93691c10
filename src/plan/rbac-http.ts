import type { HeaderRule, HttpRule } from '../model/cilium/index.ts';
import type { JsonObject } from './node-plan.ts';
import type { SecretTexts } from './policy-secrets.ts';

/** What a request must be for the rule to let it pass, all of it. Expressions match whole values; the path has its query. */
export function headerPermissions(rule: HttpRule, textOf: SecretTexts): readonly JsonObject[] {
  const expressions = [
    [':path', rule.path],
    [':method', rule.method],
    [':authority', rule.host],
  ] as const;
  const fields = expressions.flatMap(([name, regex]) => {
    return regex === undefined || regex === '' ? [] : [{ header: { name, string_match: { safe_regex: { regex } } } }];
  });
  const headers = rule.headers.map((header) => ({ ...header, ...expected(header, textOf) }));
  if (headers.some(({ unknown }) => unknown)) return [{ not_rule: { any: true } }];
  const tested = headers.filter(({ mismatch, secret }) => !mismatch && !secret);
  const acted = headers.filter(({ mismatch, secret }) => mismatch || secret);
  return [...fields, ...tested.flatMap(headerPermissionsOf), ...(acted.length > 0 ? [actionsOf(acted)] : [])];
}

/** The value of a Secret goes before the one that is written down; without either no request is let through. */
function expected(
  { value, secret }: HeaderRule,
  textOf: SecretTexts,
): { readonly value?: string; readonly unknown?: true } {
  const found = secret && textOf(secret);
  if (found && 'text' in found) return { value: found.text };
  if (value !== undefined) return { value };
  return found ? { unknown: true } : {};
}

/** Last among the permissions, since it changes the request: `readHeaderActions` of the data plane. */
function actionsOf(headers: readonly HeaderRule[]): JsonObject {
  const typed_config = {
    '@type': 'type.googleapis.com/ciliate.rbac.v3.HeaderActions',
    headers: headers.map(({ name, value, secret, mismatch }) => ({
      name,
      ...(value !== undefined && { value }),
      ...(secret && { sensitive: true }),
      ...(mismatch && { mismatch }),
    })),
  };
  return { matcher: { name: 'ciliate.rbac.matchers.header_actions', typed_config } };
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
