import { normalizeDnsName } from '../base/index.ts';

/** One answer that an endpoint was given. */
export interface LearntAnswer {
  /** Address of the endpoint that asked. */
  readonly endpoint: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
  /** Any clock that only goes forward; the same for all calls. */
  readonly nowMs: number;
}

/** What one endpoint knows, for the time after a restart. `leftMs`: until the address runs out; 0 when it has. */
export interface LearntRecord {
  readonly endpoint: string;
  readonly name: string;
  readonly address: string;
  readonly leftMs: number;
}

/** Whether the endpoint still has a connection to the address. */
export type IsConnected = (endpoint: string, address: string) => boolean;

/**
 * Names with the addresses that answers gave them, by the endpoint that asked; every endpoint of the node may use what one of them has
 * learnt, as by Cilium's `DNSHistory` and its global cache. What has run out stays while its endpoint has connections to it
 * (`DNSZombies`), so that a long connection outlives a short TTL.
 */
export interface LearntNames {
  /** Notes an answer; true when a name has an address that it did not have before. */
  learn(answer: LearntAnswer): boolean;
  /** Sets aside what has run out; true when there is something set aside, which `release` has to look at. */
  expire(nowMs: number): boolean;
  /** What is set aside, as `ENDPOINT ADDRESS`. */
  deferred(): ReadonlySet<string>;
  /** Forgets what was set aside and is not connected any more; true when a name has lost an address. */
  release(isConnected: IsConnected): boolean;
  /** Forgets endpoints that are gone; true when a name has lost an address. */
  keepEndpoints(endpoints: ReadonlySet<string>): boolean;
  /** Name (lower case, trailing dot) to addresses in sorted order, as `World.learntNames`. The same map until something changes. */
  names(): ReadonlyMap<string, readonly string[]>;
  /** The names, without trailing dot and in sorted order, that one endpoint was given for an address. */
  namesOf(endpoint: string, address: string): readonly string[];
  records(nowMs: number): readonly LearntRecord[];
  /** Takes up records of a run before; what does not fit the limits is left out. */
  restore(records: readonly LearntRecord[], nowMs: number): void;
}

export interface LearntNamesLimits {
  /** Cilium's `tofqdns-endpoint-max-ip-per-hostname`; those that run out first are set aside. */
  readonly addressesPerName: number;
  /** Cilium's `tofqdns-max-deferred-connection-deletes`, for one endpoint; when full, the one set aside first goes. */
  readonly deferredPerEndpoint: number;
  /** Addresses of all names of one endpoint; when full, the name learnt longest ago goes. */
  readonly addressesPerEndpoint: number;
}

interface Endpoint {
  /** Name to address to the time when it runs out. */
  readonly names: Map<string, Map<string, number>>;
  readonly deferred: Map<string, { readonly name: string; readonly address: string }>;
  /** Address to its names, current and deferred. */
  readonly byAddress: Map<string, Set<string>>;
  size: number;
  /** Something had to go because a limit was reached. */
  hasLost: boolean;
}

/** `minTtlSeconds` is asked for each answer: the least time that an address is kept, Cilium's `tofqdns-min-ttl`. */
export function createLearntNames(limits: LearntNamesLimits, minTtlSeconds: () => number): LearntNames {
  const endpoints = new Map<string, Endpoint>();
  let union: ReadonlyMap<string, readonly string[]> | undefined;

  const endpointAt = (address: string): Endpoint => {
    const known = endpoints.get(address) ?? newEndpoint();
    endpoints.set(address, known);
    return known;
  };
  const note = (
    { endpoint, name, addresses }: Omit<LearntAnswer, 'ttlSeconds' | 'nowMs'>,
    untilMs: number,
  ): boolean => {
    const own = endpointAt(endpoint);
    own.hasLost = false;
    const entry = own.names.get(name) ?? new Map<string, number>();
    // The name and the addresses learnt last stand at the end.
    own.names.delete(name);
    own.names.set(name, entry);
    own.size -= entry.size;
    for (const address of addresses) {
      const until = Math.max(untilMs, entry.get(address) ?? 0);
      entry.delete(address);
      entry.set(address, until);
      own.deferred.delete(deferredKey(name, address));
      addByAddress(own, name, address);
    }
    own.size += entry.size;
    trimName(own, name, entry, limits);
    trimEndpoint(own, name, limits);
    return own.hasLost;
  };
  const unionOf = (): ReadonlyMap<string, readonly string[]> => {
    union ??= unite(endpoints.values());
    return union;
  };
  /** Whether the names are other ones than before; the map of before stays when they are not. */
  const hasChanged = (before: ReadonlyMap<string, readonly string[]>): boolean => {
    const after = unionOf();
    if (after === before) return false;
    if (!sameNames(before, after)) return true;
    union = before;
    return false;
  };

  return {
    learn({ endpoint, name: rawName, addresses, ttlSeconds, nowMs }) {
      const name = normalizeDnsName(rawName);
      const known = new Set(unionOf().get(name));
      const untilMs = nowMs + Math.max(ttlSeconds, minTtlSeconds()) * 1000;
      const isNew = addresses.some((address) => !known.has(address));
      const hasLost = note({ endpoint, name, addresses }, untilMs);
      if (isNew || hasLost) union = undefined;
      return isNew || hasLost;
    },
    expire(nowMs) {
      let waiting = false;
      for (const own of endpoints.values()) {
        own.hasLost = false;
        for (const [name, entry] of own.names) {
          for (const [address, until] of entry) if (until <= nowMs) defer(own, name, entry, address, limits);
          if (entry.size === 0) own.names.delete(name);
        }
        if (own.hasLost) union = undefined;
        waiting ||= own.hasLost || own.deferred.size > 0;
      }
      return waiting;
    },
    deferred() {
      const pairs = new Set<string>();
      for (const [endpoint, own] of endpoints) {
        for (const { address } of own.deferred.values()) pairs.add(`${endpoint} ${address}`);
      }
      return pairs;
    },
    release(isConnected) {
      const before = unionOf();
      for (const [endpoint, own] of endpoints) {
        for (const [key, { address }] of own.deferred) {
          if (isConnected(endpoint, address)) continue;
          forgetDeferred(own, key);
          union = undefined;
        }
        if (own.names.size + own.deferred.size === 0) endpoints.delete(endpoint);
      }
      return hasChanged(before);
    },
    keepEndpoints(present) {
      const before = unionOf();
      for (const endpoint of endpoints.keys()) {
        if (present.has(endpoint)) continue;
        endpoints.delete(endpoint);
        union = undefined;
      }
      return hasChanged(before);
    },
    names: unionOf,
    namesOf: (endpoint, address) => {
      const found = endpoints.get(endpoint)?.byAddress.get(address);
      return found ? [...found].map((name) => name.replace(/\.$/, '')).sort() : [];
    },
    records: (nowMs) => [...endpoints].flatMap(([endpoint, own]) => recordsOf(endpoint, own, nowMs)),
    restore(records, nowMs) {
      union = undefined;
      for (const { endpoint, name, address, leftMs } of records) {
        note({ endpoint, name: normalizeDnsName(name), addresses: [address] }, nowMs + leftMs);
      }
    },
  };
}

