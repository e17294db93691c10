import type { SourceAddress } from '../cluster/upstream-socket.ts';
import { RequestHead, type ResponseHead } from '../http/head.ts';
import { HeaderMap } from '../http/headers.ts';
import { countStatus } from '../http/stats.ts';
import { HttpStream } from '../http/stream.ts';
import type { StreamConnection } from '../http/stream-connection.ts';
import { type ConnectionPeers, FLAG } from '../http/stream-info.ts';
import { endIdle, endSlowRequest } from '../http/stream-timeouts.ts';
import type { OutgoingHead } from '../http/wire.ts';
import { scaledDeadline } from '../overload/scaled-deadline.ts';
import { Deadline } from '../time/deadline.ts';
import type { FieldBlock } from './block.ts';
import { FAULT, type Fault } from './fault.ts';
import { ERROR } from './frame.ts';
import { readRequestBlock, readTrailerBlock } from './message.ts';
import type { Http2ServerConnection } from './server-connection.ts';
import type { Http2Stream, OutgoingBlock, StreamUser } from './stream.ts';

const NOTHING = Buffer.alloc(0);

/** Stands for the head that a stream keeps until it is written. */
const KEPT_HEAD: OutgoingHead = { line: 0, room: () => 0, put: (_out, from) => from };

const statuses = new Map<number, OutgoingBlock['pseudo']>();

function statusOf(status: number): OutgoingBlock['pseudo'] {
  const known = statuses.get(status);
  if (known) return known;
  const made = [[':status', String(status)]] as const;
  if (status < 1000) statuses.set(status, made);
  return made;
}

