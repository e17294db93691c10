import type net from 'node:net';
import type { SourceAddress } from '../cluster/upstream-connection.ts';
import { Deadline } from '../time/deadline.ts';
import { acceptedTransport, type Transport, type TransportUser } from '../transport/transport.ts';
import { BodyDecoder } from './body.ts';
import { type HeadFault, parseRequestHead, RequestHead, type ResponseHead } from './head.ts';
import type { HttpManager } from './manager.ts';
import { reasonPhrase } from './status.ts';
import { HttpStream } from './stream.ts';
import { type ConnectionPeers, FLAG } from './stream-info.ts';
import { responseHeadText, writeMessage } from './wire.ts';

const PIPELINE_LIMIT = 65_536;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** What takes over the bytes of an upgraded connection; an empty range means that the client closed its side. */
export type TunnelSink = (bytes: Buffer, start: number, stop: number) => void;

/** A client's HTTP/1.1 connection: one request at a time, what is pipelined waits. */
export class ServerConnection implements TransportUser {
  readonly transport: Transport;
  readonly manager: HttpManager;
  readonly peers: ConnectionPeers;
  readonly source: SourceAddress | undefined;
  closeAfterResponse = false;
  tunnel: TunnelSink | undefined = undefined;
  #stream: HttpStream | undefined = undefined;
  readonly #body = new BodyDecoder();
  /** Bytes of a head that is not complete. */
  #partial: Buffer | undefined = undefined;
  #partialScanned = 0;
  /** Bytes that arrived after the request under way. */
  #waiting: Buffer | undefined = undefined;
  #processing = false;
  #closing = false;
  #paused = false;
  #requests = 0;
  readonly #idle = new Deadline(() => this.#idleTimeout());
  readonly #headTimeout = new Deadline(() => this.#headerTimeout());
  readonly #closeDelay = new Deadline(() => this.transport.destroy());
  readonly #onClosed: (connection: ServerConnection) => void;

  constructor(
    socket: net.Socket,
    manager: HttpManager,
    peers: ConnectionPeers,
    source: SourceAddress | undefined,
    onClosed: (connection: ServerConnection) => void,
  ) {
    this.transport = acceptedTransport(this, socket);
    this.manager = manager;
    this.peers = peers;
    this.source = source;
    this.#onClosed = onClosed;
    manager.stats.cxTotal++;
    manager.stats.cxActive++;
    this.#idle.start(manager.idleTimeout);
  }

