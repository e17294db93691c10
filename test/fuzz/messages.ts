import assert from 'node:assert/strict';
import { BodyDecoder } from '../../src/proxy/http/body.ts';
import {
  type ClientCodec,
  PLAIN_COMMON,
  plainClientCodec,
  plainServerCodec,
  type ServerCodec,
} from '../../src/proxy/http/codec-config.ts';
import {
  type ParseOutcome,
  parseNextRequest,
  parseResponseHead,
  RequestHead,
  ResponseHead,
} from '../../src/proxy/http/head.ts';
import { HeadBuffer } from '../../src/proxy/http/head-buffer.ts';
import { frameOf } from './framing.ts';
import type { Random } from './random.ts';

type Kind = 'request' | 'response';
type Codec = ServerCodec | ClientCodec;

/** A message as it was read. */
interface Read {
  /** All that was understood of the head. */
  readonly what: string;
  readonly from: number;
  readonly head: number;
  payload: string;
  trailers: string;
  /** Position after it; -1 while it is not complete. */
  end: number;
  fault: string;
}

const HEAD_LIMIT = 600;
const plainServer = plainServerCodec({ ...PLAIN_COMMON, maxHeaders: 12 }, HEAD_LIMIT);
const plainClient = plainClientCodec({ ...PLAIN_COMMON, maxHeaders: 12, maxResponseBytes: HEAD_LIMIT });
const lax = { allowChunkedLength: true, allowCustomMethods: true, acceptHttp10: true, defaultHost10: 'default' };
const kept = { withTrailers: true, trailers: { ...plainServer.trailers, maxHeaders: 12, keep: true } };
const CODECS = {
  request: [plainServer, { ...plainServer, ...kept, head: { ...plainServer.head, ...lax } }],
  response: [plainClient, { ...plainClient, ...kept, head: { ...plainClient.head, allowChunkedLength: true } }],
};

/** Reads messages from pieces, as a connection does. */
class Reader {
  readonly messages: Read[] = [];
  /** Why reading ended; empty while it goes on. */
  fault = '';
  readonly #kind: Kind;
  readonly #codec: Codec;
  readonly #body = new BodyDecoder();
  #partial: HeadBuffer | undefined = undefined;
  #current: Read | undefined = undefined;
  /** Position of the first byte of the piece, or of what is gathered. */
  #base = 0;

  constructor(kind: Kind, codec: Codec) {
    this.#kind = kind;
    this.#codec = codec;
  }

