import { Histogram } from '../stats/histogram.ts';
import { alwaysUsed, counter, histogram, sharedCounter, sharedGauge, statsKind } from '../stats/kind.ts';

/** `overload.<resource>.` */
class ResourceStats {
  /** Per cent. */
  pressure = 0;
  failedUpdates = 0;
  skippedUpdates = 0;
}

export const RESOURCE_STATS = statsKind(ResourceStats, {
  pressure: sharedGauge('pressure'),
  failedUpdates: sharedCounter('failed_updates'),
  skippedUpdates: sharedCounter('skipped_updates'),
});

/** The same of a resource that is asked for when it is used. */
class ProactiveResourceStats {
  failedUpdates = 0;
}

export const PROACTIVE_RESOURCE_STATS = statsKind(ProactiveResourceStats, {
  failedUpdates: sharedCounter('failed_updates'),
});

/** `overload.<action>.` */
class ActionStats {
  active = 0;
  /** Per cent. */
  scale = 0;
}

export const ACTION_STATS = statsKind(ActionStats, {
  active: alwaysUsed(sharedGauge('active')),
  scale: alwaysUsed(sharedGauge('scale_percent')),
});

/** Of `shrink_heap` in addition. */
class ShrinkStats {
  shrinks = 0;
}

export const SHRINK_STATS = statsKind(ShrinkStats, { shrinks: sharedCounter('shrink_count') });

/** `overload.<load shed point>.` */
export class PointStats {
  shed = 0;
  /** Per cent. */
  scale = 0;
}

export const POINT_STATS = statsKind(PointStats, {
  shed: counter('shed_load_count'),
  scale: alwaysUsed(sharedGauge('scale_percent')),
});

/** `overload.` */
class RefreshStats {
  readonly delay = new Histogram();
}

export const REFRESH_STATS = statsKind(RefreshStats, { delay: histogram('ms', 'refresh_interval_delay') });
