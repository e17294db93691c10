import { isDeepStrictEqual } from 'node:util';
import type { StatsScope, StatsStore } from '../../stats/store.ts';
import type { DnsCacheConfig } from '../config/dns-cache.ts';
import { DnsCache } from './cache.ts';
import { DNS_CACHE_STATS } from './cache-stats.ts';
import type { Resolve, ResolverConfig } from './resolver.ts';

interface Held {
  readonly cache: DnsCache;
  readonly scope: StatsScope;
  holders: number;
}

/** The DNS caches of a worker by name: all that name the same one share it, and have to agree about it. */
export class DnsCaches {
  readonly #held = new Map<string, Held>();
  readonly #stats: StatsStore;
  readonly #resolverOf: (config: ResolverConfig) => Resolve;

  constructor(stats: StatsStore, resolverOf: (config: ResolverConfig) => Resolve) {
    this.#stats = stats;
    this.#resolverOf = resolverOf;
  }

  /** Why a cache cannot be had; undefined: it can. */
  problem(config: DnsCacheConfig): string | undefined {
    const known = this.#held.get(config.name)?.cache.config;
    if (!known || sameConfig(known, config)) return undefined;
    return `config specified DNS cache '${config.name}' with different settings`;
  }

  /** Each call takes a `release`, after the last of which the cache is gone. */
  hold(config: DnsCacheConfig): DnsCache {
    const held = this.#held.get(config.name) ?? this.#open(config);
    held.holders++;
    return held.cache;
  }

  release({ config: { name } }: DnsCache): void {
    const held = this.#held.get(name);
    if (!held || --held.holders > 0) return;
    this.#held.delete(name);
    held.cache.stop();
    held.scope.close();
  }

  stop(): void {
    for (const { cache } of this.#held.values()) cache.stop();
    this.#held.clear();
  }

  #open(config: DnsCacheConfig): Held {
    const scope = this.#stats.scope();
    const stats = scope.get(DNS_CACHE_STATS, `dns_cache.${config.name}.`);
    const resolve = this.#resolverOf(config.resolver);
    const held = { cache: new DnsCache(config, { resolve, stats, random: Math.random }), scope, holders: 0 };
    this.#held.set(config.name, held);
    return held;
  }
}

function sameConfig(left: DnsCacheConfig, right: DnsCacheConfig): boolean {
  return isDeepStrictEqual(left.json, right.json);
}
