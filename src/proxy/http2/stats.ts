import { counter, gauge, statsKind } from '../stats/kind.ts';

/** What the HTTP/2 codec counts, under `http2.` and `cluster.<name>.http2.`. */
export class Http2Stats {
  dropped = 0;
  rejected = 0;
  goawaySent = 0;
  headerOverflow = 0;
  listTooLarge = 0;
  emptyFlood = 0;
  priorityFlood = 0;
  windowUpdateFlood = 0;
  keepAliveTimeout = 0;
  controlFlood = 0;
  outboundFlood = 0;
  messagingError = 0;
  received = 0;
  refused = 0;
  trailers = 0;
  sent = 0;
  flushTimeout = 0;
  active = 0;
  pendingBytes = 0;
}

export const HTTP2_STATS = statsKind(
  Http2Stats,
  {
    dropped: counter('dropped_headers_with_underscores'),
    rejected: counter('requests_rejected_with_underscores_in_headers'),
    goawaySent: counter('goaway_sent'),
    headerOverflow: counter('header_overflow'),
    listTooLarge: counter('header_list_size_too_large'),
    emptyFlood: counter('inbound_empty_frames_flood'),
    priorityFlood: counter('inbound_priority_frames_flood'),
    windowUpdateFlood: counter('inbound_window_update_frames_flood'),
    keepAliveTimeout: counter('keepalive_timeout'),
    controlFlood: counter('outbound_control_flood'),
    outboundFlood: counter('outbound_flood'),
    messagingError: counter('rx_messaging_error'),
    received: counter('rx_reset'),
    refused: counter('stream_refused_errors'),
    trailers: counter('trailers'),
    sent: counter('tx_reset'),
    flushTimeout: counter('tx_flush_timeout'),
    active: gauge('streams_active'),
    pendingBytes: gauge('pending_send_bytes'),
  },
  { counters: ['headers_cb_no_stream', 'metadata_empty_frames'] },
);
