import { CodeCounts } from '../stats/codes.ts';
import { Histogram } from '../stats/histogram.ts';
import { codeClasses, counter, gauge, histogram, statsKind, usedWith } from '../stats/kind.ts';
import type { HttpManager } from './manager.ts';

/** Counters of the connection managers with one `stat_prefix`, under `http.<prefix>.`. */
export class HttpStats {
  cxTotal = 0;
  cxActive = 0;
  cxHttp1Total = 0;
  cxHttp1Active = 0;
  cxHttp2Total = 0;
  cxHttp2Active = 0;
  cxTlsTotal = 0;
  cxTlsActive = 0;
  cxDestroy = 0;
  cxDestroyLocal = 0;
  cxDestroyRemote = 0;
  cxDestroyActive = 0;
  cxDestroyLocalActive = 0;
  cxDestroyRemoteActive = 0;
  cxDelayedClose = 0;
  cxDrainClose = 0;
  cxIdleTimeout = 0;
  cxMaxDuration = 0;
  cxMaxRequests = 0;
  cxReceived = 0;
  cxSent = 0;
  cxUpgradesTotal = 0;
  cxUpgradesActive = 0;
  pausedReading = 0;
  resumedReading = 0;
  protocolError = 0;
  rqTotal = 0;
  rqHttp1Total = 0;
  rqHttp2Total = 0;
  rqActive = 0;
  rqFailedNormalization = 0;
  rqHeaderTimeout = 0;
  idleTimeout = 0;
  rqMaxDuration = 0;
  rqOverloadClose = 0;
  cxOverloadDisableKeepalive = 0;
  rqNonRelativePath = 0;
  rqRedirectedNormalized = 0;
  rqRejectedViaIpDetection = 0;
  rqResponseBeforeComplete = 0;
  rqReceivedReset = 0;
  rqSentReset = 0;
  rqTimeout = 0;
  rqPrematureResets = 0;
  rqTooLarge = 0;
  rqUpgradeRefused = 0;
  responseTooLarge = 0;
  noCluster = 0;
  noRoute = 0;
  redirectBadLocation = 0;
  redirectNoRoute = 0;
  redirectPredicate = 0;
  redirectTooMany = 0;
  redirectUnsafeScheme = 0;
  directResponse = 0;
  redirect = 0;
  resetAfterResponse = 0;
  routed = 0;
  healthChecked = 0;
  tracedByClient = 0;
  tracedByService = 0;
  tracedAtRandom = 0;
  notTraced = 0;
  readonly status = new CodeCounts();
  readonly lengthMs = new Histogram();
  readonly rqTime = new Histogram();
}

