import type { SourceAddress } from '../cluster/upstream-socket.ts';
import { scaledDeadline } from '../overload/scaled-deadline.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { Transport, TransportUser } from '../transport/transport.ts';
import { BodyDecoder } from './body.ts';
import { countUnderscores } from './codec-stats.ts';
import { ConnectionEnd } from './connection-end.ts';
import type { HeadFault } from './fault.ts';
import { parseNextRequest, RequestHead, type ResponseHead } from './head.ts';
import { HeadBuffer } from './head-buffer.ts';
import type { HeaderMap } from './headers.ts';
import type { HttpManager } from './manager.ts';
import { Pipeline } from './pipeline.ts';
import { countConnectionEnd, countStatus } from './stats.ts';
import { reasonPhrase } from './status.ts';
import { HttpStream } from './stream.ts';
import type { StreamConnection } from './stream-connection.ts';
import { type ConnectionPeers, FLAG } from './stream-info.ts';
import { endIdle, endSlowRequest } from './stream-timeouts.ts';
import { hidesConnection } from './upgrade.ts';
import { type OutgoingHead, outgoingResponse, TAIL, writeMessage, writeText } from './wire.ts';

const PIPELINE_LIMIT = 65_536;
const CR = 13;
const LF = 10;
/** How long a client may take nothing of the last bytes it is sent where no delayed close limits it. */
const FLUSH_MS = 60_000;

