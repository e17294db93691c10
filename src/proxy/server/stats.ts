import { Histogram } from '../stats/histogram.ts';
import { counter, histogram, sharedGauge, statsKind } from '../stats/kind.ts';

/** `server.` */
export class ServerStats {
  concurrency = 1;
  live = 0;
  /** LIVE 0, DRAINING 1, PRE_INITIALIZING 2, INITIALIZING 3. */
  state = 2;
  uptime = 0;
  totalConnections = 0;
  daysUntilFirstCertificate = 4_294_967_295;
  generation = 1;
  memoryAllocated = 0;
  memoryHeap = 0;
  memoryPhysical = 0;
  readonly initializationMs = new Histogram();
}

export const SERVER_STATS = statsKind(
  ServerStats,
  {
    concurrency: sharedGauge('concurrency'),
    live: sharedGauge('live'),
    state: sharedGauge('state'),
    uptime: sharedGauge('uptime'),
    totalConnections: sharedGauge('total_connections'),
    daysUntilFirstCertificate: sharedGauge('days_until_first_cert_expiring'),
    generation: sharedGauge('hot_restart_generation'),
    memoryAllocated: sharedGauge('memory_allocated'),
    memoryHeap: sharedGauge('memory_heap_size'),
    memoryPhysical: sharedGauge('memory_physical_size'),
    initializationMs: histogram('ms', 'initialization_time_ms'),
  },
  {
    counters: ['debug_assertion_failures', 'dynamic_unknown_fields', 'envoy_bug_failures', 'static_unknown_fields'],
    gauges: ['hot_restart_epoch', 'parent_connections', 'seconds_until_first_ocsp_response_expiring'],
  },
);

/** `cluster_manager.` */
export class ClusterManagerStats {
  active = 0;
  warming = 0;
  added = 0;
  modified = 0;
  removed = 0;
  updated = 0;
  updatedViaMerge = 0;
  mergeCancelled = 0;
  outOfMergeWindow = 0;
}

export const CLUSTER_MANAGER_STATS = statsKind(ClusterManagerStats, {
  active: sharedGauge('active_clusters'),
  warming: sharedGauge('warming_clusters'),
  added: counter('cluster_added'),
  modified: counter('cluster_modified'),
  removed: counter('cluster_removed'),
  updated: counter('cluster_updated'),
  updatedViaMerge: counter('cluster_updated_via_merge'),
  mergeCancelled: counter('update_merge_cancelled'),
  outOfMergeWindow: counter('update_out_of_merge_window'),
});

/** `listener_manager.` */
export class ListenerManagerStats {
  added = 0;
  modified = 0;
  removed = 0;
  stopped = 0;
  inPlaceUpdated = 0;
  createSuccess = 0;
  createFailure = 0;
  chainsDraining = 0;
  active = 0;
  draining = 0;
  warming = 0;
  workersStarted = 0;
}

export const LISTENER_MANAGER_STATS = statsKind(
  ListenerManagerStats,
  {
    added: counter('listener_added'),
    modified: counter('listener_modified'),
    removed: counter('listener_removed'),
    stopped: counter('listener_stopped'),
    inPlaceUpdated: counter('listener_in_place_updated'),
    createSuccess: counter('listener_create_success'),
    createFailure: counter('listener_create_failure'),
    chainsDraining: sharedGauge('total_filter_chains_draining'),
    active: sharedGauge('total_listeners_active'),
    draining: sharedGauge('total_listeners_draining'),
    warming: sharedGauge('total_listeners_warming'),
    workersStarted: sharedGauge('workers_started'),
  },
  { gauges: ['workers_pinned'] },
);
