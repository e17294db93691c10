import { INTERIM, type UpstreamExchange } from '../cluster/exchange.ts';
import type { ResetReason } from '../cluster/reset.ts';
import type { ResponseHandler } from '../cluster/response-handler.ts';
import { type RequestHead, ResponseHead } from '../http/head.ts';
import { HeaderMap } from '../http/headers.ts';
import type { Peer } from '../http/stream-info.ts';
import { Deadline } from '../time/deadline.ts';
import type { TlsInfo } from '../tls/info.ts';
import type { FieldBlock } from './block.ts';
import type { Http2ClientConnection } from './client-connection.ts';
import { FAULT, type Fault } from './fault.ts';
import { ERROR } from './frame.ts';
import { readResponseBlock, readTrailerBlock } from './message.ts';
import { requestBlock } from './request-block.ts';
import type { Http2Stream, StreamUser } from './stream.ts';

const NOTHING = Buffer.alloc(0);

/** What Envoy makes of the host's error code; `remote reset` of others. */
const REASONS: ReadonlyMap<number, ResetReason> = new Map([
  [ERROR.PROTOCOL_ERROR, 'protocol error'],
  [ERROR.REFUSED_STREAM, 'remote refused stream reset'],
  [ERROR.CONNECT_ERROR, 'remote error with CONNECT request'],
]);

/** Heads that are too large are Envoy's `remote reset`. */
function reasonOf(details: string): ResetReason {
  return details === FAULT.FIELDS.details || details === FAULT.FIELDS_SIZE.details ? 'remote reset' : 'protocol error';
}

/** One request on an HTTP/2 connection to a host. */
export class Http2ClientStream implements StreamUser, UpstreamExchange {
  readonly protocol = 'HTTP/2';
  readonly #connection: Http2ClientConnection;
  #frames: Http2Stream | undefined = undefined;
  #handler: ResponseHandler | undefined = undefined;
  received = 0;
  tunnel = false;
  requestSent = false;
  /** Of several responses of 1xx only the first is told. */
  #interimTold = false;
  /** Until what is written is sent, once nobody wants to hear more of it. */
  #ending: Deadline | undefined = undefined;

  constructor(connection: Http2ClientConnection) {
    this.#connection = connection;
  }

  get id(): number {
    return this.#connection.base.id;
  }

  get openedAt(): number {
    return this.#connection.base.openedAt;
  }

  get connectedAt(): number {
    return this.#connection.base.connectedAt;
  }

  get local(): Peer {
    return this.#connection.base.local;
  }

  get tls(): TlsInfo | undefined {
    return this.#connection.base.tls;
  }

  get remote(): Peer | undefined {
    return this.#connection.base.remote;
  }

  get writable(): boolean {
    return this.#frames !== undefined && !this.#frames.waits && this.#connection.session.writable;
  }

  opened(frames: Http2Stream): void {
    this.#frames = frames;
  }

  begin(handler: ResponseHandler): void {
    this.#handler = handler;
  }

  sendRequest(head: RequestHead, body: Buffer | undefined, done: boolean, trailers: HeaderMap | undefined): void {
    const block = requestBlock(head, this.#handler?.switching ?? 'none');
    this.#send(block, body ?? NOTHING, 0, body?.length ?? 0, done, trailers);
  }

  sendBody(bytes: Buffer, start: number, stop: number, done: boolean, trailers: HeaderMap | undefined): void {
    this.#send(undefined, bytes, start, stop, done, trailers);
  }

  #send(
    block: ReturnType<typeof requestBlock> | undefined,
    bytes: Buffer,
    start: number,
    stop: number,
    done: boolean,
    trailers: HeaderMap | undefined,
  ): void {
    if (done) this.requestSent = true;
    const frames = this.#frames;
    if (frames) this.#connection.session.send(frames, block, bytes, start, stop, done, trailers);
  }

  endRaw(): void {
    this.#send(undefined, NOTHING, 0, 0, true, undefined);
  }

  endAndClose(limit: number): void {
    this.#handler = undefined;
    this.endRaw();
    this.#ending = new Deadline(() => this.destroy());
    // Its connection may end with it, but not before what was just written is on its way.
    this.#ending.start(this.#frames?.waits ? limit : 1);
  }

