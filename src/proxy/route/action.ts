import type { Fields } from '../config/fields.ts';
import type { RouteContext } from './context.ts';
import { type ForwardOptions, readForwardOptions } from './forward-options.ts';
import type { PathMatch } from './path-match.ts';
import { type HostRewrite, type PathRewrite, readHostRewrite, readPathRewrite } from './rewrite.ts';
import { type RouteUpgrades, readRouteUpgrades } from './upgrades.ts';

/** `envoy.config.route.v3.RouteAction` without its choice of cluster. Times in milliseconds, 0 for none. */
export interface ForwardAction extends ForwardOptions, RouteUpgrades {
  readonly kind: 'forward';
  readonly notFoundStatus: number;
  readonly pathRewrite: PathRewrite | undefined;
  readonly hostRewrite: HostRewrite | undefined;
  readonly appendForwardedHost: boolean;
  readonly timeout: number;
  /** Undefined: the connection manager's. */
  readonly idleTimeout: number | undefined;
  readonly priority: 'DEFAULT' | 'HIGH';
}

const NOT_FOUND = { SERVICE_UNAVAILABLE: 503, NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 } as const;
const DEFAULT_TIMEOUT = 15_000;

/** `matched`: what the route matches, which a rewrite may refer to. */
export function readForward(fields: Fields, matched: PathMatch, context: RouteContext): ForwardAction {
  return {
    ...readForwardOptions(fields, context),
    kind: 'forward',
    notFoundStatus:
      NOT_FOUND[
        fields.choice('cluster_not_found_response_code', ['SERVICE_UNAVAILABLE', 'NOT_FOUND', 'INTERNAL_SERVER_ERROR'])
      ],
    pathRewrite: readPathRewrite(fields, matched),
    hostRewrite: readHostRewrite(fields),
    appendForwardedHost: fields.flag('append_x_forwarded_host'),
    timeout: Math.floor(fields.duration('timeout') ?? DEFAULT_TIMEOUT),
    idleTimeout: fields.duration('idle_timeout'),
    priority: fields.choice('priority', ['DEFAULT', 'HIGH']),
    ...readRouteUpgrades(fields),
  };
}
