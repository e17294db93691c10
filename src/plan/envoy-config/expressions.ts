import type { Issue } from '../../base/index.ts';
import { regexFault } from '../../policy/index.ts';
import { isList, isObject } from '../envoy-json.ts';
import type { JsonValue } from '../node-plan.ts';

/** Regular expressions anywhere in a resource (`safe_regex`, `regex_rewrite`, ...) that RE2 does not accept. */
export function expressionIssues(value: JsonValue, path: string): readonly Issue[] {
  if (isList(value)) return value.flatMap((each, index) => expressionIssues(each, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    const place = `${path}.${key}`;
    if (key !== 'regex' || typeof each !== 'string') return expressionIssues(each, place);
    const fault = regexFault(each);
    return fault === undefined ? [] : [{ path: place, message: fault, allowed: 'an RE2 regular expression' }];
  });
}
