import type { Neighbours } from '../cluster/neighbours.ts';
import type { Fields } from '../config/fields.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { StatsScope } from '../stats/store.ts';
import type { SecretReader } from '../tls/secret.ts';
import type { Calls } from './async/calls.ts';
import type { HttpFilter } from './filter.ts';
import type { ProxyHealth } from './health-check/health.ts';
import type { FilterModules } from './module/modules.ts';

/** Where a chain stands decides which filters may be in it and how it ends. */
export type ChainPlace = 'downstream' | 'upstream';

/** How a chain reads the resource of a discovered filter, and what stands in its place until it comes. */
export interface FilterSubscription<Filter = HttpFilter> {
  /** `connection`: it is a network filter. */
  readonly place: ChainPlace | 'connection';
  readonly read: (fields: Fields) => Filter | undefined;
  readonly fallback: Filter | undefined;
  /** Full names of the configuration messages that are expected. */
  readonly types: ReadonlySet<string>;
  /** Nothing is served before the first answer, for at most so many milliseconds; 0: without end. */
  readonly waits: boolean;
  readonly timeoutMs: number;
}

/** Gives the place of a discovered filter, of HTTP or of connections; `name` is its ECDS resource. */
export type DiscoverFilter = <Filter = HttpFilter>(
  name: string,
  subscription: FilterSubscription<Filter>,
) => DiscoveredFilter<Filter>;

/** Where the newest version of a discovered filter stands; undefined: none has come. */
export interface DiscoveredFilter<Filter> {
  readonly filter: Filter | undefined;
}

/** What a filter is told when what a route says about it is read. */
export interface RouteFilterContext {
  readonly stats: StatsScope;
  readonly runtime: Runtime;
}

/** What a filter is told of its surroundings when its configuration is read. */
export interface FilterContext extends RouteFilterContext {
  readonly place: ChainPlace;
  /** What the chain calls the filter. */
  readonly filterName: string;
  /** `http.<stat_prefix>.` or `cluster.<name>.` */
  readonly statPrefix: string;
  readonly discover: DiscoverFilter;
  readonly health: ProxyHealth;
  /** Filters that users wrote. */
  readonly modules: FilterModules;
  readonly calls: Calls;
  readonly clusters: Neighbours;
  readonly secrets: SecretReader;
}

/** What all filters of a chain are told. */
export type ChainContext = Omit<FilterContext, 'filterName'>;
