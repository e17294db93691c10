import { written } from '../http/wire.ts';
import { takeArena } from '../transport/outbox.ts';
import type { Transport } from '../transport/transport.ts';
import type { Setting } from './custom-settings.ts';
import {
  FLAG_BIT,
  FRAME,
  FRAME_HEAD,
  FRAME_SIZE,
  INITIAL_WINDOW,
  PREFACE,
  putFrameHead,
  putUint32,
  SETTING,
} from './frame.ts';
import { fieldRoom, HpackEncoder } from './hpack/encoder.ts';
import type { Http2Options } from './options.ts';
import type { OutboundFrames } from './outbound.ts';
import type { OutgoingBlock } from './stream.ts';

/** The parameters that a side begins with, each once. */
function settingsOf(options: Http2Options, client: boolean): readonly Setting[] {
  const settings: Setting[] = [
    [SETTING.HEADER_TABLE_SIZE, options.tableSize],
    [SETTING.MAX_CONCURRENT_STREAMS, options.maxStreams],
    [SETTING.INITIAL_WINDOW_SIZE, options.streamWindow],
    [SETTING.ENABLE_CONNECT_PROTOCOL, options.allowConnect ? 1 : 0],
  ];
  if (client) settings.splice(1, 0, [SETTING.ENABLE_PUSH, 0]);
  const known = new Set(settings.map(([id]) => id));
  return [...settings, ...options.settings.filter(([id]) => !known.has(id))];
}

/** Writes the frames of one connection. Windows are its user's business. */
export class FrameWriter {
  readonly #transport: Transport;
  readonly #outbound: OutboundFrames;
  readonly #encoder = new HpackEncoder();
  /** The other side's `SETTINGS_MAX_FRAME_SIZE`. */
  frameSize = FRAME_SIZE;

  constructor(transport: Transport, outbound: OutboundFrames) {
    this.#transport = transport;
    this.#outbound = outbound;
  }

  /** The other side's `SETTINGS_HEADER_TABLE_SIZE`, of which no more than `most` is used. */
  limitTable(size: number, most: number): void {
    this.#encoder.limit(size, most);
  }

  /** What a connection begins with. */
  begin(options: Http2Options, client: boolean): void {
    const settings = settingsOf(options, client);
    const arena = takeArena(PREFACE.length + 2 * FRAME_HEAD + 6 * settings.length + 4);
    const out = arena.bytes;
    let { at } = arena;
    if (client) at += PREFACE.copy(out, at);
    at = putFrameHead(out, at, 6 * settings.length, FRAME.SETTINGS, 0, 0);
    for (const [id, value] of settings) {
      out[at++] = id >>> 8;
      out[at++] = id;
      at = putUint32(out, at, value);
    }
    const more = options.connectionWindow - INITIAL_WINDOW;
    if (more > 0) at = putUint32(out, putFrameHead(out, at, 4, FRAME.WINDOW_UPDATE, 0, 0), more);
    const bytes = at - arena.at;
    this.#transport.send(arena, at);
    this.#outbound.add(bytes, more > 0 ? 2 : 1);
  }

  head(id: number, { pseudo, headers }: OutgoingBlock, end: boolean): void {
    let room = FRAME_HEAD + 16;
    for (const [name, value] of pseudo) room += fieldRoom(name, value);
    for (let at = 0; at < headers.size; at++) room += fieldRoom(headers.nameAt(at), headers.valueAt(at));
    const arena = takeArena(room + FRAME_HEAD * Math.ceil(room / this.frameSize));
    const out = arena.bytes;
    const encoder = this.#encoder;
    let at = encoder.begin(out, arena.at + FRAME_HEAD);
    for (const [name, value] of pseudo) at = encoder.put(out, at, name, value);
    for (let index = 0; index < headers.size; index++)
      at = encoder.put(out, at, headers.nameAt(index), headers.valueAt(index));
    written.fields += at - arena.at - FRAME_HEAD;
    at = this.#frameBlock(out, arena.at, at, id, end);
    const bytes = at - arena.at;
    written.bytes += bytes;
    this.#transport.send(arena, at);
    this.#outbound.add(bytes, Math.ceil(bytes / (FRAME_HEAD + this.frameSize)));
  }

  /** Puts the block that stands from one frame head after `from` up to `stop` into as many frames as it takes; where the last ends. */
  #frameBlock(out: Buffer, from: number, stop: number, id: number, end: boolean): number {
    const size = this.frameSize;
    let length = stop - from - FRAME_HEAD;
    let at = from;
    let last = stop;
    let type: number = FRAME.HEADERS;
    let flags: number = end ? FLAG_BIT.END_STREAM : 0;
    while (length > size) {
      putFrameHead(out, at, size, type, flags, id);
      at += FRAME_HEAD + size;
      out.copyWithin(at + FRAME_HEAD, at, last);
      last += FRAME_HEAD;
      length -= size;
      type = FRAME.CONTINUATION;
      flags = 0;
    }
    putFrameHead(out, at, length, type, flags | FLAG_BIT.END_HEADERS, id);
    return last;
  }

  /** Sends body in as many frames as it takes, which it gives; `end`: the last one ends the stream. */
  data(id: number, bytes: Buffer | undefined, start: number, length: number, end: boolean): number {
    const frames = Math.max(1, Math.ceil(length / this.frameSize));
    const arena = takeArena(length + frames * FRAME_HEAD);
    const out = arena.bytes;
    let { at } = arena;
    let from = start;
    for (let frame = 1; frame <= frames; frame++) {
      const size = Math.min(this.frameSize, start + length - from);
      at = putFrameHead(out, at, size, FRAME.DATA, end && frame === frames ? FLAG_BIT.END_STREAM : 0, id);
      if (bytes && size > 0) at += bytes.copy(out, at, from, from + size);
      from += size;
    }
    const sent = at - arena.at;
    written.bytes += sent;
    this.#transport.send(arena, at);
    this.#outbound.add(sent, frames);
    return frames;
  }

  /** A frame about the connection that answers one, with the payload from `from` to `stop`. */
  control(type: number, flags: number, bytes: Uint8Array, from: number, stop: number): void {
    const arena = takeArena(FRAME_HEAD + stop - from);
    const at = putFrameHead(arena.bytes, arena.at, stop - from, type, flags, 0);
    arena.bytes.set(bytes.subarray(from, stop), at);
    this.#transport.send(arena, at + stop - from);
    this.#outbound.addControl(FRAME_HEAD + stop - from);
  }

  /** A frame about a stream or the connection, with one or two numbers of four bytes. */
  numbers(type: number, id: number, first: number, second?: number): void {
    const arena = takeArena(FRAME_HEAD + 8);
    const length = second === undefined ? 4 : 8;
    let at = putFrameHead(arena.bytes, arena.at, length, type, 0, id);
    at = putUint32(arena.bytes, at, first);
    if (second !== undefined) at = putUint32(arena.bytes, at, second);
    this.#transport.send(arena, at);
    if (type === FRAME.RST_STREAM) this.#outbound.addControl(FRAME_HEAD + length);
    else this.#outbound.add(FRAME_HEAD + length, 1);
  }
}
