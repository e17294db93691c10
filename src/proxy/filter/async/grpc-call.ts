import type { CallOptions, Client, ClientUnaryCall, Metadata } from '@grpc/grpc-js';
import type { ClusterManager } from '../../cluster/manager.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { Deadline } from '../../time/deadline.ts';
import { beginGrpc, DEADLINE_EXCEEDED, type GrpcAttempt, UNAVAILABLE } from './grpc-attempt.ts';
import { type GrpcClients, grpcLibrary } from './grpc-clients.ts';
import type { GrpcService } from './grpc-service.ts';
import type { Call } from './http-call.ts';
import { ownAddress } from './own-address.ts';

/** How a call ended: with the bytes of its only message, or a gRPC status that is not 0. */
export type GrpcAnswer =
  | { readonly ok: true; readonly message: Buffer }
  | { readonly ok: false; readonly status: number };

export interface GrpcRequest {
  readonly service: GrpcService;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly message: Buffer;
  /** Milliseconds, 0 for none. */
  readonly timeout: number;
  /** The request on whose behalf the call is made. */
  readonly parent: StreamInfo;
}

const INTERNAL = 13;
const NOTHING: Call = { cancel: () => undefined };

/** Calls a method with one message each way. The end may be told before this returns. */
export function callGrpc(
  clusters: ClusterManager,
  clients: GrpcClients,
  request: GrpcRequest,
  done: (answer: GrpcAnswer) => void,
): Call {
  const cluster = clusters.get(request.service.cluster);
  const attempt = cluster && beginGrpc(cluster, request.parent);
  if (!attempt) {
    done({ ok: false, status: UNAVAILABLE });
    return NOTHING;
  }
  const call = new UnaryCall(attempt, done);
  call.start(clients.of(attempt.cluster, attempt.host), request);
  return call;
}

class UnaryCall implements Call {
  readonly #attempt: GrpcAttempt;
  readonly #limit = new Deadline(() => this.#timedOut());
  #done: ((answer: GrpcAnswer) => void) | undefined;
  #call: ClientUnaryCall | undefined = undefined;

  constructor(attempt: GrpcAttempt, done: (answer: GrpcAnswer) => void) {
    this.#attempt = attempt;
    this.#done = done;
  }

  start(client: Client, request: GrpcRequest): void {
    const { timeout, path, message } = request;
    const metadata = metadataOf(request.service, request.parent);
    if (!metadata) {
      this.#attempt.cancelled();
      this.#finish({ ok: false, status: INTERNAL });
      return;
    }
    if (timeout > 0) this.#limit.start(timeout);
    const same = (bytes: Buffer): Buffer => bytes;
    this.#call = client.makeUnaryRequest(path, same, same, message, metadata, optionsOf(request), (error, answer) => {
      this.#attempt.ended(error ? error.code : 0);
      this.#finish(error || !answer ? { ok: false, status: error?.code ?? INTERNAL } : { ok: true, message: answer });
    });
  }

  cancel(): void {
    this.#limit.stop();
    this.#done = undefined;
    this.#attempt.cancelled();
    this.#call?.cancel();
  }

  #timedOut(): void {
    this.#attempt.timedOut();
    this.#finish({ ok: false, status: DEADLINE_EXCEEDED });
    this.#call?.cancel();
  }

  #finish(answer: GrpcAnswer): void {
    this.#limit.stop();
    const done = this.#done;
    this.#done = undefined;
    done?.(answer);
  }
}

/** The server is told how long there is; what counts here is the proxy's own clock. */
function optionsOf({ service, timeout }: Pick<GrpcRequest, 'service' | 'timeout'>): CallOptions {
  return { host: service.authority, ...(timeout > 0 ? { deadline: Date.now() + timeout } : {}) };
}

/** Undefined: a value came out as what the library does not send. */
function metadataOf({ metadata, marked }: GrpcService, parent: StreamInfo): Metadata | undefined {
  const { Metadata: Made } = grpcLibrary();
  const out = new Made();
  if (marked) {
    out.set('x-envoy-internal', 'true');
    out.set('x-forwarded-for', ownAddress());
  }
  try {
    for (const { name, value } of metadata) out.add(name, value(parent));
  } catch {
    return undefined;
  }
  return out;
}
