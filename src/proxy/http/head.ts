import { textIn } from '../transport/text.ts';
import { anyOf, CONTROL, TARGET, TOKEN, VALUE } from './bytes.ts';
import { CODEC_ERROR, type HeadFault, INVALID_CHARACTERS, TOO_LARGE } from './fault.ts';
import { facts, parseFields, REQUEST, RESPONSE } from './fields.ts';
import { HeaderMap } from './headers.ts';
import type { HeadOptions, RequestOptions } from './options.ts';
import { isMethod, parseRequestLine, type RequestLine } from './request-line.ts';
import { settleRequest, settleResponse } from './settle.ts';

/** How the message's body ends, and what the connection may do afterwards. */
export class Framing {
  /** -1: no content-length. */
  contentLength = -1;
  chunked = false;
  /** Of a response on its way out: whether the proxy ends the connection with it. */
  close = false;
  keepAlive = false;
  /** Value of `upgrade` when `connection` names it and the codec does not ignore it. */
  upgrade: string | undefined = undefined;
  /** `connection` of a response and where it stood: only one that switches protocols passes it on. */
  connection: string | undefined = undefined;
  connectionAt = 0;
}

export class RequestHead {
  /** Empty until the head was read. */
  method = '';
  /** The request target with its query; origin form, or what an `allow_absolute_url` that is off leaves. Empty for CONNECT. */
  path = '';
  /** Empty when absent; see `hasAuthority`. */
  authority = '';
  hasAuthority = false;
  /** That of an absolute target; empty until the connection manager sets it. */
  scheme = '';
  minor = 1;
  expectContinue = false;
  /** Bytes of the head on the wire. */
  size = 0;
  /** Of these what Envoy counts as header bytes. */
  fieldBytes = 0;
  readonly headers = new HeaderMap();
  readonly framing = new Framing();
}

export class ResponseHead {
  status = 0;
  minor = 1;
  size = 0;
  /** What Envoy counts as header bytes of it. */
  fieldBytes = 0;
  /** As it was sent, where it is passed on; else empty. */
  reason = '';
  readonly headers: HeaderMap;
  readonly framing: Framing;

  constructor(headers = new HeaderMap()) {
    this.headers = headers;
    this.framing = new Framing();
  }
}

/** End of the head, undefined when bytes are missing, or the fault. */
export type ParseOutcome = number | undefined | HeadFault;

/** `parseRequestHead` where empty lines before the request were passed over. */
export function parseNextRequest(
  bytes: Buffer,
  from: number,
  limit: number,
  options: RequestOptions,
  head: RequestHead,
): ParseOutcome {
  if (from === limit || (bytes[from] === 13 && from + 1 === limit)) return undefined;
  // Envoy passes over any CR and LF before a request; alone they are as ambiguous here as elsewhere.
  if (bytes[from] === 13 || bytes[from] === 10) return CODEC_ERROR;
  return parseRequestHead(bytes, from, limit, options, head);
}

const line: RequestLine = { method: '', target: '', minor: 1, bare: false };

/**
 * Reads a request head from `from`, which is no byte of an empty line. What Envoy takes is taken, but for what is ambiguous: a bare CR
 * or LF, a folded line, a repeated or malformed `Host`. A fault in the fields is told when the head is complete, as by Envoy, one in the
 * request line at its end. Needs to see every byte of the head again when called with more.
 */
export function parseRequestHead(
  bytes: Buffer,
  from: number,
  limit: number,
  options: RequestOptions,
  head: RequestHead,
): ParseOutcome {
  let at = fastLine(bytes, from, limit, options);
  if (at < 0) {
    const slow = parseRequestLine(bytes, from, limit, options.maxBytes, options.allowCustomMethods, line);
    if (typeof slow !== 'number') return slow;
    at = slow;
  }
  if (!line.bare) {
    const end = parseFields(bytes, from, at, limit, options, head.headers, REQUEST);
    if (typeof end !== 'number') return end;
    head.fieldBytes = facts.size;
    at = end;
  }
  head.minor = line.minor;
  head.size = at - from;
  return settleRequest(head, line.method, line.target, line.bare, options) ?? at;
}

