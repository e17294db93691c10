import type { ClusterManager } from '../cluster/manager.ts';
import { gauge, statsKind } from '../stats/kind.ts';
import type { StatsStore } from '../stats/store.ts';

/** `thread_local_cluster_manager.<thread>.` */
class ThreadStats {
  clusters = 0;
}

const THREAD_STATS = statsKind(ThreadStats, { clusters: gauge('clusters_inflated') });

/** Tells how many clusters a worker has; the first one speaks for the main thread, too. */
export function countThreadClusters(stats: StatsStore, worker: number, clusters: ClusterManager): void {
  const scope = stats.scope();
  const threads = [`worker_${worker}`, ...(worker === 0 ? ['main_thread'] : [])];
  const gauges = threads.map((name) => scope.get(THREAD_STATS, `thread_local_cluster_manager.${name}.`));
  stats.beforeRead(() => {
    for (const one of gauges) one.clusters = clusters.all().length;
  });
}
