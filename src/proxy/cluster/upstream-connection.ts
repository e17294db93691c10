import { SystemCallError } from '../../sys/index.ts';
import type { Address } from '../config/address.ts';
import { BodyDecoder } from '../http/body.ts';
import type { ClientCodec } from '../http/codec-config.ts';
import { parseResponseHead, type RequestHead, ResponseHead } from '../http/head.ts';
import { HeadBuffer } from '../http/head-buffer.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { Peer } from '../http/stream-info.ts';
import { outgoingRequest, TAIL, writeMessage } from '../http/wire.ts';
import type { Greeting } from '../proxy-protocol/upstream.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { TlsInfo } from '../tls/info.ts';
import { encryptTransport } from '../tls/over.ts';
import type { Encryption } from '../tls/upstream.ts';
import { nextConnectionId } from '../transport/connection-id.ts';
import { Transport, type TransportUser } from '../transport/transport.ts';
import { ConnectRace, type RaceUser } from './connect-race.ts';
import type { ConnectionOwner, ConnectionSettings } from './connection-owner.ts';
import { BODYLESS, INTERIM, switches, targetOf, type UpstreamExchange } from './exchange.ts';
import { sortAddresses } from './happy-eyeballs.ts';
import { peerOf } from './host.ts';
import { connectFailure, type ResetReason } from './reset.ts';
import type { ResponseHandler } from './response-handler.ts';
import { openUpstreamSocket, refusalText, type SourceAddress } from './upstream-socket.ts';

const NOTHING = Buffer.alloc(0);

/** An HTTP/1.1 connection to a host, one request at a time. */
export class UpstreamConnection implements RaceUser, UpstreamExchange {
  readonly protocol = 'HTTP/1.1';
  owner: ConnectionOwner;
  transport: Transport;
  requests = 0;
  connected = false;
  closed = false;
  /** Bytes that came over it. */
  received = 0;
  handler: ResponseHandler | undefined = undefined;
  /** The whole request was written. */
  requestSent = false;
  tunnel = false;
  /** Which of several addresses of the host it is to; undefined where there is one. */
  remote: Peer | undefined = undefined;
  /** The other side ended the connection. */
  endedByHost = false;
  /** A request was under way when it ended. */
  endedActive = false;
  /** No other request is to follow. */
  draining = false;
  /** When it was last given back, by the clock of the turn. */
  idleSince = 0;
  /** Until it may serve no more requests; undefined: for ever. */
  lifetime: Deadline | undefined = undefined;
  readonly id = nextConnectionId();
  readonly openedAt = now();
  /** 0 until it is there. */
  connectedAt = 0;
  readonly #encryption: Encryption | undefined;
  readonly #codec: ClientCodec;
  readonly #bufferLimit: number;
  readonly #greeting: Greeting | undefined;
  readonly #body = new BodyDecoder();
  #awaitingHead = false;
  #chunked = false;
  /** Of several responses of 1xx only the first is told. */
  #interimTold = false;
  /** What has come of a head that is not complete. */
  #partial: HeadBuffer | undefined = undefined;
  #keep = false;
  /** What was written goes out, then it closes. */
  #ending = false;
  /** For connecting, then for ending. */
  readonly #timeout: Deadline;
  #local: Peer | undefined = undefined;
  /** Only set while several addresses are tried. */
  #race: ConnectRace | undefined = undefined;

