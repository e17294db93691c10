import { ERROR, LARGEST_WINDOW } from './frame.ts';

/** What is wrong with a connection, or with one stream of it. */
export interface Fault {
  /** Undefined: the connection ends without a word, since nobody reads it. */
  readonly code: number | undefined;
  /** Response code details of what it cuts off. */
  readonly details: string;
}

const protocol = (details: string): Fault => ({ code: ERROR.PROTOCOL_ERROR, details: `http2.${details}` });
const silent = (details: string): Fault => ({ code: undefined, details });
const flood = (what: string): Fault => silent(`codec_error:Too_many_${what}`);

export const FAULT = {
  PREFACE: protocol('bad_client_magic'),
  NO_SETTINGS: protocol('expected_settings'),
  NO_CONTINUATION: protocol('expected_continuation'),
  STREAM_ID: protocol('bad_stream_id'),
  PADDING: protocol('padding'),
  ON_ITSELF: protocol('depends_on_itself'),
  PUSH: protocol('push_promise'),
  GOAWAY: protocol('goaway'),
  NO_INCREMENT: protocol('window_update'),
  MESSAGING: protocol('violation.of.messaging.rule'),
  FIELD: protocol('invalid.header.field'),
  /** Of a body that is not as long as was announced; Envoy's library resets the stream by itself. */
  LENGTH: protocol('remote_reset'),
  SIZE: { code: ERROR.FRAME_SIZE_ERROR, details: 'http2.frame_size' },
  WINDOW: { code: ERROR.FLOW_CONTROL_ERROR, details: 'http2.flow_control' },
  COMPRESSION: { code: ERROR.COMPRESSION_ERROR, details: 'http2.compression' },
  CLOSED: { code: ERROR.STREAM_CLOSED, details: 'http2.stream_closed' },
  FIELDS: { code: ERROR.INTERNAL_ERROR, details: 'http2.too_many_headers' },
  FIELDS_SIZE: { code: ERROR.INTERNAL_ERROR, details: 'http2.header_list_size_too_large' },
  BLOCK: { code: ERROR.ENHANCE_YOUR_CALM, details: 'http2.headers_too_large' },
  SILENCE: silent('downstream_local_disconnect(http2_ping_timeout)'),
  EMPTY_FLOOD: flood('consecutive_frames_with_an_empty_payload'),
  PRIORITY_FLOOD: flood('PRIORITY_frames'),
  WINDOW_FLOOD: flood('WINDOW_UPDATE_frames'),
  CONTROL_FLOOD: flood('control_frames_in_the_outbound_queue.'),
  OUTBOUND_FLOOD: flood('frames_in_the_outbound_queue.'),
  RESET_FLOOD: silent('downstream_local_disconnect(too_many_premature_resets)'),
} as const;

/** What is wrong with a WINDOW_UPDATE that brought so much and made the window so large. */
export function growthFault(more: number, window: number): Fault | undefined {
  if (more === 0) return FAULT.NO_INCREMENT;
  return window > LARGEST_WINDOW ? FAULT.WINDOW : undefined;
}