/** A client's HTTP/1.1 connection: one request at a time, what is pipelined waits. */
export class ServerConnection implements TransportUser, StreamConnection {
  readonly http2 = false;
  readonly client = this;
  readonly transport: Transport;
  readonly manager: HttpManager;
  readonly peers: ConnectionPeers;
  readonly source: SourceAddress | undefined;
  readonly id: number | undefined;
  readonly halfClose = false;
  #stream: HttpStream | undefined = undefined;
  readonly #body = new BodyDecoder();
  /** What has come of the head of `#stream`, while it is not complete. */
  #partial: HeadBuffer | undefined = undefined;
  /** Bytes that arrived after the request under way. */
  readonly #waiting = new Pipeline();
  #processing = false;
  #closing = false;
  /** It closes when the client does, or after `delayed_close_timeout`. */
  #lingers = false;
  /** The client has sent something that nobody read. */
  #dropped = false;
  #closingSince = 0;
  #paused = false;
  #requests = 0;
  /** The client ended the connection, not the proxy. */
  #endedByClient = false;
  readonly #openedAt: number;
  /** Bytes the client had not taken when we last looked, while closing. */
  #unsent = 0;
  /** Version the response is written with: 1 unless HTTP/1.0 is accepted. */
  #minor = 1;
  readonly #end: ConnectionEnd;
  readonly #idle: Deadline;
  readonly #headTimeout = new Deadline(() => this.#headerTimeout());
  readonly #closeDelay = new Deadline(() => this.#closeNow());
  readonly streamIdle: Deadline;
  readonly requestTimeout = new Deadline(() => this.#stream && endSlowRequest(this.#stream));
  readonly responseTimeout = new Deadline(() => this.#stream?.onResponseTimeout());
  readonly #onClosed: (connection: ServerConnection) => void;

  constructor(
    open: (user: ServerConnection) => Transport,
    manager: HttpManager,
    peers: ConnectionPeers,
    source: SourceAddress | undefined,
    onClosed: (connection: ServerConnection) => void,
    openedAt = now(),
  ) {
    const timers = manager.overload?.timers;
    this.#idle = scaledDeadline(timers?.connectionIdle, () => this.#idleTimeout());
    this.streamIdle = scaledDeadline(timers?.streamIdle, () => this.#stream && endIdle(this.#stream));
    this.#openedAt = openedAt;
    this.transport = open(this);
    this.transport.limitBuffer(manager.bufferLimit);
    this.manager = manager;
    this.peers = peers;
    this.source = source;
    this.id = peers.connectionId;
    this.#onClosed = onClosed;
    this.#end = new ConnectionEnd(manager, this, openedAt);
    manager.stats.cxHttp1Total++;
    manager.stats.cxHttp1Active++;
    this.#idle.start(manager.idleTimeout);
  }

  start(): void {
    // Nothing is to do before a request comes.
  }

  /** Ends the connection after the response under way, at once when there is none. */
  drain(): void {
    this.#end.closeSoon();
    if (!this.#stream) this.#shut(false);
  }

  destroy(): void {
    this.transport.destroy();
  }

  /** Ends the connection after a response that breaks off. */
  destroySoon(): void {
    this.#shut(true);
  }

  pauseReading(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.transport.pause();
  }

  resumeReading(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.transport.resume();
  }

  get writable(): boolean {
    return !this.transport.blocked;
  }

  outgoing(stream: HttpStream, head: ResponseHead, framing: number): OutgoingHead {
    const minor = this.#minor;
    if (!stream.requestDone) this.manager.stats.rqResponseBeforeComplete++;
    const close = this.#end.atResponse(stream.lastOnConnection, !stream.requestDone);
    const kept = minor === 0 ? TAIL.KEEP_ALIVE : 0;
    head.framing.close = close;
    const tail = (hidesConnection(stream, head.status) ? 0 : close ? TAIL.CLOSE : kept) | framing;
    return outgoingResponse(head, minor, tail, this.manager.codec.headerCase.write);
  }

  writeInterim(head: ResponseHead): void {
    countStatus(this.manager, head.status);
    const outgoing = outgoingResponse(head, this.#minor, 0, this.manager.codec.headerCase.write);
    writeMessage(this.transport, outgoing, undefined, 0, 0, false, false);
  }

  write(
    head: OutgoingHead | undefined,
    bytes: Buffer | undefined,
    start: number,
    stop: number,
    chunked: boolean,
    end: boolean,
    trailers: HeaderMap | undefined,
  ): void {
    const kept = trailers && this.manager.codec.withTrailers ? trailers : undefined;
    writeMessage(this.transport, head, bytes, start, stop, chunked, end, kept);
  }

  restart(stream: HttpStream, head: RequestHead): HttpStream {
    const next = new HttpStream(this, this.manager);
    next.takeHead(head);
    if (this.#stream === stream) this.#stream = next;
    return next;
  }

  onStreamEnd(stream: HttpStream): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    if (!stream.requestDone) this.manager.stats.rqReceivedReset++;
    if (!stream.requestDone || this.#end.closing) {
      // Where the client wanted the end and nothing of its request is on the way there is no race to avoid, but
      // Envoy does not look for it inside of a read.
      const noRace = stream.lastOnConnection && (stream.requestDone || stream.endsWithConnection);
      this.#shut(!noRace || this.#processing);
      return;
    }
    this.resumeReading();
    this.#idle.start(this.manager.idleTimeout);
    if (this.#processing || this.#waiting.size === 0) return;
    const bytes = this.#waiting.take();
    this.#process(bytes, bytes.length);
  }

  /**
   * Ends the connection once what is written is sent. With `delay` as Envoy does where the client may still be writing: nothing is read
   * any more, and the connection goes when the client closes it or after `delayed_close_timeout`, so that the response is not lost to a reset.
   */
  #shut(delay: boolean): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#closingSince = now();
    this.#end.stop();
    this.#idle.stop();
    this.#headTimeout.stop();
    const { delayedCloseTimeout } = this.manager;
    this.resumeReading();
    this.#lingers = delay && delayedCloseTimeout > 0;
    if (!this.#lingers) this.transport.endAndClose();
    this.#unsent = this.transport.unsent;
    this.#closeDelay.start(delayedCloseTimeout || FLUSH_MS);
  }

  /** The time for closing is over, unless the client took something of what it is sent meanwhile. */
  #closeNow(): void {
    const { unsent } = this.transport;
    if (unsent > 0 && unsent < this.#unsent) {
      this.#unsent = unsent;
      this.#closeDelay.start(this.manager.delayedCloseTimeout || FLUSH_MS);
      return;
    }
    this.manager.stats.cxDelayedClose++;
    // What the kernel does where what came was left unread.
    if (this.#dropped) this.transport.reset();
    else this.transport.destroy();
  }

  onBytes(read: Buffer, length: number): void {
    if (this.#closing) {
      // What came together with what ended the connection was taken from the kernel with it.
      if (now() !== this.#closingSince) this.#dropped = true;
      return;
    }
    if (this.#stream?.requestDone) {
      this.#wait(read, 0, length);
      return;
    }
    const partial = this.#partial;
    if (!partial) {
      this.#process(read, length);
      return;
    }
    if (this.#stream) this.#stream.wireReceived += length;
    if (partial.append(read, 0, length, this.manager.codec.head.maxBytes)) this.#process(partial.bytes, partial.length);
  }

  onWritable(): void {
    this.#stream?.onDownstreamWritable();
  }

  onError(): void {
    // The connection closes next.
    this.#endedByClient = true;
  }

  #wait(bytes: Buffer, start: number, stop: number): void {
    this.#waiting.push(bytes, start, stop);
    if (this.#waiting.size > PIPELINE_LIMIT) this.pauseReading();
  }

  #process(bytes: Buffer, limit: number): void {
    this.#processing = true;
    for (let at = 0; at < limit && !this.#closing; ) {
      const stream = this.#stream;
      const next = stream?.begun ? this.#requestBytes(stream, bytes, at, limit) : this.#requestHead(bytes, at, limit);
      if (next === undefined) break;
      at = next;
    }
    this.#processing = false;
  }

  #requestBytes(stream: HttpStream, bytes: Buffer, at: number, limit: number): number | undefined {
    if (stream.requestDone) {
      this.#wait(bytes, at, limit);
      return undefined;
    }
    const next = this.#body.decode(bytes, at, limit);
    stream.wireReceived += next - at;
    const { start, end, done, fault } = this.#body;
    if (done) stream.requestTrailers = this.#body.trailers;
    if (done || end > start) stream.onRequestBody(bytes, start, end, done);
    if (!fault) return next;
    this.#refuse(stream, fault);
    return undefined;
  }

  /** Position after the head, undefined when it is not complete or was refused. */
  #requestHead(bytes: Buffer, from: number, limit: number): number | undefined {
    this.#idle.stop();
    this.#stream ??= new HttpStream(this, this.manager);
    const stream = this.#stream;
    let at = from;
    while (at + 1 < limit && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
    const head = new RequestHead();
    const outcome = parseNextRequest(bytes, at, limit, this.manager.codec.head, head);
    stream.wireReceived = (typeof outcome === 'number' ? outcome : limit) - from;
    if (outcome === undefined) {
      this.#awaitHead(stream, bytes, at, limit);
      return undefined;
    }
    this.#partial = undefined;
    this.#headTimeout.stop();
    if (this.manager.codec.head.underscores !== 'ALLOW') countUnderscores(this.manager.http1Stats, outcome);
    this.#minor = head.minor === 0 && this.manager.codec.head.acceptHttp10 ? 0 : 1;
    if (typeof outcome !== 'number') {
      stream.fieldsReceived = head.fieldBytes;
      this.#refuse(stream, outcome);
      return undefined;
    }
    this.#begin(stream, head);
    return outcome;
  }

  #awaitHead(stream: HttpStream, bytes: Buffer, at: number, limit: number): void {
    if (this.#partial) return;
    this.#partial = new HeadBuffer();
    this.#partial.append(bytes, at, limit, this.manager.codec.head.maxBytes);
    stream.awaitHead();
    this.#headTimeout.start(this.manager.headersTimeout);
  }

  #begin(stream: HttpStream, head: RequestHead): void {
    const { framing } = head;
    const { manager } = this;
    this.#requests++;
    const spent = manager.maxRequestsPerConnection > 0 && this.#requests >= manager.maxRequestsPerConnection;
    if (spent) manager.stats.cxMaxRequests++;
    const last = spent || this.#end.lastRequest;
    if (framing.close || last || (head.minor === 0 && !framing.keepAlive)) stream.lastOnConnection = true;
    // After an upgrade or CONNECT whatever comes is payload.
    if (framing.upgrade !== undefined || head.method === 'CONNECT') this.#body.reset('close');
    else if (framing.chunked) this.#body.reset('chunked', 0, manager.codec.trailers);
    else this.#body.reset('length', Math.max(0, framing.contentLength));
    if (head.expectContinue && !manager.proxyContinue) this.#continue(head);
    if (this.#body.done) stream.requestComplete();
    stream.begin(head);
  }

  #continue(head: RequestHead): void {
    head.headers.remove('expect');
    countStatus(this.manager, 100);
    writeText(this.transport, `HTTP/1.${this.#minor} 100 Continue\r\n\r\n`);
  }

  /** Answers what cannot be read: a head, or the body after one. */
  #refuse(stream: HttpStream, { status, details }: HeadFault): void {
    this.manager.stats.protocolError++;
    stream.reply({ status, body: reasonPhrase(status), details, laterFlags: FLAG.DOWNSTREAM_PROTOCOL, close: true });
    // A response that had begun cannot be mended.
    this.#shut(true);
  }

  onRemoteEnd(): void {
    this.#endedByClient ||= !this.#closing || this.#lingers;
    this.transport.destroy();
  }

  #idleTimeout(): void {
    this.manager.stats.cxIdleTimeout++;
    if (this.#requests === 0) this.#shut(false);
    else this.#end.drain();
  }

  /** `max_connection_duration` is over. */
  onExpired(): void {
    this.manager.stats.cxMaxDuration++;
    if (this.#requests === 0 && !this.#stream) this.#shut(false);
    else this.#end.expire();
  }

  /** The drain time is over. */
  onDrained(): void {
    if (!this.#stream) this.#shut(true);
  }

  #headerTimeout(): void {
    this.manager.stats.rqHeaderTimeout++;
    this.#stream?.reply({ status: 408, body: 'request header timeout', details: 'request_header_timeout' });
  }

  onClosed(): void {
    this.#closing = true;
    this.#end.stop();
    this.#idle.stop();
    this.#headTimeout.stop();
    this.#closeDelay.stop();
    const stream = this.#stream;
    const active = stream !== undefined && !stream.ended;
    this.manager.stats.cxHttp1Active--;
    const how = {
      active,
      byClient: this.#endedByClient,
      lasted: now() - this.#openedAt,
      secure: this.transport.encrypted,
    };
    countConnectionEnd(this.manager.stats, how);
    this.#stream = undefined;
    stream?.onDownstreamGone();
    this.#onClosed(this);
  }
}
