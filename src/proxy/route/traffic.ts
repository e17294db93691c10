import { CodeCounts } from '../stats/codes.ts';
import { Histogram } from '../stats/histogram.ts';
import { codes, counter, lazyHistogram, statsKind } from '../stats/kind.ts';

/** Counters of a virtual cluster or of a route with a `stat_prefix`, under `vhost.<name>.`. */
export class TrafficStats {
  rqTotal = 0;
  retry = 0;
  retrySuccess = 0;
  retryLimitExceeded = 0;
  retryOverflow = 0;
  timeout = 0;
  readonly status = new CodeCounts();
  readonly rqTime = new Histogram();
}

export const TRAFFIC_STATS = statsKind(TrafficStats, {
  rqTotal: counter('upstream_rq_total'),
  retry: counter('upstream_rq_retry'),
  retrySuccess: counter('upstream_rq_retry_success'),
  retryLimitExceeded: counter('upstream_rq_retry_limit_exceeded'),
  retryOverflow: counter('upstream_rq_retry_overflow'),
  timeout: counter('upstream_rq_timeout'),
  status: codes('upstream_rq_'),
  rqTime: lazyHistogram('ms', 'upstream_rq_time'),
});