  release(): void {
    this.#handler = undefined;
  }

  pause(): void {
    this.#frames?.pause();
  }

  resume(): void {
    this.#frames?.resume();
  }

  destroy(): void {
    this.#handler = undefined;
    this.#ending?.stop();
    this.#abort();
    this.#over();
  }

  #abort(): void {
    const frames = this.#frames;
    if (!frames || frames.closed || (frames.localDone && frames.remoteDone)) return;
    this.#connection.session.streams.reset(frames, ERROR.INTERNAL_ERROR);
    this.#connection.onStreamReset('local reset');
  }

  #over(): void {
    this.#connection.onStreamOver(this);
  }

  onHead(block: FieldBlock, end: boolean): Fault | undefined {
    this.received += block.size;
    const handler = this.#handler;
    if (!handler) return undefined;
    const head = new ResponseHead();
    if (!readResponseBlock(block, head)) return FAULT.FIELD;
    if (head.status < 200) return this.#interim(head, end, handler);
    const frames = this.#frames as Http2Stream;
    frames.headCame = true;
    this.#takeOver(handler, head);
    const { contentLength } = head.framing;
    const bodyless = handler.headRequest || (!this.tunnel && (head.status === 204 || head.status === 304));
    frames.contentLength = bodyless ? 0 : contentLength;
    if (end && !bodyless && contentLength > 0) return FAULT.MESSAGING;
    if (end) this.#done();
    handler.onHead(head, end);
    handler.onReadEnd();
    return undefined;
  }

  #interim(head: ResponseHead, end: boolean, handler: ResponseHandler): Fault | undefined {
    // There is no switching of protocols over HTTP/2 (RFC 9113, 8.6).
    if (end || head.status === 101) return FAULT.MESSAGING;
    if (!INTERIM.has(head.status) || this.#interimTold) return undefined;
    this.#interimTold = true;
    handler.onInterim(head);
    return undefined;
  }

  /** Whether the host leaves HTTP with this response: over HTTP/2 a stream that was asked for as a tunnel is one with any 2xx. */
  #takeOver(handler: ResponseHandler, head: ResponseHead): void {
    if (handler.switching === 'none' || head.status < 200 || head.status >= 300) return;
    this.tunnel = true;
    // A tunnel has no length (RFC 9110, 9.3.6).
    head.framing.contentLength = -1;
    head.headers.remove('content-length');
    if (handler.switching === 'connect') return;
    head.status = 101;
    head.headers.add('upgrade', handler.switching === 'websocket' ? 'websocket' : '');
    head.headers.add('connection', 'upgrade');
  }

  onTrailers(block: FieldBlock): Fault | undefined {
    this.received += block.size;
    const trailers = new HeaderMap();
    if (readTrailerBlock(block, trailers)) return FAULT.FIELD;
    const handler = this.#handler;
    if (!this.tunnel) this.#done();
    handler?.onTrailers(trailers);
    if (this.tunnel) handler?.onTunnel(NOTHING, 0, 0);
    else handler?.onBody(NOTHING, 0, 0, true);
    handler?.onReadEnd();
    return undefined;
  }

  onData(bytes: Buffer, start: number, stop: number, end: boolean): void {
    this.received += stop - start;
    const handler = this.#handler;
    if (!handler) return;
    if (this.tunnel) {
      if (stop > start) handler.onTunnel(bytes, start, stop);
      if (end) handler.onTunnel(NOTHING, 0, 0);
      return;
    }
    if (end) this.#done();
    handler.onBody(bytes, start, stop, end);
    handler.onReadEnd();
  }

  /** The response is complete; what is left of the request need not be sent. */
  #done(): void {
    this.#handler = undefined;
    if (this.#frames?.localDone === false && !this.#frames.waits) this.#abort();
    this.#over();
  }

  onReset(code: number, details: string | undefined): void {
    this.#fail(details === undefined ? (REASONS.get(code) ?? 'remote reset') : reasonOf(details));
  }

  onGone(): void {
    this.#fail(this.#connection.goneReason);
  }

  #fail(reason: ResetReason): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#connection.onStreamReset(reason);
    this.#over();
    handler?.onReset(reason);
  }

  onWritable(): void {
    this.#ending?.start(1);
    this.#handler?.onWritable();
  }
}
