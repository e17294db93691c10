import { counter, gauge, statsKind } from '../stats/kind.ts';

/** Counters of the TCP proxies with one `stat_prefix`, under `tcp.<prefix>.`. */
export class TcpStats {
  cxTotal = 0;
  cxNoRoute = 0;
  received = 0;
  sent = 0;
  idleTimeout = 0;
  maxDuration = 0;
  pausedReading = 0;
  resumedReading = 0;
  earlyData = 0;
  flushTotal = 0;
  flushActive = 0;
}

export const TCP_STATS = statsKind(
  TcpStats,
  {
    cxTotal: counter('downstream_cx_total'),
    cxNoRoute: counter('downstream_cx_no_route'),
    received: counter('downstream_cx_rx_bytes_total'),
    sent: counter('downstream_cx_tx_bytes_total'),
    idleTimeout: counter('idle_timeout'),
    maxDuration: counter('max_downstream_connection_duration'),
    pausedReading: counter('downstream_flow_control_paused_reading_total'),
    resumedReading: counter('downstream_flow_control_resumed_reading_total'),
    earlyData: counter('early_data_received_count_total'),
    flushTotal: counter('upstream_flush_total'),
    flushActive: gauge('upstream_flush_active'),
  },
  {
    counters: ['downstream_cx_drain_close', 'downstream_cx_overload_close', 'route_delayed_total'],
  },
);
