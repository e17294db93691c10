import { CodeCounts } from '../stats/codes.ts';
import { Histogram } from '../stats/histogram.ts';
import { codes, lazyHistogram, statsKind } from '../stats/kind.ts';
import type { StatsScope } from '../stats/store.ts';

/** Responses of requests that name their own statistics in `x-envoy-upstream-alt-stat-name`, under `cluster.<cluster>.<name>.`. */
export class NamedStats {
  readonly status = new CodeCounts();
  readonly externalStatus = new CodeCounts();
  readonly internalStatus = new CodeCounts();
  readonly canaryStatus = new CodeCounts();
  readonly rqTime = new Histogram();
  readonly externalRqTime = new Histogram();
  readonly internalRqTime = new Histogram();
  readonly canaryRqTime = new Histogram();
}

const NAMED_STATS = statsKind(NamedStats, {
  status: codes('upstream_rq_'),
  externalStatus: codes('external.upstream_rq_'),
  internalStatus: codes('internal.upstream_rq_'),
  canaryStatus: codes('canary.upstream_rq_'),
  rqTime: lazyHistogram('ms', 'upstream_rq_time'),
  externalRqTime: lazyHistogram('ms', 'external.upstream_rq_time'),
  internalRqTime: lazyHistogram('ms', 'internal.upstream_rq_time'),
  canaryRqTime: lazyHistogram('ms', 'canary.upstream_rq_time'),
});

/** Requests choose the names, so that there must be an end to them: of further names nothing is counted. */
const MAX_NAMES = 256;
const MAX_LENGTH = 256;

/** The statistics that requests have named, by name. */
export function namedStats(scope: StatsScope, prefix: string): (name: string) => NamedStats | undefined {
  const known = new Map<string, NamedStats>();
  return (name) => {
    const stats = known.get(name);
    if (stats || known.size >= MAX_NAMES || name.length > MAX_LENGTH) return stats;
    const made = scope.get(NAMED_STATS, `${prefix}${name.replace(/\.+$/, '')}.`);
    known.set(name, made);
    return made;
  };
}