  push(piece: Buffer, from: number, to: number): void {
    if (this.fault !== '') return;
    const partial = this.#partial;
    if (!partial) {
      this.#process(piece, from, to);
      return;
    }
    if (!partial.append(piece, from, to, this.#codec.head.maxBytes)) return;
    const { bytes } = partial;
    this.#process(bytes, 0, bytes.length);
  }

  #process(bytes: Buffer, from: number, to: number): void {
    const base = this.#base - from;
    let at = from;
    while (at < to && this.fault === '') {
      const next = this.#current ? this.#take(this.#current, bytes, at, to, base) : this.#head(bytes, at, to, base);
      if (next === undefined) return;
      assert.ok(next >= at && next <= to, `read from ${at} to ${next} of ${to}`);
      at = next;
    }
    this.#base = base + to;
  }

  #head(bytes: Buffer, from: number, to: number, base: number): number | undefined {
    let at = from;
    if (this.#kind === 'request') while (at + 1 < to && bytes[at] === 13 && bytes[at + 1] === 10) at += 2;
    const head = this.#kind === 'request' ? new RequestHead() : new ResponseHead();
    const outcome = this.#parse(bytes, at, to, head);
    if (outcome === undefined) {
      if (!this.#partial) {
        this.#partial = new HeadBuffer();
        this.#partial.append(bytes, at, to, this.#codec.head.maxBytes);
        this.#base = base + at;
      }
      return undefined;
    }
    this.#partial = undefined;
    if (typeof outcome !== 'number') {
      this.fault = outcome.details;
      return undefined;
    }
    this.#current = {
      what: summary(head),
      from: base + at,
      head: base + outcome,
      payload: '',
      trailers: '',
      end: -1,
      fault: '',
    };
    this.messages.push(this.#current);
    this.#reset(head);
    this.#finish(this.#current, base + outcome);
    return outcome;
  }

  #parse(bytes: Buffer, at: number, to: number, head: RequestHead | ResponseHead): ParseOutcome {
    return head instanceof RequestHead
      ? parseNextRequest(bytes, at, to, (this.#codec as ServerCodec).head, head)
      : parseResponseHead(bytes, at, to, this.#codec.head, head);
  }

  #reset(head: RequestHead | ResponseHead): void {
    const { framing } = head;
    const asked = head instanceof RequestHead;
    if (asked && (framing.upgrade !== undefined || head.method === 'CONNECT')) this.#body.reset('close');
    else if (!asked && (head.status < 200 || head.status === 204 || head.status === 304)) this.#body.reset('none');
    else if (framing.chunked) this.#body.reset('chunked', 0, this.#codec.trailers);
    else if (asked || framing.contentLength >= 0) this.#body.reset('length', Math.max(0, framing.contentLength));
    else this.#body.reset('close');
  }

  #take(message: Read, bytes: Buffer, at: number, to: number, base: number): number {
    const next = this.#body.decode(bytes, at, to);
    const { start, end, fault, trailers } = this.#body;
    assert.ok(start <= end && end <= to, 'a payload outside of what came');
    message.payload += bytes.toString('latin1', start, end);
    if (trailers) message.trailers = JSON.stringify(trailers.list());
    if (fault) this.fault = message.fault = fault.details;
    else this.#finish(message, base + next);
    return next;
  }

  #finish(message: Read, at: number): void {
    if (!this.#body.done) return;
    message.end = at;
    this.#current = undefined;
  }
}

function summary(head: RequestHead | ResponseHead): string {
  const { headers, framing, minor, size } = head;
  const own =
    head instanceof RequestHead
      ? [head.method, head.path, head.authority, head.hasAuthority, head.scheme, head.expectContinue]
      : [head.status, head.reason];
  return JSON.stringify([own, minor, size, headers.list(), { ...framing }]);
}

/** Reads `text` in pieces that end at `cuts`; around each stand bytes that must not matter. */
function readAll(kind: Kind, codec: Codec, text: string, cuts: readonly number[], guard: string): Reader {
  const reader = new Reader(kind, codec);
  for (let index = 0; index <= cuts.length; index++) {
    const piece = text.slice(cuts[index - 1] ?? 0, cuts[index] ?? text.length);
    const bytes = Buffer.from(guard + piece + guard, 'latin1');
    reader.push(bytes, guard.length, guard.length + piece.length);
    assert.equal(bytes.toString('latin1', 0, guard.length), guard, 'bytes before the message were changed');
    assert.equal(bytes.toString('latin1', guard.length + piece.length), guard, 'bytes after it were changed');
  }
  return reader;
}

/** What must be the same however the bytes come. A broken body is dropped as far as it is in the same piece, as Envoy does. */
function transcript(reader: Reader): string {
  return JSON.stringify([
    reader.messages.map((message) => (message.fault === '' ? message : { ...message, payload: '' })),
    reader.fault,
  ]);
}

/** Reads messages in several ways, which must agree with each other and with `frameOf`. */
export function checkMessages(kind: Kind, input: string, random: Random): void {
  for (const codec of CODECS[kind]) {
    let text = input;
    const bytewise = () =>
      readAll(
        kind,
        codec,
        text,
        Array.from({ length: text.length - 1 }, (_, at) => at + 1),
        '',
      );
    let whole = readAll(kind, codec, text, [], '');
    let slow = bytewise();
    if (whole.fault !== slow.fault) {
      // A fault may be told before its line is complete; in the end it must be told.
      text += '\r\n\r\n';
      whole = readAll(kind, codec, text, [], '');
      slow = bytewise();
    }
    const expected = transcript(whole);
    assert.equal(transcript(slow), expected, 'byte by byte');
    const cuts = Array.from({ length: 1 + random.below(5) }, () => random.below(text.length + 1)).sort((a, b) => a - b);
    const guard = random.pick(['\r\n\r\n', 'x', '0\r\n\r\n', '\n', 'GET / HTTP/1.1\r\n\r\n']);
    assert.equal(transcript(readAll(kind, codec, text, [], guard)), expected, `next to ${JSON.stringify(guard)}`);
    const pieces = readAll(kind, codec, text, cuts, guard);
    if (pieces.fault === whole.fault) assert.equal(transcript(pieces), expected, `cut at ${cuts.join()}`);
    for (const message of whole.messages) checkFraming(kind, codec, text, message);
  }
}

function checkFraming(kind: Kind, codec: Codec, text: string, message: Read): void {
  const frame = frameOf(text.slice(message.from), kind, codec.head.allowChunkedLength);
  assert.ok(frame !== undefined, 'a head is taken that is not complete');
  if (typeof frame === 'string') {
    // What is wrong with a body shows when it comes.
    assert.ok(message.fault !== '' || message.end < 0, `taken in spite of ${frame}`);
    return;
  }
  assert.equal(message.head - message.from, frame.head, 'where the head ends');
  if (message.fault !== '') return;
  assert.equal(message.payload, frame.payload, 'the payload');
  assert.equal(message.end, frame.done ? message.from + frame.size : -1, 'where the message ends');
}