/** One request on a client's HTTP/2 connection. */
export class Http2ServerStream implements StreamUser, StreamConnection {
  readonly http2 = true;
  readonly client: Http2ServerConnection;
  #frames: Http2Stream | undefined = undefined;
  #stream: HttpStream | undefined = undefined;
  #head: OutgoingBlock | undefined = undefined;
  /** Until everything that waits is taken, once the request is over. */
  #flushing: Deadline | undefined = undefined;
  readonly streamIdle: Deadline;
  readonly requestTimeout = new Deadline(() => this.#stream && endSlowRequest(this.#stream));
  readonly responseTimeout = new Deadline(() => this.#stream?.onResponseTimeout());

  constructor(client: Http2ServerConnection) {
    this.client = client;
    const { overload } = client.manager;
    this.streamIdle = scaledDeadline(overload?.timers.streamIdle, () => this.#stream && endIdle(this.#stream));
  }

  get source(): SourceAddress | undefined {
    return this.client.source;
  }

  get id(): number | undefined {
    return this.client.peers.connectionId;
  }

  get peers(): ConnectionPeers {
    return this.client.peers;
  }

  opened(frames: Http2Stream): void {
    this.#frames = frames;
  }

  onHead(block: FieldBlock, end: boolean): Fault | undefined {
    const { manager, session } = this.client;
    const frames = this.#frames as Http2Stream;
    const stream = new HttpStream(this, manager);
    this.#stream = stream;
    const head = new RequestHead();
    const fault = readRequestBlock(block, head, manager.http2, manager.http2Stats);
    stream.wireReceived = block.size;
    stream.fieldsReceived = block.size;
    if (fault === 'underscore') {
      session.streams.reset(frames, ERROR.PROTOCOL_ERROR);
      stream.onDownstreamGone('http2.unexpected_underscore', FLAG.DOWNSTREAM_PROTOCOL);
      return undefined;
    }
    const { contentLength } = head.framing;
    if (fault === 'field') return FAULT.FIELD;
    if (fault || (end && contentLength > 0)) return FAULT.MESSAGING;
    frames.headCame = true;
    frames.contentLength = contentLength;
    if (head.expectContinue && !manager.proxyContinue) this.#continue(head);
    // A body that may turn out to be empty is one.
    head.framing.chunked = !end && contentLength < 0;
    if (end) stream.requestComplete();
    stream.begin(head);
    return undefined;
  }

  #continue(head: RequestHead): void {
    head.headers.remove('expect');
    countStatus(this.client.manager, 100);
    this.#send({ pseudo: statusOf(100), headers: new HeaderMap() }, undefined, 0, 0, false, undefined);
  }

  /** Its head did not come in time. */
  endSlowHead(): void {
    this.#stream = new HttpStream(this, this.client.manager);
    this.#stream.reply({ status: 408, body: 'request header timeout', details: 'request_header_timeout' });
  }

  onTrailers(block: FieldBlock): Fault | undefined {
    const trailers = new HeaderMap();
    if (readTrailerBlock(block, trailers)) return FAULT.FIELD;
    const stream = this.#stream;
    if (!stream || stream.ended) return undefined;
    stream.wireReceived += block.size;
    stream.requestTrailers = trailers;
    stream.onRequestBody(NOTHING, 0, 0, true);
    return undefined;
  }

  onData(bytes: Buffer, start: number, stop: number, end: boolean): void {
    const stream = this.#stream;
    if (!stream || stream.ended || stream.requestDone) return;
    stream.wireReceived += stop - start;
    stream.onRequestBody(bytes, start, stop, end);
  }

  onReset(_code: number, details: string | undefined): void {
    this.#stop();
    // One that is too large is a request all the same.
    this.#stream ??= new HttpStream(this, this.client.manager);
    const stream = this.#stream;
    if (stream.ended) return;
    if (details === FAULT.FIELDS.details || details === FAULT.FIELDS_SIZE.details)
      stream.onDownstreamGone(details, FLAG.DOWNSTREAM_RESET);
    else if (details === undefined) stream.onDownstreamGone('http2.remote_reset', FLAG.DOWNSTREAM_RESET);
    else stream.onDownstreamGone(details, FLAG.DOWNSTREAM_PROTOCOL);
    this.client.onRequestEnd(stream);
  }

  onGone(): void {
    this.#stop();
    this.#stream?.onDownstreamGone(this.client.goneDetails, this.client.goneFlag);
  }

  onWritable(): void {
    if (this.#stream?.ended) this.#flushing?.stop();
    else this.#stream?.onDownstreamWritable();
  }

  #stop(): void {
    this.#flushing?.stop();
    this.responseTimeout.stop();
  }

  pauseReading(): void {
    this.#frames?.pause();
  }

  resumeReading(): void {
    this.#frames?.resume();
  }

  get writable(): boolean {
    return this.#frames !== undefined && !this.#frames.waits && this.client.session.writable;
  }

  /** A response that breaks off. */
  destroySoon(): void {
    const code = this.#lostConnection ? ERROR.CONNECT_ERROR : ERROR.INTERNAL_ERROR;
    if (this.#frames) this.client.session.streams.reset(this.#frames, code);
  }

  /** Envoy tells who asked for a connection, or for a change of protocol, that none came to be or that it is gone. */
  get #lostConnection(): boolean {
    const { flags = 0, head } = this.#stream ?? {};
    if ((flags & (FLAG.UPSTREAM_FAILURE | FLAG.UPSTREAM_CLOSED)) === 0) return false;
    return head?.method === 'CONNECT' || head?.framing.upgrade !== undefined;
  }

  outgoing(stream: HttpStream, { status, headers }: ResponseHead): OutgoingHead {
    if (!stream.requestDone) this.client.manager.stats.rqResponseBeforeComplete++;
    this.client.onResponse(stream.lastOnConnection);
    // An upgrade that was taken is a stream that was opened.
    const upgraded = status === 101;
    if (upgraded) headers.removeWhere((name) => name === 'connection' || name === 'upgrade');
    this.#head = { pseudo: statusOf(upgraded ? 200 : status), headers };
    return KEPT_HEAD;
  }

  writeInterim({ status, headers }: ResponseHead): void {
    countStatus(this.client.manager, status);
    this.#send({ pseudo: statusOf(status), headers }, undefined, 0, 0, false, undefined);
  }

  write(
    head: OutgoingHead | undefined,
    bytes: Buffer | undefined,
    start: number,
    stop: number,
    _chunked: boolean,
    end: boolean,
    trailers: HeaderMap | undefined,
  ): void {
    this.#send(head ? this.#head : undefined, bytes, start, stop, end, trailers);
    if (head) this.#head = undefined;
  }

  #send(
    head: OutgoingBlock | undefined,
    bytes: Buffer | undefined,
    start: number,
    stop: number,
    end: boolean,
    trailers: HeaderMap | undefined,
  ): void {
    if (this.#frames) this.client.session.send(this.#frames, head, bytes, start, stop, end, trailers);
  }

  restart(_stream: HttpStream, head: RequestHead): HttpStream {
    const next = new HttpStream(this, this.client.manager);
    next.takeHead(head);
    this.#stream = next;
    return next;
  }

  onStreamEnd(stream: HttpStream): void {
    const frames = this.#frames;
    if (this.#stream !== stream) return;
    this.client.onRequestEnd(stream);
    if (!frames || frames.closed) return;
    if (frames.waits) {
      this.#flushing = new Deadline(() => {
        this.client.session.stats.flushTimeout++;
        this.client.session.streams.reset(frames, ERROR.INTERNAL_ERROR);
      });
      this.#flushing.start(this.client.manager.streamIdleTimeout);
      return;
    }
    frames.resume();
    // The client need not send the rest of a request that is answered (RFC 9113, 8.1).
    if (!stream.requestDone) {
      this.client.manager.stats.rqReceivedReset++;
      if (this.#lostConnection) this.destroySoon();
      else this.client.session.streams.leaveRest(frames);
    }
  }
}
