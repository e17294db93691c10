import { isMissing } from './missing-stats.ts';
import type { Subject } from './subject.ts';

/** Statistics that every case compares: what a request or a connection counts. */
const usual: readonly RegExp[] = [
  /^http\.in\.downstream_rq_(total|completed|[1-5]xx|timeout|idle_timeout|header_timeout|rx_reset|tx_reset|too_large|non_relative_path|ws_on_non_ws_route|redirected_with_normalized_path|overload_close|response_before_rq_complete|rejected_via_ip_detection|max_duration_reached)$/,
  /^http\.in\.(no_route|no_cluster|rq_(total|direct_response|redirect|reset_after_downstream_response_started|retry_skipped_request_not_complete))$/,
  /^http\.in\.downstream_cx_(total|protocol_error|idle_timeout|max_duration_reached|overload_disable_keepalive|delayed_close_timeout)$/,
  /^cluster\.c\d+\.upstream_rq_(total|completed|[1-5]xx|\d{3}|timeout|per_try_timeout|per_try_idle_timeout|rx_reset|tx_reset|retry|retry_[a-z_]+|cancelled|maintenance_mode|max_duration_reached|pending_(overflow|failure_eject)|active_overflow)$/,
  /^cluster\.c\d+\.upstream_cx_(connect_fail|connect_timeout|overflow|none_healthy|protocol_error|idle_timeout|max_requests)$/,
  /^cluster\.c\d+\.upstream_internal_redirect_[a-z_]+$/,
  /^cluster\.c\d+\.upstream_rq_retry/,
];

export type Stats = ReadonlyMap<string, number>;

/** All counters and gauges, or those that have ever changed. */
export async function readStats(subject: Subject, which: 'all' | 'used'): Promise<Stats> {
  const stats = new Map<string, number>();
  for (const line of (await subject.admin(which === 'all' ? '/stats' : '/stats?usedonly')).split('\n')) {
    const at = line.lastIndexOf(': ');
    const value = Number(line.slice(at + 2));
    if (at > 0 && Number.isFinite(value)) stats.set(line.slice(0, at), value);
  }
  return stats;
}

/** The type of every statistic that both should have, by name. */
export async function readStatNames(subject: Subject): Promise<Readonly<Record<string, string>>> {
  const names: [string, string][] = [];
  for (const type of ['Counters', 'Gauges', 'Histograms', 'TextReadouts']) {
    for (const line of (await subject.admin(`/stats?type=${type}`)).split('\n')) {
      const end = line.indexOf(': ');
      if (end > 0 && !isMissing(line.slice(0, end))) names.push([line.slice(0, end), type]);
    }
  }
  return Object.fromEntries(names.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Differences of the compared statistics that are not 0, by name. */
export function changedStats(before: Stats, after: Stats, more: readonly RegExp[]): Record<string, number> {
  const patterns = [...usual, ...more];
  const changed: Record<string, number> = {};
  for (const [name, value] of [...after].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const difference = value - (before.get(name) ?? 0);
    if (difference !== 0 && patterns.some((pattern) => pattern.test(name))) changed[name] = difference;
  }
  return changed;
}