export const HTTP_STATS = statsKind(
  HttpStats,
  {
    cxTotal: counter('downstream_cx_total'),
    cxActive: usedWith('cxTotal', gauge('downstream_cx_active')),
    cxHttp1Total: counter('downstream_cx_http1_total'),
    cxHttp1Active: usedWith('cxHttp1Total', gauge('downstream_cx_http1_active')),
    cxHttp2Total: counter('downstream_cx_http2_total'),
    cxTlsTotal: counter('downstream_cx_ssl_total'),
    cxTlsActive: usedWith('cxTlsTotal', gauge('downstream_cx_ssl_active')),
    cxHttp2Active: usedWith('cxHttp2Total', gauge('downstream_cx_http2_active')),
    cxDestroy: counter('downstream_cx_destroy'),
    cxDestroyLocal: counter('downstream_cx_destroy_local'),
    cxDestroyRemote: counter('downstream_cx_destroy_remote'),
    cxDestroyActive: counter('downstream_cx_destroy_active_rq'),
    cxDestroyLocalActive: counter('downstream_cx_destroy_local_active_rq'),
    cxDestroyRemoteActive: counter('downstream_cx_destroy_remote_active_rq'),
    cxDelayedClose: counter('downstream_cx_delayed_close_timeout'),
    cxDrainClose: counter('downstream_cx_drain_close'),
    cxIdleTimeout: counter('downstream_cx_idle_timeout'),
    cxMaxDuration: counter('downstream_cx_max_duration_reached'),
    cxMaxRequests: counter('downstream_cx_max_requests_reached'),
    cxReceived: counter('downstream_cx_rx_bytes_total'),
    cxSent: counter('downstream_cx_tx_bytes_total'),
    cxUpgradesTotal: counter('downstream_cx_upgrades_total'),
    cxUpgradesActive: usedWith('cxUpgradesTotal', gauge('downstream_cx_upgrades_active')),
    pausedReading: counter('downstream_flow_control_paused_reading_total'),
    resumedReading: counter('downstream_flow_control_resumed_reading_total'),
    protocolError: counter('downstream_cx_protocol_error'),
    rqTotal: counter('downstream_rq_total'),
    rqHttp1Total: counter('downstream_rq_http1_total'),
    rqHttp2Total: counter('downstream_rq_http2_total'),
    rqActive: usedWith('rqTotal', gauge('downstream_rq_active')),
    rqFailedNormalization: counter('downstream_rq_failed_path_normalization'),
    rqHeaderTimeout: counter('downstream_rq_header_timeout'),
    idleTimeout: counter('downstream_rq_idle_timeout'),
    rqMaxDuration: counter('downstream_rq_max_duration_reached'),
    rqOverloadClose: counter('downstream_rq_overload_close'),
    cxOverloadDisableKeepalive: counter('downstream_cx_overload_disable_keepalive'),
    rqNonRelativePath: counter('downstream_rq_non_relative_path'),
    rqRedirectedNormalized: counter('downstream_rq_redirected_with_normalized_path'),
    rqRejectedViaIpDetection: counter('downstream_rq_rejected_via_ip_detection'),
    rqResponseBeforeComplete: counter('downstream_rq_response_before_rq_complete'),
    rqReceivedReset: counter('downstream_rq_rx_reset'),
    rqSentReset: counter('downstream_rq_tx_reset'),
    rqTimeout: counter('downstream_rq_timeout'),
    rqPrematureResets: counter('downstream_rq_too_many_premature_resets'),
    rqTooLarge: counter('downstream_rq_too_large'),
    rqUpgradeRefused: counter('downstream_rq_ws_on_non_ws_route'),
    responseTooLarge: counter('rs_too_large'),
    noCluster: counter('no_cluster'),
    noRoute: counter('no_route'),
    redirectBadLocation: counter('passthrough_internal_redirect_bad_location'),
    redirectNoRoute: counter('passthrough_internal_redirect_no_route'),
    redirectPredicate: counter('passthrough_internal_redirect_predicate'),
    redirectTooMany: counter('passthrough_internal_redirect_too_many_redirects'),
    redirectUnsafeScheme: counter('passthrough_internal_redirect_unsafe_scheme'),
    directResponse: counter('rq_direct_response'),
    redirect: counter('rq_redirect'),
    resetAfterResponse: counter('rq_reset_after_downstream_response_started'),
    routed: counter('rq_total'),
    healthChecked: counter('tracing.health_check'),
    tracedByClient: counter('tracing.client_enabled'),
    tracedByService: counter('tracing.service_forced'),
    tracedAtRandom: counter('tracing.random_sampling'),
    notTraced: counter('tracing.not_traceable'),
    status: codeClasses('downstream_rq_'),
    lengthMs: histogram('ms', 'downstream_cx_length_ms'),
    rqTime: histogram('ms', 'downstream_rq_time'),
  },
  {
    counters: ['downstream_cx_http3_total', 'downstream_rq_http3_total', 'rq_overload_local_reply'],
    gauges: ['downstream_cx_http1_soft_drain', 'downstream_cx_http3_active'],
  },
);

/** Responses of one connection manager by listener, under `listener.<address>.http.<prefix>.`. */
export class ListenerHttpStats {
  readonly status = new CodeCounts();
}

export const LISTENER_HTTP_STATS = statsKind(ListenerHttpStats, { status: codeClasses('downstream_rq_') });

/** Counts a request that begins. */
export function countRequest(stats: HttpStats, http2: boolean): void {
  stats.rqTotal++;
  stats.rqActive++;
  if (http2) stats.rqHttp2Total++;
  else stats.rqHttp1Total++;
}

/** Counts a response by its status, for the connection manager and for its listener; one to a health check is only that. */
export function countStatus({ stats, listenerStats }: HttpManager, status: number, healthCheck = false): void {
  if (healthCheck) {
    stats.healthChecked++;
    return;
  }
  stats.status.count(status);
  listenerStats.status.count(status);
}

interface EndedConnection {
  /** A request was under way. */
  readonly active: boolean;
  readonly byClient: boolean;
  /** Milliseconds. */
  readonly lasted: number;
  /** It was encrypted. */
  readonly secure: boolean;
}

/** A connection ended: `active` with a request under way, `byClient` from the other side, after `lasted` milliseconds. */
export function countConnectionEnd(stats: HttpStats, { active, byClient, lasted, secure }: EndedConnection): void {
  stats.cxActive--;
  if (secure) stats.cxTlsActive--;
  stats.cxDestroy++;
  stats.lengthMs.record(lasted);
  if (byClient) stats.cxDestroyRemote++;
  else stats.cxDestroyLocal++;
  if (!active) return;
  stats.cxDestroyActive++;
  if (byClient) stats.cxDestroyRemoteActive++;
  else stats.cxDestroyLocalActive++;
}
