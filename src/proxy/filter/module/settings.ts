import type { Filter, FilterLog } from './api.ts';
import type { ModuleStats } from './stats.ts';

/** What runs of one filter on one route have in common. */
export interface RunSettings {
  readonly filterName: string;
  readonly stats: ModuleStats;
  readonly log: FilterLog;
  /** Milliseconds that each hook may take. */
  readonly timeout: number;
  /** Bytes of a body that are kept for its hook. */
  readonly maxBody: number;
  /** A hook that fails lets the request pass. */
  readonly open: boolean;
}

/** A version of a module as one place in a chain uses it. */
export interface RunParts {
  readonly filter: Filter<unknown>;
  readonly config: unknown;
  readonly settings: RunSettings;
}
