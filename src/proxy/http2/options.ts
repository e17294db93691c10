import type { Fields } from '../config/fields.ts';
import type { UnderscoreAction } from '../http/options.ts';
import { readCustomSettings, type Setting } from './custom-settings.ts';
import { FRAME_SIZE, SETTING } from './frame.ts';

/** How one side of the proxy speaks HTTP/2: `envoy.config.core.v3.Http2ProtocolOptions` and what bounds heads. */
export interface Http2Options {
  /** Bytes of both HPACK tables. */
  readonly tableSize: number;
  readonly maxStreams: number;
  readonly streamWindow: number;
  readonly connectionWindow: number;
  readonly allowConnect: boolean;
  readonly maxOutboundFrames: number;
  readonly maxControlFrames: number;
  readonly maxEmptyFrames: number;
  readonly maxPriorityFrames: number;
  readonly maxWindowUpdates: number;
  /** What is malformed ends its stream, not the connection. */
  readonly streamErrors: boolean;
  readonly keepAlive: KeepAlive | undefined;
  /** What the other side is told beside the above. */
  readonly settings: readonly Setting[];
  /** Bytes of a frame that may come. */
  readonly frameSize: number;
  /** Bytes of a head, as it is decoded. */
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly underscores: UnderscoreAction;
}

/** Milliseconds; an interval of 0: pings are sent only where nothing else is. */
export interface KeepAlive {
  readonly interval: number;
  readonly timeout: number;
  readonly jitter: number;
  readonly idle: number;
}

/** What a connection manager or cluster says of HTTP/1 and HTTP/2 alike. */
export interface SharedOptions {
  readonly streamErrors: boolean;
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly underscores: UnderscoreAction;
}

/** Defaults of Envoy 1.40. */
export function plainHttp2(shared: SharedOptions): Http2Options {
  return {
    tableSize: 4096,
    maxStreams: 1024,
    streamWindow: 16 * 1024 * 1024,
    connectionWindow: 24 * 1024 * 1024,
    allowConnect: false,
    maxOutboundFrames: 10_000,
    maxControlFrames: 1000,
    maxEmptyFrames: 1,
    maxPriorityFrames: 100,
    maxWindowUpdates: 10,
    keepAlive: undefined,
    settings: [],
    frameSize: FRAME_SIZE,
    ...shared,
  };
}

/** Reads an `envoy.config.core.v3.Http2ProtocolOptions`. */
export function readHttp2(fields: Fields, shared: SharedOptions): Http2Options {
  const plain = plainHttp2(shared);
  const flag = fields.flag('stream_error_on_invalid_http_messaging');
  const override = fields.boolean('override_stream_error_on_invalid_http_message');
  for (const key of ['allow_metadata', 'max_metadata_size']) {
    if (fields.raw(key) !== undefined && fields.raw(key) !== false)
      fields.problem(key, 'METADATA frames are not supported by ciliate-proxy');
    fields.ignore(key);
  }
  if (fields.boolean('enable_huffman_encoding') === false)
    fields.problem('enable_huffman_encoding', 'false is not supported', 'true');
  // Which library Envoy uses for it.
  fields.ignore('use_oghttp2_codec');
  const settings = readCustomSettings(fields);
  const custom = new Map(settings);
  return {
    ...plain,
    settings,
    frameSize: custom.get(SETTING.MAX_FRAME_SIZE) ?? plain.frameSize,
    tableSize: custom.get(SETTING.HEADER_TABLE_SIZE) ?? fields.number('hpack_table_size') ?? plain.tableSize,
    maxStreams:
      custom.get(SETTING.MAX_CONCURRENT_STREAMS) ?? fields.number('max_concurrent_streams') ?? plain.maxStreams,
    streamWindow:
      custom.get(SETTING.INITIAL_WINDOW_SIZE) ?? fields.number('initial_stream_window_size') ?? plain.streamWindow,
    connectionWindow: fields.number('initial_connection_window_size') ?? plain.connectionWindow,
    allowConnect: fields.flag('allow_connect'),
    maxOutboundFrames: fields.number('max_outbound_frames') ?? plain.maxOutboundFrames,
    maxControlFrames: fields.number('max_outbound_control_frames') ?? plain.maxControlFrames,
    maxEmptyFrames: fields.number('max_consecutive_inbound_frames_with_empty_payload') ?? plain.maxEmptyFrames,
    maxPriorityFrames: fields.number('max_inbound_priority_frames_per_stream') ?? plain.maxPriorityFrames,
    maxWindowUpdates: fields.number('max_inbound_window_update_frames_per_data_frame_sent') ?? plain.maxWindowUpdates,
    streamErrors: override ?? (shared.streamErrors || flag),
    keepAlive: fields.message('connection_keepalive', readKeepAlive),
  };
}

function readKeepAlive(fields: Fields): KeepAlive {
  const jitter = fields.message('interval_jitter', (inner) => inner.number('value') ?? 0) ?? 15;
  const timeout = fields.duration('timeout');
  if (timeout === undefined) fields.problem('timeout', 'value is required');
  return {
    interval: fields.duration('interval') ?? 0,
    timeout: timeout ?? 0,
    jitter: jitter / 100,
    idle: fields.duration('connection_idle_interval') ?? 0,
  };
}
