import { formatIssue, type Issue, type Logger } from '../../base/index.ts';
import { type JsonObject, typeUrl } from '../../model/envoy/index.ts';
import { createXdsClient, type ProtocolForm, type ResourceUpdate, type XdsClient } from '../../xds/index.ts';
import type { ClusterManager } from '../cluster/manager.ts';
import type { ListenerManager } from '../listener/manager.ts';
import type { StatsStore } from '../stats/store.ts';
import type { FilterStore } from './filters.ts';
import type { RouteStore } from './routes.ts';
import { CONTROL_PLANE_STATS, SUBSCRIPTION_STATS } from './stats.ts';

/** What discovered resources are put into. */
export interface DiscoveryTargets {
  readonly clusters: ClusterManager;
  readonly listeners: ListenerManager;
  readonly routes: RouteStore;
  readonly filters: FilterStore;
}

export interface DiscoveryOptions extends DiscoveryTargets {
  readonly stats: StatsStore;
  readonly address: string;
  readonly node: JsonObject;
  readonly form: ProtocolForm;
  readonly discoverListeners: boolean;
  readonly discoverClusters: boolean;
  readonly log: Logger;
}

/** Where the counters of a type of resource stand. */
const PREFIXES: Readonly<Record<string, string>> = {
  [typeUrl.cluster]: 'cluster_manager.cds.',
  [typeUrl.endpoint]: 'cluster_manager.eds.',
  [typeUrl.listener]: 'listener_manager.lds.',
  [typeUrl.route]: 'rds.',
  [typeUrl.extensionConfig]: 'extension_config_discovery.',
};

export interface Discovery {
  close(): void;
}

/** Keeps the proxy at what its control plane says. Resources that cannot be put into force are refused one by one; the last good stays. */
export function startDiscovery(options: DiscoveryOptions): Discovery {
  const { clusters, listeners, routes, filters, log } = options;
  const scope = options.stats.scope();
  const plane = scope.get(CONTROL_PLANE_STATS, 'control_plane.');
  const counts = new Map(
    Object.entries(PREFIXES).map(([url, prefix]) => [url, scope.get(SUBSCRIPTION_STATS, prefix)] as const),
  );
  const client: XdsClient = createXdsClient({
    address: options.address,
    node: options.node,
    form: options.form,
    log,
    onConnection: (connected) => {
      plane.connected = connected ? 1 : 0;
    },
    onUpdate: async (url, update) => {
      const errors = await applyUpdate(url, update, options);
      const count = counts.get(url);
      if (count) {
        count.attempt++;
        count[errors.size > 0 ? 'rejected' : 'success']++;
      }
      for (const [name, reason] of errors) log.warn({ type: url, name, reason }, 'resource rejected');
      subscribeNeeded();
      return errors;
    },
  });
  function subscribeNeeded(): void {
    client.subscribe(typeUrl.endpoint, clusters.serviceNames());
    client.subscribe(typeUrl.route, listeners.routeNames());
    client.subscribe(typeUrl.extensionConfig, [...new Set([...listeners.filterNames(), ...filters.upstreamNames()])]);
    routes.keepOnly(listeners.routeNames());
  }
  if (options.discoverClusters) client.subscribe(typeUrl.cluster);
  if (options.discoverListeners) client.subscribe(typeUrl.listener);
  if (clusters.serviceNames().length > 0) client.subscribe(typeUrl.endpoint, clusters.serviceNames());
  if (listeners.routeNames().length > 0) client.subscribe(typeUrl.route, listeners.routeNames());
  const filterNames = [...listeners.filterNames(), ...filters.upstreamNames()];
  if (filterNames.length > 0) client.subscribe(typeUrl.extensionConfig, filterNames);
  return {
    close: () => {
      client.close();
      scope.close();
    },
  };
}

async function applyUpdate(
  url: string,
  update: ResourceUpdate,
  { clusters, listeners, routes, filters }: DiscoveryTargets,
): Promise<ReadonlyMap<string, string>> {
  const errors = new Map<string, string>();
  const note = (name: string, issues: readonly Issue[]): void => {
    if (issues.length > 0) errors.set(name, issues.map(formatIssue).join('; '));
  };
  for (const [name, json] of update.changed) {
    if (url === typeUrl.listener) {
      const result = await listeners.put(json);
      if (!result.ok) errors.set(name, result.error);
    } else note(name, applyOne(url, json, { clusters, listeners, routes, filters }));
  }
  for (const name of update.removed) {
    if (url === typeUrl.cluster) clusters.remove(name);
    else if (url === typeUrl.listener) listeners.remove(name);
    else if (url === typeUrl.route) routes.remove(name);
    else if (url === typeUrl.extensionConfig) filters.remove(name);
  }
  if (url === typeUrl.route || url === typeUrl.extensionConfig) listeners.onDiscovered();
  return errors;
}

function applyOne(url: string, json: JsonObject, targets: DiscoveryTargets): readonly Issue[] {
  switch (url) {
    case typeUrl.cluster: {
      const result = targets.clusters.put(json);
      return result.ok ? [] : result.error;
    }
    case typeUrl.endpoint: {
      const result = targets.clusters.putAssignment(json);
      return result.ok ? [] : result.error;
    }
    case typeUrl.route:
      return targets.routes.put(json);
    case typeUrl.extensionConfig:
      return targets.filters.put(json);
    default:
      return [{ path: '', message: `resources of type ${url} are not supported by ciliate-proxy` }];
  }
}
