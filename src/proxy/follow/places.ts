import type { Fields, JsonObject } from '../config/fields.ts';
import type { RouteFilter, RouteFilters } from '../filter/filter.ts';
import { readRouteFilters } from '../filter/table.ts';
import type { Route } from '../route/route.ts';
import type { RouteTableContext } from '../route/table.ts';
import { Runtime } from '../runtime/runtime.ts';
import { StatsStore } from '../stats/store.ts';

/** Where a route was read, and what it was read of. */
export interface RoutePlace {
  readonly path: string;
  readonly json: JsonObject;
}

/** Keeps a level that says nothing about filters among those of its routes. */
const KEPT: readonly [string, RouteFilter] = ['', { disabled: undefined, type: '', value: undefined }];

/** A context for route tables which remembers where each route was read: every level asks for its filters once, and routes keep what they got. */
export function placingContext(): {
  readonly context: RouteTableContext;
  readonly placeOf: (route: Route) => RoutePlace | undefined;
} {
  const places = new WeakMap<RouteFilters, RoutePlace>();
  const stats = new StatsStore().scope();
  const runtime = new Runtime();
  const readFilters = (fields: Fields): RouteFilters => {
    const filters = new Map([...readRouteFilters(fields, { stats, runtime }), KEPT]);
    places.set(filters, { path: fields.path, json: fields.json });
    return filters;
  };
  return {
    context: { readFilters, runtime, stats, hasCluster: () => true, validateClusters: false },
    // The level of a weighted cluster stands before that of its route. A virtual host that wants TLS answers without a route.
    placeOf: ({ filters, weighted }) => {
      const own = filters[weighted ? 1 : 0];
      return own && places.get(own);
    },
  };
}
