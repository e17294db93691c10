import type { Fields } from '../config/fields.ts';
import type { RequestHead, ResponseHead } from '../http/head.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** An answer of the proxy's own, before mapping. `body` is latin1 text. */
export interface LocalReply {
  readonly status: number;
  readonly body: string;
  /** Response code details. */
  readonly details: string;
  readonly flags?: number;
  readonly headers?: readonly (readonly [string, string])[];
  /** Close the connection after it. */
  readonly close?: boolean;
}

/** A request as filters see it. */
export interface FilterStream extends StreamInfo {
  readonly head: RequestHead;
  reply(reply: LocalReply): void;
  /** Goes on after a filter that answered `stop` without replying. */
  resume(): void;
}

/** One configured HTTP filter; it is shared by all requests and keeps nothing of them. */
export interface HttpFilter {
  /** `stop`: it replied, or will call `resume`. */
  onRequest(stream: FilterStream): 'continue' | 'stop';
  onResponse?(stream: FilterStream, head: ResponseHead): void;
}

/** A place in a filter chain. What stands in it may change between requests when it comes by discovery. */
export interface FilterSlot {
  readonly name: string;
  readonly disabled: boolean;
  /** Undefined: the configuration has not come yet. */
  current(): HttpFilter | undefined;
}

/** What a route says about filters, by filter name. */
export type RouteFilters = ReadonlyMap<string, HttpFilter | 'disabled'>;

/** One kind of HTTP filter. */
export interface FilterKind {
  /** Full name of the configuration message. */
  readonly type: string;
  readonly upstream: boolean;
  /** Undefined when the configuration is faulty; then `fields` holds issues. */
  readonly read: (fields: Fields) => HttpFilter | undefined;
  /** The configuration that routes may give, and how to read it. */
  readonly routeType?: string;
  readonly readRoute?: (fields: Fields) => HttpFilter | 'disabled' | undefined;
}
