import type { Cluster } from '../cluster/cluster.ts';
import type { DiscoveryStats } from '../discovery/discovery.ts';
import type { Listener } from '../listener/listener.ts';

/** Name and value pairs under Envoy's names, sorted by name. */
export type Stat = readonly [string, number];

export interface StatSources {
  readonly clusters: readonly Cluster[];
  readonly listeners: readonly Listener[];
  readonly discovery: DiscoveryStats | undefined;
  readonly uptimeSeconds: number;
}

export function collectStats({ clusters, listeners, discovery, uptimeSeconds }: StatSources): readonly Stat[] {
  const out: Stat[] = [
    ['server.live', 1],
    ['server.state', 0],
    ['server.uptime', uptimeSeconds],
    ['cluster_manager.active_clusters', clusters.filter((cluster) => cluster.warm).length],
    ['cluster_manager.warming_clusters', clusters.filter((cluster) => !cluster.warm).length],
    ['listener_manager.total_listeners_active', listeners.length],
    ...clusters.flatMap(clusterStats),
    ...listeners.flatMap(listenerStats),
  ];
  if (discovery) out.push(...discoveryStats(discovery));
  return out.sort(([left], [right]) => (left < right ? -1 : 1));
}

function discoveryStats(discovery: DiscoveryStats): readonly Stat[] {
  const { cds, lds, rds, eds, ecds, connected } = discovery;
  return [
    ['cluster_manager.cds.update_success', cds.success],
    ['cluster_manager.cds.update_rejected', cds.rejected],
    ['cluster_manager.eds.update_success', eds.success],
    ['cluster_manager.eds.update_rejected', eds.rejected],
    ['listener_manager.lds.update_success', lds.success],
    ['listener_manager.lds.update_rejected', lds.rejected],
    ['rds.update_success', rds.success],
    ['rds.update_rejected', rds.rejected],
    ['extension_config_discovery.update_success', ecds.success],
    ['extension_config_discovery.update_rejected', ecds.rejected],
    ['control_plane.connected_state', connected ? 1 : 0],
  ];
}

function clusterStats(cluster: Cluster): readonly Stat[] {
  const prefix = `cluster.${cluster.config.name}`;
  const { stats, outlier } = cluster;
  const { hosts } = cluster;
  const healthy = hosts.filter((host) => host.health === 'healthy' && !host.ejected).length;
  return [
    [`${prefix}.upstream_cx_total`, stats.cxTotal],
    [`${prefix}.upstream_cx_active`, stats.cxActive],
    [`${prefix}.upstream_cx_connect_fail`, stats.cxConnectFail],
    [`${prefix}.upstream_cx_connect_timeout`, stats.cxConnectTimeout],
    [`${prefix}.upstream_cx_overflow`, stats.cxOverflow],
    [`${prefix}.upstream_cx_none_healthy`, stats.noneHealthy],
    [`${prefix}.upstream_rq_total`, stats.rqTotal],
    [`${prefix}.upstream_rq_active`, stats.rqActive],
    [`${prefix}.upstream_rq_pending_overflow`, stats.rqPendingOverflow],
    [`${prefix}.upstream_rq_retry`, stats.retry],
    [`${prefix}.upstream_rq_retry_success`, stats.retrySuccess],
    [`${prefix}.upstream_rq_retry_limit_exceeded`, stats.retryLimitExceeded],
    [`${prefix}.upstream_rq_retry_overflow`, stats.retryOverflow],
    [`${prefix}.upstream_rq_timeout`, stats.timeout],
    [`${prefix}.upstream_rq_per_try_timeout`, stats.perTryTimeout],
    ...hundreds(`${prefix}.upstream_rq`, stats.status),
    [`${prefix}.membership_total`, hosts.length],
    [`${prefix}.membership_healthy`, healthy],
    [`${prefix}.outlier_detection.ejections_active`, outlier?.stats.active ?? 0],
    [`${prefix}.outlier_detection.ejections_enforced_total`, outlier?.stats.enforced ?? 0],
    [`${prefix}.outlier_detection.ejections_overflow`, outlier?.stats.overflow ?? 0],
  ];
}

function hundreds(prefix: string, counts: readonly number[]): readonly Stat[] {
  return [2, 3, 4, 5].map((digit): Stat => [`${prefix}_${digit}xx`, counts[digit] ?? 0]);
}

function listenerStats(listener: Listener): readonly Stat[] {
  const prefix = `listener.${listener.config.name}`;
  const chains = [...listener.config.chains, ...(listener.config.defaultChain ? [listener.config.defaultChain] : [])];
  const http = chains.flatMap(({ filter }): readonly Stat[] => {
    if (filter.kind !== 'http') return [];
    const { stats } = filter.manager;
    const name = `http.${stats.prefix}`;
    return [
      [`${name}.downstream_cx_total`, stats.cxTotal],
      [`${name}.downstream_cx_active`, stats.cxActive],
      [`${name}.downstream_cx_idle_timeout`, stats.cxIdleTimeout],
      [`${name}.downstream_cx_protocol_error`, stats.protocolError],
      [`${name}.downstream_rq_total`, stats.rqTotal],
      [`${name}.downstream_rq_active`, stats.rqActive],
      [`${name}.downstream_rq_idle_timeout`, stats.idleTimeout],
      ...hundreds(`${name}.downstream_rq`, stats.status),
    ];
  });
  return [
    [`${prefix}.downstream_cx_total`, listener.stats.cxTotal],
    [`${prefix}.downstream_cx_active`, listener.stats.cxActive],
    [`${prefix}.no_filter_chain_match`, listener.stats.noChain],
    ...http,
  ];
}
