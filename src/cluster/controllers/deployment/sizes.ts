/** What the rollout decides by: a ReplicaSet's wanted and reported sizes. */
export interface SetSize {
  readonly name: string;
  readonly wanted: number;
  readonly available: number;
  /** Pods that exist, ready or not. */
  readonly present: number;
}

export interface RolloutInput {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly current: SetSize;
  /** Oldest first. */
  readonly old: readonly SetSize[];
}

/** Resolves `maxSurge` (rounded up) and `maxUnavailable` (rounded down); both zero would never move, so the latter becomes 1. */
export function resolveFenceposts(
  maxSurge: number | string | undefined,
  maxUnavailable: number | string | undefined,
  replicas: number,
): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const surge = resolve(maxSurge ?? '25%', replicas, Math.ceil);
  const unavailable = resolve(maxUnavailable ?? '25%', replicas, Math.floor);
  if (surge === 0 && unavailable === 0) return { maxSurge: 0, maxUnavailable: 1 };
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicas) };
}

function resolve(value: number | string, total: number, round: (part: number) => number): number {
  if (typeof value === 'number') return Math.max(0, value);
  const percent = Number.parseInt(value, 10);
  return Number.isNaN(percent) ? 0 : Math.max(0, round((percent * total) / 100));
}

/** The size the current ReplicaSet may have now: grows only as far as `maxSurge` leaves room. */
export function currentSize({ replicas, maxSurge, current, old }: RolloutInput): number {
  if (current.wanted >= replicas) return replicas;
  const total = current.wanted + sum(old, ({ wanted }) => wanted);
  const room = replicas + maxSurge - total;
  return room <= 0 ? current.wanted : Math.min(replicas, current.wanted + room);
}

/**
 * The sizes the old ReplicaSets may have now, as Kubernetes does it: unhealthy replicas go first,
 * then healthy ones as far as `maxUnavailable` allows, oldest set first.
 */
export function oldSizes({ replicas, maxUnavailable, current, old }: RolloutInput): ReadonlyMap<string, number> {
  const sizes = new Map(old.map(({ name, wanted }) => [name, wanted]));
  const minimum = replicas - maxUnavailable;
  const total = current.wanted + sum(old, ({ wanted }) => wanted);
  const currentUnavailable = Math.max(0, current.wanted - current.available);
  let unhealthyBudget = total - minimum - currentUnavailable;
  if (unhealthyBudget <= 0) return sizes;
  for (const { name, wanted, available } of old) {
    const drop = Math.min(unhealthyBudget, Math.max(0, wanted - available));
    sizes.set(name, wanted - drop);
    unhealthyBudget -= drop;
  }
  let healthyBudget = current.available + sum(old, ({ available }) => available) - minimum;
  for (const { name } of old) {
    if (healthyBudget <= 0) break;
    const size = sizes.get(name) ?? 0;
    const drop = Math.min(healthyBudget, size);
    sizes.set(name, size - drop);
    healthyBudget -= drop;
  }
  return sizes;
}

/** Shares `total` replicas among sets by their present sizes, largest remainder first, so that the sum is exact. */
export function proportionalSizes(sets: readonly SetSize[], total: number): ReadonlyMap<string, number> {
  const before = sum(sets, ({ wanted }) => wanted);
  if (before === 0) return new Map(sets.map(({ name }) => [name, 0]));
  const shares = sets.map(({ name, wanted }) => ({ name, exact: (wanted * total) / before }));
  const sizes = new Map(shares.map(({ name, exact }) => [name, Math.floor(exact)]));
  let left = total - [...sizes.values()].reduce((all, size) => all + size, 0);
  for (const { name } of shares.sort((a, b) => (b.exact % 1) - (a.exact % 1))) {
    if (left-- <= 0) break;
    sizes.set(name, (sizes.get(name) ?? 0) + 1);
  }
  return sizes;
}

export function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
