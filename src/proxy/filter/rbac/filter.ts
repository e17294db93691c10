import type { Fields } from '../../config/fields.ts';
import type { FilterContext } from '../context.ts';
import type { FilterKind, FilterStream, HeadVerdict, HttpFilter } from '../filter.ts';
import { type RbacEngine, readEngine, type Verdict } from './engine.ts';
import { type VerdictCounter, verdictCounter } from './stats.ts';

const NAMESPACE = 'envoy.filters.http.rbac';
const TYPE = 'envoy.extensions.filters.http.rbac.v3.RBAC';

interface RbacConfig {
  readonly rules: RbacEngine | undefined;
  readonly shadow: RbacEngine | undefined;
  /** Before the keys of dynamic metadata, and in the names of stats of a chain's filter. */
  readonly rulesPrefix: string;
  readonly shadowPrefix: string;
  readonly trackPolicies: boolean;
}

/** What a route says without rules of its own: nobody is judged. */
const NOTHING: RbacConfig = {
  rules: undefined,
  shadow: undefined,
  rulesPrefix: '',
  shadowPrefix: '',
  trackPolicies: false,
};

/** `envoy.filters.http.rbac`, for requests from clients and, after the host was chosen, to upstreams. */
export const rbacFilter: FilterKind = {
  type: TYPE,
  upstream: true,
  read: (fields, context): HttpFilter => {
    const own = readRbac(fields);
    // What routes say is counted under the names of the chain's filter.
    const counters = countersOf(own, context);
    return {
      type: TYPE,
      bind: ([override]) => {
        const config = (override as RbacConfig | undefined) ?? own;
        if (!config.rules && !config.shadow) return undefined;
        return { shared: { request: { head: (stream) => enforce(stream, config, counters) } } };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
  readRoute: (fields): RbacConfig => fields.message('rbac', readRbac) ?? NOTHING,
};

interface Counters {
  readonly rules: VerdictCounter;
  readonly shadow: VerdictCounter;
  readonly rulesKeys: VerdictKeys;
  readonly shadowKeys: VerdictKeys;
}

/** Where a verdict is noted in the dynamic metadata. */
interface VerdictKeys {
  readonly result: string;
  readonly policy: string;
}

function keysOf(prefix: string): VerdictKeys {
  return { result: `${prefix}engine_result`, policy: `${prefix}effective_policy_id` };
}

function countersOf({ rulesPrefix, shadowPrefix }: RbacConfig, context: FilterContext): Counters {
  return {
    rules: verdictCounter(context, rulesPrefix, false),
    shadow: verdictCounter(context, shadowPrefix, true),
    rulesKeys: keysOf(`${rulesPrefix}enforced_`),
    shadowKeys: keysOf(`${shadowPrefix}shadow_`),
  };
}

function readRbac(fields: Fields): RbacConfig {
  return {
    rules: fields.message('rules', readEngine),
    shadow: fields.message('shadow_rules', readEngine),
    rulesPrefix: fields.text('rules_stat_prefix'),
    shadowPrefix: fields.text('shadow_rules_stat_prefix'),
    trackPolicies: fields.flag('track_per_rule_stats'),
  };
}

function enforce(stream: FilterStream, config: RbacConfig, counters: Counters): HeadVerdict {
  const { rules, shadow, trackPolicies } = config;
  if (shadow) {
    const verdict = shadow.judge(stream);
    counters.shadow.count(verdict, trackPolicies);
    record(stream, verdict, counters.shadowKeys);
  }
  if (!rules) return 'continue';
  const verdict = rules.judge(stream);
  counters.rules.count(verdict, trackPolicies);
  record(stream, verdict, counters.rulesKeys);
  if (rules.logs) stream.setMetadata('envoy.common', 'access_log_hint', verdict.policy !== undefined);
  if (verdict.allowed) return 'continue';
  stream.reply({
    status: 403,
    body: 'RBAC: access denied',
    details: deniedDetails(verdict),
  });
  return 'stop';
}

/** White space would break up lines of access logs. */
export function deniedDetails({ policy }: Verdict): string {
  return `rbac_access_denied_matched_policy[${(policy ?? 'none').replaceAll(/\s/g, '_')}]`;
}

function record(stream: FilterStream, { allowed, policy }: Verdict, keys: VerdictKeys): void {
  stream.setMetadata(NAMESPACE, keys.result, allowed ? 'allowed' : 'denied');
  if (policy !== undefined) stream.setMetadata(NAMESPACE, keys.policy, policy);
}
