import type { Fields } from '../../config/fields.ts';
import { MetadataNote } from '../../http/dynamic-metadata.ts';
import type { FilterContext, RouteFilterContext } from '../context.ts';
import type { FilterKind, FilterStream, HeadVerdict, HttpFilter } from '../filter.ts';
import type { RbacEngine, Verdict } from './engine.ts';
import { REQUEST_RBAC, readRules } from './matcher.ts';
import { type VerdictCounter, verdictCounter } from './stats.ts';

/** Where a verdict is noted in dynamic metadata: Envoy has a name of its own for filters of clusters, so that theirs and a listener's stand side by side. */
const NAMESPACES = { downstream: 'envoy.filters.http.rbac', upstream: 'envoy.filters.http.upstream_rbac' } as const;
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
    const own = readRbac(fields, context);
    // What routes say is counted under the names of the chain's filter.
    const places = placesOf(own, context);
    return {
      type: TYPE,
      bind: ([override]) => {
        const config = (override as RbacConfig | undefined) ?? own;
        if (!config.rules && !config.shadow) return undefined;
        const plan = planOf(config, places);
        return { shared: { request: { head: (stream) => enforce(stream, plan) } } };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
  readRoute: (fields, context): RbacConfig => fields.message('rbac', (inner) => readRbac(inner, context)) ?? NOTHING,
};

/** Where the verdicts of one engine are told, whatever rules it has. */
interface VerdictPlace {
  readonly counter: VerdictCounter;
  /** Of dynamic metadata. */
  readonly namespace: string;
  /** Before the keys of dynamic metadata. */
  readonly prefix: string;
}

interface VerdictPlaces {
  readonly rules: VerdictPlace;
  readonly shadow: VerdictPlace;
}

function placesOf({ rulesPrefix, shadowPrefix }: RbacConfig, context: FilterContext): VerdictPlaces {
  const namespace = NAMESPACES[context.place];
  return {
    rules: { counter: verdictCounter(context, rulesPrefix, false), namespace, prefix: `${rulesPrefix}enforced_` },
    shadow: { counter: verdictCounter(context, shadowPrefix, true), namespace, prefix: `${shadowPrefix}shadow_` },
  };
}

/** An engine at its place. */
interface Judge {
  readonly engine: RbacEngine;
  readonly place: VerdictPlace;
  readonly trackPolicies: boolean;
  /** What is noted of a verdict, made when it is first given. */
  readonly notes: (readonly MetadataNote[] | undefined)[];
}

interface RbacPlan {
  readonly rules: Judge | undefined;
  readonly shadow: Judge | undefined;
}

function planOf({ rules, shadow, trackPolicies }: RbacConfig, places: VerdictPlaces): RbacPlan {
  const at = (engine: RbacEngine | undefined, place: VerdictPlace): Judge | undefined =>
    engine && { engine, place, trackPolicies, notes: new Array<undefined>(engine.verdicts).fill(undefined) };
  return { rules: at(rules, places.rules), shadow: at(shadow, places.shadow) };
}

function readRbac(fields: Fields, context: RouteFilterContext): RbacConfig {
  return {
    rules: readRules(fields, '', REQUEST_RBAC, context),
    shadow: readRules(fields, 'shadow_', REQUEST_RBAC, context),
    rulesPrefix: fields.text('rules_stat_prefix'),
    shadowPrefix: fields.text('shadow_rules_stat_prefix'),
    trackPolicies: fields.flag('track_per_rule_stats'),
  };
}

function enforce(stream: FilterStream, { rules, shadow }: RbacPlan): HeadVerdict {
  if (shadow) judge(stream, shadow);
  if (!rules) return 'continue';
  const verdict = judge(stream, rules);
  if (verdict.hint !== undefined) stream.setMetadata('envoy.common', 'access_log_hint', verdict.hint);
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

/** Judges a request, counts and notes the verdict. */
function judge(stream: FilterStream, { engine, place, trackPolicies, notes }: Judge): Verdict {
  const verdict = engine.judge(stream);
  place.counter.count(verdict, trackPolicies);
  const known = notes[verdict.at] ?? notesOf(verdict, place);
  notes[verdict.at] = known;
  for (let at = 0; at < known.length; at++) stream.noteMetadata(known[at] as MetadataNote);
  return verdict;
}

function notesOf({ allowed, policy }: Verdict, { namespace, prefix }: VerdictPlace): readonly MetadataNote[] {
  const result = new MetadataNote(namespace, `${prefix}engine_result`, allowed ? 'allowed' : 'denied');
  if (policy === undefined) return [result];
  return [result, new MetadataNote(namespace, `${prefix}effective_policy_id`, policy)];
}
