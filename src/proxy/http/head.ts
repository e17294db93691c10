import { TARGET, TOKEN, VALUE } from './bytes.ts';
import { HeaderMap } from './headers.ts';
import { internName, scanName, scanned } from './names.ts';

/** Why a head was refused: the status Envoy answers and its response code details. */
export interface HeadFault {
  readonly status: number;
  readonly details: string;
}

export interface HeadLimits {
  readonly maxBytes: number;
  readonly maxHeaders: number;
}

/** How the message's body ends, and what the connection may do afterwards. */
export class Framing {
  /** -1: no content-length. */
  contentLength = -1;
  chunked = false;
  close = false;
  keepAlive = false;
  /** Value of `upgrade` when `connection` names it. */
  upgrade: string | undefined = undefined;
}

export class RequestHead {
  method = '';
  /** The request target with its query; origin form after `resolveTarget`. */
  path = '';
  /** Empty when absent. */
  authority = '';
  hasAuthority = false;
  scheme = '';
  minor = 1;
  expectContinue = false;
  /** Bytes of the head on the wire. */
  size = 0;
  readonly headers = new HeaderMap();
  readonly framing = new Framing();
}

export class ResponseHead {
  status = 0;
  minor = 1;
  size = 0;
  readonly headers: HeaderMap;
  readonly framing: Framing;

  constructor(headers = new HeaderMap()) {
    this.headers = headers;
    this.framing = new Framing();
  }
}

const CODEC_ERROR: HeadFault = { status: 400, details: 'http1.codec_error' };
const INVALID_CHARACTERS: HeadFault = { status: 400, details: 'http1.invalid_characters' };
const TOO_LARGE: HeadFault = { status: 431, details: 'http1.headers_too_large' };
const TOO_MANY: HeadFault = { status: 431, details: 'http1.too_many_headers' };
const BAD_ENCODING: HeadFault = { status: 501, details: 'http1.invalid_transfer_encoding' };
const LENGTH_AND_CHUNKED: HeadFault = { status: 400, details: 'http1.content_length_and_chunked_not_allowed' };
const BAD_CONNECTION: HeadFault = { status: 400, details: 'http1.connection_header_rejected' };

const METHODS = new Set(
  (
    'ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY ' +
    'OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE'
  ).split(' '),
);
const LONGEST_METHOD = 11;

/** End of the head, undefined when bytes are missing, or the fault. */
export type ParseOutcome = number | undefined | HeadFault;

/**
 * Reads a request head from `from`. Strict: a bare CR or LF, white space before the colon, a folded line, a repeated or malformed
 * content-length, content-length with transfer-encoding are faults. Needs to see every byte of the head again when called with more.
 */
export function parseRequestHead(
  bytes: Buffer,
  from: number,
  limit: number,
  limits: HeadLimits,
  head: RequestHead,
): ParseOutcome {
  let at = from;
  while (at < limit && TOKEN[bytes[at] as number] === 1) at++;
  if (at - from > LONGEST_METHOD) return CODEC_ERROR;
  if (at === limit) return undefined;
  if (bytes[at] !== 0x20 || at === from) return CODEC_ERROR;
  const methodEnd = at;
  const targetStart = ++at;
  while (at < limit && TARGET[bytes[at] as number] === 1) at++;
  if (at - from > limits.maxBytes) return TOO_LARGE;
  if (at === limit) return undefined;
  if (bytes[at] !== 0x20 || at === targetStart) return CODEC_ERROR;
  const targetEnd = at++;
  const minor = versionAt(bytes, at, limit);
  if (minor === undefined || minor < 0) return minor === undefined ? undefined : CODEC_ERROR;
  at += 8;
  const line = lineEnd(bytes, at, limit);
  if (line !== at + 2) return line === undefined ? undefined : CODEC_ERROR;
  const end = parseFields(bytes, line, limit, from + limits.maxBytes, limits.maxHeaders, head.headers, head.framing);
  if (typeof end !== 'number') return end;
  head.method = methodOf(bytes, from, methodEnd);
  if (head.method === '') return CODEC_ERROR;
  head.path = bytes.toString('latin1', targetStart, targetEnd);
  head.minor = minor;
  head.size = end - from;
  return takeHost(head) ?? end;
}

