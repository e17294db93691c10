import type { HeaderMap } from '../http/headers.ts';
import { written } from '../http/wire.ts';
import type { Transport, TransportUser } from '../transport/transport.ts';
import { FieldBlock } from './block.ts';
import { FAULT, type Fault } from './fault.ts';
import { Flood } from './flood.ts';
import { ERROR, FLAG_BIT, FRAME, FRAME_HEAD, FRAME_SIZE, INITIAL_WINDOW, LARGEST_WINDOW, uint32 } from './frame.ts';
import { FrameReader, type FrameUser } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { KeepAlivePing } from './keep-alive.ts';
import type { Http2Options } from './options.ts';
import { readSettings } from './settings.ts';
import type { Http2Stats } from './stats.ts';
import { Http2Stream, type OutgoingBlock, type StreamUser } from './stream.ts';

/** What uses a session: the side that takes requests, or the one that sends them. */
export interface SessionUser {
  /** A stream that the other side opens. */
  accept(): StreamUser;
  /** A header block begins that does not come whole, or has come. */
  onPartialHead(partial: boolean): void;
  /** No stream after `last` was worked on, and none may be opened. */
  onGoaway(last: number, code: number): void;
  onSettings(): void;
  /** No stream is left. */
  onIdle(): void;
  /** The other side broke the protocol; the session ends next. */
  onFault(details: string): void;
  onError(error: unknown): void;
  onRemoteEnd(): void;
  onClosed(): void;
}

/** Ids of streams that this side has reset: what was under way to them is passed over. */
const REMEMBERED = 128;
/** Frames of one header block. */
const MOST_FRAGMENTS = 128;

