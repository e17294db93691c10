import type { HeaderMap } from '../../http/headers.ts';
import type { ForwardAction } from '../../route/action.ts';
import type { RoutePolicy } from '../../route/policy.ts';
import { capPerTry, type Timeouts } from '../../route/timeouts.ts';
import { formatGrpcTimeout, grpcTimeout } from './grpc-timeout.ts';
import { wholeNumber } from './number.ts';
import type { RouterRun } from './run.ts';

/**
 * The timeouts of a request. Takes the headers that set them out of it: the connection manager has removed those of external requests,
 * so what is left is trusted. `steered`: there are headers that begin with `x-envoy-`.
 */
export function takeTimeouts(
  { action, stream, grpc: isGrpc }: Pick<RouterRun, 'action' | 'stream' | 'grpc'>,
  { retry, timeouts: route }: RoutePolicy,
  steered: boolean,
): Timeouts {
  const { headers } = stream.head;
  const grpc = isGrpc && action.grpcMax !== undefined && !action.maxStreamDuration;
  if (!steered && !grpc) return route;
  const hedge = take(headers, 'x-envoy-hedge-on-per-try-timeout');
  const base = grpc ? clientTimeout(action, headers) : route.global;
  const global = headerTimeout(headers, stream.manager.router.respectExpectedTimeout) ?? base;
  const perTry = wholeNumber(take(headers, 'x-envoy-upstream-rq-per-try-timeout-ms')) ?? retry.perTryTimeout;
  const duration = take(headers, 'x-envoy-upstream-stream-duration-ms');
  const alternative = take(headers, 'x-envoy-upstream-rq-timeout-alt-response');
  return {
    global,
    perTry: capPerTry(perTry, global),
    perTryIdle: route.perTryIdle,
    hedge: hedge === 'true' || (hedge !== 'false' && route.hedge),
    status: alternative === undefined ? 504 : 204,
    maxStream: wholeNumber(duration),
  };
}

function headerTimeout(headers: HeaderMap, respectExpected: boolean): number | undefined {
  const expected = respectExpected ? headers.get('x-envoy-expected-rq-timeout-ms') : undefined;
  return wholeNumber(expected ?? take(headers, 'x-envoy-upstream-rq-timeout-ms'));
}

function take(headers: HeaderMap, name: string): string | undefined {
  const value = headers.get(name);
  if (value !== undefined) headers.remove(name);
  return value;
}

/** The deprecated `max_grpc_timeout`: the client's `grpc-timeout` counts, up to a limit. */
function clientTimeout({ grpcMax = 0, grpcOffset }: ForwardAction, headers: HeaderMap): number {
  let wanted = grpcTimeout(headers) ?? 0;
  if (grpcOffset < wanted) wanted -= grpcOffset;
  return grpcMax !== 0 && (wanted === 0 || wanted > grpcMax) ? grpcMax : wanted;
}

/** What an attempt may still take, as `x-envoy-expected-rq-timeout-ms` says it; 0: no header. `elapsed`: since the request was complete. */
export function expectedTimeout({ global, perTry, hedge }: Timeouts, elapsed: number): number {
  const expected = hedge || perTry === 0 ? global : perTry;
  if (expected === 0 || global === 0) return expected;
  // 0 would mean for ever.
  return elapsed >= global ? 1 : Math.min(expected, global - elapsed);
}

/** Tells a gRPC server what its client will wait, where the route rules that. */
export function setGrpcTimeout(action: ForwardAction, headers: HeaderMap, expected: number): void {
  if (action.grpcMax === undefined || action.maxStreamDuration) return;
  headers.set('grpc-timeout', formatGrpcTimeout(expected));
}

/** Whether any of the headers by which a request steers the router may be there; the address of a client from outside is none. */
export function hasSteeringHeaders(headers: HeaderMap): boolean {
  for (let at = 0; at < headers.size; at++) {
    const name = headers.nameAt(at);
    if (name.startsWith('x-envoy-') && name !== 'x-envoy-external-address') return true;
  }
  return false;
}
