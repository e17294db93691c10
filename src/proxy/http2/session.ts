import type { HeaderMap } from '../http/headers.ts';
import { written } from '../http/wire.ts';
import type { Transport, TransportUser } from '../transport/transport.ts';
import type { FieldBlock } from './block.ts';
import { FAULT, type Fault } from './fault.ts';
import { Flood } from './flood.ts';
import { ERROR, FLAG_BIT, FRAME, FRAME_HEAD, LARGEST_WINDOW, uint32 } from './frame.ts';
import { frameFault } from './frame-check.ts';
import { FrameReader, type FrameUser } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { Goaways } from './goaways.ts';
import { type BlockOutcome, HeaderBlocks } from './header-blocks.ts';
import { KeepAlivePing } from './keep-alive.ts';
import type { Http2Options } from './options.ts';
import { OutboundFrames } from './outbound.ts';
import type { SessionUser } from './session-user.ts';
import { readSettings } from './settings.ts';
import type { Http2Stats } from './stats.ts';
import { Http2Stream, type OutgoingBlock, type StreamUser } from './stream.ts';
import { StreamTable, type StreamTableUser } from './stream-table.ts';
import { ReceiveWindows, SendWindows } from './windows.ts';

/** One HTTP/2 connection of either side (RFC 9113): streams, windows, settings. */
export class Http2Session implements TransportUser, FrameUser, StreamTableUser {
  readonly transport: Transport;
  readonly options: Http2Options;
  readonly stats: Http2Stats;
  readonly streams: StreamTable;
  readonly halfClose = false;
  /** The other side's limit of streams that this one opens. */
  maxStreams = Number.POSITIVE_INFINITY;
  /** The other side takes extended CONNECT. */
  connectProtocol = false;
  closed = false;
  readonly #user: SessionUser;
  readonly #server: boolean;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #flood: Flood;
  readonly #ping: KeepAlivePing | undefined;
  readonly #blocks: HeaderBlocks;
  readonly #received: ReceiveWindows;
  readonly #sent: SendWindows;
  readonly #goaways = new Goaways();
  #settled = false;
  #ending = false;

  constructor(
    open: (user: Http2Session) => Transport,
    user: SessionUser,
    server: boolean,
    options: Http2Options,
    stats: Http2Stats,
  ) {
    this.#user = user;
    this.#server = server;
    this.options = options;
    this.stats = stats;
    this.#flood = new Flood(options, stats);
    this.#blocks = new HeaderBlocks(options, this.#flood, stats, (partial) => user.onPartialHead(partial));
    this.transport = open(this);
    this.#reader = new FrameReader(this, server, options.frameSize);
    const outbound = new OutboundFrames(this.transport, options, stats, (fault) => this.fail(fault));
    this.#writer = new FrameWriter(this.transport, outbound);
    this.#received = new ReceiveWindows(options, this.#writer);
    this.streams = new StreamTable(this, server, this.#writer, this.#received, stats);
    this.#sent = new SendWindows(this.#writer, (frames) => this.#flood.data(frames));
    const { keepAlive } = options;
    if (keepAlive)
      this.#ping = new KeepAlivePing(
        keepAlive,
        stats,
        (bytes) => this.#writer.control(FRAME.PING, 0, bytes, 0, 8),
        () => this.fail(FAULT.SILENCE),
      );
  }

  /** Sends what a connection begins with. */
  start(): void {
    this.#writer.begin(this.options, !this.#server);
    this.#ping?.start();
  }

  /** Opens a stream of this side; undefined where the ids are used up. */
  open(user: StreamUser): Http2Stream | undefined {
    this.#ping?.beforeStream();
    const id = this.streams.nextLocal();
    return id === undefined ? undefined : this.#add(id, user);
  }