/** Reads a response head. */
export function parseResponseHead(
  bytes: Buffer,
  from: number,
  limit: number,
  limits: HeadLimits,
  head: ResponseHead,
): ParseOutcome {
  const minor = versionAt(bytes, from, limit);
  if (minor === undefined) return undefined;
  if (minor < 0) return CODEC_ERROR;
  if (limit < from + 13) return undefined;
  const status = statusAt(bytes, from + 8);
  if (status < 100) return CODEC_ERROR;
  let at = from + 12;
  if (bytes[at] !== 0x20 && bytes[at] !== 13) return CODEC_ERROR;
  while (at < limit && VALUE[bytes[at] as number] === 1) at++;
  const line = lineEnd(bytes, at, limit);
  if (typeof line !== 'number') return line;
  if (line < 0) return CODEC_ERROR;
  const end = parseFields(bytes, line, limit, from + limits.maxBytes, limits.maxHeaders, head.headers, head.framing);
  if (typeof end !== 'number') return end;
  head.status = status;
  head.minor = minor;
  head.size = end - from;
  return end;
}

/** Minor version of `HTTP/1.x`; -1 when it is something else, undefined when bytes are missing. */
function versionAt(bytes: Buffer, at: number, limit: number): number | undefined {
  const text = 'HTTP/1.';
  for (let index = 0; index < 7; index++) {
    if (at + index >= limit) return undefined;
    if (bytes[at + index] !== text.charCodeAt(index)) return -1;
  }
  if (at + 7 >= limit) return undefined;
  const minor = (bytes[at + 7] as number) - 48;
  return minor === 0 || minor === 1 ? minor : -1;
}