/** The line most requests have, single spaces and an origin-form target. Position after it, or -1: read it the slow way. */
function fastLine(bytes: Buffer, from: number, limit: number, options: RequestOptions): number {
  let at = from;
  while (at < limit && TOKEN[bytes[at] as number] === 1) at++;
  const methodEnd = at++;
  if (at >= limit || bytes[methodEnd] !== 0x20 || bytes[at] !== 0x2f) return -1;
  const targetStart = at;
  while (at < limit && TARGET[bytes[at] as number] === 1) at++;
  const targetEnd = at++;
  if (
    at + 10 > limit ||
    bytes[targetEnd] !== 0x20 ||
    !isVersion11(bytes, at) ||
    bytes[at + 8] !== 13 ||
    bytes[at + 9] !== 10
  )
    return -1;
  line.method = methodAt(bytes, from, methodEnd, options.allowCustomMethods);
  line.target = textIn(bytes, targetStart, targetEnd);
  line.minor = 1;
  line.bare = false;
  return line.method === '' || at + 10 - from > options.maxBytes ? -1 : at + 10;
}

/** Whether `HTTP/1.1` stands there. */
function isVersion11(bytes: Buffer, at: number): boolean {
  return (
    bytes[at] === 72 &&
    bytes[at + 1] === 84 &&
    bytes[at + 2] === 84 &&
    bytes[at + 3] === 80 &&
    bytes[at + 4] === 47 &&
    bytes[at + 5] === 49 &&
    bytes[at + 6] === 46 &&
    bytes[at + 7] === 49
  );
}

function methodAt(bytes: Buffer, from: number, to: number, allowCustom: boolean): string {
  if (to - from === 3 && bytes[from] === 71 && bytes[from + 1] === 69 && bytes[from + 2] === 84) return 'GET';
  const method = textIn(bytes, from, to);
  return isMethod(method, allowCustom) ? method : '';
}

/** Reads a response head. */
export function parseResponseHead(
  bytes: Buffer,
  from: number,
  limit: number,
  options: HeadOptions,
  head: ResponseHead,
): ParseOutcome {
  const start = statusLine(bytes, from, limit, options.maxBytes, head);
  if (typeof start !== 'number') return start;
  if (options.preserve?.reason) head.reason = reasonIn(bytes, from, start);
  const end = parseFields(bytes, from, start, limit, options, head.headers, RESPONSE);
  if (typeof end !== 'number') return end;
  head.size = end - from;
  head.fieldBytes = facts.size;
  return settleResponse(head, options) ?? end;
}

/** The reason phrase of the status line from `from` to `stop`. */
function reasonIn(bytes: Buffer, from: number, stop: number): string {
  return /^\S+[ \t]+\S+[ \t]*(.*?)[ \t]*\r\n$/.exec(textIn(bytes, from, stop))?.[1] ?? '';
}

/** Position after the status line. */
function statusLine(bytes: Buffer, from: number, limit: number, maxBytes: number, head: ResponseHead): ParseOutcome {
  const fast = fastStatusLine(bytes, from, limit, head);
  if (fast >= 0) return fast;
  if (from < limit && bytes[from] !== 72) return CODEC_ERROR;
  const length = bytes.subarray(from, Math.min(limit, from + maxBytes)).indexOf(10);
  if (length < 0) return limit - from >= maxBytes ? TOO_LARGE : undefined;
  const stop = from + length;
  if (bytes[stop - 1] !== 13) return CODEC_ERROR;
  if (anyOf(bytes, from, stop, CONTROL)) return INVALID_CHARACTERS;
  const match = STATUS_LINE.exec(textIn(bytes, from, stop - 1));
  if (!match) return CODEC_ERROR;
  // Envoy keeps the code in 16 bits.
  head.status = Number(BigInt(match[2] ?? '') & 0xffffn);
  head.minor = match[1] === '1.1' ? 1 : 0;
  return head.status < 100 ? CODEC_ERROR : stop + 1;
}

const STATUS_LINE = /^HTTP\/(\d\.\d)[ \t]+\+?(\d{1,19})(?:[ \t][^\r]*)?$/;

/** `HTTP/1.1`, three digits and a reason phrase. Position after the line, or -1: read it the slow way. */
function fastStatusLine(bytes: Buffer, from: number, limit: number, head: ResponseHead): number {
  if (from + 14 > limit || !isVersion11(bytes, from) || bytes[from + 8] !== 0x20) return -1;
  let status = 0;
  for (let at = from + 9; at < from + 12; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  let at = from + 12;
  if (status < 100 || (bytes[at] !== 0x20 && bytes[at] !== 13)) return -1;
  while (at < limit && VALUE[bytes[at] as number] === 1) at++;
  if (at + 1 >= limit || bytes[at] !== 13 || bytes[at + 1] !== 10) return -1;
  head.status = status;
  head.minor = 1;
  return at + 2;
}
