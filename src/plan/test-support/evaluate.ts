import type { NodePlan } from '../index.ts';
import { clusterBackends } from '../verdicts/clusters.ts';
import { list, record } from '../verdicts/json.ts';

export interface RoutedCluster {
  readonly weight: number;
  readonly backends: readonly { readonly address: string; readonly port: number }[];
}

/** Where a listener with one route for everything sends a request: the rewritten path and the weighted clusters. */
export function routed(
  plan: NodePlan,
  listener: string,
  path: string,
): { readonly path: string; readonly clusters: readonly RoutedCluster[] } {
  const chain = list(plan.xds.listeners.get(listener)?.['filter_chains'])[0] ?? {};
  const manager = record(list(chain['filters'])[0]?.['typed_config']);
  const name = String(record(manager['rds'])['route_config_name']);
  const host = list(plan.xds.routes.get(name)?.['virtual_hosts'])[0] ?? {};
  const action = record(list(host['routes'])[0]?.['route']);
  const rewrite = record(action['regex_rewrite']);
  const regex = record(rewrite['pattern'])['regex'];
  const rewritten =
    typeof regex === 'string' ? path.replace(new RegExp(regex, 'g'), String(rewrite['substitution'])) : path;
  const clusters = list(record(action['weighted_clusters'])['clusters']).map((cluster) => ({
    weight: Number(cluster['weight']),
    backends: clusterBackends(plan, String(cluster['name'])),
  }));
  return { path: rewritten, clusters };
}
