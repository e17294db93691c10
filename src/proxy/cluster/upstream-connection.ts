import net from 'node:net';
import { openTransparentSocket } from '../../sys/index.ts';
import type { Address } from '../config/address.ts';
import { BodyDecoder } from '../http/body.ts';
import { type HeadLimits, parseResponseHead, ResponseHead } from '../http/head.ts';
import { Deadline } from '../time/deadline.ts';
import { Transport, type TransportUser } from '../transport/transport.ts';
import { errnoText, type ResetReason } from './reset.ts';

/** Whose address an upstream connection is made from. */
export interface SourceAddress {
  /** `0.0.0.0` or `::`: the kernel chooses. */
  readonly address: string;
  readonly mark: number;
}

/** A client that is its own backend cannot be connected to from its own address: then the node's own is taken. */
export function bindAddress(source: SourceAddress | undefined, host: string): SourceAddress | undefined {
  if (source?.address !== host) return source;
  return { address: host.includes(':') ? '::' : '0.0.0.0', mark: source.mark };
}

/** What uses a connection for one request. Called inside the read of the bytes: `bytes` is reused afterwards. */
export interface ResponseHandler {
  /** Method decides whether the response has a body. */
  readonly headRequest: boolean;
  /** `done`: no body follows. Afterwards the connection may be in other hands. */
  onHead(head: ResponseHead, done: boolean): void;
  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void;
  /** All of what was read has been handed over. */
  onReadEnd(): void;
  onReset(reason: ResetReason, detail: string): void;
  onWritable(): void;
  /** Bytes of an upgraded connection; an empty range means that the upstream closed its side. */
  onTunnel(bytes: Buffer, start: number, stop: number): void;
}

/** What owns a connection between requests. */
export interface ConnectionOwner {
  onConnected(connection: UpstreamConnection): void;
  onConnectFailed(connection: UpstreamConnection, reason: ResetReason, detail: string): void;
  /** The response is complete; `reusable` tells whether another request may follow. */
  onReleased(connection: UpstreamConnection, reusable: boolean): void;
  onClosed(connection: UpstreamConnection): void;
}

const NOTHING = Buffer.alloc(0);
const LIMITS: HeadLimits = { maxBytes: 81_920, maxHeaders: 100 };

/** An HTTP/1.1 connection to a host, one request at a time. */
export class UpstreamConnection implements TransportUser {
  readonly owner: ConnectionOwner;
  readonly transport: Transport;
  requests = 0;
  connected = false;
  closed = false;
  handler: ResponseHandler | undefined = undefined;
  /** Set by the handler when the whole request was written. */
  requestSent = false;
  tunnel = false;
  readonly #body = new BodyDecoder();
  #awaitingHead = false;
  #partial: Buffer | undefined = undefined;
  #keep = false;
  #failure = '';
  readonly #connectTimeout: Deadline;

  constructor(owner: ConnectionOwner, address: Address, source: SourceAddress | undefined, connectTimeout: number) {
    this.owner = owner;
    this.#connectTimeout = new Deadline(() => this.#connectFailed('connection timeout', ''));
    this.transport = new Transport(this, (onread) => openSocket(address, source, onread));
    this.transport.socket.on('connect', () => this.#connect());
    this.#connectTimeout.start(connectTimeout);
  }

  /** Gives the connection to a request. The handler writes to `transport`. */
  begin(handler: ResponseHandler): void {
    this.handler = handler;
    this.requests++;
    this.requestSent = false;
    this.#awaitingHead = true;
    this.#keep = false;
  }

  destroy(): void {
    this.handler = undefined;
    this.transport.destroy();
    this.onClosed();
  }

  get local(): { readonly address: string; readonly port: number } {
    const { localAddress, localPort } = this.transport.socket;
    return { address: localAddress ?? '', port: localPort ?? 0 };
  }

  #connect(): void {
    if (this.closed) return;
    this.#connectTimeout.stop();
    this.connected = true;
    this.transport.connected();
    this.owner.onConnected(this);
  }

  onWritable(): void {
    this.handler?.onWritable();
  }

  onError(error: unknown): void {
    this.#failure = errnoText(error);
    if (!this.connected) this.#connectFailed('remote connection failure', `delayed connect error: ${this.#failure}`);
  }

