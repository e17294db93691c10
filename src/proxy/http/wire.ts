import { takeArena } from '../transport/outbox.ts';
import { putText } from '../transport/text.ts';
import type { Transport } from '../transport/transport.ts';
import type { RequestHead, ResponseHead } from './head.ts';
import type { WriteName } from './header-case.ts';
import type { HeaderMap } from './headers.ts';
import { fieldsRoom, putField, putFields, putLineEnd } from './put-fields.ts';
import { reasonPhrase } from './status.ts';

/** A head that is written together with what comes after it. Its fields must not change until then. */
export interface OutgoingHead {
  /** Bytes it takes at most. */
  room(): number;
  /** Bytes of its first line, once it was written. */
  readonly line: number;
  /** Writes it into `out` from `from` on; where it ends. */
  put(out: Buffer, from: number): number;
}

/** Fields after those of the message, as bits. */
export const TAIL = { CLOSE: 1, KEEP_ALIVE: 2, NO_BODY: 4, CHUNKED: 8 } as const;

const TAIL_FIELDS: readonly (readonly [number, string, string])[] = [
  [TAIL.CLOSE, 'connection', 'close'],
  [TAIL.KEEP_ALIVE, 'connection', 'keep-alive'],
  [TAIL.NO_BODY, 'content-length', '0'],
  [TAIL.CHUNKED, 'transfer-encoding', 'chunked'],
];
const LOWER_TAILS: readonly string[] = Array.from({ length: 16 }, (_, tail) => tailText(tail, (name) => name));

function tailText(tail: number, write: WriteName): string {
  let text = '';
  for (const [bit, name, value] of TAIL_FIELDS) if ((tail & bit) !== 0) text += `${write(name)}: ${value}\r\n`;
  return text;
}

/** The head of a request to an upstream with fields of `TAIL`. `write`: how the cluster writes names, undefined for lower case. */
export function outgoingRequest(
  { method, authority, headers }: RequestHead,
  target: string,
  tail: number,
  write: WriteName | undefined,
): OutgoingHead {
  if (write === undefined && headers.spelling === undefined) {
    return new OutgoingRequest(method, target, authority, headers, LOWER_TAILS[tail] as string);
  }
  const writer = nameWriter(headers, write);
  const fields = `${writer('host')}: ${authority}\r\n${fieldsText(headers, writer)}${tailText(tail, writer)}`;
  return new OutgoingText(`${method} ${target} HTTP/1.1\r\n${fields}\r\n`);
}

/** The head of a response with fields of `TAIL`. `write`: how the listener writes names, undefined for lower case. */
export function outgoingResponse(
  { status, reason, headers }: ResponseHead,
  minor: number,
  tail: number,
  write: WriteName | undefined,
): OutgoingHead {
  if (write === undefined && headers.spelling === undefined) {
    return new OutgoingResponse(status, minor, headers, LOWER_TAILS[tail] as string);
  }
  const writer = nameWriter(headers, write);
  const line = `HTTP/1.${minor} ${status} ${reason === '' ? reasonPhrase(status) : reason}\r\n`;
  return new OutgoingText(`${line}${fieldsText(headers, writer)}${tailText(tail, writer)}\r\n`);
}

/** What the message's own spelling says goes before how the writing side writes names. */
function nameWriter({ spelling }: HeaderMap, write: WriteName | undefined): WriteName {
  if (spelling) return (name) => spelling.written.get(name) ?? spelling.added?.(name) ?? name;
  return write ?? ((name) => name);
}

function fieldsText(headers: HeaderMap, write: WriteName): string {
  let text = '';
  for (let at = 0; at < headers.size; at++) text += `${write(headers.nameAt(at))}: ${headers.valueAt(at)}\r\n`;
  return text;
}

/** A head that is text already. */
class OutgoingText implements OutgoingHead {
  readonly line: number;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.line = text.indexOf('\n') + 1;
  }

  room(): number {
    return this.#text.length;
  }

  put(out: Buffer, from: number): number {
    return putText(out, from, this.#text);
  }
}

