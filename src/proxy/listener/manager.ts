import { isDeepStrictEqual } from 'node:util';
import { fail, formatIssue, type Issue, ok, type Result } from '../../base/index.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import type { DiscoverFilter } from '../filter/context.ts';
import type { StatsStore } from '../stats/store.ts';
import { type FilterChain, type ListenerConfig, type ListenerContext, readListener } from './config.ts';
import { Listener } from './listener.ts';

interface Entry {
  readonly listener: Listener;
  json: JsonObject;
  /** Resources that the configuration refers to. */
  routes: ReadonlySet<string>;
  filters: ReadonlySet<string>;
  /** Serves from now on even when parts are missing; monotonic milliseconds. */
  readyBy: number;
  readonly fixed: boolean;
}

export interface ListenerManagerOptions {
  readonly context: Omit<ListenerContext, 'stats'>;
  readonly stats: StatsStore;
  /** Whether a discovered resource is there. */
  readonly hasRoutes: (name: string) => boolean;
  readonly hasFilter: (name: string) => boolean;
}

/** How long a listener waits for its routes and filters before it serves without them. */
const INITIAL_FETCH_MS = 15_000;

/** All listeners by name. */
export class ListenerManager {
  readonly #entries = new Map<string, Entry>();
  readonly #options: ListenerManagerOptions;
  readonly #leaving = new Set<Listener>();

  constructor(options: ListenerManagerOptions) {
    this.#options = options;
  }

  routeNames(): readonly string[] {
    return [...new Set([...this.#entries.values()].flatMap((entry) => [...entry.routes]))];
  }

  filterNames(): readonly string[] {
    return [...new Set([...this.#entries.values()].flatMap((entry) => [...entry.filters]))];
  }

  names(): readonly string[] {
    return [...this.#entries].flatMap(([name, entry]) => (entry.fixed ? [] : [name]));
  }

  all(): readonly Listener[] {
    return [...this.#entries.values()].map((entry) => entry.listener);
  }

  dump(): readonly { readonly json: JsonObject; readonly fixed: boolean }[] {
    return [...this.#entries.values()].map(({ json, fixed }) => ({ json, fixed }));
  }

  /** Adds or replaces a listener. It is bound when this resolves; on failure nothing has changed. */
  async put(json: JsonObject, fixed = false): Promise<Result<void, string>> {
    const compiled = this.#compile(json);
    if (!compiled.ok) return fail(compiled.error.map(formatIssue).join('; '));
    const { config, routes, filters } = compiled.value;
    const before = this.#entries.get(config.name);
    if (before?.fixed || (before && isDeepStrictEqual(before.json, json))) {
      config.stats.close();
      return before.fixed ? fail(`name: ${config.name} is a static listener of the bootstrap`) : ok(undefined);
    }
    if (before) return this.#update(before, config, json, routes, filters);
    const entry: Entry = {
      listener: new Listener(config, () => this.#ready(entry)),
      json,
      routes,
      filters,
      readyBy: performance.now() + INITIAL_FETCH_MS,
      fixed,
    };
    const bound = await entry.listener.bind(config);
    if (!bound.ok) {
      entry.listener.close();
      return fail(`error adding listener '${config.name}': ${bound.error}`);
    }
    this.#entries.set(config.name, entry);
    setTimeout(() => entry.listener.release(), INITIAL_FETCH_MS + 1).unref();
    return bound;
  }

  async #update(
    entry: Entry,
    config: ListenerConfig,
    json: JsonObject,
    routes: ReadonlySet<string>,
    filters: ReadonlySet<string>,
  ): Promise<Result<void, string>> {
    const { listener } = entry;
    if (listener.config.transparent !== config.transparent) {
      config.stats.close();
      return fail(`error updating listener '${config.name}': transparent cannot change while it is bound`);
    }
    const bound = await listener.bind(config);
    if (!bound.ok) {
      config.stats.close();
      return fail(`error updating listener '${config.name}': ${bound.error}`);
    }
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
    return ok(undefined);
  }

  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.fixed) return;
    this.#entries.delete(name);
    entry.listener.close();
    this.#leaving.add(entry.listener);
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
    const ready = [...entry.routes].every(hasRoutes) && [...entry.filters].every(hasFilter);
    // Once is enough: what goes missing later does not stop a listener.
    if (ready) entry.readyBy = 0;
    return ready;
  }

  #compile(
    json: JsonObject,
  ): Result<
    { readonly config: ListenerConfig; readonly routes: ReadonlySet<string>; readonly filters: ReadonlySet<string> },
    readonly Issue[]
  > {
    const issues: Issue[] = [];
    const routes = new Set<string>();
    const filters = new Set<string>();
    const { context, stats } = this.#options;
    const scope = stats.scope();
    const discoverFilter: DiscoverFilter = (name, options) => {
      filters.add(name);
      return context.discoverFilter(name, options);
    };
    const discoverRoutes = (name: string): ReturnType<ListenerContext['discoverRoutes']> => {
      routes.add(name);
      return context.discoverRoutes(name);
    };
    const config = readMessage(json, '', issues, (fields) =>
      readListener(fields, { ...context, stats: scope, discoverFilter, discoverRoutes }),
    );
    if (issues.length === 0) return ok({ config, routes, filters });
    scope.close();
    return fail(issues);
  }
}
