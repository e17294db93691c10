import { now } from '../../time/clock.ts';
import { Deadline } from '../../time/deadline.ts';
import type { DnsCacheConfig } from '../config/dns-cache.ts';
import type { DnsCacheStats } from './cache-stats.ts';
import { details, failureDetails, missingDetails } from './failure.ts';
import { hostKey, splitHostPort } from './host-key.ts';
import type { DnsAnswer, Resolve } from './resolver.ts';

/** A name with a port, and what it resolved to last. */
export interface CachedHost {
  /** `name:port`. */
  readonly key: string;
  readonly name: string;
  readonly port: number;
  /** None: it has never resolved to any. */
  readonly addresses: readonly string[];
  /** Why there are none, as the details of a response say it. */
  readonly details: string;
}

/** Hears of the hosts of a cache that have addresses. */
export interface CacheFollower {
  onAddresses(host: CachedHost): void;
  onRemoved(host: CachedHost): void;
}

/** A look-up that somebody waits for. */
export interface PendingHost {
  cancel(): void;
}

export type Loaded =
  | { readonly kind: 'known'; readonly host: CachedHost }
  | { readonly kind: 'pending'; readonly pending: PendingHost }
  /** There are as many hosts as there may be. */
  | { readonly kind: 'overflow' };

type Done = (host: CachedHost) => void;

interface Entry extends CachedHost {
  addresses: readonly string[];
  details: string;
  /** The first look-up has ended. */
  resolved: boolean;
  usedAt: number;
  failureWait: number;
  /** Counts look-ups: the answer to one that was given up is not listened to. */
  query: number;
  readonly waiting: Set<Done>;
  readonly refresh: Deadline;
  readonly limit: Deadline;
}

export interface CacheEnvironment {
  readonly resolve: Resolve;
  readonly stats: DnsCacheStats;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** Envoy's DNS cache of the dynamic forward proxy: names are looked up when somebody needs them first, and kept up to date while they are used. */
export class DnsCache {
  readonly config: DnsCacheConfig;
  readonly #environment: CacheEnvironment;
  readonly #entries = new Map<string, Entry>();
  readonly #followers = new Set<CacheFollower>();
  #pending = 0;

  constructor(config: DnsCacheConfig, environment: CacheEnvironment) {
    this.config = config;
    this.#environment = environment;
    this.#measure();
    for (const { host, port } of config.preresolve) this.#begin(hostKey(host, port), port);
  }

  /** The host of a name, which may have a port. `done` is called unless the host is known, and never before this returns. */
  load(name: string, defaultPort: number, done: Done): Loaded {
    const key = hostKey(name, defaultPort);
    const known = this.#entries.get(key);
    if (known?.resolved && !this.#isSpent(known)) return { kind: 'known', host: known };
    if (this.#entries.size >= this.config.maxHosts) {
      this.#environment.stats.overflow++;
      return { kind: 'overflow' };
    }
    if (known?.resolved) this.#remove(known);
    const entry = this.#entries.get(key) ?? this.#begin(key, defaultPort);
    entry.waiting.add(done);
    return { kind: 'pending', pending: { cancel: () => entry.waiting.delete(done) } };
  }

  #isSpent({ details }: Entry): boolean {
    return this.config.restsAfterFailure && details !== '';
  }

  /** Notes that a host was used. */
  touch(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) entry.usedAt = now();
  }

  /** The hosts that have addresses. */
  hosts(): readonly CachedHost[] {
    return [...this.#entries.values()].filter(({ addresses }) => addresses.length > 0);
  }

  follow(follower: CacheFollower): void {
    this.#followers.add(follower);
  }

  unfollow(follower: CacheFollower): void {
    this.#followers.delete(follower);
  }

  /** Takes a place among the requests that may wait for answers; false: there is none. */
  takePlace(): boolean {
    if (this.#pending >= this.config.maxPending) {
      this.#environment.stats.pendingOverflow++;
      return false;
    }
    this.#pending++;
    this.#measure();
    return true;
  }

  leavePlace(): void {
    this.#pending--;
    this.#measure();
  }

  #measure(): void {
    const { stats } = this.#environment;
    const { maxPending } = this.config;
    stats.pendingOpen = this.#pending > 0 && this.#pending >= maxPending ? 1 : 0;
    stats.pendingRemaining = maxPending - this.#pending;
  }

