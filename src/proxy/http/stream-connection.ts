import type { DownstreamConnection } from '../filter/router/downstream.ts';
import type { Deadline } from '../time/deadline.ts';
import type { RequestHead, ResponseHead } from './head.ts';
import type { HeaderMap } from './headers.ts';
import type { HttpStream } from './stream.ts';
import type { ConnectionPeers } from './stream-info.ts';
import type { OutgoingHead } from './wire.ts';

/** What a request needs of the connection that it came by: all of one over HTTP/1, which serves one at a time, its own stream over HTTP/2. */
export interface StreamConnection extends DownstreamConnection {
  readonly http2: boolean;
  readonly peers: ConnectionPeers;
  /** Stands for the client's connection: requests of one have the same. */
  readonly client: object;
  /** What the request under way waits for: between bytes, and for its end. */
  readonly streamIdle: Deadline;
  readonly requestTimeout: Deadline;
  /** False: what was written waits in memory; `onDownstreamWritable` of the stream says when it is gone. */
  readonly writable: boolean;
  /** A head of a stream on its way out, with what it says of the connection; `framing` is the part of its tail that frames the body. */
  outgoing(stream: HttpStream, head: ResponseHead, framing: number): OutgoingHead;
  /** Passes on a response that is not the last. */
  writeInterim(head: ResponseHead): void;
  write(
    head: OutgoingHead | undefined,
    bytes: Buffer | undefined,
    start: number,
    stop: number,
    chunked: boolean,
    end: boolean,
    trailers: HeaderMap | undefined,
  ): void;
  /** A stream in the place of another for the same request. */
  restart(stream: HttpStream, head: RequestHead): HttpStream;
  onStreamEnd(stream: HttpStream): void;
}
