import type { RequestHead } from '../http/head.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { Peer, UpstreamConnectionInfo } from '../http/stream-info.ts';
import type { TlsInfo } from '../tls/info.ts';
import type { ResponseHandler } from './response-handler.ts';

/** Methods whose requests have no body unless they say so. */
export const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'CONNECT', 'TRACE']);

/** Responses of 1xx that Envoy tells of, the first of them; others are passed over. */
export const INTERIM: ReadonlySet<number> = new Set([100, 102, 103, 104]);

/** Room for one request and its response: a whole HTTP/1.1 connection, or a stream of an HTTP/2 one. */
export interface UpstreamExchange extends UpstreamConnectionInfo {
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  readonly local: Peer;
  /** Undefined: it is not encrypted. */
  readonly tls: TlsInfo | undefined;
  /** Which of several addresses of the host it goes to; undefined where there is one. */
  readonly remote: Peer | undefined;
  /** Bytes that came over it. */
  readonly received: number;
  /** What it carries is no HTTP any more. */
  readonly tunnel: boolean;
  /** The whole request was written. */
  readonly requestSent: boolean;
  /** Nothing that was written waits in memory. */
  readonly writable: boolean;
  begin(handler: ResponseHandler): void;
  /** Sends the head and what there is of the body; `done`: that is all of it. */
  sendRequest(head: RequestHead, body: Buffer | undefined, done: boolean, trailers: HeaderMap | undefined): void;
  /** A piece of body, or of what is tunnelled. */
  sendBody(bytes: Buffer, start: number, stop: number, done: boolean, trailers: HeaderMap | undefined): void;
  /** Ends this side of a tunnel of bytes alone. */
  endRaw(): void;
  /** Sends what is written, then ends, in so many milliseconds at most. Its user hears nothing more. */
  endAndClose(limit: number): void;
  /** Its user wants to hear nothing more; what is under way goes on to its end. */
  release(): void;
  pause(): void;
  resume(): void;
  /** Ends it before its time. */
  destroy(): void;
}

/** What the request line of HTTP/1.1 asks for. */
export function targetOf({ method, scheme, authority, path }: RequestHead, absolute: boolean): string {
  if (method === 'CONNECT') return authority;
  return absolute ? `${scheme}://${authority}${path}` : path;
}

/** Whether a response with this status makes a tunnel of its connection. */
export function switches(switching: ResponseHandler['switching'], status: number): boolean {
  return switching === 'connect' ? status >= 200 && status < 300 : status === 101;
}