  stop(): void {
    for (const entry of this.#entries.values()) this.#forget(entry);
    this.#entries.clear();
    this.#environment.stats.hosts = 0;
  }

  #begin(key: string, defaultPort: number): Entry {
    const { host: name, port = defaultPort } = splitHostPort(key);
    const entry: Entry = {
      key,
      name,
      port,
      addresses: [],
      details: '',
      resolved: false,
      usedAt: now(),
      failureWait: this.config.failureRefresh?.base ?? 0,
      query: 0,
      waiting: new Set(),
      refresh: new Deadline(() => this.#refresh(entry)),
      limit: new Deadline(() => this.#timeOut(entry)),
    };
    this.#entries.set(key, entry);
    this.#environment.stats.added++;
    this.#environment.stats.hosts++;
    this.#look(entry);
    return entry;
  }

  #look(entry: Entry): void {
    const query = ++entry.query;
    const finish = (answer: DnsAnswer | undefined, missing: string): void => {
      if (entry.query === query) this.#finish(entry, answer, missing);
    };
    this.#environment.stats.attempt++;
    entry.limit.start(this.config.queryTimeout);
    this.#environment.resolve(entry.name, this.config.family).then(
      (answer) => finish(answer, missingDetails(answer.missing)),
      (error: unknown) => finish(undefined, failureDetails(error)),
    );
  }

  #timeOut(entry: Entry): void {
    this.#environment.stats.timeout++;
    this.#finish(entry, undefined, details('resolve_timeout'));
  }

  /** Without an answer a host keeps the addresses that it had. */
  #finish(entry: Entry, answer: DnsAnswer | undefined, missing: string): void {
    const { stats } = this.#environment;
    entry.query++;
    entry.limit.stop();
    if (answer) stats.success++;
    else stats.failure++;
    const addresses = this.#admitted(answer);
    if (addresses.length === 0) entry.details = answer?.addresses.length ? details('address_denied') : missing;
    else if (sameAddresses(addresses, entry.addresses)) entry.details = '';
    else {
      entry.addresses = addresses;
      entry.details = '';
      stats.addressChanged++;
      for (const follower of this.#followers) follower.onAddresses(entry);
    }
    entry.resolved = true;
    this.#tell(entry);
    const wait = answer ? this.#afterAnswer(entry, answer, addresses.length > 0) : this.#backOff(entry);
    if (wait > 0 && this.#entries.get(entry.key) === entry) entry.refresh.start(wait);
  }

  #admitted(answer: DnsAnswer | undefined): readonly string[] {
    const { excludes } = this.config;
    const addresses = [...new Set(answer?.addresses ?? [])];
    const admitted = excludes ? addresses.filter((address) => !excludes(address)) : addresses;
    if (admitted.length < addresses.length) this.#environment.stats.filteredOut += addresses.length - admitted.length;
    return admitted;
  }

  #tell(entry: Entry): void {
    const waiting = [...entry.waiting];
    entry.waiting.clear();
    for (const done of waiting) done(entry);
  }

  /** Whole seconds, as Envoy counts them. */
  #afterAnswer(entry: Entry, { ttl }: DnsAnswer, found: boolean): number {
    const { refresh, minRefresh, failureRefresh } = this.config;
    entry.failureWait = failureRefresh?.base ?? 0;
    return wholeSeconds(found ? Math.max(minRefresh, ttl) : refresh);
  }

  /** 0: not again by itself. */
  #backOff(entry: Entry): number {
    const { failureRefresh, refresh, restsAfterFailure } = this.config;
    if (restsAfterFailure) return 0;
    if (!failureRefresh) return refresh;
    const wait = Math.floor(this.#environment.random() * entry.failureWait);
    entry.failureWait = Math.min(entry.failureWait * 2, failureRefresh.max);
    return Math.max(wait, 1);
  }

  #refresh(entry: Entry): void {
    if (now() - entry.usedAt > this.config.hostTtl) this.#remove(entry);
    else this.#look(entry);
  }

  #remove(entry: Entry): void {
    this.#forget(entry);
    this.#entries.delete(entry.key);
    this.#environment.stats.removed++;
    this.#environment.stats.hosts--;
    if (entry.addresses.length > 0) for (const follower of this.#followers) follower.onRemoved(entry);
    this.#tell(entry);
  }

  #forget(entry: Entry): void {
    entry.query++;
    entry.refresh.stop();
    entry.limit.stop();
  }
}

/** At least one millisecond: a wait of 0 would have no end. */
function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.floor(milliseconds / 1000) * 1000);
}

function sameAddresses(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((address) => right.includes(address));
}
