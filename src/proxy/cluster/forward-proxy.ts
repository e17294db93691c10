import type { JsonObject } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { socketFor } from './config/transport-socket.ts';
import type { ClusterConfig } from './config.ts';
import type { LoadBalancerContext } from './context.ts';
import type { CachedHost, CacheFollower, DnsCache, PendingHost } from './dns/cache.ts';
import type { DnsCaches } from './dns/caches.ts';
import { hostKey } from './dns/host-key.ts';
import type { TakeHosts } from './find-hosts.ts';
import { Host } from './host.ts';
import type { HostFinder } from './host-finder.ts';

/** The port of names without one: 443 where connections are encrypted. */
export function defaultPort({ sockets }: ClusterConfig): number {
  return socketFor(sockets, undefined) ? 443 : 80;
}

/** Under these names a connection or request says where it goes, instead of its host. */
export const DYNAMIC_HOST = 'envoy.upstream.dynamic_host';
export const DYNAMIC_PORT = 'envoy.upstream.dynamic_port';

/** The hosts of a dynamic forward proxy cluster: one for each name of its DNS cache that has addresses, found by what a request calls its host. */
export class ForwardProxyHosts implements HostFinder, CacheFollower {
  readonly #cache: DnsCache;
  readonly #port: number;
  readonly #caches: DnsCaches;
  readonly #take: TakeHosts;
  readonly #hosts = new Map<string, Host>();

  constructor(cache: DnsCache, port: number, caches: DnsCaches, take: TakeHosts) {
    this.#cache = cache;
    this.#port = port;
    this.#caches = caches;
    this.#take = take;
  }

  start(): void {
    this.#cache.follow(this);
    const added = this.#cache.hosts().map((known) => this.#add(known));
    if (added.length > 0) this.#take(added, added, []);
  }

  choose({ info }: LoadBalancerContext): Host | undefined {
    const key = keyOf(info, this.#port);
    const host = key === undefined ? undefined : this.#hosts.get(key);
    if (!host || host.health === 'unhealthy') return undefined;
    this.#cache.touch(host.identity);
    return host;
  }

  prepare({ info }: LoadBalancerContext, ready: (failure: string) => void): PendingHost | string | undefined {
    const key = keyOf(info, this.#port);
    if (key === undefined) return 'empty_host_header';
    if (this.#hosts.has(key)) return undefined;
    const loaded = this.#cache.load(key, this.#port, ({ details }) => ready(details));
    if (loaded.kind === 'overflow') return 'dns_cache_overflow';
    return loaded.kind === 'pending' ? loaded.pending : loaded.host.details;
  }

  onAddresses(known: CachedHost): void {
    const host = this.#hosts.get(known.key);
    const [first, ...others] = addressesOf(known);
    if (host && first) {
      host.moveTo(first, others);
      return;
    }
    const added = this.#add(known);
    this.#take([...this.#hosts.values()], [added], []);
  }

  onRemoved({ key }: CachedHost): void {
    const host = this.#hosts.get(key);
    if (!host) return;
    this.#hosts.delete(key);
    this.#take([...this.#hosts.values()], [], [host]);
  }

  stop(): void {
    this.#cache.unfollow(this);
    this.#caches.release(this.#cache);
  }

  #add(known: CachedHost): Host {
    const { key } = known;
    const [address, ...others] = addressesOf(known);
    const host = new Host({
      identity: key,
      hostname: key,
      address: address ?? { kind: 'socket', host: known.name, port: known.port },
      others,
    });
    this.#hosts.set(key, host);
    return host;
  }
}

function addressesOf({ addresses, port }: CachedHost): readonly Host['address'][] {
  return addresses.map((host) => ({ kind: 'socket', host, port }) as const);
}

/** The host as a filter noted it, as the request calls it, or as the client hello does. */
function keyOf({ filterState, request, peers }: StreamInfo, port: number): string | undefined {
  const name = noted(filterState, DYNAMIC_HOST) ?? request?.authority ?? peers.hello?.serverName ?? '';
  return name === '' ? undefined : hostKey(name, dynamicPort(filterState) ?? port);
}

/** A port that a filter noted; undefined: none, or what is none. */
export function dynamicPort(state: JsonObject | undefined): number | undefined {
  const port = Number(noted(state, DYNAMIC_PORT));
  return port > 0 && port <= 65_535 ? port : undefined;
}

/** A text that a filter noted. */
export function noted(state: JsonObject | undefined, key: string): string | undefined {
  const value = state?.[key];
  return typeof value === 'string' ? value : undefined;
}