function statusAt(bytes: Buffer, at: number): number {
  if (bytes[at] !== 0x20) return -1;
  let status = 0;
  for (let index = 1; index <= 3; index++) {
    const digit = (bytes[at + index] as number) - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status;
}

/** Position after CR LF; -1 when there is anything else, undefined when bytes are missing. */
function lineEnd(bytes: Buffer, at: number, limit: number): number | undefined {
  if (at >= limit) return undefined;
  if (bytes[at] !== 13) return -1;
  if (at + 1 >= limit) return undefined;
  return bytes[at + 1] === 10 ? at + 2 : -1;
}

function methodOf(bytes: Buffer, from: number, to: number): string {
  if (to - from === 3 && bytes[from] === 71 && bytes[from + 1] === 69 && bytes[from + 2] === 84) return 'GET';
  const method = bytes.toString('latin1', from, to);
  return METHODS.has(method) ? method : '';
}

/** Where the fields of the head just scanned stand; one parser runs at a time. */
const fieldNames: string[] = [];
const valueStarts: number[] = [];
const valueStops: number[] = [];

/** Scans header fields up to and with the empty line, then takes their values as slices of one string: a head costs one copy. */
function parseFields(
  bytes: Buffer,
  from: number,
  limit: number,
  lastByte: number,
  maxHeaders: number,
  headers: HeaderMap,
  framing: Framing,
): ParseOutcome {
  let at = from;
  let count = 0;
  for (;;) {
    if (at > lastByte) return TOO_LARGE;
    if (at >= limit) return undefined;
    if (bytes[at] === 13) break;
    scanName(bytes, at, limit);
    const nameEnd = scanned.end;
    if (nameEnd >= limit) return nameEnd > lastByte ? TOO_LARGE : undefined;
    if (bytes[nameEnd] !== 0x3a || nameEnd === at) return CODEC_ERROR;
    let start = nameEnd + 1;
    while (start < limit && (bytes[start] === 0x20 || bytes[start] === 9)) start++;
    let stop = start;
    while (stop < limit && VALUE[bytes[stop] as number] === 1) stop++;
    if (stop + 1 >= limit) return stop > lastByte ? TOO_LARGE : bareReturn(bytes, stop, limit);
    if (bytes[stop] !== 13 || bytes[stop + 1] !== 10) return INVALID_CHARACTERS;
    if (count >= maxHeaders) return TOO_MANY;
    fieldNames[count] = internName(bytes, at, nameEnd, scanned.hash);
    at = stop + 2;
    while (stop > start && (bytes[stop - 1] === 0x20 || bytes[stop - 1] === 9)) stop--;
    valueStarts[count] = start;
    valueStops[count++] = stop;
  }
  const end = lineEnd(bytes, at, limit);
  if (typeof end !== 'number') return end;
  if (end < 0) return CODEC_ERROR;
  if (end > lastByte) return TOO_LARGE;
  return takeFields(bytes.toString('latin1', from, at), from, count, headers, framing) ?? end;
}

function takeFields(
  text: string,
  from: number,
  count: number,
  headers: HeaderMap,
  framing: Framing,
): HeadFault | undefined {
  for (let index = 0; index < count; index++) {
    const value = text.substring((valueStarts[index] as number) - from, (valueStops[index] as number) - from);
    const fault = takeField(fieldNames[index] as string, value, headers, framing);
    if (fault) return fault;
  }
  if (framing.chunked && framing.contentLength >= 0) return LENGTH_AND_CHUNKED;
  return applyConnection(headers, framing);
}

function bareReturn(bytes: Buffer, stop: number, limit: number): ParseOutcome {
  return stop < limit && bytes[stop] !== 13 ? INVALID_CHARACTERS : undefined;
}

/** Adds a field, taking note of what decides the framing. Transfer-encoding is per hop and not kept. */
function takeField(name: string, value: string, headers: HeaderMap, framing: Framing): HeadFault | undefined {
  if (name === 'content-length') {
    if (framing.contentLength >= 0 || !/^\d{1,15}$/.test(value)) return CODEC_ERROR;
    framing.contentLength = Number(value);
  } else if (name === 'transfer-encoding') {
    if (framing.chunked || value.toLowerCase() !== 'chunked') return BAD_ENCODING;
    framing.chunked = true;
    return undefined;
  }
  headers.add(name, value);
  return undefined;
}

/** Acts on `connection` and removes it with the fields it nominates. */
function applyConnection(headers: HeaderMap, framing: Framing): HeadFault | undefined {
  const connection = headers.joined('connection');
  if (connection === undefined) return undefined;
  headers.remove('connection');
  const nominated = connection.toLowerCase().split(',', 12);
  if (nominated.length > 10) return BAD_CONNECTION;
  for (const item of nominated) {
    const token = item.trim();
    if (token === 'close') framing.close = true;
    else if (token === 'keep-alive') framing.keepAlive = true;
    else if (token === 'upgrade') framing.upgrade = headers.get('upgrade');
    else if (token.startsWith('x-forwarded-') || token.startsWith(':')) return BAD_CONNECTION;
    else if (token !== 'te' && token !== 'host' && token !== 'content-length') headers.remove(token);
  }
  return undefined;
}

function takeHost(head: RequestHead): HeadFault | undefined {
  const { headers } = head;
  const at = headers.names.indexOf('host');
  if (at >= 0) {
    head.authority = headers.values[at] as string;
    head.hasAuthority = true;
    headers.names.splice(at, 1);
    headers.values.splice(at, 1);
    if (headers.names.indexOf('host') >= 0) return CODEC_ERROR;
  }
  const expect = headers.get('expect');
  if (expect !== undefined && expect.toLowerCase() === '100-continue') {
    head.expectContinue = true;
    headers.remove('expect');
  }
  return undefined;
}
