import type { Fields } from '../../config/fields.ts';
import type { FilterHooks, FilterKind, FilterStream, HeadVerdict, HttpFilter } from '../filter.ts';
import { type RbacEngine, readEngine, type Verdict } from './engine.ts';

const NAMESPACE = 'envoy.filters.http.rbac';

const TYPE = 'envoy.extensions.filters.http.rbac.v3.RBAC';

/** What a route says without rules of its own: nobody is judged. */
const NOTHING: FilterHooks = {};

/** `envoy.filters.http.rbac`, for requests from clients and, after the host was chosen, to upstreams. */
export const rbacFilter: FilterKind = {
  type: TYPE,
  upstream: true,
  read: (fields): HttpFilter => {
    const own = readRbac(fields);
    return {
      type: TYPE,
      bind: ([override]) => {
        const shared = (override as FilterHooks | undefined) ?? own;
        return shared.request && { shared };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
  readRoute: (fields): FilterHooks => fields.message('rbac', readRbac) ?? NOTHING,
};

function readRbac(fields: Fields): FilterHooks {
  fields.ignore('track_per_rule_stats');
  const prefix = fields.text('rules_stat_prefix');
  const shadowPrefix = fields.text('shadow_rules_stat_prefix');
  const rules = fields.message('rules', readEngine);
  const shadow = fields.message('shadow_rules', readEngine);
  return { request: { head: (stream) => enforce(stream, rules, shadow, prefix, shadowPrefix) } };
}

function enforce(
  stream: FilterStream,
  rules: RbacEngine | undefined,
  shadow: RbacEngine | undefined,
  prefix: string,
  shadowPrefix: string,
): HeadVerdict {
  if (shadow)
    record(
      stream,
      shadow.judge(stream),
      `${shadowPrefix}shadow_engine_result`,
      `${shadowPrefix}shadow_effective_policy_id`,
    );
  if (!rules) return 'continue';
  const verdict = rules.judge(stream);
  record(stream, verdict, `${prefix}enforced_engine_result`, `${prefix}enforced_effective_policy_id`);
  if (verdict.allowed) return 'continue';
  stream.reply({
    status: 403,
    body: 'RBAC: access denied',
    details: `rbac_access_denied_matched_policy[${(verdict.policy ?? 'none').replaceAll(/\s/g, '_')}]`,
  });
  return 'stop';
}

function record(stream: FilterStream, verdict: Verdict, result: string, policy: string): void {
  stream.setMetadata(NAMESPACE, result, verdict.allowed ? 'allowed' : 'denied');
  if (verdict.policy !== undefined) stream.setMetadata(NAMESPACE, policy, verdict.policy);
}
