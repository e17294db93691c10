import type { ResetReason } from '../../cluster/reset.ts';
import type { ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { FLAG } from '../../http/stream-info.ts';
import type { Route } from '../../route/route.ts';
import type { LocalReply } from '../filter.ts';
import type { RouterDownstream } from './downstream.ts';

/** Bits of `FLAG` for what becomes of attempts. */
export const RESET_FLAGS: Readonly<Record<ResetReason, number>> = {
  'local connection failure': FLAG.UPSTREAM_FAILURE,
  'remote connection failure': FLAG.UPSTREAM_FAILURE,
  'connection timeout': FLAG.UPSTREAM_FAILURE,
  'connection termination': FLAG.UPSTREAM_CLOSED,
  'local reset': FLAG.LOCAL_RESET,
  'remote reset': FLAG.UPSTREAM_REMOTE_RESET,
  'remote refused stream reset': FLAG.UPSTREAM_REMOTE_RESET,
  'remote error with CONNECT request': FLAG.UPSTREAM_REMOTE_RESET,
  overflow: FLAG.UPSTREAM_OVERFLOW,
  'protocol error': FLAG.UPSTREAM_PROTOCOL,
};

export type ReplyHeaders = readonly (readonly [string, string])[];

/** What every answer of the router's own carries once it has tried to send the request on. */
export function replyHeaders(stream: RouterDownstream, route: Route, overloaded: boolean): ReplyHeaders {
  const headers: (readonly [string, string])[] = [];
  if (overloaded && !stream.manager.router.suppressHeaders) headers.push(['x-envoy-overloaded', 'true']);
  if (route.virtualHost.attemptCountDown && stream.attempts > 0) {
    headers.push(['x-envoy-attempt-count', String(stream.attempts)]);
  }
  return headers;
}

/** The answer, in Envoy's words, when no upstream gave one. `transport`: why there was no connection, which the client is not told. `started`: the client has part of a response, so that only flags and details are left of it. */
export function resetReply(
  reason: ResetReason,
  transport: string,
  { retried, started }: { readonly retried: boolean; readonly started: boolean },
  headers: ReplyHeaders,
): LocalReply {
  const again = retried ? 'retried and the latest ' : '';
  const words = transport === '' ? reason : `${reason}|${transport}`;
  const when = started ? 'upstream_reset_after_response_started' : 'upstream_reset_before_response_started';
  return {
    status: resetStatus(reason),
    body: `upstream connect error or disconnect/reset before headers. ${again}reset reason: ${reason}`,
    details: `${when}{${words.replaceAll(/\s/g, '_')}}`,
    flags: RESET_FLAGS[reason],
    headers,
  };
}

export function resetStatus(reason: ResetReason): number {
  return reason === 'protocol error' ? 502 : 503;
}

export function timeoutReply(status: 504 | 204, details: string, headers: ReplyHeaders): LocalReply {
  const body = status === 504 ? 'upstream request timeout' : '';
  return { status, body, details, flags: FLAG.UPSTREAM_TIMEOUT, headers };
}

/** `failure`: why nothing is known of the host; empty for nothing of the kind. */
export function noHealthyUpstream(headers: ReplyHeaders, failure: string): LocalReply {
  return {
    status: 503,
    body: 'no healthy upstream',
    details: failure || 'no_healthy_upstream',
    flags: FLAG.NO_HEALTHY_UPSTREAM,
    headers,
  };
}

export function noCluster(status: number): LocalReply {
  return { status, body: '', details: 'cluster_not_found', flags: FLAG.NO_CLUSTER };
}

export function maintenance(headers: ReplyHeaders): LocalReply {
  return {
    status: 503,
    body: 'maintenance mode',
    details: 'maintenance_mode',
    flags: FLAG.UPSTREAM_OVERFLOW,
    headers,
  };
}

export function maxDurationReply(requestDone: boolean, headers: ReplyHeaders): LocalReply {
  return {
    status: requestDone ? 504 : 408,
    body: 'upstream max stream duration reached',
    details: 'upstream_max_stream_duration_reached',
    flags: FLAG.UPSTREAM_MAX_DURATION,
    headers,
  };
}

export function bufferExceeded(headers: ReplyHeaders): LocalReply {
  return {
    status: 507,
    body: 'exceeded request buffer limit while retrying upstream',
    details: 'request_payload_exceeded_retry_buffer_limit',
    headers,
  };
}

export function invalidHeader(name: string, value: string): LocalReply {
  return {
    status: 400,
    body: `invalid header '${name}' with value '${value}'`,
    details: `request_headers_failed_strict_check{${name}}`,
    flags: FLAG.INVALID_ENVOY_HEADERS,
  };
}

/** A websocket's handshake that was answered, but with neither 101 nor an error: the client gets the head of that answer. */
export function handshakeReply({ status, headers: sent }: ResponseHead): LocalReply {
  const modify = (headers: HeaderMap): void => {
    for (const [name, value] of sent.list()) headers.add(name, value);
  };
  return { status, body: '', details: 'websocket_handshake_unsuccessful', modify };
}
