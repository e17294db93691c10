import type { Fields } from '../../config/fields.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { readRouteMatch } from '../../route/match.ts';
import type { FilterContext } from '../context.ts';
import { type Provider, readProvider } from './provider.ts';
import { type Requirement, readRequirement } from './requirement.ts';
import { JWT_STATS, type JwtStats } from './stats.ts';

/** A compiled `envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication`. */
export interface JwtAuthn {
  readonly stats: JwtStats;
  readonly providers: ReadonlyMap<string, Provider>;
  /** The first that matches counts; one without a requirement asks for nothing. */
  readonly rules: readonly {
    readonly matches: (info: StreamInfo) => boolean;
    readonly requirement: Requirement | undefined;
  }[];
  readonly named: ReadonlyMap<string, Requirement>;
  readonly bypassesPreflights: boolean;
  /** What is wrong is not told to clients. */
  readonly tellsNothing: boolean;
}

/** Fields of a `RouteMatch` that Envoy's filter looks at; it passes over all others. */
const MATCHED = [
  'prefix',
  'path',
  'safe_regex',
  'path_separated_prefix',
  'connect_matcher',
  'path_match_policy',
  'case_sensitive',
  'headers',
  'query_parameters',
];

export function readJwtAuthn(fields: Fields, context: FilterContext): JwtAuthn {
  const { stats: scope, statPrefix, runtime } = context;
  const prefix = fields.text('stat_prefix');
  const stats = scope.get(JWT_STATS, `${statPrefix}jwt_authn.${prefix === '' ? '' : `${prefix}.`}`);
  const providers = fields.map('providers', (inner, name) => readProvider(inner, name, stats, context));
  const named = fields.map('requirement_map', (inner) => readRequirement(inner, providers));
  const rules = fields.list('rules', (rule) => {
    const match = rule.message('match', (inner) => {
      for (const key of Object.keys(inner.json)) {
        if (!MATCHED.includes(key)) inner.problem(key, 'is not looked at by this filter', MATCHED.join(', '));
      }
      return readRouteMatch(inner, runtime);
    });
    if (!match) rule.problem('match', 'value is required');
    const requirement = rule.message('requires', (inner) => readRequirement(inner, providers)) ?? readName(rule, named);
    return {
      matches: (info: StreamInfo): boolean => {
        if (!match) return false;
        if (match.path.kind === 'connect' ? info.request?.method !== 'CONNECT' : !match.path.test(pathOf(info)))
          return false;
        return match.conditions.every((condition) => condition(info, 0));
      },
      requirement,
    };
  });
  return {
    stats,
    providers,
    rules,
    named,
    bypassesPreflights: fields.flag('bypass_cors_preflight'),
    tellsNothing: fields.flag('strip_failure_response'),
  };
}

function readName(rule: Fields, named: ReadonlyMap<string, Requirement>): Requirement | undefined {
  const name = rule.string('requirement_name');
  if (name === undefined || rule.has('requires')) return undefined;
  const found = named.get(name);
  if (!found) rule.problem('requirement_name', wrongName(name, named));
  return found;
}

/** What Envoy says of a requirement that there is not. */
export function wrongName(name: string, named: ReadonlyMap<string, Requirement>): string {
  return `Wrong requirement_name: ${name}. It should be one of [${[...named.keys()].sort().join(',')}]`;
}

/** Without query and fragment. */
function pathOf({ request }: StreamInfo): string {
  return /^[^?#]*/.exec(request?.path ?? '')?.[0] ?? '';
}
