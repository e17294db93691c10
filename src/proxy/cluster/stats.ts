import { CodeCounts } from '../stats/codes.ts';
import { Histogram } from '../stats/histogram.ts';
import {
  alwaysUsed,
  codes,
  completedCodes,
  counter,
  gauge,
  histogram,
  lazyHistogram,
  sharedCounter,
  sharedGauge,
  statsKind,
  usedWith,
} from '../stats/kind.ts';

/** Counters of one cluster, under `cluster.<name>.`. */
export class ClusterStats {
  cxTotal = 0;
  cxActive = 0;
  cxHttp1 = 0;
  cxHttp2 = 0;
  cxCloseNotify = 0;
  cxConnectFail = 0;
  cxConnectTimeout = 0;
  cxConnectAttemptsExceeded = 0;
  cxOverflow = 0;
  cxPoolOverflow = 0;
  cxDestroy = 0;
  cxDestroyLocal = 0;
  cxDestroyRemote = 0;
  cxDestroyWithActive = 0;
  cxDestroyLocalWithActive = 0;
  cxDestroyRemoteWithActive = 0;
  cxIdleTimeout = 0;
  cxMaxRequests = 0;
  cxMaxDuration = 0;
  cxProtocolError = 0;
  cxReceived = 0;
  cxSent = 0;
  rqTotal = 0;
  rqActive = 0;
  rqActiveOverflow = 0;
  rqCancelled = 0;
  rqPendingTotal = 0;
  rqPendingActive = 0;
  rqPendingOverflow = 0;
  rqPendingFailureEject = 0;
  rqMaintenance = 0;
  rqMaxDuration = 0;
  rqReceivedReset = 0;
  rqSentReset = 0;
  noneHealthy = 0;
  retry = 0;
  retrySuccess = 0;
  retryLimitExceeded = 0;
  retryOverflow = 0;
  retryBackoffExponential = 0;
  retryBackoffRatelimited = 0;
  retryOrShadowAbandoned = 0;
  timeout = 0;
  perTryTimeout = 0;
  perTryIdleTimeout = 0;
  internalRedirectFailed = 0;
  internalRedirectSucceeded = 0;
  bindErrors = 0;
  backedUp = 0;
  drained = 0;
  pausedReading = 0;
  resumedReading = 0;
  membershipTotal = 0;
  membershipHealthy = 0;
  membershipDegraded = 0;
  membershipExcluded = 0;
  membershipChange = 0;
  maxHostWeight = 0;
  updateAttempt = 0;
  updateSuccess = 0;
  updateFailure = 0;
  updateEmpty = 0;
  updateNoRebuild = 0;
  assignmentStale = 0;
  assignmentTimeoutReceived = 0;
  originalHostInvalid = 0;
  warmingState = 0;
  matched = 0;
  version = 0;
  readonly status = new CodeCounts();
  readonly externalStatus = new CodeCounts();
  readonly internalStatus = new CodeCounts();
  readonly canaryStatus = new CodeCounts();
  /** Responses that were tried again. */
  readonly retryStatus = new CodeCounts();
  readonly connectMs = new Histogram();
  readonly lengthMs = new Histogram();
  readonly requestsPerConnection = new Histogram();
  readonly rqTime = new Histogram();
  readonly externalRqTime = new Histogram();
  readonly internalRqTime = new Histogram();
  readonly canaryRqTime = new Histogram();
}

/** Counts a connection that has ended; `active`: something was under way on it. */
export function countDestroyed(stats: ClusterStats, byHost: boolean, active: boolean): void {
  stats.cxDestroy++;
  if (byHost) stats.cxDestroyRemote++;
  else stats.cxDestroyLocal++;
  if (!active) return;
  stats.cxDestroyWithActive++;
  if (byHost) stats.cxDestroyRemoteWithActive++;
  else stats.cxDestroyLocalWithActive++;
}

