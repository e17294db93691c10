import { compileRe2, type Issue } from '../../base/index.ts';
import { isList, isObject, textAt } from '../envoy-json.ts';
import type { JsonValue } from '../node-plan.ts';

/** Regular expressions anywhere in a resource (`safe_regex`, `regex_rewrite`, ...) that RE2 does not accept. */
export function expressionIssues(value: JsonValue, path: string): readonly Issue[] {
  if (isList(value)) return value.flatMap((each, index) => expressionIssues(each, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    const place = `${path}.${key}`;
    if (key !== 'regex' || typeof each !== 'string') return expressionIssues(each, place);
    const compiled = compileRe2(each);
    return compiled.ok ? [] : [{ path: place, message: compiled.error, allowed: 'an RE2 regular expression' }];
  });
}

const policyFilterPrefix = 'ciliate/';

/** Settings by route (or filters) under the names of the filters that enforce policy: they could switch policy off. */
export function policyFilterIssues(value: JsonValue, path: string): readonly Issue[] {
  if (isList(value)) return value.flatMap((each, index) => policyFilterIssues(each, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    const place = `${path}.${key}`;
    const names = key === 'typed_per_filter_config' && isObject(each) ? Object.keys(each) : [];
    if (key === 'http_filters' && isList(each)) {
      for (const filter of each) if (isObject(filter)) names.push(textAt(filter, 'name'));
    }
    const taken = names.filter((name) => name.startsWith(policyFilterPrefix));
    const allowed = `names that do not start with ${policyFilterPrefix}`;
    const issues = taken.map((name) => ({
      path: place,
      message: `"${name}" is a filter that enforces policy`,
      allowed,
    }));
    return [...issues, ...policyFilterIssues(each, place)];
  });
}
