import { isDeepStrictEqual } from 'node:util';
import { fail, type Issue, ok, type Result } from '../../base/index.ts';
import type { FileSource } from '../config/config-source.ts';
import { type JsonObject, readMessage } from '../config/fields.ts';
import type { DiscoveredFilter, FilterSubscription } from '../filter/context.ts';
import type { StatsStore } from '../stats/store.ts';
import type { SecretReader } from '../tls/secret.ts';
import { type FilterChain, type ListenerConfig, type ListenerContext, readListener } from './config.ts';
import type { ProcessDrain } from './drain.ts';
import type { Want } from './warming.ts';

/** Resources that a configuration refers to. */
type FilterKindName = 'http_filter' | 'network_filter';

export interface Needs {
  /** With the stat prefixes of who uses each. */
  readonly routes: ReadonlyMap<string, ReadonlySet<string>>;
  /** Those of the routes that come from files. */
  readonly files: ReadonlyMap<string, FileSource>;
  /** Discovered filters by what they are in the names of statistics. */
  readonly filters: ReadonlyMap<string, FilterKindName>;
  /** Discovered secrets; a file where they come from one. */
  readonly secrets: ReadonlyMap<string, FileSource | undefined>;
  /** Those that must be there before it serves. */
  readonly wants: readonly Want[];
}

export interface Compiled {
  readonly config: ListenerConfig;
  readonly needs: Needs;
}

export interface CompileOptions {
  readonly context: Omit<ListenerContext, 'stats' | 'processDrain'>;
  readonly stats: StatsStore;
  readonly drain: ProcessDrain;
}

/** Reads a listener and takes note of what it needs; the stats scope of the result is the caller's to close. */
export function compileListener(
  json: JsonObject,
  { context, stats, drain }: CompileOptions,
): Result<Compiled, readonly Issue[]> {
  const issues: Issue[] = [];
  const routes = new Map<string, Set<string>>();
  const files = new Map<string, FileSource>();
  const filters = new Map<string, FilterKindName>();
  const secrets = new Map<string, FileSource | undefined>();
  const wants: Want[] = [];
  const scope = stats.scope();
  const discoverFilter = <Filter>(name: string, options: FilterSubscription<Filter>): DiscoveredFilter<Filter> => {
    filters.set(name, options.place === 'connection' ? 'network_filter' : 'http_filter');
    if (options.waits) wants.push({ kind: 'filter', name, timeoutMs: options.timeoutMs });
    return context.discoverFilter(name, options);
  };
  const discoverRoutes: ListenerContext['discoverRoutes'] = (name, options) => {
    routes.set(name, (routes.get(name) ?? new Set()).add(options.statPrefix));
    if (options.file) files.set(name, options.file);
    wants.push({ kind: 'route', name, timeoutMs: options.timeoutMs });
    return context.discoverRoutes(name, options);
  };
  const secretReader: SecretReader = {
    fixed: (name) => context.secrets.fixed(name),
    discover: (name, options) => {
      secrets.set(name, options.file);
      wants.push({ kind: 'secret', name, timeoutMs: options.timeoutMs });
      return context.secrets.discover(name, options);
    },
  };
  const surroundings = { ...context, stats: scope, processDrain: drain, discoverFilter, discoverRoutes };
  const config = readMessage(json, '', issues, (fields) =>
    readListener(fields, { ...surroundings, secrets: secretReader }),
  );
  if (issues.length === 0) return ok({ config, needs: { routes, files, filters, secrets, wants } });
  scope.close();
  return fail(issues);
}

export function chainsOf({ chains, defaultChain }: ListenerConfig): readonly FilterChain[] {
  return defaultChain ? [...chains, defaultChain] : chains;
}

/** A newer configuration with those chains of the one before that mean the same, so that their connections go on. */
export function withKeptChains(
  before: ListenerConfig,
  config: ListenerConfig,
): { readonly merged: ListenerConfig; readonly kept: ReadonlySet<FilterChain> } {
  const kept = new Set<FilterChain>();
  // A chain means the same only while the listener treats sources the same.
  const comparable = before.listenerFilters.originalSourceMark === config.listenerFilters.originalSourceMark;
  const old = comparable ? chainsOf(before) : [];
  const keep = (chain: FilterChain): FilterChain => {
    const same = old.find(({ json }) => isDeepStrictEqual(json, chain.json));
    if (same) kept.add(same);
    return same ?? chain;
  };
  const defaultChain = config.defaultChain && keep(config.defaultChain);
  return { merged: { ...config, chains: config.chains.map(keep), defaultChain }, kept };
}

/** Whether two listeners differ in nothing but their filter chains. */
export function differOnlyInChains(left: JsonObject, right: JsonObject): boolean {
  return isDeepStrictEqual(withoutChains(left), withoutChains(right));
}

function withoutChains({ filter_chains: _chains, default_filter_chain: _default, ...rest }: JsonObject): JsonObject {
  return rest;
}
