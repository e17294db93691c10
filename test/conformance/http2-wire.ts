import type net from 'node:net';
import {
  FLAG_BIT,
  FRAME,
  FRAME_HEAD,
  FRAME_SIZE,
  putFrameHead,
  putUint32,
  uint32,
} from '../../src/proxy/http2/frame.ts';
import { HpackDecoder } from '../../src/proxy/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../src/proxy/http2/hpack/encoder.ts';
import type { Fields } from './types.ts';

const LARGEST_BLOCK = 300_000;

export type OnFrame = (type: number, flags: number, id: number, payload: Buffer) => void;

export function http2Frame(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(FRAME_HEAD);
  putFrameHead(head, 0, payload.length, type, flags, id);
  return Buffer.concat([head, payload]);
}

/** The payload of a frame that holds numbers of four bytes. */
export function numbers(...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) putUint32(payload, 4 * at, value);
  return payload;
}

export function settingsPayload(settings: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length);
  for (const [at, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, 6 * at);
    putUint32(payload, 6 * at + 2, value);
  }
  return payload;
}

/** A frame of the connection as a line of the outcome; undefined for those that are nobody's business. */
export function connectionLine(type: number, flags: number, payload: Buffer): string | undefined {
  if (type === FRAME.GOAWAY) return `GOAWAY ${uint32(payload, 0)} ${uint32(payload, 4)}`;
  if (type === FRAME.PING) return `PING ${flags}`;
  if (type !== FRAME.SETTINGS || flags !== 0) return undefined;
  const settings: string[] = [];
  for (let at = 0; at < payload.length; at += 6)
    settings.push(`${payload.readUInt16BE(at)}=${uint32(payload, at + 2)}`);
  return `SETTINGS ${settings.sort().join(' ')}`;
}

/** The frames of one connection of either side; it sends what it is told, allowed or not. A header block is handed over as one frame. */
export class Http2Wire {
  readonly #socket: net.Socket;
  readonly #onFrame: OnFrame;
  readonly #encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder(4096);
  #bytes = Buffer.alloc(0);
  #skip: number;
  #block = Buffer.alloc(0);
  #blockFlags = 0;

  /** `skip`: bytes before the first frame. */
  constructor(socket: net.Socket, onFrame: OnFrame, skip = 0) {
    this.#socket = socket;
    this.#onFrame = onFrame;
    this.#skip = skip;
    socket.on('data', (bytes) => this.#take(bytes));
  }

  /** The other side's `SETTINGS_HEADER_TABLE_SIZE`. */
  limitTable(size: number): void {
    this.#encoder.limit(size);
  }

  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  frame(type: number, flags: number, id: number, payload: Uint8Array = Buffer.alloc(0)): void {
    this.write(http2Frame(type, flags, id, payload));
  }

  /** HEADERS and as many CONTINUATION frames as the block takes. */
  headers(id: number, fields: Fields, end: boolean): Buffer {
    const block = this.#encode(fields);
    const pieces: Buffer[] = [];
    for (let at = 0; at === 0 || at < block.length; at += FRAME_SIZE) {
      const last = at + FRAME_SIZE >= block.length ? FLAG_BIT.END_HEADERS : 0;
      const flags = at === 0 && end ? FLAG_BIT.END_STREAM | last : last;
      const type = at === 0 ? FRAME.HEADERS : FRAME.CONTINUATION;
      pieces.push(http2Frame(type, flags, id, block.subarray(at, at + FRAME_SIZE)));
    }
    return Buffer.concat(pieces);
  }

  #encode(fields: Fields): Buffer {
    const out = Buffer.alloc(LARGEST_BLOCK);
    let at = this.#encoder.begin(out, 0);
    for (const [name, value] of fields) at = this.#encoder.put(out, at, name, value);
    return Buffer.from(out.subarray(0, at));
  }

  /** The fields of a block as lines. */
  decode(payload: Buffer): string[] {
    const fields: string[] = [];
    this.#decoder.decode(payload, 0, payload.length, {
      field: ({ text }, value) => void fields.push(`${text}: ${value}`),
    });
    return fields;
  }

  #take(bytes: Buffer): void {
    const skipped = Math.min(this.#skip, bytes.length);
    this.#skip -= skipped;
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(skipped)]);
    for (;;) {
      if (this.#bytes.length < FRAME_HEAD) return;
      const stop = FRAME_HEAD + this.#bytes.readUIntBE(0, 3);
      if (this.#bytes.length < stop) return;
      const frame = this.#bytes.subarray(0, stop);
      this.#bytes = this.#bytes.subarray(stop);
      this.#hand(frame[3] ?? 0, frame[4] ?? 0, uint32(frame, 5), frame.subarray(FRAME_HEAD));
    }
  }

  #hand(type: number, flags: number, id: number, payload: Buffer): void {
    if (type !== FRAME.HEADERS && type !== FRAME.CONTINUATION) {
      this.#onFrame(type, flags, id, payload);
      return;
    }
    if (type === FRAME.HEADERS) this.#blockFlags = flags;
    this.#block = Buffer.concat([this.#block, payload]);
    if ((flags & FLAG_BIT.END_HEADERS) === 0) return;
    const block = this.#block;
    this.#block = Buffer.alloc(0);
    this.#onFrame(FRAME.HEADERS, this.#blockFlags, id, block);
  }
}
