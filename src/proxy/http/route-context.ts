import type { ClusterManager } from '../cluster/manager.ts';
import { readRouteFilters } from '../filter/table.ts';
import type { RouteTableContext } from '../route/table.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { StatsScope } from '../stats/store.ts';

/** What route tables are compiled with. `validateClusters`: true for those that stand in a listener, false for discovered ones. */
export function routeTableContext(
  clusters: ClusterManager,
  runtime: Runtime,
  stats: StatsScope,
  validateClusters: boolean,
): RouteTableContext {
  return {
    readFilters: (fields) => readRouteFilters(fields, { stats, runtime }),
    runtime,
    stats,
    hasCluster: (name) => clusters.get(name) !== undefined,
    validateClusters,
  };
}
