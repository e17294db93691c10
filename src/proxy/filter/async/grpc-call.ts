import { type CallTracing, traceGrpc } from './call-trace.ts';
import { GRPC, type GrpcStream, type GrpcTarget, type GrpcUser } from './grpc-stream.ts';
import type { Call } from './http-call.ts';

/** How a call ended: with the bytes of its only message, or a gRPC status that is not 0. */
export type GrpcAnswer =
  | { readonly ok: true; readonly message: Buffer }
  | { readonly ok: false; readonly status: number };

export interface GrpcRequest extends GrpcTarget {
  readonly message: Buffer;
  /** Undefined: the call has no span. */
  readonly traced?: CallTracing<GrpcAnswer>;
}

/** Calls a method with one message each way, by a stream of its own. The end may be told before this returns. */
export function callGrpc(
  open: (target: GrpcTarget, user: GrpcUser) => GrpcStream,
  request: GrpcRequest,
  done: (answer: GrpcAnswer) => void,
): Call {
  let message: Buffer | undefined;
  const { traced } = request;
  const trace = traced && traceGrpc(request, traced.recorded);
  const end = (answer: GrpcAnswer): void => {
    if (trace) traced?.tag?.(trace.span.tags, answer);
    done(answer);
    // Envoy's ends after what the answer leads to.
    trace?.finish();
  };
  const stream = open(trace ? { ...request, trace } : request, {
    onMessage: (bytes) => {
      message = bytes;
    },
    onEnd: (status) => {
      trace?.tagStatus(status, message !== undefined);
      if (status !== 0) end({ ok: false, status });
      else end(message ? { ok: true, message } : { ok: false, status: GRPC.INTERNAL });
    },
  });
  stream.send(request.message, true);
  if (!trace) return stream;
  return {
    cancel: () => {
      trace.cancel();
      stream.cancel();
    },
  };
}
