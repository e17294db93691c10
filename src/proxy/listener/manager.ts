import { isDeepStrictEqual } from 'node:util';
import { fail, type Issue, ok, type Result } from '../../base/index.ts';
import { formatAddress } from '../config/address.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import type { DiscoverFilter } from '../filter/context.ts';
import type { Peer } from '../http/stream-info.ts';
import { LISTENER_MANAGER_STATS, type ListenerManagerStats } from '../server/stats.ts';
import type { StatsStore } from '../stats/store.ts';
import type { OpenSocket } from '../worker/change.ts';
import { type FilterChain, type ListenerConfig, type ListenerContext, readListener } from './config.ts';
import type { ProcessDrain } from './drain.ts';
import { Listener } from './listener.ts';

interface Entry {
  readonly listener: Listener;
  json: JsonObject;
  /** Resources that the configuration refers to. */
  /** With the stat prefixes of who uses each. */
  routes: ReadonlyMap<string, ReadonlySet<string>>;
  filters: ReadonlySet<string>;
  /** Serves from now on even when parts are missing; monotonic milliseconds. */
  readyBy: number;
  readonly fixed: boolean;
}

export interface ListenerManagerOptions {
  readonly context: Omit<ListenerContext, 'stats' | 'processDrain'>;
  readonly stats: StatsStore;
  /** Ordinal of the worker. */
  readonly worker: number;
  readonly drain: ProcessDrain;
  /** Whether a discovered resource is there. */
  readonly hasRoutes: (name: string) => boolean;
  readonly hasFilter: (name: string) => boolean;
}

interface Compiled {
  readonly config: ListenerConfig;
  readonly routes: ReadonlyMap<string, ReadonlySet<string>>;
  readonly filters: ReadonlySet<string>;
}

export interface PutOptions {
  /** From the bootstrap: not to be replaced. */
  readonly fixed?: boolean | undefined;
  /** What the first worker has bound, in place of the configured addresses. */
  readonly sockets?: readonly OpenSocket[] | undefined;
}

/** How long a listener waits for its routes and filters before it serves without them. */
const INITIAL_FETCH_MS = 15_000;

/** All listeners by name. */
export class ListenerManager {
  readonly #entries = new Map<string, Entry>();
  readonly #options: ListenerManagerOptions;
  readonly #leaving = new Set<Listener>();
  readonly #counts: ListenerManagerStats;

  constructor(options: ListenerManagerOptions) {
    this.#options = options;
    this.#counts = options.stats.scope().get(LISTENER_MANAGER_STATS, 'listener_manager.');
  }