  /** Opens the stream of the other side whose head has begun and not come whole; undefined: it is none that begins. */
  openPartial<User extends StreamUser>(accept: () => User): User | undefined {
    const id = this.#blocks.open;
    if (id <= this.streams.lastRemote || this.#goaways.leavesOut(id)) return undefined;
    this.streams.lastRemote = id;
    const user = accept();
    this.#add(id, user);
    return user;
  }

  #add(id: number, user: StreamUser): Http2Stream {
    const stream = new Http2Stream(this, id, user, this.#sent.initial, this.options.streamWindow);
    this.streams.add(stream);
    user.opened(stream);
    return stream;
  }

  /** Nothing that waits in memory has to be sent before more should be given. */
  get writable(): boolean {
    return !this.transport.blocked;
  }

  /** Nothing more is read. */
  get stopped(): boolean {
    return this.closed || this.#ending;
  }

  onBytes(bytes: Buffer, length: number): void {
    if (this.stopped) return;
    this.#ping?.onActivity();
    this.streams.beginRead();
    this.#reader.read(bytes, length);
    this.streams.endRead();
  }

  onTooLarge(): void {
    this.fail(this.#settled ? FAULT.SIZE : FAULT.NO_SETTINGS);
  }

  onFrame(bytes: Buffer, from: number, stop: number): void {
    const fault = this.#frame(bytes, from, stop);
    if (fault) this.fail(fault);
  }

  #frame(bytes: Buffer, from: number, stop: number): Fault | undefined {
    const type = bytes[from + 3] as number;
    const flags = bytes[from + 4] as number;
    const id = uint32(bytes, from + 5) & LARGEST_WINDOW;
    const at = from + FRAME_HEAD;
    const { open } = this.#blocks;
    if (open !== 0 && (type !== FRAME.CONTINUATION || id !== open)) return FAULT.NO_CONTINUATION;
    if (!this.#settled && (type !== FRAME.SETTINGS || (flags & FLAG_BIT.ACK) !== 0)) return FAULT.NO_SETTINGS;
    this.#settled = true;
    const fault = frameFault(type, stop - at, id);
    if (fault) return fault;
    switch (type) {
      case FRAME.DATA:
        return this.#data(bytes, at, stop, flags, id);
      case FRAME.HEADERS:
        return this.#headers(bytes, at, stop, flags, id);
      case FRAME.CONTINUATION:
        return this.#continuation(bytes, at, stop, flags);
      case FRAME.PRIORITY:
        return this.#priority(bytes, at, id);
      case FRAME.RST_STREAM:
        return this.#resetCame(bytes, at, id);
      case FRAME.SETTINGS:
        return this.#settings(bytes, at, stop, flags);
      case FRAME.PUSH_PROMISE:
        return FAULT.PUSH;
      case FRAME.PING:
        return this.#pingCame(bytes, at, stop, flags);
      case FRAME.GOAWAY:
        return this.#goawayCame(uint32(bytes, at) & LARGEST_WINDOW);
      case FRAME.WINDOW_UPDATE:
        return this.#windowUpdate(bytes, at, id);
      default:
        return undefined;
    }
  }

  #data(bytes: Buffer, from: number, stop: number, flags: number, id: number): Fault | undefined {
    const end = (flags & FLAG_BIT.END_STREAM) !== 0;
    const whole = stop - from;
    if (this.streams.isIdle(id)) return FAULT.STREAM_ID;
    const padded = (flags & FLAG_BIT.PADDED) !== 0;
    const padding = padded ? (bytes[from] as number) : 0;
    if (padded && padding >= whole) return FAULT.PADDING;
    if (this.#flood.empty(whole === 0 && !end)) return this.streams.blame(id, FAULT.EMPTY_FLOOD);
    if (!this.#received.take(whole)) return FAULT.WINDOW;
    const stream = this.streams.get(id);
    if (!stream || stream.remoteDone) {
      this.#received.giveBack(whole);
      if (stream) this.streams.refuse(stream, FAULT.CLOSED);
      else if (!this.streams.wasReset(id)) this.streams.sendReset(id, ERROR.STREAM_CLOSED);
      return undefined;
    }
    stream.receiveWindow -= whole;
    stream.unconsumed += whole;
    const start = padded ? from + 1 : from;
    const last = stop - padding;
    stream.received += last - start;
    if (stream.receiveWindow < 0) this.streams.refuse(stream, FAULT.WINDOW);
    else if (stream.hasWrongLength(end)) this.streams.refuse(stream, FAULT.LENGTH);
    else if (!stream.headCame) return FAULT.MESSAGING;
    else {
      stream.remoteDone = end;
      if (end || last > start) stream.user.onData(bytes, start, last, end);
      this.consume(stream);
      this.streams.settle(stream);
    }
    return undefined;
  }

  #headers(bytes: Buffer, from: number, stop: number, flags: number, id: number): Fault | undefined {
    if (this.#server ? id % 2 === 0 : this.streams.isIdle(id)) return FAULT.STREAM_ID;
    return this.#afterPiece(this.#blocks.begin(bytes, from, stop, flags, id), id);
  }

  #continuation(bytes: Buffer, at: number, stop: number, flags: number): Fault | undefined {
    const id = this.#blocks.open;
    return id === 0 ? FAULT.STREAM_ID : this.#afterPiece(this.#blocks.goOn(bytes, at, stop, flags), id);
  }

  /** What a piece of a header block made of it. */
  #afterPiece(outcome: BlockOutcome, id: number): Fault | undefined {
    if (typeof outcome === 'object') return outcome;
    return outcome === 'whole' ? this.#fields(id) : undefined;
  }

  #fields(id: number): Fault | undefined {
    const { block } = this.#blocks;
    const known = this.streams.get(id);
    if (known) return this.#head(known, block);
    if (!this.#server || id <= this.streams.lastRemote) return this.streams.wasReset(id) ? undefined : FAULT.CLOSED;
    this.streams.lastRemote = id;
    if (this.#goaways.leavesOut(id)) return undefined;
    if (this.streams.size < this.options.maxStreams) return this.#head(this.#add(id, this.#user.accept()), block);
    this.stats.refused++;
    this.stats.sent++;
    this.streams.sendReset(id, ERROR.REFUSED_STREAM);
    return undefined;
  }

  #head(stream: Http2Stream, block: FieldBlock): Fault | undefined {
    const end = this.#blocks.ends;
    if (stream.remoteDone) return FAULT.CLOSED;
    // Those of responses are nothing that Envoy counts.
    if (stream.headCame && this.#server) this.stats.trailers++;
    const large = block.tooLarge(this.options, this.stats);
    if (large) this.streams.refuse(stream, large);
    if (large) return undefined;
    stream.remoteDone = end;
    let fault: Fault | undefined;
    if (!stream.headCame) fault = stream.user.onHead(block, end);
    else fault = end && !stream.hasWrongLength(true) ? stream.user.onTrailers(block) : FAULT.MESSAGING;
    if (fault) return this.streams.malformed(stream, fault, this.options.streamErrors);
    this.streams.settle(stream);
    return undefined;
  }

  #priority(bytes: Buffer, at: number, id: number): Fault | undefined {
    if ((uint32(bytes, at) & LARGEST_WINDOW) === id) return FAULT.ON_ITSELF;
    return this.#flood.priority(this.streams.size) ? FAULT.PRIORITY_FLOOD : undefined;
  }

  #resetCame(bytes: Buffer, at: number, id: number): Fault | undefined {
    if (this.streams.isIdle(id)) return FAULT.STREAM_ID;
    const stream = this.streams.get(id);
    if (!stream) return undefined;
    this.stats.received++;
    this.streams.end(stream);
    stream.user.onReset(uint32(bytes, at), undefined);
    return undefined;
  }

