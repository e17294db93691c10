import type { AccessLog } from '../accesslog/access-log.ts';
import type { ClusterManager } from '../cluster/manager.ts';
import type { Fields } from '../config/fields.ts';
import type { HttpManagerContext } from '../http/manager.ts';
import { sanitizeStatName } from '../stats/store.ts';
import { TCP_STATS, type TcpStats } from './stats.ts';

/** A compiled `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`; times in milliseconds. */
export interface TcpProxy {
  readonly stats: TcpStats;
  readonly clusters: ClusterManager;
  /** The cluster of a new connection. */
  readonly choose: () => string;
  readonly idleTimeout: number;
  readonly maxConnectAttempts: number;
  readonly accessLogs: readonly AccessLog[];
}

const HOUR = 3_600_000;

export function readTcpProxy(fields: Fields, context: HttpManagerContext): TcpProxy {
  return {
    stats: context.stats.get(TCP_STATS, `tcp.${sanitizeStatName(fields.required('stat_prefix'))}.`),
    clusters: context.clusters,
    choose: readChoice(fields),
    idleTimeout: fields.duration('idle_timeout') ?? HOUR,
    maxConnectAttempts: fields.number('max_connect_attempts') ?? 1,
    accessLogs: context.readAccessLogs(fields),
  };
}

function readChoice(fields: Fields): () => string {
  switch (fields.oneOf('cluster_specifier', ['cluster', 'weighted_clusters'])) {
    case 'cluster': {
      const name = fields.text('cluster');
      return () => name;
    }
    case 'weighted_clusters':
      return fields.message('weighted_clusters', readWeighted) ?? (() => '');
    default:
      return () => '';
  }
}

function readWeighted(fields: Fields): () => string {
  let total = 0;
  const clusters = fields.list('clusters', (cluster) => {
    total += cluster.number('weight') ?? 0;
    return { name: cluster.required('name'), upTo: total };
  });
  if (total === 0) fields.problem('clusters', 'the sum of weights must be greater than 0');
  return () => {
    const point = Math.random() * total;
    return clusters.find(({ upTo }) => point < upTo)?.name ?? '';
  };
}
