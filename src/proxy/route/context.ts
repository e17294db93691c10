import type { Fields } from '../config/fields.ts';
import type { RouteFilters } from '../filter/filter.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { StatsScope } from '../stats/store.ts';

/** What reading routes needs from elsewhere. */
export interface RouteContext {
  /** Reads `typed_per_filter_config`; given by the filters, so that routes need not know them. */
  readonly readFilters: (fields: Fields) => RouteFilters;
  readonly runtime: Runtime;
  readonly stats: StatsScope;
  /** Whether there is a cluster of that name; undefined: clusters may come later. */
  readonly hasCluster: ((name: string) => boolean) | undefined;
  /** Bytes that the body of a direct response may have. */
  readonly maxDirectBody: number;
}
