import type { Cluster } from '../../cluster/cluster.ts';
import { frameMessage, MessageReader } from '../../http/grpc-messages.ts';
import { grpcCodeOf, grpcStatusIn } from '../../http/grpc-status.ts';
import { RequestHead, type ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import type { LocalReply } from '../filter.ts';
import { isField } from '../request-fields.ts';
import type { RouterSurroundings } from '../router/downstream.ts';
import { formatGrpcTimeout } from '../router/grpc-timeout.ts';
import { type GrpcTrace, traceGrpc } from './call-trace.ts';
import type { GrpcService } from './grpc-service.ts';
import { ownAddress } from './own-address.ts';
import { OwnRequest, type OwnRequestUser } from './own-request.ts';

/** Codes of gRPC for ends that the proxy finds itself. */
export const GRPC = { UNKNOWN: 2, RESOURCE_EXHAUSTED: 8, INTERNAL: 13, UNAVAILABLE: 14 } as const;

/** Bytes that a message of a server may have, as other libraries of gRPC have it. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);
const VIA_UPSTREAM = 'via_upstream';

export interface GrpcTarget {
  readonly service: GrpcService;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Milliseconds from the last message on, 0 for none. The server is told. */
  readonly timeout: number;
  /** The request on whose behalf the call is made. */
  readonly parent: StreamInfo;
  /** The span of the call. */
  readonly trace?: GrpcTrace | undefined;
}

/** What hears of a call. */
export interface GrpcUser {
  onMessage(message: Buffer): void;
  /** The call is over, with a status of gRPC's; nothing follows. `why`: what the server says, or the router, and in braces the details; these alone where nothing is said. */
  onEnd(status: number, why: string): void;
}

/** A call whose both sides send messages. Nothing is heard of it after `cancel`. */
export interface GrpcStream {
  /** `last`: that is all there is to say. */
  send(message: Buffer, last: boolean): void;
  /** There is nothing more to say. */
  finish(): void;
  /** Gives it up: the server sees a reset. */
  cancel(): void;
}

/** Begins a call by the router, over the cluster's HTTP/2 connections. Its end may be told before this returns. */
export function openGrpc(
  surroundings: RouterSurroundings,
  cluster: Cluster,
  target: GrpcTarget,
  user: GrpcUser,
): GrpcStream {
  const call = new GrpcCall(surroundings, cluster, target, user);
  call.begin();
  return call;
}

/** As `open`, with a span of its own, which ends before the end of the call is told. */
export function openTraced(
  open: (target: GrpcTarget, user: GrpcUser) => GrpcStream,
  target: GrpcTarget,
  recorded: boolean,
  user: GrpcUser,
): GrpcStream {
  const trace = traceGrpc(target, recorded);
  if (!trace) return open(target, user);
  const stream = open(
    { ...target, trace },
    {
      onMessage: (message) => user.onMessage(message),
      onEnd: (status, why) => {
        trace.tagStatus(status, true);
        trace.finish();
        user.onEnd(status, why);
      },
    },
  );
  return {
    send: (message, last) => stream.send(message, last),
    finish: () => stream.finish(),
    cancel: () => {
      trace.cancel();
      stream.cancel();
    },
  };
}

class GrpcCall implements GrpcStream, OwnRequestUser {
  readonly #request: OwnRequest;
  readonly #messages = new MessageReader(MAX_MESSAGE_BYTES);
  #user: GrpcUser | undefined;

  constructor(surroundings: RouterSurroundings, cluster: Cluster, target: GrpcTarget, user: GrpcUser) {
    const { service, timeout, parent } = target;
    this.#user = user;
    const head = requestHead(target);
    const options = { head, bodyFollows: true, timeout, parent, marked: service.marked };
    this.#request = new OwnRequest(surroundings, cluster, options, this);
    addMetadata(head.headers, service, this.#request, parent);
    target.trace?.tell(head.headers);
  }

  begin(): void {
    this.#request.begin();
  }

  send(message: Buffer, last: boolean): void {
    this.#request.send(frameMessage(message), last);
  }

  finish(): void {
    if (!this.#request.requestDone) this.#request.send(NOTHING, true);
  }

  cancel(): void {
    this.#user = undefined;
    this.#request.end();
  }

  onReply({ status, body, details }: LocalReply): void {
    // What the router would answer is no answer any more where the server began with one.
    if (this.#request.responseStarted) this.#end(GRPC.INTERNAL, details);
    else this.#end(grpcCodeOf(status), whyOf(body, details));
  }

  onHead({ status, headers }: ResponseHead, done: boolean): void {
    const said = done ? grpcStatusIn(headers) : undefined;
    if (status !== 200 && said === undefined) this.#end(grpcCodeOf(status), VIA_UPSTREAM);
    else if (done) this.#end(said ?? GRPC.UNKNOWN, messageOf(headers));
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    const fault = this.#messages.read(bytes, start, stop, (message) => {
      this.#user?.onMessage(message);
      return this.#user !== undefined;
    });
    if (fault) this.#end(fault === 'too long' ? GRPC.RESOURCE_EXHAUSTED : GRPC.INTERNAL, VIA_UPSTREAM);
    else if (done) this.#end(this.#statusAtEnd(), messageOf(this.#request.responseTrailers));
  }

  #statusAtEnd(): number {
    const { responseTrailers } = this.#request;
    const said = responseTrailers && grpcStatusIn(responseTrailers);
    if (said === undefined) return GRPC.UNKNOWN;
    return said === 0 && this.#messages.unfinished ? GRPC.INTERNAL : said;
  }

  #end(status: number, why: string): void {
    const user = this.#user;
    this.#user = undefined;
    this.#request.end();
    user?.onEnd(status, why);
  }
}

function messageOf(fields: HeaderMap | undefined): string {
  return whyOf(fields?.get('grpc-message') ?? '', VIA_UPSTREAM);
}

function whyOf(said: string, details: string): string {
  return said === '' ? details : `${said}{${details}}`;
}

function requestHead({ service, path, timeout }: GrpcTarget): RequestHead {
  const head = new RequestHead();
  head.method = 'POST';
  head.path = path;
  head.authority = service.authority;
  head.hasAuthority = true;
  head.scheme = 'http';
  const { headers } = head;
  if (timeout > 0) headers.add('grpc-timeout', formatGrpcTimeout(timeout));
  headers.add('te', 'trailers');
  headers.add('content-type', 'application/grpc');
  return head;
}

/** One that comes out as what no header may hold keeps the call from being sent. */
function addMetadata(headers: HeaderMap, { metadata, marked }: GrpcService, own: OwnRequest, parent: StreamInfo): void {
  if (marked) headers.set('x-forwarded-for', ownAddress());
  for (const { name, value } of metadata) {
    const text = value(parent);
    if (isField(name, text)) headers.add(name, text);
    else own.invalidHeader = name;
  }
}