const deferredKey = (name: string, address: string): string => `${address} ${name}`;

function newEndpoint(): Endpoint {
  return { names: new Map(), deferred: new Map(), byAddress: new Map(), size: 0, hasLost: false };
}

function addByAddress({ byAddress }: Endpoint, name: string, address: string): void {
  const names = byAddress.get(address);
  if (names) names.add(name);
  else byAddress.set(address, new Set([name]));
}

function forgetDeferred({ deferred, byAddress }: Endpoint, key: string): void {
  const gone = deferred.get(key);
  if (!gone) return;
  deferred.delete(key);
  const names = byAddress.get(gone.address);
  names?.delete(gone.name);
  if (names?.size === 0) byAddress.delete(gone.address);
}

function defer(
  own: Endpoint,
  name: string,
  entry: Map<string, number>,
  address: string,
  { deferredPerEndpoint }: LearntNamesLimits,
): void {
  entry.delete(address);
  own.size--;
  own.deferred.set(deferredKey(name, address), { name, address });
  for (const key of own.deferred.keys()) {
    if (own.deferred.size <= deferredPerEndpoint) return;
    forgetDeferred(own, key);
    own.hasLost = true;
  }
}

function trimName(own: Endpoint, name: string, entry: Map<string, number>, limits: LearntNamesLimits): void {
  const over = entry.size - limits.addressesPerName;
  if (over <= 0) return;
  const first = [...entry].sort(([, a], [, b]) => a - b).slice(0, over);
  for (const [address] of first) defer(own, name, entry, address, limits);
}

function trimEndpoint(own: Endpoint, newest: string, limits: LearntNamesLimits): void {
  for (const [name, entry] of own.names) {
    if (own.size <= limits.addressesPerEndpoint || name === newest) return;
    for (const address of [...entry.keys()]) defer(own, name, entry, address, limits);
    own.names.delete(name);
  }
}

function unite(endpoints: Iterable<Endpoint>): ReadonlyMap<string, readonly string[]> {
  const sets = new Map<string, Set<string>>();
  const add = (name: string, addresses: Iterable<string>): void => {
    const known = sets.get(name) ?? new Set();
    for (const address of addresses) known.add(address);
    sets.set(name, known);
  };
  for (const { names, deferred } of endpoints) {
    for (const [name, entry] of names) add(name, entry.keys());
    for (const { name, address } of deferred.values()) add(name, [address]);
  }
  return new Map([...sets].map(([name, set]) => [name, [...set].sort()]));
}

function sameNames(a: ReadonlyMap<string, readonly string[]>, b: ReadonlyMap<string, readonly string[]>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([name, addresses]) => {
    const others = b.get(name);
    return others?.length === addresses.length && addresses.every((address, index) => address === others[index]);
  });
}

function recordsOf(endpoint: string, { names, deferred }: Endpoint, nowMs: number): readonly LearntRecord[] {
  const current = [...names].flatMap(([name, entry]) =>
    [...entry].map(([address, until]) => ({ endpoint, name, address, leftMs: Math.max(0, Math.round(until - nowMs)) })),
  );
  return [...current, ...[...deferred.values()].map((one) => ({ endpoint, ...one, leftMs: 0 }))];
}
