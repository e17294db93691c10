import { typeUrl } from '../../model/envoy/index.ts';
import type { ResourceUpdate } from '../../xds/index.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Want } from '../listener/warming.ts';
import type { StatsKind } from '../stats/kind.ts';
import type { StatsScope } from '../stats/store.ts';
import type { Engine } from '../worker/engine.ts';
import {
  CLUSTER_SUBSCRIPTION_STATS,
  CONTROL_PLANE_STATS,
  FILTER_SUBSCRIPTION_STATS,
  FilterSubscriptionStats,
  NamedSubscriptionStats,
  ROUTE_SUBSCRIPTION_STATS,
  SECRET_STATS,
  SUBSCRIPTION_STATS,
  type SubscriptionStats,
} from './stats.ts';

/** Counts what discovery brings under Envoy's names: by type, and by cluster, route configuration or filter where it goes by name. */
export interface DiscoveryCounts {
  onConnection(connected: boolean): void;
  /** The first clusters or listeners, the endpoints of a cluster, or what a listener needs did not come in time. */
  onFirstTimeout(url: string): void;
  onEndpointsTimeout(cluster: Pick<Cluster, 'endpointStats'>): void;
  onTimeout(want: Want): void;
  /** The files of a secret have changed and are of no use. */
  onRotationFailure(name: string): void;
  /** A response was refused as a whole; `asked` are the names that it was for, without it all those of the stream. */
  onRefusal(url: string, asked?: readonly string[]): void;
  onUpdate(
    url: string,
    update: ResourceUpdate,
    errors: ReadonlyMap<string, string>,
    tookMs: number,
    asked?: readonly string[],
  ): void;
}

interface Arrival {
  readonly version: string;
  readonly rejected: boolean;
  /** It differs from what was there. */
  readonly changed: boolean;
  readonly tookMs: number;
}

const REFUSAL: Arrival = { version: '', rejected: true, changed: false, tookMs: 0 };

export function countDiscovery(
  { clusters, listeners }: Pick<Engine, 'clusters' | 'listeners'>,
  scope: StatsScope,
  wanted: { readonly clusters: boolean; readonly listeners: boolean },
): DiscoveryCounts {
  const plane = scope.get(CONTROL_PLANE_STATS, 'control_plane.');
  /** One subscription each, begun with the stream. */
  const whole = new Map<string, SubscriptionStats>();
  if (wanted.clusters) whole.set(typeUrl.cluster, begun(scope.get(CLUSTER_SUBSCRIPTION_STATS, 'cluster_manager.cds.')));
  if (wanted.listeners) whole.set(typeUrl.listener, begun(scope.get(SUBSCRIPTION_STATS, 'listener_manager.lds.')));
  const byPrefix = new Map<string, NamedSubscriptionStats>();
  const subscription = <S extends NamedSubscriptionStats>(
    kind: StatsKind<S>,
    prefix: string,
  ): NamedSubscriptionStats => {
    const stats = byPrefix.get(prefix) ?? begun(scope.get(kind, prefix));
    byPrefix.set(prefix, stats);
    return stats;
  };

  function countEndpoints(name: string, arrival: Arrival): void {
    for (const { stats, endpointStats: more } of clusters.followers(name)) {
      stats.updateAttempt += stats.updateAttempt === 0 ? 2 : 1;
      if (arrival.rejected) more.rejected++;
      else {
        stats.updateSuccess++;
        more.time = Date.now();
        more.versionText = arrival.version;
        more.duration.record(arrival.tookMs);
      }
    }
  }

  function countNamed(url: string, name: string, arrival: Arrival): void {
    if (url === typeUrl.endpoint) countEndpoints(name, arrival);
    else for (const stats of named(url, name)) countReload(stats, arrival);
  }

  /** What is counted for a filter, or for each connection manager that uses a route configuration. */
  function named(url: string, name: string): readonly NamedSubscriptionStats[] {
    if (url === typeUrl.extensionConfig)
      return [
        subscription(
          FILTER_SUBSCRIPTION_STATS,
          `extension_config_discovery.${listeners.filters().get(name) ?? 'http_filter'}.${name}.`,
        ),
      ];
    const prefixes = url === typeUrl.route ? [...listeners.routePrefixes(name)] : [];
    return prefixes.map((prefix) => subscription(ROUTE_SUBSCRIPTION_STATS, `${prefix}rds.${name}.`));
  }

  function subscribed(url: string): readonly string[] {
    if (url === typeUrl.endpoint) return clusters.serviceNames();
    if (url === typeUrl.route) return listeners.routeNames();
    return url === typeUrl.extensionConfig ? [...listeners.filters().keys()] : [];
  }

  return {
    onConnection: (connected) => {
      plane.connected = connected ? 1 : 0;
      if (connected) return;
      for (const stats of [...whole.values(), ...byPrefix.values()]) {
        stats.attempt++;
        stats.failure++;
      }
    },
    onFirstTimeout: (url) => {
      const stats = whole.get(url);
      if (stats) stats.fetchTimeout++;
    },
    onEndpointsTimeout: ({ endpointStats }) => {
      endpointStats.fetchTimeout++;
    },
    onTimeout: ({ kind, name }) => {
      for (const stats of named(kind === 'route' ? typeUrl.route : typeUrl.extensionConfig, name)) {
        stats.fetchTimeout++;
        if (stats instanceof FilterSubscriptionStats) stats.fail++;
      }
    },
    onRotationFailure: (name) => {
      scope.get(SECRET_STATS, `sds.${name}.`).rotationFailed++;
    },
    onRefusal: (url, asked = subscribed(url)) => {
      const arrived = whole.get(url);
      if (arrived) count(arrived, REFUSAL);
      for (const name of asked) countNamed(url, name, REFUSAL);
    },
    onUpdate: (url, { names, version, changed }, errors, tookMs, asked = subscribed(url)) => {
      const arrived = whole.get(url);
      if (arrived) {
        count(arrived, { version, rejected: errors.size > 0, changed: true, tookMs });
        const taken = [...changed.keys()].some((name) => !errors.has(name) && !errors.has(''));
        if (taken && arrived instanceof NamedSubscriptionStats) reloaded(arrived);
        return;
      }
      for (const name of names) {
        if (!errors.has(name) && !errors.has(''))
          countNamed(url, name, { version, rejected: false, changed: changed.has(name), tookMs });
      }
      // One that is refused spoils the response for all who asked for something of the type.
      if (errors.size > 0) for (const name of asked) countNamed(url, name, REFUSAL);
    },
  };
}

function begun<S extends SubscriptionStats>(stats: S): S {
  stats.attempt++;
  return stats;
}

function countReload(stats: NamedSubscriptionStats, arrival: Arrival): void {
  count(stats, arrival);
  if (arrival.rejected && stats instanceof FilterSubscriptionStats) stats.fail++;
  if (!arrival.rejected && arrival.changed) reloaded(stats);
}

function reloaded(stats: NamedSubscriptionStats): void {
  stats.reload++;
  stats.reloadTime = Date.now();
}

function count(stats: SubscriptionStats, { version, rejected, tookMs }: Arrival): void {
  stats.attempt++;
  if (rejected) {
    stats.rejected++;
    return;
  }
  stats.success++;
  stats.time = Date.now();
  stats.versionText = version;
  stats.duration.record(tookMs);
}
