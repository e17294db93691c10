import { normalizeDnsName } from '../base/index.ts';

/** Names with the addresses that answers gave them, until these run out. */
export interface LearntNames {
  /** Notes an answer; true when a name has an address it did not have before. `nowMs` is any clock that only goes forward. */
  learn(name: string, addresses: readonly string[], ttlSeconds: number, nowMs: number): boolean;
  /** Forgets what has run out; true when something has. */
  expire(nowMs: number): boolean;
  /** Name (lower case, trailing dot) to addresses in sorted order, as `World.learntNames`. */
  names(): ReadonlyMap<string, readonly string[]>;
}

export interface LearntNamesLimits {
  readonly names: number;
  readonly addressesPerName: number;
  /** Seconds an address is kept at least, Cilium's `tofqdns-min-ttl`. */
  readonly minTtlSeconds: number;
}

/** Keeps at most as many names and addresses as the limits say; when full, the one that was learnt longest ago goes. */
export function createLearntNames(limits: LearntNamesLimits): LearntNames {
  const known = new Map<string, Map<string, number>>();
  return {
    learn(rawName, addresses, ttlSeconds, nowMs) {
      const name = normalizeDnsName(rawName);
      const expires = nowMs + Math.max(ttlSeconds, limits.minTtlSeconds) * 1000;
      const entry = known.get(name) ?? new Map<string, number>();
      known.delete(name);
      known.set(name, entry);
      let changed = false;
      for (const address of addresses) {
        changed ||= !entry.has(address);
        const until = Math.max(expires, entry.get(address) ?? 0);
        entry.delete(address);
        entry.set(address, until);
      }
      trim(entry, limits.addressesPerName);
      trim(known, limits.names);
      return changed;
    },
    expire(nowMs) {
      let changed = false;
      for (const [name, entry] of known) {
        for (const [address, until] of entry) {
          if (until > nowMs) continue;
          entry.delete(address);
          changed = true;
        }
        if (entry.size === 0) known.delete(name);
      }
      return changed;
    },
    names: () => new Map([...known].map(([name, entry]) => [name, [...entry.keys()].sort()])),
  };
}

function trim(map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}
