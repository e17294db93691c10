import type { Bootstrap } from '../config/bootstrap.ts';
import type { HotRestart } from '../restart/restart.ts';
import type { Workers } from '../worker/group.ts';
import type { ServerState } from './state.ts';
import { CLUSTER_MANAGER_STATS, LISTENER_MANAGER_STATS, RUNTIME_STATS, SERVER_STATS } from './stats.ts';

const STATES = { LIVE: 0, DRAINING: 1, PRE_INITIALIZING: 2, INITIALIZING: 3 } as const;

/** Keeps the gauges of the process up to date. */
export function countServer(
  { first, count }: Workers,
  state: ServerState,
  config: Bootstrap,
  restart: HotRestart | undefined,
): void {
  const { stats, clusters, listeners } = first;
  const scope = stats.scope();
  const server = scope.get(SERVER_STATS, 'server.');
  const manager = scope.get(CLUSTER_MANAGER_STATS, 'cluster_manager.');
  const listening = scope.get(LISTENER_MANAGER_STATS, 'listener_manager.');
  const runtime = scope.get(RUNTIME_STATS, 'runtime.');
  // Envoy loads its runtime twice as it starts, and has no folder of overrides either time.
  runtime.loads = runtime.loadsWithoutOverrideFolder = 2;
  let measured = false;
  stats.beforeRead(() => {
    runtime.keys = config.runtime.dump().size;
    runtime.layers = config.runtimeJson === undefined ? 0 : config.runtime.layers.length;
    server.concurrency = count;
    server.generation = restart?.generation ?? 1;
    server.epoch = restart?.epoch ?? 0;
    server.parentConnections = restart?.imported.connections ?? 0;
    server.state = STATES[state.name];
    server.live = state.healthFailed ? 0 : 1;
    server.uptime = state.uptimeSeconds;
    const { heapUsed, heapTotal, rss } = process.memoryUsage();
    server.memoryAllocated = heapUsed;
    server.memoryHeap = heapTotal;
    server.memoryPhysical = rss;
    const warm = clusters.all().filter((cluster) => cluster.warm).length;
    manager.active = warm;
    manager.warming = clusters.warming;
    Object.assign(listening, listeners.gauges());
    if (state.initializationMs !== undefined && !measured) {
      measured = true;
      server.initializationMs.record(state.initializationMs);
    }
  });
}