  #connectFailed(reason: ResetReason, detail: string): void {
    if (this.closed || this.connected) return;
    this.#shut();
    this.owner.onConnectFailed(this, reason, detail);
    this.owner.onClosed(this);
  }

  #shut(): void {
    this.closed = true;
    this.#connectTimeout.stop();
    this.transport.destroy();
  }

  onClosed(): void {
    if (this.closed) return;
    this.#shut();
    const { handler } = this;
    this.handler = undefined;
    this.owner.onClosed(this);
    handler?.onReset('connection termination', this.#failure);
  }

  onRemoteEnd(): void {
    const { handler } = this;
    if (this.tunnel) {
      handler?.onTunnel(NOTHING, 0, 0);
      return;
    }
    if (handler && !this.#awaitingHead && this.#body.kind === 'close') {
      this.handler = undefined;
      this.#shut();
      this.owner.onClosed(this);
      handler.onBody(NOTHING, 0, 0, true);
      handler.onReadEnd();
      return;
    }
    this.onClosed();
  }

  onBytes(read: Buffer, length: number): void {
    const { handler } = this;
    if (!handler || this.closed) {
      this.destroy();
      return;
    }
    if (this.tunnel) {
      handler.onTunnel(read, 0, length);
      return;
    }
    let bytes = read;
    let limit = length;
    if (this.#partial) {
      bytes = Buffer.concat([this.#partial, read.subarray(0, length)]);
      limit = bytes.length;
      this.#partial = undefined;
    }
    const at = this.#awaitingHead ? this.#head(bytes, limit, handler) : 0;
    if (at === undefined || this.handler !== handler) return;
    if (!this.tunnel) this.#bodyBytes(bytes, at, limit, handler);
    else if (at < limit) handler.onTunnel(bytes, at, limit);
  }

  /** Position after the final head, undefined when there is none yet or the response was refused or ended with it. */
  #head(bytes: Buffer, limit: number, handler: ResponseHandler): number | undefined {
    for (let at = 0; ; ) {
      const head = new ResponseHead();
      const outcome = parseResponseHead(bytes, at, limit, LIMITS, head);
      if (outcome === undefined) {
        this.#partial = Buffer.from(bytes.subarray(at, limit));
        return undefined;
      }
      if (typeof outcome !== 'number') return this.#protocolError(handler, outcome.details);
      const { status, framing } = head;
      const bodyless = status < 200 || status === 204;
      if (bodyless && (framing.chunked || framing.contentLength > 0)) {
        return this.#protocolError(handler, 'http1.unexpected_body_length');
      }
      at = outcome;
      if (status < 200 && status !== 101) continue;
      this.#awaitingHead = false;
      return this.#accept(head, bodyless || status === 304 || handler.headRequest, at, limit, handler);
    }
  }

  #accept(
    head: ResponseHead,
    bodyless: boolean,
    at: number,
    limit: number,
    handler: ResponseHandler,
  ): number | undefined {
    const { framing } = head;
    this.#keep = head.minor === 1 ? !framing.close : framing.keepAlive;
    if (head.status === 101) {
      this.tunnel = true;
      this.#body.reset('none');
      handler.onHead(head, false);
      return this.handler === handler ? at : undefined;
    }
    if (bodyless) this.#body.reset('none');
    else if (framing.chunked) this.#body.reset('chunked');
    else if (framing.contentLength >= 0) this.#body.reset('length', framing.contentLength);
    else this.#body.reset('close');
    if (head.status === 204) head.headers.remove('content-length');
    const { done } = this.#body;
    if (done) this.#release(at < limit);
    handler.onHead(head, done);
    if (done) handler.onReadEnd();
    return done ? undefined : at;
  }

  #bodyBytes(bytes: Buffer, from: number, limit: number, handler: ResponseHandler): void {
    const at = this.#body.decode(bytes, from, limit);
    if (at < 0) {
      this.#protocolError(handler, 'http1.codec_error');
      return;
    }
    const { start, end, done } = this.#body;
    if (done) this.#release(at < limit);
    if (done || end > start) handler.onBody(bytes, start, end, done);
    handler.onReadEnd();
  }

  #release(trailingBytes: boolean): void {
    const reusable = this.#keep && this.requestSent && !trailingBytes;
    this.handler = undefined;
    this.owner.onReleased(this, reusable);
  }

  #protocolError(handler: ResponseHandler, detail: string): undefined {
    this.destroy();
    handler.onReset('protocol error', detail);
    return undefined;
  }
}

function openSocket(address: Address, source: SourceAddress | undefined, onread: net.OnReadOpts): net.Socket {
  const socket =
    source && address.kind === 'socket'
      ? new net.Socket({
          fd: openTransparentSocket({ type: 'stream', address: source.address, port: 0, mark: source.mark }),
          manualStart: true,
          allowHalfOpen: true,
          onread,
        } as net.SocketConstructorOpts)
      : new net.Socket({ allowHalfOpen: true, onread } as net.SocketConstructorOpts);
  socket.setNoDelay(true);
  if (address.kind === 'pipe') socket.connect({ path: address.path });
  else socket.connect({ host: address.host, port: address.port });
  return socket;
}