  /** Throws where not even the attempt to connect can be made. */
  constructor(
    owner: ConnectionOwner,
    addresses: readonly Address[],
    source: SourceAddress | undefined,
    encryption: Encryption | undefined,
    { binding, connectTimeout, codec, eyeballs, bufferLimit, greeting }: ConnectionSettings,
  ) {
    this.#greeting = greeting;
    this.owner = owner;
    this.#encryption = encryption;
    this.#codec = codec;
    this.#bufferLimit = bufferLimit;
    this.#timeout = new Deadline(() => this.#tooLate());
    const open = (user: TransportUser, address: Address): Transport =>
      new Transport(user, owner.bytes, (onread) => openUpstreamSocket(address, source, binding, onread));
    const [address] = addresses;
    if (address && addresses.length === 1) {
      this.transport = open(this, address);
      this.transport.socket.on('connect', () => this.#connect());
    } else {
      this.#race = new ConnectRace(sortAddresses(addresses, eyeballs), open, this);
      this.transport = this.#race.start();
    }
    this.#timeout.start(connectTimeout);
  }

  /** Gives the connection to a request. */
  begin(handler: ResponseHandler): void {
    this.handler = handler;
    this.requests++;
    this.requestSent = false;
    this.#chunked = false;
    this.tunnel = handler.switching === 'raw';
    this.#awaitingHead = true;
    this.#interimTold = false;
    this.#keep = false;
  }

  get writable(): boolean {
    return !this.transport.blocked;
  }

  sendRequest(head: RequestHead, body: Buffer | undefined, done: boolean, trailers: HeaderMap | undefined): void {
    const framed = head.headers.has('content-length');
    const waits = !done && (this.handler?.switching ?? 'none') !== 'none';
    const chunked = !framed && !waits && (!done || body !== undefined || head.framing.chunked);
    const empty = done && !framed && !chunked && !BODYLESS.has(head.method);
    const tail = chunked ? TAIL.CHUNKED : empty ? TAIL.NO_BODY : 0;
    const { absoluteTargets, headerCase, withTrailers } = this.#codec;
    const outgoing = outgoingRequest(head, targetOf(head, absoluteTargets), tail, headerCase.write);
    const kept = withTrailers ? trailers : undefined;
    this.#chunked = chunked;
    this.requestSent = done;
    writeMessage(this.transport, outgoing, body, 0, body?.length ?? 0, chunked, done, kept);
  }

  sendBody(bytes: Buffer, start: number, stop: number, done: boolean, trailers: HeaderMap | undefined): void {
    const kept = this.#codec.withTrailers ? trailers : undefined;
    writeMessage(this.transport, undefined, bytes, start, stop, this.#chunked, done, kept);
    if (done) this.requestSent = true;
  }

  endRaw(): void {
    this.requestSent = true;
    this.transport.end();
  }

  release(): void {
    this.handler = undefined;
  }

  pause(): void {
    this.transport.pause();
  }

  resume(): void {
    this.transport.resume();
  }

  /** Sends what is written, then closes, in so many milliseconds at most. The request under way ends with it and hears nothing more. */
  endAndClose(limit: number): void {
    this.endedActive ||= this.handler !== undefined;
    this.handler = undefined;
    this.#ending = true;
    this.transport.endAndClose();
    this.#timeout.start(limit);
  }

  #tooLate(): void {
    if (this.connected) this.destroy();
    else this.#connectFailed('connection timeout', '');
  }

  destroy(): void {
    this.endedActive ||= this.handler !== undefined;
    this.handler = undefined;
    this.transport.destroy();
    this.onClosed();
  }

  /** The proxy's own end, once connected. */
  get local(): Peer {
    if (this.#local) return this.#local;
    const { localAddress, localPort } = this.transport.socket;
    const local = { address: localAddress ?? '', port: localPort ?? 0 };
    if (localAddress !== undefined) this.#local = local;
    return local;
  }

  get tls(): TlsInfo | undefined {
    return this.transport.tls;
  }

  onAnother(): void {
    this.owner.onAnotherAddress();
  }

  onRefused(error: unknown): void {
    this.owner.onAddressRefused(error);
  }

  onWon(transport: Transport, address: Address): void {
    this.#race = undefined;
    this.transport = transport;
    this.remote = peerOf(address);
    this.#connect();
  }

  onLost(error: unknown): void {
    this.#race = undefined;
    if (error instanceof SystemCallError) this.#connectFailed('local connection failure', refusalText(error));
    else this.onError(error);
  }

  #connect(): void {
    if (this.closed) return;
    encryptTransport(this.transport, this.#encryption, this.#greeting, {
      done: () => this.#established(),
      failed: (why) => this.#connectFailed('remote connection failure', why),
    });
  }

  #established(): void {
    if (this.closed) return;
    this.#timeout.stop();
    this.connected = true;
    this.connectedAt = now();
    this.transport.limitBuffer(this.#bufferLimit);
    this.transport.connected();
    this.owner.onConnected(this);
  }

  onWritable(): void {
    this.handler?.onWritable();
  }

  onError(error: unknown): void {
    this.endedByHost = true;
    if (this.connected) return;
    this.#connectFailed('remote connection failure', connectFailure(error));
  }

