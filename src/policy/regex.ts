import { RE2JS } from 're2js';
import type { Issue } from '../base/index.ts';
import type { HttpRule, PolicyObject } from '../model/cilium/index.ts';

/** Why the text is not an RE2 expression; undefined when it is one. */
export function regexFault(expression: string): string | undefined {
  try {
    RE2JS.compile(expression);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The HTTP expressions of a policy that RE2 does not accept, by field path. */
export function invalidExpressions(policy: PolicyObject): readonly Issue[] {
  const rules = policy.rules.flatMap(({ ingress, egress }) =>
    [...ingress.items, ...egress.items].flatMap((item) => (item.ports ?? []).flatMap(({ http }) => http ?? [])),
  );
  return rules.flatMap(httpRuleIssues);
}

function httpRuleIssues(rule: HttpRule): readonly Issue[] {
  const fields = ['path', 'method', 'host'] as const;
  return fields.flatMap((field) => {
    const expression = rule[field];
    const fault = expression === undefined ? undefined : regexFault(expression);
    if (fault === undefined) return [];
    return [{ path: `${rule.fieldPath}.${field}`, message: fault, allowed: 'an RE2 regular expression' }];
  });
}
