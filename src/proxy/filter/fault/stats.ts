import { counter, gauge, statsKind } from '../../stats/kind.ts';

/** Counters of the fault filters of one chain, under `http.<prefix>.fault.`. */
export class FaultStats {
  delays = 0;
  aborts = 0;
  rateLimits = 0;
  overflow = 0;
  active = 0;
}

export const FAULT_STATS = statsKind(FaultStats, {
  delays: counter('delays_injected'),
  aborts: counter('aborts_injected'),
  rateLimits: counter('response_rl_injected'),
  overflow: counter('faults_overflow'),
  active: gauge('active_faults'),
});

class Count {
  count = 0;
}

/** What is counted for each downstream cluster, each when it first occurs. */
export const CLUSTER_FAULTS = {
  delays: statsKind(Count, { count: counter('delays_injected') }),
  aborts: statsKind(Count, { count: counter('aborts_injected') }),
  rateLimits: statsKind(Count, { count: counter('response_rl_injected') }),
} as const;

export type FaultKind = keyof typeof CLUSTER_FAULTS;
