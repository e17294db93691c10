import type { ClusterManager } from './manager.ts';

/** What a host counts, in the order of `COUNTS`. */
export type HostCounts = readonly number[];

/** Names of the admin interface: first what only grows, then what stands. */
export const COUNTS = [
  'cx_connect_fail',
  'cx_total',
  'rq_error',
  'rq_success',
  'rq_timeout',
  'rq_total',
  'cx_active',
  'rq_active',
  'rq_pending_active',
] as const;

export const hostKey = (cluster: string, host: string): string => `${cluster}\0${host}`;

/** The counts of every host of one worker by `hostKey`. */
export function countHosts(clusters: ClusterManager): ReadonlyMap<string, HostCounts> {
  const counts = new Map<string, HostCounts>();
  for (const { config, hosts } of clusters.all()) {
    for (const host of hosts) {
      const { stats, activeRequests } = host;
      counts.set(hostKey(config.name, host.name), [
        stats.cxConnectFail,
        stats.cxTotal,
        stats.rqError,
        stats.rqSuccess,
        stats.rqTimeout,
        stats.rqTotal,
        stats.cxActive,
        activeRequests,
        0,
      ]);
    }
  }
  return counts;
}

/** Adds up what several workers counted. */
export function addHostCounts(parts: readonly ReadonlyMap<string, HostCounts>[]): ReadonlyMap<string, HostCounts> {
  const sums = new Map<string, HostCounts>();
  for (const [key, counts] of parts.flatMap((part) => [...part])) {
    const known = sums.get(key);
    sums.set(key, known ? known.map((count, at) => count + (counts[at] ?? 0)) : counts);
  }
  return sums;
}