  /** Ends the connection after the response under way, at once when there is none. */
  drain(): void {
    this.closeAfterResponse = true;
    if (!this.#stream && !this.#partial) this.#shut();
  }

  destroy(): void {
    this.transport.destroy();
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

  /** False: what was written waits in memory; `onDownstreamWritable` of the stream says when it is gone. */
  get writable(): boolean {
    return !this.transport.blocked;
  }

  headText(head: ResponseHead, framing: string): string {
    const minor = this.#stream?.head.minor ?? 1;
    if (head.status === 101) {
      return responseHeadText(101, minor, head.headers, 'connection: Upgrade\r\n');
    }
    const close = this.closeAfterResponse ? 'connection: close\r\n' : '';
    const keep = minor === 0 && close === '' ? 'connection: keep-alive\r\n' : '';
    return responseHeadText(head.status, minor, head.headers, close + keep + framing);
  }

  write(head: string, bytes: Buffer | undefined, start: number, stop: number, chunked: boolean, end: boolean): void {
    writeMessage(this.transport, head, bytes, start, stop, chunked, end);
  }

  /** A stream in the place of another for the same request. */
  restart(stream: HttpStream, head: RequestHead): HttpStream {
    const next = new HttpStream(this, this.manager, head);
    if (this.#stream === stream) this.#stream = next;
    return next;
  }

  onStreamEnd(stream: HttpStream): void {
    if (this.#stream !== stream) return;
    if (this.tunnel) {
      this.#shut();
      return;
    }
    if (!stream.requestDone || this.closeAfterResponse) {
      this.#shut();
      return;
    }
    this.#stream = undefined;
    this.resumeReading();
    this.#idle.start(this.manager.idleTimeout);
    if (this.#processing || !this.#waiting) return;
    const bytes = this.#waiting;
    this.#waiting = undefined;
    this.#process(bytes, bytes.length);
  }

  /** Sends what is written, closes our side and waits a moment for the client to close its own. */
  #shut(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#idle.stop();
    this.#headTimeout.stop();
    this.transport.end();
    this.resumeReading();
    this.#closeDelay.start(this.manager.delayedCloseTimeout || 1);
  }

  onBytes(read: Buffer, length: number): void {
    if (this.#closing) return;
    if (this.tunnel) {
      this.tunnel(read, 0, length);
      return;
    }
    if (this.#stream?.requestDone) {
      this.#wait(read, 0, length);
      return;
    }
    if (!this.#partial) {
      this.#process(read, length);
      return;
    }
    const bytes = read.subarray(0, length);
    const whole = Buffer.concat([this.#partial, bytes]);
    this.#partial = whole;
    // A head that comes byte by byte is not read again for each byte.
    if (bytes.includes(10) || whole.length >= 2 * this.#partialScanned) {
      this.#partial = undefined;
      this.#process(whole, whole.length);
    }
  }

  onWritable(): void {
    this.#stream?.onDownstreamWritable();
  }

  onError(): void {
    // The connection closes next.
  }

  #wait(bytes: Buffer, start: number, stop: number): void {
    const more = Buffer.from(bytes.subarray(start, stop));
    this.#waiting = this.#waiting ? Buffer.concat([this.#waiting, more]) : more;
    if (this.#waiting.length > PIPELINE_LIMIT) this.pauseReading();
  }

  #process(bytes: Buffer, limit: number): void {
    this.#processing = true;
    for (let at = 0; at < limit && !this.#closing; ) {
      const next = this.#stream
        ? this.#requestBytes(this.#stream, bytes, at, limit)
        : this.#requestHead(bytes, at, limit);
      if (next === undefined) break;
      at = next;
    }
    this.#processing = false;
  }

  #requestBytes(stream: HttpStream, bytes: Buffer, at: number, limit: number): number | undefined {
    if (this.tunnel) {
      this.tunnel(bytes, at, limit);
      return undefined;
    }
    if (stream.requestDone) {
      this.#wait(bytes, at, limit);
      return undefined;
    }
    const next = this.#body.decode(bytes, at, limit);
    if (next < 0) {
      stream.reply({
        status: 400,
        body: 'Bad Request',
        details: 'http1.codec_error',
        flags: FLAG.DOWNSTREAM_PROTOCOL,
        close: true,
      });
      this.destroySoon();
      return undefined;
    }
    const { start, end, done } = this.#body;
    if (done || end > start) stream.onRequestBody(bytes, start, end, done);
    return next;
  }

  /** After a protocol error nothing more is read. */
  destroySoon(): void {
    if (!this.#closing) this.#shut();
  }

  #requestHead(bytes: Buffer, from: number, limit: number): number | undefined {
    let at = from;
    while (at < limit && (bytes[at] === 13 || bytes[at] === 10)) at++;
    if (at === limit) return at;
    const head = new RequestHead();
    const outcome = parseRequestHead(bytes, at, limit, this.manager.limits, head);
    if (outcome === undefined) {
      this.#partial = Buffer.from(bytes.subarray(at, limit));
      this.#partialScanned = this.#partial.length;
      if (!this.#headTimeout.list) this.#headTimeout.start(this.manager.headersTimeout);
      return undefined;
    }
    this.#headTimeout.stop();
    this.#idle.stop();
    if (typeof outcome !== 'number') {
      this.#refuse(outcome);
      return undefined;
    }
    this.#begin(head);
    return outcome;
  }

  #begin(head: RequestHead): void {
    const { framing } = head;
    const { manager } = this;
    this.#requests++;
    const spent = manager.maxRequestsPerConnection > 0 && this.#requests >= manager.maxRequestsPerConnection;
    if (framing.close || spent || (head.minor === 0 && !framing.keepAlive)) this.closeAfterResponse = true;
    if (framing.chunked) this.#body.reset('chunked');
    else this.#body.reset('length', Math.max(0, framing.contentLength));
    const stream = new HttpStream(this, manager, head);
    this.#stream = stream;
    if (framing.upgrade !== undefined && this.#body.done) this.#body.reset('close');
    if (head.expectContinue && !this.#body.done) writeMessage(this.transport, CONTINUE, undefined, 0, 0, false, false);
    if (this.#body.done) stream.requestComplete();
    stream.begin();
    if (framing.upgrade !== undefined && stream.upgrade === undefined && this.#body.kind === 'close') {
      this.#body.reset('none');
    }
  }

  /** Answers a head that cannot be read. */
  #refuse(fault: HeadFault): void {
    this.manager.stats.protocolError++;
    this.closeAfterResponse = true;
    const stream = new HttpStream(this, this.manager, new RequestHead());
    this.#stream = stream;
    stream.reply({
      status: fault.status,
      body: reasonPhrase(fault.status),
      details: fault.details,
      flags: FLAG.DOWNSTREAM_PROTOCOL,
      close: true,
    });
  }

  onRemoteEnd(): void {
    if (this.tunnel) {
      this.tunnel(Buffer.alloc(0), 0, 0);
      return;
    }
    this.transport.destroy();
  }

  #idleTimeout(): void {
    this.manager.stats.cxIdleTimeout++;
    this.#shut();
  }

  #headerTimeout(): void {
    this.#refuse({ status: 408, details: 'request_header_timeout' });
  }

  onClosed(): void {
    this.#closing = true;
    this.#idle.stop();
    this.#headTimeout.stop();
    this.#closeDelay.stop();
    this.manager.stats.cxActive--;
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.onDownstreamGone();
    this.#onClosed(this);
  }
}
