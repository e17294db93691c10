import type { Fields } from '../config/fields.ts';
import { ROUTE_INPUTS } from '../match/tree/inputs.ts';
import { readMatcher } from '../match/tree/tree.ts';
import type { RouteContext } from './context.ts';
import { type OuterLevels, type RouteEntry, readRoute } from './route.ts';
import type { VirtualHost } from './virtual-host.ts';

const ROUTE = 'envoy.config.route.v3.Route';
const ROUTES = 'envoy.config.route.v3.RouteList';

type Find = VirtualHost['find'];

/**
 * Reads the `matcher` of a virtual host: a tree that leads to routes, of which the first that matches is taken. There is no way back
 * into the tree, and the clusters of its routes need not be there, as in Envoy.
 */
export function readRouteTree(
  fields: Fields,
  virtualHost: VirtualHost,
  outer: OuterLevels,
  context: RouteContext,
  finder: (routes: readonly RouteEntry[]) => Find,
): Find {
  const inner = { ...context, hasCluster: undefined };
  const read = (config: Fields): RouteEntry | undefined => readRoute(config, virtualHost, outer, inner);
  const tree = readMatcher(fields, {
    inputs: ROUTE_INPUTS,
    refuseInput: (type) => `Route table can only match on request headers, saw type.googleapis.com/${type}`,
    actions: new Map([
      [ROUTE, (config: Fields): Find => finder([read(config)].filter((route) => route !== undefined))],
      [ROUTES, (config: Fields): Find => finder(config.list('routes', read).filter((route) => route !== undefined))],
    ]),
    runtime: context.runtime,
    stats: context.stats,
  });
  return (info, random) => tree(info)?.(info, random);
}