  #connectFailed(reason: ResetReason, detail: string): void {
    if (this.closed || this.connected) return;
    this.#shut();
    this.owner.onConnectFailed(this, reason, detail);
    this.owner.onClosed(this);
  }

  #shut(): void {
    this.closed = true;
    this.#timeout.stop();
    this.lifetime?.stop();
    this.#race?.stop();
    this.transport.destroy();
  }

  onClosed(): void {
    if (this.closed) return;
    this.#shut();
    const { handler } = this;
    this.endedActive ||= handler !== undefined;
    this.handler = undefined;
    this.owner.onClosed(this);
    if (handler) this.#cutOff(handler);
  }

  onRemoteEnd(): void {
    if (this.#ending) return;
    this.endedByHost ||= !this.closed && this.handler?.closesHere !== true;
    if (!this.connected) this.#connectFailed('remote connection failure', '');
    else if (this.tunnel) this.handler?.onTunnel(NOTHING, 0, 0);
    else this.onClosed();
  }

  /** The connection is gone while a response was awaited: that may be its end, or comes too early for the message that had begun. */
  #cutOff(handler: ResponseHandler): void {
    if (this.tunnel) {
      handler.onReset('connection termination');
      return;
    }
    if (this.#awaitingHead) {
      if (this.#partial) this.owner.onProtocolError();
      handler.onReset(this.#partial ? 'protocol error' : 'connection termination');
      return;
    }
    if (this.#body.kind !== 'close') {
      this.owner.onProtocolError();
      handler.onReset('protocol error');
      return;
    }
    handler.onBody(NOTHING, 0, 0, true);
    handler.onReadEnd();
  }

  onBytes(read: Buffer, length: number): void {
    this.received += length;
    const { handler } = this;
    if (!handler || this.closed) {
      if (!this.#ending) this.destroy();
      return;
    }
    if (this.tunnel) {
      handler.onTunnel(read, 0, length);
      return;
    }
    let bytes = read;
    let limit = length;
    if (this.#partial) {
      if (!this.#partial.append(read, 0, length, this.#codec.head.maxBytes)) return;
      bytes = this.#partial.bytes;
      limit = bytes.length;
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
      const outcome = at === limit ? undefined : parseResponseHead(bytes, at, limit, this.#codec.head, head);
      if (outcome === undefined) {
        this.#keepPartial(bytes, at, limit);
        return undefined;
      }
      if (typeof outcome !== 'number') return this.#protocolError(handler);
      at = outcome;
      if (head.status < 200 && head.status !== 101) {
        if (INTERIM.has(head.status) && !this.#interimTold) {
          this.#interimTold = true;
          handler.onInterim(head);
        }
        if (this.handler !== handler) return undefined;
        this.#partial = at === limit ? undefined : this.#partial;
        continue;
      }
      this.#partial = undefined;
      this.#awaitingHead = false;
      return this.#accept(head, at, limit, handler);
    }
  }

  #keepPartial(bytes: Buffer, at: number, limit: number): void {
    if (this.#partial && at === 0) return;
    this.#partial = undefined;
    if (at === limit) return;
    this.#partial = new HeadBuffer();
    this.#partial.append(bytes, at, limit, this.#codec.head.maxBytes);
  }

  #accept(head: ResponseHead, at: number, limit: number, handler: ResponseHandler): number | undefined {
    const { status, framing } = head;
    this.#keep = head.minor === 1 ? !framing.close : framing.keepAlive;
    if (handler.switching !== 'none' && switches(handler.switching, status)) {
      this.tunnel = true;
      this.#body.reset('none');
      if (status === 101 && framing.connection !== undefined)
        head.headers.insert(framing.connectionAt, 'connection', framing.connection);
      handler.onHead(head, false);
      return this.handler === handler ? at : undefined;
    }
    if (status < 200 || status === 204 || status === 304 || handler.headRequest) this.#body.reset('none');
    else if (framing.chunked) this.#body.reset('chunked', 0, this.#codec.trailers);
    else if (framing.contentLength >= 0) this.#body.reset('length', framing.contentLength);
    else this.#body.reset('close');
    const { done } = this.#body;
    if (done) this.#release(at < limit);
    handler.onHead(head, done);
    if (done) handler.onReadEnd();
    return done ? undefined : at;
  }

  #bodyBytes(bytes: Buffer, from: number, limit: number, handler: ResponseHandler): void {
    const at = this.#body.decode(bytes, from, limit);
    const { start, end, done, fault, trailers } = this.#body;
    if (trailers) handler.onTrailers(trailers);
    if (done) this.#release(at < limit);
    if (done || end > start) handler.onBody(bytes, start, end, done);
    if (fault && this.handler === handler) this.#protocolError(handler);
    else handler.onReadEnd();
  }

  #release(trailingBytes: boolean): void {
    const reusable = this.#keep && this.requestSent && !trailingBytes;
    this.endedActive ||= !this.requestSent;
    if (trailingBytes) this.owner.onProtocolError();
    this.handler = undefined;
    this.owner.onReleased(this, reusable);
  }

  #protocolError(handler: ResponseHandler): undefined {
    this.destroy();
    this.owner.onProtocolError();
    handler.onReset('protocol error');
    return undefined;
  }
}