/** One HTTP/2 connection of either side (RFC 9113): streams, windows, settings. */
export class Http2Session implements TransportUser, FrameUser {
  readonly transport: Transport;
  readonly options: Http2Options;
  readonly stats: Http2Stats;
  readonly streams = new Map<number, Http2Stream>();
  readonly halfClose = false;
  /** The other side's limit of streams that this one opens. */
  maxStreams = Number.POSITIVE_INFINITY;
  /** The other side takes extended CONNECT. */
  connectProtocol = false;
  /** The last stream that the other side opened. */
  lastRemote = 0;
  closed = false;
  readonly #user: SessionUser;
  readonly #server: boolean;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #decoder: HpackDecoder;
  readonly #flood: Flood;
  readonly #ping: KeepAlivePing | undefined;
  readonly #block = new FieldBlock();
  /** The header block that goes on in the next frame: whose, and whether its stream ends with it. */
  #continued = 0;
  #blockEnds = false;
  #fragments: Buffer[] = [];
  #fragmentBytes = 0;
  #settled = false;
  #sendWindow = INITIAL_WINDOW;
  #receiveWindow: number;
  #consumed = 0;
  #initialWindow = INITIAL_WINDOW;
  #nextLocal: number;
  readonly #resets = new Set<number>();
  /** What the last GOAWAY said; undefined: there was none. */
  #lastTaken: number | undefined = undefined;
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
    this.#decoder = new HpackDecoder(options.tableSize);
    this.#flood = new Flood(options, stats);
    this.#receiveWindow = Math.max(INITIAL_WINDOW, options.connectionWindow);
    this.#nextLocal = server ? 2 : 1;
    this.transport = open(this);
    this.#reader = new FrameReader(this, server);
    this.#writer = new FrameWriter(this.transport);
    const { keepAlive } = options;
    if (!keepAlive) return;
    const lost = (): void => {
      stats.keepAliveTimeout++;
      this.transport.destroy();
    };
    this.#ping = new KeepAlivePing(keepAlive, (bytes) => this.#control(FRAME.PING, 0, bytes, 0, 8), lost);
  }

  /** Sends what a connection begins with. */
  start(): void {
    this.#writer.begin(this.options, !this.#server);
    this.#ping?.onActivity();
  }

  /** Opens a stream of this side; undefined where the ids are used up. */
  open(user: StreamUser): Http2Stream | undefined {
    if (this.#nextLocal > LARGEST_WINDOW) return undefined;
    const id = this.#nextLocal;
    this.#nextLocal += 2;
    return this.#add(id, user);
  }

  #add(id: number, user: StreamUser): Http2Stream {
    const stream = new Http2Stream(this, id, user, this.#initialWindow, this.options.streamWindow);
    this.streams.set(id, stream);
    this.stats.active++;
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
    this.#reader.read(bytes, length);
    if (!this.stopped) this.#ping?.onActivity();
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
    if (this.#continued !== 0 && (type !== FRAME.CONTINUATION || id !== this.#continued)) return FAULT.NO_CONTINUATION;
    if (!this.#settled && (type !== FRAME.SETTINGS || (flags & FLAG_BIT.ACK) !== 0)) return FAULT.NO_SETTINGS;
    this.#settled = true;
    switch (type) {
      case FRAME.DATA:
        return this.#data(bytes, at, stop, flags, id);
      case FRAME.HEADERS:
        return this.#headers(bytes, at, stop, flags, id);
      case FRAME.CONTINUATION:
        return this.#continuation(bytes, at, stop, flags);
      case FRAME.PRIORITY:
        return this.#priority(bytes, at, stop, id);
      case FRAME.RST_STREAM:
        return this.#resetCame(bytes, at, stop, id);
      case FRAME.SETTINGS:
        return id === 0 ? this.#settings(bytes, at, stop, flags) : FAULT.STREAM_ID;
      case FRAME.PUSH_PROMISE:
        return FAULT.PUSH;
      case FRAME.PING:
        return id === 0 ? this.#pingCame(bytes, at, stop, flags) : FAULT.STREAM_ID;
      case FRAME.GOAWAY:
        return id === 0 ? this.#goawayCame(bytes, at, stop) : FAULT.STREAM_ID;
      case FRAME.WINDOW_UPDATE:
        return this.#windowUpdate(bytes, at, stop, id);
      default:
        return undefined;
    }
  }

  /** Whether the other side may not have sent anything of a stream with this id. */
  #isIdle(id: number): boolean {
    const remote = this.#server === (id % 2 === 1);
    return remote ? id > this.lastRemote : id >= this.#nextLocal;
  }

  #data(bytes: Buffer, from: number, stop: number, flags: number, id: number): Fault | undefined {
    const end = (flags & FLAG_BIT.END_STREAM) !== 0;
    const whole = stop - from;
    if (id === 0 || this.#isIdle(id)) return FAULT.STREAM_ID;
    const padded = (flags & FLAG_BIT.PADDED) !== 0;
    const padding = padded ? (bytes[from] as number) : 0;
    if (padded && padding >= whole) return FAULT.PADDING;
    if (this.#flood.empty(whole === 0 && !end)) return FAULT.EMPTY_FLOOD;
    this.#receiveWindow -= whole;
    if (this.#receiveWindow < 0) return FAULT.WINDOW;
    const stream = this.streams.get(id);
    if (!stream || stream.remoteDone) {
      this.#consumeConnection(whole);
      if (stream) this.#refuse(stream, FAULT.CLOSED);
      else if (!this.#resets.has(id)) this.#sendReset(id, ERROR.STREAM_CLOSED);
      return undefined;
    }
    stream.receiveWindow -= whole;
    stream.unconsumed += whole;
    const start = padded ? from + 1 : from;
    const last = stop - padding;
    stream.received += last - start;
    if (stream.receiveWindow < 0) this.#refuse(stream, FAULT.WINDOW);
    else if (!stream.headCame || stream.hasWrongLength(end)) return this.#malformed(stream);
    else {
      stream.remoteDone = end;
      if (end || last > start) stream.user.onData(bytes, start, last, end);
      this.consume(stream);
      this.#settle(stream);
    }
    return undefined;
  }

  #headers(bytes: Buffer, from: number, stop: number, flags: number, id: number): Fault | undefined {
    let at = from;
    let last = stop;
    if ((flags & FLAG_BIT.PADDED) !== 0) {
      last -= bytes[at++] as number;
      if (from === stop || last < at) return FAULT.PADDING;
    }
    if ((flags & FLAG_BIT.PRIORITY) !== 0) {
      if (at + 5 > last) return FAULT.SIZE;
      if ((uint32(bytes, at) & LARGEST_WINDOW) === id) return FAULT.ON_ITSELF;
      at += 5;
    }
    if (id === 0 || (this.#server ? id % 2 === 0 : this.#isIdle(id))) return FAULT.STREAM_ID;
    this.#blockEnds = (flags & FLAG_BIT.END_STREAM) !== 0;
    const complete = (flags & FLAG_BIT.END_HEADERS) !== 0;
    if (this.#flood.empty(at === last && !complete && !this.#blockEnds)) return FAULT.EMPTY_FLOOD;
    if (complete) return this.#fields(bytes, at, last, id);
    this.#continued = id;
    this.#fragments = [Buffer.from(bytes.subarray(at, last))];
    this.#fragmentBytes = last - at;
    this.#user.onPartialHead(true);
    return undefined;
  }

  #continuation(bytes: Buffer, at: number, stop: number, flags: number): Fault | undefined {
    const id = this.#continued;
    if (id === 0) return FAULT.STREAM_ID;
    const complete = (flags & FLAG_BIT.END_HEADERS) !== 0;
    if (this.#flood.empty(at === stop && !complete)) return FAULT.EMPTY_FLOOD;
    this.#fragments.push(Buffer.from(bytes.subarray(at, stop)));
    this.#fragmentBytes += stop - at;
    // What no head may hold need not come to its end.
    if (this.#fragmentBytes > this.options.maxHeadBytes + FRAME_SIZE || this.#fragments.length > MOST_FRAGMENTS) {
      this.stats.headerOverflow++;
      return FAULT.BLOCK;
    }
    if (!complete) return undefined;
    const whole = Buffer.concat(this.#fragments, this.#fragmentBytes);
    this.#continued = 0;
    this.#fragments = [];
    this.#user.onPartialHead(false);
    return this.#fields(whole, 0, whole.length, id);
  }

  /** A whole header block. It is decoded whatever becomes of it, since the table has to follow. */
  #fields(bytes: Buffer, from: number, stop: number, id: number): Fault | undefined {
    const block = this.#block;
    block.begin();
    if (!this.#decoder.decode(bytes, from, stop, block)) return FAULT.COMPRESSION;
    const known = this.streams.get(id);
    if (known) return this.#head(known, block);
    if (!this.#server || id <= this.lastRemote) return this.#resets.has(id) ? undefined : FAULT.CLOSED;
    this.lastRemote = id;
    if (this.#lastTaken !== undefined && id > this.#lastTaken) return undefined;
    this.#flood.opened();
    if (this.streams.size < this.options.maxStreams) return this.#head(this.#add(id, this.#user.accept()), block);
    this.stats.refused++;
    this.#sendReset(id, ERROR.REFUSED_STREAM);
    return undefined;
  }

  #head(stream: Http2Stream, block: FieldBlock): Fault | undefined {
    const end = this.#blockEnds;
    if (stream.remoteDone) return FAULT.CLOSED;
    if (block.listSize > this.options.maxHeadBytes || block.count > this.options.maxHeaders) {
      this.stats.headerOverflow++;
      this.#refuse(stream, FAULT.FIELDS);
      return undefined;
    }
    stream.remoteDone = end;
    let well: boolean;
    if (!stream.headCame) well = stream.user.onHead(block, end);
    else {
      this.stats.trailers++;
      well = end && !stream.hasWrongLength(true) && stream.user.onTrailers(block);
    }
    if (!well) return this.#malformed(stream);
    this.#settle(stream);
    return undefined;
  }

  #priority(bytes: Buffer, at: number, stop: number, id: number): Fault | undefined {
    if (id === 0) return FAULT.STREAM_ID;
    if (stop - at !== 5) return FAULT.SIZE;
    if ((uint32(bytes, at) & LARGEST_WINDOW) === id) return FAULT.ON_ITSELF;
    return this.#flood.priority() ? FAULT.PRIORITY_FLOOD : undefined;
  }

  #resetCame(bytes: Buffer, at: number, stop: number, id: number): Fault | undefined {
    if (stop - at !== 4) return FAULT.SIZE;
    if (id === 0 || this.#isIdle(id)) return FAULT.STREAM_ID;
    const stream = this.streams.get(id);
    if (!stream) return undefined;
    this.stats.received++;
    this.#end(stream);
    stream.user.onReset(uint32(bytes, at), undefined);
    return this.#server && this.#flood.resetEarly(this.streams.size) ? FAULT.RESET_FLOOD : undefined;
  }

  #settings(bytes: Buffer, at: number, stop: number, flags: number): Fault | undefined {
    if ((flags & FLAG_BIT.ACK) !== 0) return stop > at ? FAULT.SIZE : undefined;
    const settings = readSettings(bytes, at, stop);
    if (typeof settings === 'number') return { code: settings, details: 'http2.settings' };
    const { tableSize, maxStreams, initialWindow, frameSize, connectProtocol } = settings;
    if (tableSize !== undefined) this.#writer.limitTable(tableSize, this.options.tableSize);
    if (frameSize !== undefined) this.#writer.frameSize = frameSize;
    this.maxStreams = maxStreams ?? this.maxStreams;
    this.connectProtocol = connectProtocol ?? this.connectProtocol;
    if (initialWindow !== undefined && !this.#resizeWindows(initialWindow)) return FAULT.WINDOW;
    const flood = this.#control(FRAME.SETTINGS, FLAG_BIT.ACK, bytes, 0, 0);
    this.#user.onSettings();
    this.#flushStreams();
    return flood;
  }

  #resizeWindows(initialWindow: number): boolean {
    const more = initialWindow - this.#initialWindow;
    this.#initialWindow = initialWindow;
    for (const stream of this.streams.values()) {
      stream.sendWindow += more;
      if (stream.sendWindow > LARGEST_WINDOW) return false;
    }
    return true;
  }

  #pingCame(bytes: Buffer, at: number, stop: number, flags: number): Fault | undefined {
    if (stop - at !== 8) return FAULT.SIZE;
    if ((flags & FLAG_BIT.ACK) === 0) return this.#control(FRAME.PING, FLAG_BIT.ACK, bytes, at, stop);
    this.#ping?.onAnswer();
    return undefined;
  }

  #goawayCame(bytes: Buffer, at: number, stop: number): Fault | undefined {
    if (stop - at < 8) return FAULT.SIZE;
    this.#user.onGoaway(uint32(bytes, at) & LARGEST_WINDOW, uint32(bytes, at + 4));
    return undefined;
  }

  #windowUpdate(bytes: Buffer, at: number, stop: number, id: number): Fault | undefined {
    if (stop - at !== 4) return FAULT.SIZE;
    const more = uint32(bytes, at) & LARGEST_WINDOW;
    if (id !== 0 && this.#isIdle(id)) return FAULT.STREAM_ID;
    if (this.#flood.windowUpdate()) return FAULT.WINDOW_FLOOD;
    if (id === 0) {
      this.#sendWindow += more;
      if (more === 0 || this.#sendWindow > LARGEST_WINDOW) return more === 0 ? FAULT.NO_INCREMENT : FAULT.WINDOW;
      this.#flushStreams();
      return undefined;
    }
    const stream = this.streams.get(id);
    if (!stream) return undefined;
    stream.sendWindow += more;
    if (more === 0) this.#refuse(stream, FAULT.NO_INCREMENT);
    else if (stream.sendWindow > LARGEST_WINDOW) this.#refuse(stream, FAULT.WINDOW);
    else this.#flush(stream);
    return undefined;
  }

  #flushStreams(): void {
    for (const stream of this.streams.values()) {
      if (this.#sendWindow <= 0) return;
      this.#flush(stream);
    }
  }

  #flush(stream: Http2Stream): void {
    if (!stream.waits) return;
    stream.flush();
    if (!stream.waits && !stream.closed) stream.user.onWritable();
    this.#settle(stream);
  }

  /** Gives the other side room for what was used up of its stream; a paused stream's waits. */
  consume(stream: Http2Stream): void {
    const bytes = stream.unconsumed;
    if (stream.paused || bytes === 0) return;
    stream.unconsumed = 0;
    this.#consumeConnection(bytes);
    if (stream.closed || stream.remoteDone) return;
    stream.consumed += bytes;
    if (stream.consumed * 2 < this.options.streamWindow) return;
    stream.receiveWindow += stream.consumed;
    this.#writer.numbers(FRAME.WINDOW_UPDATE, stream.id, stream.consumed);
    stream.consumed = 0;
  }

  #consumeConnection(bytes: number): void {
    this.#consumed += bytes;
    if (this.closed || this.#consumed * 2 < this.options.connectionWindow) return;
    this.#receiveWindow += this.#consumed;
    this.#writer.numbers(FRAME.WINDOW_UPDATE, 0, this.#consumed);
    this.#consumed = 0;
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
    if (head) {
      const alone = end && stop === start && !trailers;
      this.#writer.head(stream.id, head, alone);
      stream.localDone = alone;
    }
    if (!stream.localDone && (stop > start || end)) {
      const taken = stream.waits ? 0 : this.sendData(stream, bytes, start, stop, end, trailers);
      if (!stream.localDone && (stream.waits || start + taken < stop))
        stream.wait(bytes, start + taken, stop, end, trailers);
    }
    this.#settle(stream);
  }

  /** Sends body as far as the windows go; how many bytes of it. The end, with trailers, goes once everything has gone. */
  sendData(
    stream: Http2Stream,
    bytes: Buffer | undefined,
    start: number,
    stop: number,
    end: boolean,
    trailers: HeaderMap | undefined,
  ): number {
    const length = Math.max(0, Math.min(stop - start, this.#sendWindow, stream.sendWindow));
    const ends = end && length === stop - start;
    if (length > 0 || (ends && !trailers)) {
      const frames = this.#writer.data(stream.id, bytes, start, length, ends && !trailers);
      if (this.#flood.sent(frames, this.transport.unsent)) this.fail(FAULT.OUTBOUND_FLOOD);
      this.#sendWindow -= length;
      stream.sendWindow -= length;
    }
    if (ends && trailers) this.#writer.head(stream.id, { pseudo: [], headers: trailers }, true);
    stream.localDone = ends;
    return length;
  }

  #settle(stream: Http2Stream): void {
    if (stream.localDone && stream.remoteDone) this.#end(stream);
  }

  #end(stream: Http2Stream): void {
    if (stream.closed) return;
    stream.end();
    this.streams.delete(stream.id);
    this.stats.active--;
    this.consume(stream);
    if (this.streams.size > 0) return;
    this.#finishDrained();
    if (!this.stopped) this.#user.onIdle();
  }

  /** Ends a stream before its time, for its user. */
  reset(stream: Http2Stream, code: number): void {
    if (stream.closed) return;
    this.stats.sent++;
    this.#sendReset(stream.id, code);
    this.#end(stream);
  }

  /** The same for what came over it, which its user then hears. */
  #refuse(stream: Http2Stream, { code, details }: Fault): void {
    if (stream.closed) return;
    this.reset(stream, code ?? ERROR.PROTOCOL_ERROR);
    stream.user.onReset(code ?? ERROR.PROTOCOL_ERROR, details);
  }

  /** What came is not what HTTP allows: ends the stream, or the connection where the options say so. */
  #malformed(stream: Http2Stream): Fault | undefined {
    if (stream.closed) return undefined;
    this.stats.messagingError++;
    if (!this.options.streamErrors) return FAULT.MESSAGING;
    this.#refuse(stream, FAULT.MESSAGING);
    return undefined;
  }

  #sendReset(id: number, code: number): void {
    this.#resets.add(id);
    const [oldest] = this.#resets;
    if (this.#resets.size > REMEMBERED && oldest !== undefined) this.#resets.delete(oldest);
    if (this.closed) return;
    this.#writer.numbers(FRAME.RST_STREAM, id, code);
    if (this.#flood.control(this.transport.unsent)) this.fail(FAULT.CONTROL_FLOOD);
  }

  #control(type: number, flags: number, bytes: Uint8Array, from: number, stop: number): Fault | undefined {
    this.#writer.control(type, flags, 0, bytes, from, stop);
    return this.#flood.control(this.transport.unsent) ? FAULT.CONTROL_FLOOD : undefined;
  }

  /** Tells the other side that streams after `last` will not be worked on; the session ends with the last one before. */
  goaway(last: number, code: number): void {
    if (this.stopped || (this.#lastTaken !== undefined && last >= this.#lastTaken)) return;
    this.#lastTaken = last;
    this.stats.goawaySent++;
    this.#writer.numbers(FRAME.GOAWAY, 0, last, code);
    if (this.streams.size === 0) this.#finishDrained();
  }

  #finishDrained(): void {
    if (this.#lastTaken === undefined || this.#lastTaken > this.lastRemote || this.stopped) return;
    this.#ending = true;
    this.transport.endAndClose();
  }

  /** Ends for what the other side did: with GOAWAY, or without a word. */
  fail({ code, details }: Fault): void {
    if (this.stopped) return;
    this.#user.onFault(details);
    this.#ending = true;
    if (code === undefined) {
      this.transport.destroy();
      return;
    }
    this.stats.goawaySent++;
    this.#writer.numbers(FRAME.GOAWAY, 0, this.lastRemote, code);
    this.transport.endAndClose();
  }

  destroy(): void {
    this.transport.destroy();
  }

  onWritable(): void {
    for (const stream of this.streams.values()) if (!stream.waits) stream.user.onWritable();
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
    for (const stream of [...this.streams.values()]) {
      stream.end();
      this.stats.active--;
      stream.user.onGone();
    }
    this.streams.clear();
    this.#user.onClosed();
  }
}
