import { Histogram } from '../stats/histogram.ts';
import { alwaysUsed, counter, histogram, sharedCounter, sharedGauge, statsKind } from '../stats/kind.ts';

/** `server.` */
class ServerStats {
  concurrency = 1;
  live = 0;
  /** LIVE 0, DRAINING 1, PRE_INITIALIZING 2, INITIALIZING 3. */
  state = 2;
  uptime = 0;
  totalConnections = 0;
  daysUntilFirstCertificate = 4_294_967_295;
  generation = 1;
  epoch = 0;
  parentConnections = 0;
  memoryAllocated = 0;
  memoryHeap = 0;
  memoryPhysical = 0;
  readonly initializationMs = new Histogram();
}

export const SERVER_STATS = statsKind(
  ServerStats,
  {
    concurrency: alwaysUsed(sharedGauge('concurrency')),
    live: alwaysUsed(sharedGauge('live')),
    state: alwaysUsed(sharedGauge('state')),
    uptime: alwaysUsed(sharedGauge('uptime')),
    totalConnections: alwaysUsed(sharedGauge('total_connections')),
    daysUntilFirstCertificate: alwaysUsed(sharedGauge('days_until_first_cert_expiring')),
    generation: alwaysUsed(sharedGauge('hot_restart_generation')),
    epoch: sharedGauge('hot_restart_epoch'),
    parentConnections: sharedGauge('parent_connections'),
    memoryAllocated: alwaysUsed(sharedGauge('memory_allocated')),
    memoryHeap: sharedGauge('memory_heap_size'),
    memoryPhysical: sharedGauge('memory_physical_size'),
    initializationMs: histogram('ms', 'initialization_time_ms'),
  },
  {
    counters: [
      'debug_assertion_failures',
      'dropped_stat_flushes',
      'dynamic_unknown_fields',
      'envoy_bug_failures',
      'envoy_notifications',
      'static_unknown_fields',
      'wip_protos',
    ],
    gauges: ['compilation_settings.fips_mode', 'seconds_until_first_ocsp_response_expiring'],
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
  active: alwaysUsed(sharedGauge('active_clusters')),
  warming: alwaysUsed(sharedGauge('warming_clusters')),
  added: sharedCounter('cluster_added'),
  modified: sharedCounter('cluster_modified'),
  removed: sharedCounter('cluster_removed'),
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
    added: sharedCounter('listener_added'),
    modified: sharedCounter('listener_modified'),
    removed: sharedCounter('listener_removed'),
    stopped: counter('listener_stopped'),
    inPlaceUpdated: sharedCounter('listener_in_place_updated'),
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

/** `runtime.` */
class RuntimeStats {
  adminOverrides = 0;
  loads = 0;
  loadsWithoutOverrideFolder = 0;
  keys = 0;
  layers = 0;
}

export const RUNTIME_STATS = statsKind(
  RuntimeStats,
  {
    adminOverrides: sharedGauge('admin_overrides_active'),
    loads: sharedCounter('load_success'),
    loadsWithoutOverrideFolder: sharedCounter('override_dir_not_exists'),
    keys: alwaysUsed(sharedGauge('num_keys')),
    layers: alwaysUsed(sharedGauge('num_layers')),
  },
  {
    counters: ['deprecated_feature_use', 'load_error', 'override_dir_exists'],
    gauges: ['deprecated_feature_seen_since_process_start'],
  },
);
