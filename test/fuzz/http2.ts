import assert from 'node:assert/strict';
import { FAULT, type Fault } from '../../src/proxy/http2/fault.ts';
import { FRAME, FRAME_HEAD, PREFACE, putFrameHead } from '../../src/proxy/http2/frame.ts';
import { HpackEncoder } from '../../src/proxy/http2/hpack/encoder.ts';
import { plainHttp2 } from '../../src/proxy/http2/options.ts';
import { Http2Session } from '../../src/proxy/http2/session.ts';
import { Http2Stats } from '../../src/proxy/http2/stats.ts';
import type { StreamUser } from '../../src/proxy/http2/stream.ts';
import type { Arena } from '../../src/proxy/transport/outbox.ts';
import type { Transport } from '../../src/proxy/transport/transport.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function frame(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(FRAME_HEAD);
  putFrameHead(head, 0, payload.length, type, flags, id);
  return Buffer.concat([head, payload]);
}

const fields: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/a'],
  [':authority', 'a.test'],
  ['content-length', '3'],
  ['te', 'trailers'],
  ['connection', 'close'],
  ['Upper', 'x'],
  ['x-a', 'b'.repeat(40)],
];

function block(random: Random): Buffer {
  const out = Buffer.alloc(4096);
  const encoder = new HpackEncoder();
  let at = encoder.begin(out, 0);
  for (const [name, value] of fields.slice(0, 4)) at = encoder.put(out, at, name, value);
  for (let more = random.below(4); more > 0; more--) {
    const [name, value] = random.pick(fields);
    at = encoder.put(out, at, name, value);
  }
  return out.subarray(0, at);
}

function anyFrame(random: Random): Buffer {
  const id = random.pick([0, 1, 3, 5, 2]);
  const flags = random.pick([0, 1, 4, 5, 8, 32, 45]);
  const type = random.pick(Object.values(FRAME));
  if (type === FRAME.HEADERS || type === FRAME.CONTINUATION) {
    const whole = block(random);
    return frame(type, flags, id, random.below(3) === 0 ? whole.subarray(0, random.below(whole.length)) : whole);
  }
  return frame(type, flags, id, Buffer.alloc(random.pick([0, 4, 5, 6, 8, 12, 100]), random.pick([0, 1, 4, 255])));
}

/** What a server's session made of bytes that came in pieces of that size, and what it answered. */
function outcome(bytes: Buffer, size: number): readonly string[] {
  const log: string[] = [];
  const sent: Buffer[] = [];
  const transport = {
    sent: Number.POSITIVE_INFINITY,
    unsent: 0,
    blocked: false,
    send: (arena: Arena, stop: number) => void sent.push(Buffer.from(arena.bytes.subarray(arena.at, stop))),
    destroy: () => void log.push('destroyed'),
    endAndClose: () => void log.push('ended'),
  } as unknown as Transport;
  const stream = (): StreamUser => ({
    opened: ({ id }) => void log.push(`stream ${id}`),
    onHead: ({ count, names, values }, end) => {
      log.push(`head ${end} ${names.slice(0, count).map(({ text }, at) => `${text}=${values[at]}`)}`);
      return names.slice(0, count).some(({ text }) => text === 'connection') ? FAULT.FIELD : undefined;
    },
    onTrailers: ({ count }) => {
      log.push(`trailers ${count}`);
      return undefined;
    },
    onData: (piece, start, stop, end) => void log.push(`data ${piece.toString('latin1', start, stop)} ${end}`),
    onReset: (code, details) => void log.push(`reset ${code} ${details}`),
    onGone: () => void log.push('gone'),
    onWritable: () => undefined,
  });
  const user = {
    accept: stream,
    onPartialHead: () => undefined,
    onGoaway: () => void log.push('goaway'),
    onSettings: () => void log.push('settings'),
    onIdle: () => undefined,
    onFault: ({ details }: Fault) => void log.push(`fault ${details}`),
    onFinished: () => transport.endAndClose(),
    onError: () => undefined,
    onRemoteEnd: () => undefined,
    onClosed: () => undefined,
  };
  const options = plainHttp2({ maxHeadBytes: 4096, maxHeaders: 20, underscores: 'ALLOW', streamErrors: true });
  const session = new Http2Session(() => transport, user, true, options, new Http2Stats());
  session.start();
  for (let at = 0; at < bytes.length && !session.stopped; at += size) {
    const piece = Buffer.from(bytes.subarray(at, at + size));
    session.onBytes(piece, piece.length);
    // What was read belongs to the transport: nothing may be kept of it.
    piece.fill(0xee);
  }
  return [...log, Buffer.concat(sent).toString('hex')];
}

/** Frames of a client, well formed or not; in pieces they must do what they do in one. */
export const http2Frames: Target = {
  name: 'http2-frames',
  words: [
    latin1(PREFACE),
    latin1(frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(0))),
    '\x00\x00\x00',
    '\xff\xff\xff\xff',
    '\x82\x86\x84',
  ],
  make(random: Random): string {
    const frames = Array.from({ length: 1 + random.below(8) }, () => anyFrame(random));
    return latin1(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(0)), ...frames]));
  },
  run(input, random) {
    const bytes = Buffer.from(input, 'latin1');
    const whole = outcome(bytes, Math.max(1, bytes.length));
    assert.deepEqual(outcome(bytes, random.pick([1, 3, 10, 50])), whole);
  },
};
