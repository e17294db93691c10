import { typeUrl } from '../../model/envoy/index.ts';
import type { ResourceUpdate } from '../../xds/index.ts';
import type { StatsScope } from '../stats/store.ts';
import type { Engine } from '../worker/engine.ts';
import { CONTROL_PLANE_STATS, EDS_STATS, SUBSCRIPTION_STATS, type SubscriptionStats } from './stats.ts';

/** Counts what discovery brings under Envoy's names: by type, and by cluster, route configuration or filter where it goes by name. */
export interface DiscoveryCounts {
  onConnection(connected: boolean): void;
  /** A response was refused as a whole. */
  onRefusal(url: string): void;
  onUpdate(url: string, update: ResourceUpdate, errors: ReadonlyMap<string, string>, tookMs: number): void;
}

interface Arrival {
  readonly version: string;
  readonly rejected: boolean;
  readonly tookMs: number;
}

const REFUSAL: Arrival = { version: '', rejected: true, tookMs: 0 };

export function countDiscovery(
  { clusters, listeners }: Pick<Engine, 'clusters' | 'listeners'>,
  scope: StatsScope,
  wanted: { readonly clusters: boolean; readonly listeners: boolean },
): DiscoveryCounts {
  const plane = scope.get(CONTROL_PLANE_STATS, 'control_plane.');
  /** One subscription each, begun with the stream. */
  const whole = new Map<string, SubscriptionStats>();
  if (wanted.clusters) whole.set(typeUrl.cluster, begun(scope.get(SUBSCRIPTION_STATS, 'cluster_manager.cds.')));
  if (wanted.listeners) whole.set(typeUrl.listener, begun(scope.get(SUBSCRIPTION_STATS, 'listener_manager.lds.')));
  const named = new Map<string, SubscriptionStats>();
  const subscription = (prefix: string): SubscriptionStats => {
    const stats = named.get(prefix) ?? begun(scope.get(SUBSCRIPTION_STATS, prefix));
    named.set(prefix, stats);
    return stats;
  };

  function countEndpoints(name: string, arrival: Arrival): void {
    for (const { config, stats } of clusters.followers(name)) {
      const more = scope.get(EDS_STATS, `cluster.${config.statName}.`);
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
    else if (url === typeUrl.extensionConfig) {
      count(subscription(`extension_config_discovery.http_filter.${name}.`), arrival);
    } else if (url === typeUrl.route) {
      for (const prefix of listeners.routePrefixes(name)) count(subscription(`${prefix}rds.${name}.`), arrival);
    }
  }

  function subscribed(url: string): readonly string[] {
    if (url === typeUrl.endpoint) return clusters.serviceNames();
    if (url === typeUrl.route) return listeners.routeNames();
    return url === typeUrl.extensionConfig ? listeners.filterNames() : [];
  }

  return {
    onConnection: (connected) => {
      plane.connected = connected ? 1 : 0;
      if (connected) return;
      for (const stats of [...whole.values(), ...named.values()]) {
        stats.attempt++;
        stats.failure++;
      }
    },
    onRefusal: (url) => {
      const arrived = whole.get(url);
      if (arrived) count(arrived, REFUSAL);
      for (const name of subscribed(url)) countNamed(url, name, REFUSAL);
    },
    onUpdate: (url, { names, version }, errors, tookMs) => {
      const arrived = whole.get(url);
      if (arrived) count(arrived, { version, rejected: errors.size > 0, tookMs });
      for (const name of arrived ? [] : names)
        countNamed(url, name, { version, rejected: errors.has(name) || errors.has(''), tookMs });
    },
  };
}

function begun(stats: SubscriptionStats): SubscriptionStats {
  stats.attempt++;
  return stats;
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