export const CLUSTER_STATS = statsKind(
  ClusterStats,
  {
    cxTotal: counter('upstream_cx_total'),
    cxActive: usedWith('cxTotal', gauge('upstream_cx_active')),
    cxHttp1: counter('upstream_cx_http1_total'),
    cxHttp2: counter('upstream_cx_http2_total'),
    cxCloseNotify: counter('upstream_cx_close_notify'),
    cxConnectFail: counter('upstream_cx_connect_fail'),
    cxConnectTimeout: counter('upstream_cx_connect_timeout'),
    cxConnectAttemptsExceeded: counter('upstream_cx_connect_attempts_exceeded'),
    cxOverflow: counter('upstream_cx_overflow'),
    cxPoolOverflow: counter('upstream_cx_pool_overflow'),
    cxDestroy: counter('upstream_cx_destroy'),
    cxDestroyLocal: counter('upstream_cx_destroy_local'),
    cxDestroyRemote: counter('upstream_cx_destroy_remote'),
    cxDestroyWithActive: counter('upstream_cx_destroy_with_active_rq'),
    cxDestroyLocalWithActive: counter('upstream_cx_destroy_local_with_active_rq'),
    cxDestroyRemoteWithActive: counter('upstream_cx_destroy_remote_with_active_rq'),
    cxIdleTimeout: counter('upstream_cx_idle_timeout'),
    cxMaxRequests: counter('upstream_cx_max_requests'),
    cxMaxDuration: counter('upstream_cx_max_duration_reached'),
    cxProtocolError: counter('upstream_cx_protocol_error'),
    cxReceived: counter('upstream_cx_rx_bytes_total'),
    cxSent: counter('upstream_cx_tx_bytes_total'),
    rqTotal: counter('upstream_rq_total'),
    rqActive: usedWith('rqTotal', gauge('upstream_rq_active')),
    rqActiveOverflow: counter('upstream_rq_active_overflow'),
    rqCancelled: counter('upstream_rq_cancelled'),
    rqPendingTotal: counter('upstream_rq_pending_total'),
    rqPendingActive: usedWith('rqPendingTotal', gauge('upstream_rq_pending_active')),
    rqPendingOverflow: counter('upstream_rq_pending_overflow'),
    rqPendingFailureEject: counter('upstream_rq_pending_failure_eject'),
    rqMaintenance: counter('upstream_rq_maintenance_mode'),
    rqMaxDuration: counter('upstream_rq_max_duration_reached'),
    rqReceivedReset: counter('upstream_rq_rx_reset'),
    rqSentReset: counter('upstream_rq_tx_reset'),
    noneHealthy: counter('upstream_cx_none_healthy'),
    retry: counter('upstream_rq_retry'),
    retrySuccess: counter('upstream_rq_retry_success'),
    retryLimitExceeded: counter('upstream_rq_retry_limit_exceeded'),
    retryOverflow: counter('upstream_rq_retry_overflow'),
    retryBackoffExponential: counter('upstream_rq_retry_backoff_exponential'),
    retryBackoffRatelimited: counter('upstream_rq_retry_backoff_ratelimited'),
    retryOrShadowAbandoned: counter('retry_or_shadow_abandoned'),
    timeout: counter('upstream_rq_timeout'),
    perTryTimeout: counter('upstream_rq_per_try_timeout'),
    perTryIdleTimeout: counter('upstream_rq_per_try_idle_timeout'),
    internalRedirectFailed: counter('upstream_internal_redirect_failed_total'),
    internalRedirectSucceeded: counter('upstream_internal_redirect_succeeded_total'),
    bindErrors: counter('bind_errors'),
    backedUp: counter('upstream_flow_control_backed_up_total'),
    drained: counter('upstream_flow_control_drained_total'),
    pausedReading: counter('upstream_flow_control_paused_reading_total'),
    resumedReading: counter('upstream_flow_control_resumed_reading_total'),
    membershipTotal: alwaysUsed(sharedGauge('membership_total')),
    membershipHealthy: alwaysUsed(sharedGauge('membership_healthy')),
    membershipDegraded: alwaysUsed(sharedGauge('membership_degraded')),
    membershipExcluded: alwaysUsed(sharedGauge('membership_excluded')),
    membershipChange: sharedCounter('membership_change'),
    maxHostWeight: sharedGauge('max_host_weight'),
    updateAttempt: counter('update_attempt'),
    updateSuccess: counter('update_success'),
    updateFailure: counter('update_failure'),
    updateEmpty: counter('update_empty'),
    updateNoRebuild: counter('update_no_rebuild'),
    assignmentStale: counter('assignment_stale'),
    assignmentTimeoutReceived: counter('assignment_timeout_received'),
    originalHostInvalid: counter('original_dst_host_invalid'),
    warmingState: alwaysUsed(sharedGauge('warming_state')),
    matched: sharedCounter('default.total_match_count'),
    version: sharedGauge('version'),
    status: completedCodes('upstream_rq_'),
    externalStatus: codes('external.upstream_rq_'),
    internalStatus: codes('internal.upstream_rq_'),
    canaryStatus: codes('canary.upstream_rq_'),
    retryStatus: codes('retry.upstream_rq_'),
    connectMs: histogram('ms', 'upstream_cx_connect_ms'),
    lengthMs: histogram('ms', 'upstream_cx_length_ms'),
    requestsPerConnection: histogram('none', 'upstream_rq_per_cx'),
    rqTime: lazyHistogram('ms', 'upstream_rq_time'),
    externalRqTime: lazyHistogram('ms', 'external.upstream_rq_time'),
    internalRqTime: lazyHistogram('ms', 'internal.upstream_rq_time'),
    canaryRqTime: lazyHistogram('ms', 'canary.upstream_rq_time'),
  },
  {
    counters: [
      'upstream_cx_connect_with_0_rtt',
      'upstream_cx_http3_total',
      'upstream_http3_broken',
      'upstream_rq_0rtt',
      'upstream_rq_rx_reset_no_error',
      'upstream_cx_preconnect_skipped',
      'assignment_use_cached',
    ],
    gauges: ['upstream_queue_overloaded'],
  },
);

/** Whether a limit of one priority is reached, under `cluster.<name>.circuit_breakers.<priority>.`. */
export class CircuitStats {
  /** A request was held against the limits. */
  seen = false;
  checked = false;
  cxPool = 0;
  cx = 0;
  pending = 0;
  requests = 0;
  retries = 0;
}

/** What is left of each limit, with `track_remaining`. */
export class RemainingStats {
  cx = 0;
  pools = 0;
  pending = 0;
  requests = 0;
  retries = 0;
}

export const REMAINING_STATS = statsKind(RemainingStats, {
  cx: sharedGauge('remaining_cx'),
  pools: sharedGauge('remaining_cx_pools'),
  pending: sharedGauge('remaining_pending'),
  requests: sharedGauge('remaining_rq'),
  retries: sharedGauge('remaining_retries'),
});

export const CIRCUIT_STATS = statsKind(CircuitStats, {
  cxPool: usedWith('seen', sharedGauge('cx_pool_open')),
  cx: usedWith('checked', sharedGauge('cx_open')),
  pending: usedWith('checked', sharedGauge('rq_pending_open')),
  requests: usedWith('checked', sharedGauge('rq_open')),
  retries: sharedGauge('rq_retry_open'),
});