  #goawayCame(last: number): Fault | undefined {
    if (!this.#goaways.hear(last)) return FAULT.GOAWAY;
    this.#user.onGoaway();
    if (!this.#server) this.streams.forsake(last);
    return undefined;
  }

  #settings(bytes: Buffer, at: number, stop: number, flags: number): Fault | undefined {
    if ((flags & FLAG_BIT.ACK) !== 0) return stop > at ? FAULT.SIZE : undefined;
    const settings = readSettings(bytes, at, stop, !this.#server);
    if (typeof settings === 'number') return { code: settings, details: 'http2.settings' };
    const { tableSize, maxStreams, initialWindow, frameSize, connectProtocol } = settings;
    if (tableSize !== undefined) this.#writer.limitTable(tableSize, this.options.tableSize);
    if (frameSize !== undefined) this.#writer.frameSize = frameSize;
    this.maxStreams = maxStreams ?? this.maxStreams;
    this.connectProtocol = connectProtocol ?? this.connectProtocol;
    if (initialWindow !== undefined && !this.#sent.resize(initialWindow, this.streams.all())) return FAULT.WINDOW;
    this.#writer.control(FRAME.SETTINGS, FLAG_BIT.ACK, bytes, 0, 0);
    if (this.stopped) return undefined;
    this.#user.onSettings();
    this.streams.flushAll(this.#sent);
    return undefined;
  }

  #pingCame(bytes: Buffer, at: number, stop: number, flags: number): Fault | undefined {
    if ((flags & FLAG_BIT.ACK) === 0) this.#writer.control(FRAME.PING, FLAG_BIT.ACK, bytes, at, stop);
    else this.#ping?.onAnswer();
    return undefined;
  }

  #windowUpdate(bytes: Buffer, at: number, id: number): Fault | undefined {
    const more = uint32(bytes, at) & LARGEST_WINDOW;
    if (id !== 0 && this.streams.isIdle(id)) return FAULT.STREAM_ID;
    if (this.#flood.windowUpdate(this.streams.size)) return FAULT.WINDOW_FLOOD;
    if (id === 0) {
      const fault = this.#sent.grow(more);
      if (!fault) this.streams.flushAll(this.#sent);
      return fault;
    }
    const stream = this.streams.get(id);
    if (!stream) return undefined;
    const fault = stream.grow(more);
    if (fault) this.streams.refuse(stream, fault);
    else this.streams.flush(stream, this.#sent);
    return undefined;
  }

  /** Gives the other side room for what was used up of its stream; a paused stream's waits. */
  consume(stream: Http2Stream): void {
    this.#received.consume(stream);
  }

  /** Sends a head with what follows it, as far as the windows go; the rest waits. `bytes` may be reused at once. */
  send(
    stream: Http2Stream,
    head: OutgoingBlock | undefined,
    bytes: Buffer | undefined,
    start: number,
    stop: number,
    end: boolean,
    trailers: HeaderMap | undefined,
  ): void {
    written.bytes = 0;
    written.fields = 0;
    if (stream.closed || this.closed) return;
    this.#sent.message(stream, head, bytes, start, stop, end, trailers);
    this.streams.settle(stream);
  }

  onEmpty(): void {
    this.#finishDrained();
    if (!this.stopped) this.#user.onIdle();
  }

  /** Tells the other side that streams after `last` will not be worked on; the session ends with the last one before. */
  goaway(last: number, code: number): void {
    if (this.stopped || !this.#goaways.tell(last)) return;
    // A first word that leaves all of them is no end yet.
    if (last < LARGEST_WINDOW) this.stats.goawaySent++;
    this.#writer.numbers(FRAME.GOAWAY, 0, last, code);
    if (this.streams.size === 0) this.#finishDrained();
  }

  #finishDrained(): void {
    if (this.stopped || !this.#goaways.isFinal(this.streams.lastRemote)) return;
    this.#ending = true;
    this.#user.onFinished();
  }

  /** Ends for what the other side did: with GOAWAY, or without a word. */
  fail(fault: Fault): void {
    if (this.stopped) return;
    const { code } = fault;
    this.#user.onFault(fault);
    this.#ending = true;
    if (code === undefined) {
      this.transport.destroy();
      return;
    }
    this.#writer.numbers(FRAME.GOAWAY, 0, this.streams.lastRemote, code);
    this.#user.onFinished();
  }

  onWritable(): void {
    for (const stream of this.streams.all()) if (!stream.waits) stream.user.onWritable();
  }

  onRemoteEnd(): void {
    this.#user.onRemoteEnd();
  }

  onError(error: unknown): void {
    this.#user.onError(error);
  }

  onClosed(): void {
    if (this.closed) return;
    this.closed = true;
    this.#ping?.stop();
    this.streams.abandon();
    this.#user.onClosed();
  }
}
