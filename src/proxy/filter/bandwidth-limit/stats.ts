import { Histogram } from '../../stats/histogram.ts';
import { counter, gauge, histogram, statsKind } from '../../stats/kind.ts';

/** Counters of one limit, under `<stat_prefix>.http_bandwidth_limit.`. */
class BandwidthStats {
  requestEnabled = 0;
  requestEnforced = 0;
  requestPending = 0;
  requestSize = 0;
  requestAllowed = 0;
  requestTotal = 0;
  requestAllowedTotal = 0;
  readonly requestDuration = new Histogram();
  responseEnabled = 0;
  responseEnforced = 0;
  responsePending = 0;
  responseSize = 0;
  responseAllowed = 0;
  responseTotal = 0;
  responseAllowedTotal = 0;
  readonly responseDuration = new Histogram();
}

export const BANDWIDTH_STATS = statsKind(BandwidthStats, {
  requestEnabled: counter('request_enabled'),
  requestEnforced: counter('request_enforced'),
  requestPending: gauge('request_pending'),
  requestSize: gauge('request_incoming_size'),
  requestAllowed: gauge('request_allowed_size'),
  requestTotal: counter('request_incoming_total_size'),
  requestAllowedTotal: counter('request_allowed_total_size'),
  requestDuration: histogram('ms', 'request_transfer_duration'),
  responseEnabled: counter('response_enabled'),
  responseEnforced: counter('response_enforced'),
  responsePending: gauge('response_pending'),
  responseSize: gauge('response_incoming_size'),
  responseAllowed: gauge('response_allowed_size'),
  responseTotal: counter('response_incoming_total_size'),
  responseAllowedTotal: counter('response_allowed_total_size'),
  responseDuration: histogram('ms', 'response_transfer_duration'),
});

/** What is counted of one direction. */
export interface DirectionStats {
  enabled(): void;
  began(): void;
  came(bytes: number): void;
  /** `enforced`: some of what there was had to wait. */
  allowed(bytes: number, enforced: boolean): void;
  /** In milliseconds; undefined: it broke off. */
  ended(duration: number | undefined): void;
}

export type LimitStats = InstanceType<typeof BandwidthStats>;

export function requestStats(stats: LimitStats): DirectionStats {
  return {
    enabled: () => stats.requestEnabled++,
    began: () => stats.requestPending++,
    came: (bytes) => {
      stats.requestSize = bytes;
      stats.requestTotal += bytes;
    },
    allowed: (bytes, enforced) => {
      stats.requestAllowed = bytes;
      stats.requestAllowedTotal += bytes;
      if (enforced) stats.requestEnforced++;
    },
    ended: (duration) => {
      stats.requestPending--;
      if (duration !== undefined) stats.requestDuration.record(duration);
    },
  };
}

export function responseStats(stats: LimitStats): DirectionStats {
  return {
    enabled: () => stats.responseEnabled++,
    began: () => stats.responsePending++,
    came: (bytes) => {
      stats.responseSize = bytes;
      stats.responseTotal += bytes;
    },
    allowed: (bytes, enforced) => {
      stats.responseAllowed = bytes;
      stats.responseAllowedTotal += bytes;
      if (enforced) stats.responseEnforced++;
    },
    ended: (duration) => {
      stats.responsePending--;
      if (duration !== undefined) stats.responseDuration.record(duration);
    },
  };
}
