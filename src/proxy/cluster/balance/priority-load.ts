import type { PriorityLoad, PriorityState } from '../context.ts';
import type { HostSet } from '../host-set.ts';

/** How the picks spread over the priorities. */
export interface PriorityPlan {
  readonly state: PriorityState;
  /** Priorities in which all hosts are used whatever their health. */
  readonly panic: readonly boolean[];
}

/**
 * Envoy's health(P) and load(P) with whole percents: each priority takes what its available hosts can take, overprovisioning counted in,
 * and the next ones the rest. `panicThreshold` in percent; 0 turns panic off.
 */
export function planPriorities(sets: readonly HostSet[], panicThreshold: number): PriorityPlan {
  const health: PriorityLoad = {
    healthy: sets.map((set) => availability(set, set.healthy)),
    degraded: sets.map((set) => availability(set, set.degraded)),
  };
  const total = Math.min(100, sum(health.healthy) + sum(health.degraded));
  const threshold = Math.min(100, panicThreshold);
  if (total === 0 && threshold === 0) {
    return { state: { health, load: onlyFirst(sets.length) }, panic: sets.map(() => false) };
  }
  const panic = sets.map((set) => total < 100 && isInPanic(set, threshold));
  const load = panic.every(Boolean) ? loadByCount(sets) : loadByHealth(health, total);
  return { state: { health, load }, panic };
}

/** Whether too few of the hosts are healthy to rely on them alone. */
export function isInPanic(set: HostSet, threshold: number): boolean {
  const count = set.hosts.length - set.excluded.length;
  const share = (hosts: number): number => (count === 0 ? 0 : (100 * hosts) / count);
  return share(set.healthy.length) + share(set.degraded.length) < threshold;
}

/**
 * The priority for a random number or hash, given as its remainder by 100: `2 * priority`, one more when the degraded hosts are meant.
 */
export function choosePriority({ healthy, degraded }: PriorityLoad, hundredth: number): number {
  let reached = 0;
  for (let priority = 0; priority < healthy.length; priority++) {
    reached += healthy[priority] as number;
    if (hundredth < reached) return 2 * priority;
  }
  for (let priority = 0; priority < degraded.length; priority++) {
    reached += degraded[priority] as number;
    if (hundredth < reached) return 2 * priority + 1;
  }
  return 0;
}

function availability(set: HostSet, hosts: HostSet['hosts']): number {
  const count = set.hosts.length - set.excluded.length;
  if (count === 0) return 0;
  const part = set.weightedHealth ? weightOf(hosts) : hosts.length;
  const whole = set.weightedHealth ? weightOf(set.hosts) - weightOf(set.excluded) : count;
  return Math.min(100, Math.floor((set.overprovisioning * part) / whole));
}

function weightOf(hosts: HostSet['hosts']): number {
  return hosts.reduce((total, host) => total + host.weight, 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function onlyFirst(count: number): PriorityLoad {
  const healthy = new Array<number>(count).fill(0);
  healthy[0] = 100;
  return { healthy, degraded: new Array<number>(count).fill(0) };
}

function loadByHealth(health: PriorityLoad, total: number): PriorityLoad {
  if (total === 0) return { healthy: health.healthy.map(() => 0), degraded: health.degraded.map(() => 0) };
  let left = 100;
  const take = (share: number): number => {
    const part = Math.min(left, Math.floor((share * 100) / total));
    left -= part;
    return part;
  };
  const healthy = health.healthy.map(take);
  const degraded = health.degraded.map(take);
  // What is left is lost to rounding; the first available priority gets it.
  const first = health.healthy.findIndex((share) => share > 0);
  if (first >= 0) healthy[first] = (healthy[first] as number) + left;
  else {
    const firstDegraded = health.degraded.findIndex((share) => share > 0);
    degraded[firstDegraded] = (degraded[firstDegraded] as number) + left;
  }
  return { healthy, degraded };
}

/** With every priority in panic the load goes by the number of hosts. */
function loadByCount(sets: readonly HostSet[]): PriorityLoad {
  const total = sum(sets.map((set) => set.hosts.length));
  if (total === 0) return onlyFirst(sets.length);
  const healthy = sets.map((set) => Math.floor((100 * set.hosts.length) / total));
  const first = sets.findIndex((set) => set.hosts.length > 0);
  healthy[first] = (healthy[first] as number) + 100 - sum(healthy);
  return { healthy, degraded: sets.map(() => 0) };
}