  routeNames(): readonly string[] {
    return [...new Set([...this.#entries.values()].flatMap((entry) => [...entry.routes.keys()]))];
  }

  /** Prefixes of the connection managers that use a route configuration. */
  routePrefixes(name: string): ReadonlySet<string> {
    return new Set([...this.#entries.values()].flatMap((entry) => [...(entry.routes.get(name) ?? [])]));
  }

  filterNames(): readonly string[] {
    return [...new Set([...this.#entries.values()].flatMap((entry) => [...entry.filters]))];
  }

  names(): readonly string[] {
    return [...this.#entries].flatMap(([name, entry]) => (entry.fixed ? [] : [name]));
  }

  get(name: string): Listener | undefined {
    return this.#entries.get(name)?.listener;
  }

  all(): readonly Listener[] {
    return [...this.#entries.values()].map((entry) => entry.listener);
  }

  dump(): readonly { readonly json: JsonObject; readonly fixed: boolean }[] {
    return [...this.#entries.values()].map(({ json, fixed }) => ({ json, fixed }));
  }

  /** Adds or replaces a listener. It is bound when this resolves; on failure nothing has changed. */
  async put(json: JsonObject, { fixed = false, sockets }: PutOptions = {}): Promise<readonly Issue[]> {
    const compiled = this.#compile(json);
    if (!compiled.ok) return compiled.error;
    const { routes, filters } = compiled.value;
    const { config: own } = compiled.value;
    const config = sockets ? { ...own, addresses: sockets.map(({ address }) => address) } : own;
    const before = this.#entries.get(config.name);
    if (before?.fixed || (before && isDeepStrictEqual(before.json, json))) {
      config.stats.close();
      return before.fixed ? [{ path: 'name', message: `${config.name} is a static listener of the bootstrap` }] : [];
    }
    const twin = this.#sharesAddress(config);
    if (twin !== undefined) {
      config.stats.close();
      const message = `error adding listener: '${config.name}' has duplicate address '${twin}' as existing listener`;
      return [{ path: 'address', message }];
    }
    if (before) return this.#update(before, { config, routes, filters }, json, sockets);
    const entry: Entry = {
      listener: new Listener(config, {
        worker: this.#options.worker,
        ready: () => this.#ready(entry),
        listenerAt: (local) => this.#listenerAt(local),
      }),
      json,
      routes,
      filters,
      readyBy: performance.now() + INITIAL_FETCH_MS,
      fixed,
    };
    const opened = await entry.listener.bind(config, sockets);
    if (!opened.ok) {
      this.#counts.createFailure++;
      entry.listener.close();
      return [{ path: '', message: `error adding listener '${config.name}': ${opened.error}` }];
    }
    this.#entries.set(config.name, entry);
    this.#counts.added++;
    this.#counts.createSuccess++;
    setTimeout(() => entry.listener.release(), INITIAL_FETCH_MS + 1).unref();
    return [];
  }

  /** An address that another listener has: who would get a connection to it would be left to chance. */
  #sharesAddress({ name, addresses, bindToPort }: ListenerConfig): string | undefined {
    const own = addresses.filter((one) => !bindToPort || one.kind !== 'socket' || one.port !== 0).map(formatAddress);
    const others = [...this.#entries.values()].filter(({ listener }) => listener.config.name !== name);
    const taken = new Set(others.flatMap(({ listener }) => listener.config.addresses.map(formatAddress)));
    return own.find((address) => taken.has(address));
  }

  async #update(
    entry: Entry,
    { config, routes, filters }: Compiled,
    json: JsonObject,
    sockets: readonly OpenSocket[] | undefined,
  ): Promise<readonly Issue[]> {
    const { listener } = entry;
    if (listener.config.sockets.transparent !== config.sockets.transparent) {
      config.stats.close();
      const message = `error updating listener '${config.name}': transparent cannot change while it is bound`;
      return [{ path: 'transparent', message }];
    }
    const bound = await listener.bind(config, sockets);
    if (!bound.ok) {
      config.stats.close();
      return [{ path: '', message: `error updating listener '${config.name}': ${bound.error}` }];
    }
    this.#counts.modified++;
    this.#counts.inPlaceUpdated++;
    const kept = new Set<FilterChain>();
    const reuse = (chain: FilterChain): FilterChain => {
      const same = [...listener.config.chains, listener.config.defaultChain].find(
        (old) => old !== undefined && isDeepStrictEqual(old.json, chain.json),
      );
      if (same) kept.add(same);
      return same ?? chain;
    };
    // A chain means the same only while the listener treats sources the same.
    const keep =
      listener.config.listenerFilters.originalSourceMark === config.listenerFilters.originalSourceMark
        ? reuse
        : (one: FilterChain) => one;
    const defaultChain = config.defaultChain && keep(config.defaultChain);
    listener.replace({ ...config, chains: config.chains.map(keep), defaultChain }, kept);
    Object.assign(entry, { json, routes, filters });
    return [];
  }

  /** Accepts nothing more, at all listeners or at inbound ones. */
  stopAccepting(inboundOnly: boolean): void {
    for (const listener of this.all()) {
      if (inboundOnly && !listener.config.inbound) continue;
      this.#counts.stopped++;
      listener.stopAccepting();
    }
  }

  /** Listeners that wait for discovered parts, with what they wait for. */
  waiting(): readonly { readonly listener: string; readonly targets: readonly string[] }[] {
    const { hasRoutes, hasFilter } = this.#options;
    return [...this.#entries].flatMap(([listener, entry]) => {
      if (this.#ready(entry)) return [];
      const routes = [...entry.routes.keys()].filter((name) => !hasRoutes(name));
      const filters = [...entry.filters].filter((name) => !hasFilter(name));
      return [{ listener, targets: [...routes.map((name) => `RdsRouteConfigSubscription ${name}`), ...filters] }];
    });
  }

  /** The issues of a listener, without binding it. */
  check(json: JsonObject): readonly Issue[] {
    const compiled = this.#compile(json);
    if (!compiled.ok) return compiled.error;
    compiled.value.config.stats.close();
    return [];
  }

  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.fixed) return;
    this.#entries.delete(name);
    this.#counts.removed++;
    entry.listener.close();
    this.#leaving.add(entry.listener);
  }

  /** The listener for an original destination: of exactly that address, else of its port on any address. */
  #listenerAt({ address, port }: Peer): Listener | undefined {
    const any = address.includes(':') ? '::' : '0.0.0.0';
    const at = (host: string): Listener | undefined =>
      this.all().find(({ config: { addresses } }) =>
        addresses.some((one) => one.kind === 'socket' && one.host === host && one.port === port),
      );
    return at(address) ?? at(any);
  }

  /** A discovered resource came: listeners that wait for nothing more start to serve. */
  onDiscovered(): void {
    for (const { listener } of this.#entries.values()) listener.release();
  }

  async stop(milliseconds: number): Promise<void> {
    const listeners = [...this.all(), ...this.#leaving];
    this.#entries.clear();
    await Promise.all(listeners.map((listener) => listener.stop(milliseconds)));
  }

  #ready(entry: Entry): boolean {
    const { hasRoutes, hasFilter } = this.#options;
    if (performance.now() >= entry.readyBy) return true;
    const ready = [...entry.routes.keys()].every(hasRoutes) && [...entry.filters].every(hasFilter);
    // Once is enough: what goes missing later does not stop a listener.
    if (ready) entry.readyBy = 0;
    return ready;
  }

  #compile(json: JsonObject): Result<Compiled, readonly Issue[]> {
    const issues: Issue[] = [];
    const routes = new Map<string, Set<string>>();
    const filters = new Set<string>();
    const { context, stats } = this.#options;
    const scope = stats.scope();
    const discoverFilter: DiscoverFilter = (name, options) => {
      filters.add(name);
      return context.discoverFilter(name, options);
    };
    const discoverRoutes: ListenerContext['discoverRoutes'] = (name, statPrefix) => {
      routes.set(name, (routes.get(name) ?? new Set()).add(statPrefix));
      return context.discoverRoutes(name, statPrefix);
    };
    const config = readMessage(json, '', issues, (fields) =>
      readListener(fields, {
        ...context,
        stats: scope,
        processDrain: this.#options.drain,
        discoverFilter,
        discoverRoutes,
      }),
    );
    if (issues.length === 0) return ok({ config, routes, filters });
    scope.close();
    return fail(issues);
  }
}
