import { formatGrpcTimeout, grpcTimeout } from '../filter/router/grpc-timeout.ts';
import type { MaxStreamDuration } from '../route/forward-options.ts';
import { isGrpcType } from './grpc-status.ts';
import type { HeaderMap } from './headers.ts';

/**
 * How long a request may take from its first byte to the end of its response, in milliseconds; undefined: for ever. The route's word counts
 * before the connection manager's, and where the route says so the client's `grpc-timeout`. The host of a gRPC request is told what came of it.
 */
export function streamDuration(own: MaxStreamDuration, headers: HeaderMap, managers: number): number | undefined {
  const wanted = grpcTimeout(headers);
  const isGrpc = isGrpcType(headers.get('content-type'));
  if (wanted === undefined || own.grpcMax === undefined) {
    const duration = own.max ?? managers;
    if (duration > 0) {
      if (isGrpc) headers.set('grpc-timeout', formatGrpcTimeout(duration));
      return duration;
    }
    if (isGrpc && managers > 0) headers.remove('grpc-timeout');
    return undefined;
  }
  let timeout = own.grpcMax !== 0 && wanted > own.grpcMax ? own.grpcMax : wanted;
  timeout = own.grpcOffset < timeout ? timeout - own.grpcOffset : own.grpcOffset > 0 ? 0 : timeout;
  if (isGrpc) headers.set('grpc-timeout', formatGrpcTimeout(timeout));
  return timeout;
}