/** HTTP/1.1, `host` first. `tail` is per-hop fields, each with its line end. */
class OutgoingRequest implements OutgoingHead {
  line = 0;
  readonly #method: string;
  readonly #path: string;
  readonly #authority: string;
  readonly #headers: HeaderMap;
  readonly #tail: string;

  constructor(method: string, path: string, authority: string, headers: HeaderMap, tail: string) {
    this.#method = method;
    this.#path = path;
    this.#authority = authority;
    this.#headers = headers;
    this.#tail = tail;
  }

  room(): number {
    const line = this.#method.length + this.#path.length + this.#authority.length;
    return line + fieldsRoom(this.#headers) + this.#tail.length + 64;
  }

  put(out: Buffer, from: number): number {
    let at = putText(out, from, this.#method);
    out[at++] = SPACE;
    at = putText(out, at, this.#path);
    this.line = at + VERSION.length - from;
    out.set(VERSION, at);
    at = putField(out, at + VERSION.length, 'host', this.#authority);
    return putFields(out, at, this.#headers, this.#tail);
  }
}

/** `tail` is per-hop fields, each with its line end. */
class OutgoingResponse implements OutgoingHead {
  line = 0;
  readonly #status: number;
  readonly #minor: number;
  readonly #headers: HeaderMap;
  readonly #tail: string;

  constructor(status: number, minor: number, headers: HeaderMap, tail: string) {
    this.#status = status;
    this.#minor = minor;
    this.#headers = headers;
    this.#tail = tail;
  }

  room(): number {
    return fieldsRoom(this.#headers) + this.#tail.length + 128;
  }

  put(out: Buffer, from: number): number {
    const line = statusLine(this.#status);
    this.line = line.length;
    out.set(line, from);
    // The line is that of HTTP/1.1.
    if (this.#minor === 0) out[from + 7] = ZERO;
    return putFields(out, from + line.length, this.#headers, this.#tail);
  }
}

const LAST_CHUNK = '0\r\n\r\n';
const VERSION = Buffer.from(' HTTP/1.1\r\n');
const SPACE = 0x20;
const ZERO = 0x30;

const statusLines: (Uint8Array | undefined)[] = [];

function statusLine(status: number): Uint8Array {
  const known = statusLines[status];
  if (known) return known;
  const line = Buffer.from(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`, 'latin1');
  if (status < 1000) statusLines[status] = line;
  return line;
}

/** Bytes of what was written last: all of them, and those of the head's fields with their line ends. */
export const written = { bytes: 0, fields: 0 };

/**
 * Sends a head and a piece of body in one write. `bytes` may be reused by the caller at once: it is copied.
 * With `chunked` the piece is one chunk and `end` adds the last one, with trailers where there are any.
 */
export function writeMessage(
  transport: Transport,
  head: OutgoingHead | undefined,
  bytes: Buffer | undefined,
  start: number,
  stop: number,
  chunked: boolean,
  end: boolean,
  trailers?: HeaderMap,
): void {
  const length = stop - start;
  const arena = takeArena((head ? head.room() : 0) + length + (trailers ? fieldsRoom(trailers) : 0) + 32);
  const out = arena.bytes;
  let at = head ? head.put(out, arena.at) : arena.at;
  // Without the first line and the empty one.
  written.fields = head ? at - arena.at - head.line - 2 : 0;
  if (length > 0 && bytes) {
    if (chunked) at = putLineEnd(out, putText(out, at, length.toString(16)));
    at += bytes.copy(out, at, start, stop);
    if (chunked) at = putLineEnd(out, at);
  }
  if (chunked && end)
    at = trailers ? putFields(out, putText(out, at, '0\r\n'), trailers, '') : putText(out, at, LAST_CHUNK);
  written.bytes = at - arena.at;
  if (at > arena.at) transport.send(arena, at);
}

/** Sends bytes that stand for themselves. */
export function writeText(transport: Transport, text: string): void {
  const arena = takeArena(text.length);
  transport.send(arena, putText(arena.bytes, arena.at, text));
}
