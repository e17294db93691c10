import type { PriorityLoad, PriorityState } from '../../cluster/context.ts';

/**
 * The load spread over the priorities that are not excluded, in proportion to what each can take. `startOver`: all that could take
 * any were excluded, so nothing is excluded any more. `load` is undefined when no priority can take any.
 */
export function avoidPriorities(
  { health }: PriorityState,
  excluded: readonly boolean[],
): { readonly load: PriorityLoad | undefined; readonly startOver: boolean } {
  const left = available(health, excluded);
  if (left.total > 0) return { load: spread(left), startOver: false };
  const whole = available(health, []);
  return { load: whole.total > 0 ? spread(whole) : undefined, startOver: true };
}

interface Available extends PriorityLoad {
  readonly total: number;
}

function available({ healthy, degraded }: PriorityLoad, excluded: readonly boolean[]): Available {
  const keep = (share: number, priority: number): number => (excluded[priority] ? 0 : share);
  const left = { healthy: healthy.map(keep), degraded: degraded.map(keep) };
  const total = [...left.healthy, ...left.degraded].reduce((sum, share) => sum + share, 0);
  return { ...left, total: Math.min(100, total) };
}

function spread({ healthy, degraded, total }: Available): PriorityLoad {
  let left = 100;
  const take = (share: number): number => {
    const part = Math.min(left, Math.floor((share * 100) / total));
    left -= part;
    return part;
  };
  const load = { healthy: healthy.map(take), degraded: degraded.map(take) };
  // What rounding lost goes to the first that takes any.
  for (const list of [load.healthy, load.degraded]) {
    const first = list.findIndex((part) => part > 0);
    if (first < 0) continue;
    list[first] = (list[first] as number) + left;
    break;
  }
  return load;
}
