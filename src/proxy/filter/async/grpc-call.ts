import { GRPC, type GrpcStream, type GrpcTarget, type GrpcUser } from './grpc-stream.ts';
import type { Call } from './http-call.ts';

/** How a call ended: with the bytes of its only message, or a gRPC status that is not 0. */
export type GrpcAnswer =
  | { readonly ok: true; readonly message: Buffer }
  | { readonly ok: false; readonly status: number };

export interface GrpcRequest extends GrpcTarget {
  readonly message: Buffer;
}

/** Calls a method with one message each way, by a stream of its own. The end may be told before this returns. */
export function callGrpc(
  open: (target: GrpcTarget, user: GrpcUser) => GrpcStream,
  request: GrpcRequest,
  done: (answer: GrpcAnswer) => void,
): Call {
  let message: Buffer | undefined;
  const stream = open(request, {
    onMessage: (bytes) => {
      message = bytes;
    },
    onEnd: (status) => {
      if (status !== 0) done({ ok: false, status });
      else done(message ? { ok: true, message } : { ok: false, status: GRPC.INTERNAL });
    },
  });
  stream.send(request.message, true);
  return stream;
}
