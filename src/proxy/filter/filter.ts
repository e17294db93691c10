import type { Fields } from '../config/fields.ts';
import type { RequestHead, ResponseHead } from '../http/head.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { Route } from '../route/route.ts';
import type { FilterContext, RouteFilterContext } from './context.ts';

/** An answer of the proxy's own, before mapping. `body` is latin1 text. */
export interface LocalReply {
  readonly status: number;
  readonly body: string;
  /** Response code details. */
  readonly details: string;
  readonly flags?: number;
  /** Flags of which the reply itself knows nothing yet. */
  readonly laterFlags?: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly contentType?: string;
  /** The answer that the route itself is. */
  readonly ofRoute?: boolean;
  /** Sent as it is: neither mapped nor changed by the route. It has no body. */
  readonly bare?: boolean;
  /** Changes the headers before length and type of the body are added. */
  readonly modify?: (headers: HeaderMap) => void;
  /** Told to gRPC clients instead of what the status translates to. */
  readonly grpcStatus?: number;
  /** Close the connection after it. */
  readonly close?: boolean;
}

/** A request as filters see it. */
export interface FilterStream extends StreamInfo {
  readonly head: RequestHead;
  readonly route: Route | undefined;
  /** The cluster that the route leads to; empty when there is none. */
  readonly routeCluster: string;
  /** The cluster of the proxy's own node. */
  readonly localCluster: string;
  /** Stands for the client's connection: requests of one have the same. */
  readonly connection: object;
  /** What bounds the head of a request; undefined where the request is not a client's. */
  readonly headLimits?: HeadLimits;
  reply(reply: LocalReply): void;
  /** Finds the route of the head as it is now; only a client's request has it. */
  reroute?(): Route | undefined;
}

/** Bytes and fields that a head may have. */
export interface HeadLimits {
  readonly maxBytes: number;
  readonly maxHeaders: number;
}

/**
 * What a hook answers to a head. `stop`: it replied, or will resume; what follows the head waits and is not shown to its body hook before.
 * `collect`: the head waits, the body goes to its body hook, and what that answers decides.
 */
export type HeadVerdict = 'continue' | 'stop' | 'collect';

/** What a hook answers to a piece of body. `buffer`: keep it, too much of it is an error; `hold`: keep it, too much of it stops reading. */
export type BodyVerdict = 'continue' | 'buffer' | 'hold';

/** A piece of body on its way through a chain. A filter may put other bytes in its place. */
export interface BodyPiece {
  /** May be reused after the hook: what is kept must be copied. */
  bytes: Buffer;
  /** The message ends with it. */
  readonly done: boolean;
}

/** What a filter does to messages of one direction. `done`: the message ends with the head. */
export interface Hooks<Head> {
  head?(stream: FilterStream, head: Head, done: boolean): HeadVerdict;
  body?(stream: FilterStream, piece: BodyPiece): BodyVerdict;
  /** Trailers, where the side that they come from keeps them: after the last piece of body, before it goes on, which ends with what this gives. */
  trailers?(stream: FilterStream, trailers: HeaderMap): Buffer | undefined;
}

/** What a filter does. Responses pass the chain backwards, replies of other filters too. */
export interface FilterHooks {
  readonly request?: Hooks<RequestHead> | undefined;
  readonly response?: Hooks<ResponseHead> | undefined;
  /** The request is over, however it ended. Called only where `begin` made these hooks. */
  onEnd?(): void;
}

/** What a filter of one request can ask for. Nothing happens once the request is over. */
export interface FilterControl {
  /** `body` takes the place of what was held. */
  resumeRequest(body?: Buffer): void;
  resumeResponse(body?: Buffer): void;
  /** Finds the route of the request's head as it is now; filters behind this one are as that route has them. */
  reroute(): void;
  /** Bytes of the request's body that filters may keep from now on. */
  limitRequest(bytes: number): void;
  /** Lets so many bytes of a held request body go on; false when nothing is held any more. */
  releaseRequest(bytes: number): boolean;
  /** Lets so many bytes of a held response body go on; false when nothing is held any more. */
  releaseResponse(bytes: number): boolean;
  /** What the filter holds of a message: there is something from its first hook on. */
  message(side: 'request' | 'response'): HeldMessage;
}

/** A message as one filter holds it. */
export interface HeldMessage {
  /** Bytes of body that may be kept. */
  readonly limit: number;
  /** What is held of the body. */
  bytes(): Buffer;
  /** It is more than may be kept: an error, and the end of the request. */
  refuse(): void;
  /** Lets all of it go on; `body` takes the place of what was held. */
  resume(body?: Buffer): void;
  /** Lets the head go on, and `bytes` in the place of the first `taken` of the body; `last`: with the end of the message, else the rest stays. */
  advance(taken: number, bytes: Buffer, last: boolean): void;
}

/**
 * A filter as one route configures it. `shared` hooks serve all requests, keep nothing of them and stop only by replying;
 * `begin` makes hooks for one request. `early` is for a filter that mostly needs none of these: it is shown the head first where the whole
 * chain can do without, and stops a request without a reply to have `begin` called, and its hook on that head; `earlyResponse` is the same for heads of
 * responses, also of requests that `early` was not shown. `begin` takes nothing that `onEnd`
 * would have to give back: hooks that saw nothing are let go of where the route changes.
 */
export type BoundFilter =
  | {
      readonly shared: FilterHooks;
      readonly begin?: undefined;
      readonly early?: undefined;
      readonly earlyResponse?: undefined;
    }
  | {
      readonly shared?: undefined;
      readonly begin: (stream: FilterStream, control: FilterControl) => FilterHooks;
      readonly early?: Hooks<RequestHead> | undefined;
      readonly earlyResponse?: Hooks<ResponseHead> | undefined;
    };

/** A compiled filter of a chain. */
export interface HttpFilter {
  /** Its type; what routes say about filters of other types is not its business. */
  readonly type: string;
  /** The filter on a route that says `overrides` about it, the most specific first; undefined: it has nothing to do there. */
  bind(overrides: readonly unknown[]): BoundFilter | undefined;
}

/** What one level of a route table says about one filter of a chain. */
export interface RouteFilter {
  /** Undefined: it says nothing and the filter is as the chain has it. */
  readonly disabled: boolean | undefined;
  /** The type of the filter that `value` is for. */
  readonly type: string;
  readonly value: unknown;
}

/** What one level (weighted cluster, route, virtual host, route table) says about filters, by their names in the chain. */
export type RouteFilters = ReadonlyMap<string, RouteFilter>;

/** A place in a filter chain. */
export interface FilterSlot {
  readonly name: string;
  readonly disabled: boolean;
  /** What stands there. It changes when it comes by discovery and is undefined until then. */
  readonly cell: { readonly filter: HttpFilter | undefined };
}

/** One kind of HTTP filter. `Value` is what a route may say about it. */
export interface FilterKind {
  /** Full name of the configuration message. */
  readonly type: string;
  readonly upstream: boolean;
  /** Undefined when the configuration is faulty; then `fields` holds issues. */
  readonly read: (fields: Fields, context: FilterContext) => HttpFilter | undefined;
  /** The configuration that routes may give, and how to read it. */
  readonly routeType?: string;
  readonly readRoute?: (fields: Fields, context: RouteFilterContext) => unknown;
}
