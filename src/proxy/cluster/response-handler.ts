import type { ResponseHead } from '../http/head.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { ResetReason } from './reset.ts';

/** What uses a connection for one request. Called inside the read of the bytes: `bytes` is reused afterwards. */
export interface ResponseHandler {
  /** Method decides whether the response has a body. */
  readonly headRequest: boolean;
  /** How the request leaves HTTP: a tunnel begins with a 101, with a 2xx for `connect`, at once for `raw`. */
  readonly switching: 'none' | 'websocket' | 'upgrade' | 'connect' | 'raw';
  /** When the host ends its side of a connection it is this one that closes it, as Envoy does once CONNECT was sent. */
  readonly closesHere: boolean;
  /** `done`: no body follows. Afterwards the connection may be in other hands. */
  onHead(head: ResponseHead, done: boolean): void;
  /** A response of 1xx, which is not the last. */
  onInterim(head: ResponseHead): void;
  /** Trailers that the cluster keeps, before the end of the body. */
  onTrailers(trailers: HeaderMap): void;
  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void;
  /** All of what was read has been handed over. */
  onReadEnd(): void;
  onReset(reason: ResetReason): void;
  onWritable(): void;
  /** Bytes of an upgraded connection; an empty range means that the upstream closed its side. */
  onTunnel(bytes: Buffer, start: number, stop: number): void;
}
