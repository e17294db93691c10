import { randomNumber } from '../../runtime/read.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { StatsScope } from '../../stats/store.ts';
import type { BoundFilter, FilterKind } from '../filter.ts';
import { type FaultConfig, readFault } from './config.ts';
import { FaultRun } from './run.ts';
import { CLUSTER_FAULTS, FAULT_STATS, type FaultKind, type FaultStats } from './stats.ts';

const TYPE = 'envoy.extensions.filters.http.fault.v3.HTTPFault';

/** What all faults of one chain share, whatever its routes say. */
export interface FaultShared {
  readonly stats: FaultStats;
  readonly runtime: Runtime;
  readonly filterName: string;
  /** Counts a fault for a downstream cluster. */
  countCluster(cluster: string, kind: FaultKind): void;
}

/** `envoy.filters.http.fault`. */
export const faultFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, { stats, statPrefix, runtime, filterName }) => {
    const own = readFault(fields);
    const prefix = `${statPrefix}fault.`;
    const shared: FaultShared = {
      stats: stats.get(FAULT_STATS, prefix),
      runtime,
      filterName,
      countCluster: (cluster, kind) => countCluster(stats, `${prefix}${cluster}.`, kind),
    };
    return { type: TYPE, bind: ([override]) => bind((override as FaultConfig | undefined) ?? own, shared) };
  },
  routeType: TYPE,
  readRoute: (fields) => readFault(fields),
};

function bind(config: FaultConfig, shared: FaultShared): BoundFilter | undefined {
  if (!config.delay && !config.abort && !config.rate) return undefined;
  return { begin: (stream, control) => new FaultRun(stream, control, config, shared, randomNumber) };
}

function countCluster(stats: StatsScope, prefix: string, kind: FaultKind): void {
  stats.get(CLUSTER_FAULTS[kind], prefix).count++;
}
