import type { Fields } from '../config/fields.ts';
import type { ResponseHead } from './head.ts';
import { FLAG, flagsText, type StreamInfo } from './stream-info.ts';

/** `ProxyStatusConfig`: what a response says of errors in `proxy-status` (RFC 9209). */
export interface ProxyStatusOptions {
  readonly proxy: string;
  readonly details: boolean;
  readonly flags: boolean;
  readonly setStatus: boolean;
}

/**
 * Error types by the first flag that is set, in Envoy's order, with the status RFC 9209 recommends for each.
 * A protocol error of the client is not among them: Envoy takes note of it after the response.
 */
const ERRORS: readonly (readonly [number, string, number])[] = [
  [FLAG.NO_HEALTHY_UPSTREAM, 'destination_unavailable', 503],
  [FLAG.UPSTREAM_TIMEOUT, 'http_response_timeout', 504],
  [FLAG.LOCAL_RESET, 'connection_timeout', 504],
  [FLAG.UPSTREAM_REMOTE_RESET, 'connection_terminated', 502],
  [FLAG.UPSTREAM_FAILURE, 'connection_refused', 502],
  [FLAG.UPSTREAM_CLOSED, 'connection_terminated', 502],
  [FLAG.UPSTREAM_OVERFLOW, 'connection_limit_reached', 503],
  [FLAG.NO_ROUTE, 'destination_not_found', 500],
  [FLAG.RETRY_LIMIT, 'destination_unavailable', 503],
  [FLAG.STREAM_IDLE, 'http_response_timeout', 504],
  [FLAG.NO_FILTER_CONFIG, 'proxy_configuration_error', 500],
  [FLAG.UPSTREAM_PROTOCOL, 'http_protocol_error', 502],
  [FLAG.NO_CLUSTER, 'destination_unavailable', 503],
];

/** Adds `proxy-status` to a response when something went wrong. */
export function addProxyStatus(info: StreamInfo, head: ResponseHead, options: ProxyStatusOptions): void {
  const { flags } = info;
  if (flags === 0) return;
  const found = ERRORS.find(([flag]) => (flags & flag) !== 0);
  if (!found) return;
  const [, error, status] = found;
  let text = `${options.proxy}; error=${error}`;
  if (options.details) {
    const parts = [...(info.details === '' ? [] : [info.details]), ...(options.flags ? [flagsText(info, false)] : [])];
    text += `; details="${parts.join('; ')}"`;
  }
  const before = head.headers.joined('proxy-status');
  head.headers.set('proxy-status', before ? `${before}, ${text}` : text);
  if (options.setStatus) head.status = status;
}

/** `serverName` is the proxy's name where the configuration gives none. */
export function readProxyStatus(fields: Fields, serverName: string, nodeId: string): ProxyStatusOptions {
  fields.ignore('remove_connection_termination_details');
  const literal = fields.text('literal_proxy_name');
  const useNode = fields.flag('use_node_id');
  return {
    proxy: useNode ? nodeId : literal === '' ? serverName : literal,
    details: !fields.flag('remove_details'),
    flags: !fields.flag('remove_response_flags'),
    setStatus: fields.flag('set_recommended_response_code'),
  };
}
