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
  return [...fields, ...rule.headers.map(headerPermission)];
}

function headerPermission({ name, value }: HeaderRule): JsonObject {
  if (value === undefined || value === '') return { header: { name, present_match: true } };
  return { header: { name, string_match: { exact: value } } };
}
