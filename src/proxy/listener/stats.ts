import { type Address, formatAddress } from '../config/address.ts';
import { Histogram } from '../stats/histogram.ts';
import { counter, gauge, histogram, statsKind, usedWith } from '../stats/kind.ts';
import { sanitizeStatName } from '../stats/store.ts';

/** Counters of one listener, under `listener.<address>.`. */
export class ListenerStats {
  cxTotal = 0;
  cxActive = 0;
  cxDestroy = 0;
  cxOverflow = 0;
  globalOverflow = 0;
  overloadReject = 0;
  filterError = 0;
  filterRemoteClose = 0;
  preActive = 0;
  preTimeout = 0;
  extensionMissing = 0;
  networkExtensionMissing = 0;
  noChain = 0;
  handshakeTimeout = 0;
  readonly lengthMs = new Histogram();
  readonly acceptedPerEvent = new Histogram();
}

export const LISTENER_STATS = statsKind(
  ListenerStats,
  {
    cxTotal: counter('downstream_cx_total'),
    cxActive: usedWith('cxTotal', gauge('downstream_cx_active')),
    cxDestroy: counter('downstream_cx_destroy'),
    cxOverflow: counter('downstream_cx_overflow'),
    globalOverflow: counter('downstream_global_cx_overflow'),
    overloadReject: counter('downstream_cx_overload_reject'),
    filterError: counter('downstream_listener_filter_error'),
    filterRemoteClose: counter('downstream_listener_filter_remote_close'),
    preActive: usedWith('cxTotal', gauge('downstream_pre_cx_active')),
    preTimeout: counter('downstream_pre_cx_timeout'),
    extensionMissing: counter('extension_config_missing'),
    networkExtensionMissing: counter('network_extension_config_missing'),
    noChain: counter('no_filter_chain_match'),
    handshakeTimeout: counter('downstream_cx_transport_socket_connect_timeout'),
    lengthMs: histogram('ms', 'downstream_cx_length_ms'),
    acceptedPerEvent: histogram('none', 'connections_accepted_per_socket_event'),
  },
  {},
);

/** What one worker has of a listener, under `listener.<address>.worker_<n>.`. */
export class WorkerListenerStats {
  cxTotal = 0;
  cxActive = 0;
}

export const WORKER_LISTENER_STATS = statsKind(WorkerListenerStats, {
  cxTotal: counter('downstream_cx_total'),
  cxActive: usedWith('cxTotal', gauge('downstream_cx_active')),
});

/** The part of a listener's stat names that tells it: `stat_prefix`, or its address as in `127.0.0.1_8080`. */
export function listenerStatName(statPrefix: string, address: Address | undefined): string {
  if (statPrefix !== '') return sanitizeStatName(statPrefix);
  if (!address) return '';
  const shown = address.kind === 'socket' ? `${bracketed(address.host)}:${address.port}` : formatAddress(address);
  return sanitizeStatName(shown);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
