import { type Resources, retryAllowed } from './resources.ts';
import type { CircuitStats, RemainingStats } from './stats.ts';

/** What Envoy's gauges show where there is no limit. */
const UNLIMITED = 2 ** 64 - 1;

/** Brings the gauges of one priority's limits up to date. `retried`: the cluster has tried something again. */
export function measureCircuit(
  resources: Resources,
  circuit: CircuitStats,
  remaining: RemainingStats | undefined,
  retried: boolean,
): void {
  const { limits, all } = resources;
  const { connections, pools, pending, requests, retries } = all;
  // A gauge moves with what is counted: a limit of 0 is not reached before something went over it.
  circuit.cx = connections >= limits.connections && (connections > 0 || circuit.checked) ? 1 : 0;
  circuit.cxPool = pools > 0 && pools >= limits.pools ? 1 : 0;
  circuit.pending = pending > 0 && pending >= limits.pending ? 1 : 0;
  circuit.requests = requests > 0 && requests >= limits.requests ? 1 : 0;
  circuit.retries = retries > 0 && !retryAllowed(resources) ? 1 : 0;
  if (!remaining) return;
  remaining.cx = Math.max(limits.connections - connections, 0);
  remaining.pools = Math.min(Math.max(limits.pools - pools, 0), UNLIMITED);
  remaining.pending = Math.max(limits.pending - pending, 0);
  remaining.requests = Math.max(limits.requests - requests, 0);
  // As in Envoy, what a budget leaves is not told once something was tried again.
  const told = !limits.retryBudget || !retried;
  remaining.retries = told ? Math.max(limits.retries - retries, 0) : 0;
}
