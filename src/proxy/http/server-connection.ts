import type net from 'node:net';
import type { SourceAddress } from '../cluster/upstream-connection.ts';
import { Deadline } from '../time/deadline.ts';
import { BodyDecoder } from './body.ts';
import { type HeadFault, parseRequestHead, RequestHead, type ResponseHead } from './head.ts';
import type { HttpManager } from './manager.ts';
import { reasonPhrase } from './status.ts';
import { HttpStream } from './stream.ts';
import { type ConnectionPeers, FLAG } from './stream-info.ts';
import { responseHeadText, writeMessage } from './wire.ts';

const PIPELINE_LIMIT = 65_536;
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

/** What takes over the bytes of an upgraded connection; an empty range means that the client closed its side. */
export type TunnelSink = (bytes: Buffer, start: number, stop: number) => void;

/** A client's HTTP/1.1 connection: one request at a time, what is pipelined waits. */
export class ServerConnection {
  readonly socket: net.Socket;
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
  readonly #closeDelay = new Deadline(() => this.socket.destroy());
  readonly #onClosed: (connection: ServerConnection) => void;

  constructor(
    socket: net.Socket,
    manager: HttpManager,
    peers: ConnectionPeers,
    source: SourceAddress | undefined,
    onClosed: (connection: ServerConnection) => void,
  ) {
    this.socket = socket;
    this.manager = manager;
    this.peers = peers;
    this.source = source;
    this.#onClosed = onClosed;
    manager.stats.cxTotal++;
    manager.stats.cxActive++;
    this.#idle.start(manager.idleTimeout);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('end', () => this.#remoteEnd());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
    socket.on('drain', () => this.#stream?.onDownstreamWritable());
  }

  /** Ends the connection after the response under way, at once when there is none. */
  drain(): void {
    this.closeAfterResponse = true;
    if (!this.#stream && !this.#partial) this.#shut();
  }

  destroy(): void {
    this.socket.destroy();
  }

  pauseReading(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  resumeReading(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.socket.resume();
  }

  /** False: what was written waits in memory; `onDownstreamWritable` of the stream says when it is gone. */
  get writable(): boolean {
    return !this.socket.writableNeedDrain;
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
    writeMessage(this.socket, head, bytes, start, stop, chunked, end);
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
    this.#process(bytes);
  }

  /** Sends what is written, closes our side and waits a moment for the client to close its own. */
  #shut(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#idle.stop();
    this.#headTimeout.stop();
    this.socket.end();
    this.resumeReading();
    this.#closeDelay.start(this.manager.delayedCloseTimeout || 1);
  }

  #receive(bytes: Buffer): void {
    if (this.#closing) return;
    if (this.tunnel) {
      this.tunnel(bytes, 0, bytes.length);
      return;
    }
    if (this.#stream?.requestDone) {
      this.#wait(bytes);
      return;
    }
    if (!this.#partial) {
      this.#process(bytes);
      return;
    }
    const whole = Buffer.concat([this.#partial, bytes]);
    this.#partial = whole;
    // A head that comes byte by byte is not read again for each byte.
    if (bytes.includes(10) || whole.length >= 2 * this.#partialScanned) {
      this.#partial = undefined;
      this.#process(whole);
    }
  }

  #wait(bytes: Buffer): void {
    this.#waiting = this.#waiting ? Buffer.concat([this.#waiting, bytes]) : bytes;
    if (this.#waiting.length > PIPELINE_LIMIT) this.pauseReading();
  }

  #process(bytes: Buffer): void {
    this.#processing = true;
    for (let at = 0; at < bytes.length && !this.#closing; ) {
      const next = this.#stream ? this.#requestBytes(this.#stream, bytes, at) : this.#requestHead(bytes, at);
      if (next === undefined) break;
      at = next;
    }
    this.#processing = false;
  }

  #requestBytes(stream: HttpStream, bytes: Buffer, at: number): number | undefined {
    if (this.tunnel) {
      this.tunnel(bytes, at, bytes.length);
      return undefined;
    }
    if (stream.requestDone) {
      this.#wait(bytes.subarray(at));
      return undefined;
    }
    const next = this.#body.decode(bytes, at, bytes.length);
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

  #requestHead(bytes: Buffer, from: number): number | undefined {
    let at = from;
    while (at < bytes.length && (bytes[at] === 13 || bytes[at] === 10)) at++;
    if (at === bytes.length) return at;
    const head = new RequestHead();
    const outcome = parseRequestHead(bytes, at, bytes.length, this.manager.limits, head);
    if (outcome === undefined) {
      this.#partial = bytes.subarray(at);
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
    if (head.expectContinue && !this.#body.done) this.socket.write(CONTINUE);
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

  #remoteEnd(): void {
    if (this.tunnel) {
      this.tunnel(Buffer.alloc(0), 0, 0);
      return;
    }
    this.socket.destroy();
  }

  #idleTimeout(): void {
    this.manager.stats.cxIdleTimeout++;
    this.#shut();
  }

  #headerTimeout(): void {
    this.#refuse({ status: 408, details: 'request_header_timeout' });
  }

  #closed(): void {
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
