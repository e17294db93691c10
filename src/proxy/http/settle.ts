import { isHost, parseAbsolute, parseConnect } from './authority.ts';
import { applyConnection, listHas } from './connection-header.ts';
import {
  BAD_ENCODING,
  BODY_DISALLOWED,
  ENCODING_NOT_ALLOWED,
  type HeadFault,
  INVALID_AUTHORITY,
  INVALID_SCHEME,
  INVALID_URL,
  LENGTH_AND_CHUNKED,
  LENGTH_NOT_ALLOWED,
  LOW_VERSION,
} from './fault.ts';
import { facts, isChunked } from './fields.ts';
import type { Framing, RequestHead, ResponseHead } from './head.ts';
import type { HeaderMap } from './headers.ts';
import type { HeadOptions, RequestOptions } from './options.ts';

/** Judges a request whose fields were read, in the order in which Envoy's codec does, and completes its head. */
export function settleRequest(
  head: RequestHead,
  method: string,
  target: string,
  bare: boolean,
  options: RequestOptions,
): HeadFault | undefined {
  if (!bare) {
    const fault = settleFields(head, method, options);
    if (fault) return fault;
  }
  const fault = takeTarget(head, method, target, options);
  if (fault) return fault;
  if (head.minor === 0) {
    if (!options.acceptHttp10) return LOW_VERSION;
    if (!head.hasAuthority && options.defaultHost10 !== '') {
      head.authority = options.defaultHost10;
      head.hasAuthority = true;
    }
  }
  if (head.hasAuthority && !isHost(head.authority)) return INVALID_AUTHORITY;
  head.method = method;
  return undefined;
}

function settleFields(head: RequestHead, method: string, options: RequestOptions): HeadFault | undefined {
  const { headers, framing } = head;
  const connect = method === 'CONNECT';
  head.hasAuthority = facts.hosts > 0;
  head.authority = facts.host ?? '';
  if (facts.upgrade) takeUpgrade(headers, framing, options);
  if (connect && facts.length >= 0) {
    if (headers.get('content-length') !== '0') return BODY_DISALLOWED;
    dropLength(headers);
  }
  const encoding = settleEncoding(headers, framing, options);
  if (encoding) return encoding;
  if (connect && framing.chunked) return BAD_ENCODING;
  head.expectContinue = facts.expect !== undefined && facts.expect.toLowerCase() === '100-continue';
  if (facts.proxyConnection !== undefined && listHas(facts.proxyConnection, 'close')) framing.close = true;
  if (facts.connection !== undefined) {
    const fault = applyConnection(facts.connection, facts.connectionAt, head, framing.upgrade !== undefined || connect);
    if (fault) return fault;
  }
  return facts.hosts > 1 ? INVALID_AUTHORITY : undefined;
}

/** Framing from content-length and transfer-encoding. */
function settleEncoding(headers: HeaderMap, framing: Framing, options: HeadOptions): HeadFault | undefined {
  const chunked = isChunked(facts.encoding);
  if (facts.encoding !== undefined && facts.lengths > 0) {
    if (!chunked || !options.allowChunkedLength) return LENGTH_AND_CHUNKED;
    dropLength(headers);
  }
  if (facts.encoding !== undefined && !chunked) return BAD_ENCODING;
  framing.chunked = chunked;
  framing.contentLength = facts.length;
  return undefined;
}

function dropLength(headers: HeaderMap): void {
  headers.remove('content-length');
  facts.length = -1;
}

/** Takes an upgrade for what it is, or drops it: `h2c` is never upgraded to, others may be ignored by configuration. */
function takeUpgrade(headers: HeaderMap, framing: Framing, { ignoredUpgrades }: RequestOptions): void {
  const wanted = headers.get('upgrade') ?? '';
  const named = facts.connection !== undefined && listHas(facts.connection, 'upgrade');
  if (named && wanted.toLowerCase() !== 'h2c' && !ignoredUpgrades.some((test) => test(wanted))) {
    framing.upgrade = wanted;
    return;
  }
  headers.remove('upgrade');
  if (named) headers.remove('http2-settings');
}

function takeTarget(
  head: RequestHead,
  method: string,
  target: string,
  { allowAbsoluteUrl }: RequestOptions,
): HeadFault | undefined {
  const connect = method === 'CONNECT';
  const first = target.charCodeAt(0);
  if ((!connect && (first === 0x2f || !allowAbsoluteUrl)) || (first === 0x2a && method === 'OPTIONS')) {
    head.path = target;
    return undefined;
  }
  const absolute = connect ? parseConnect(target) : parseAbsolute(target);
  if (!absolute) return INVALID_URL;
  if (!connect && absolute.scheme !== 'http' && absolute.scheme !== 'https') return INVALID_SCHEME;
  head.scheme = absolute.scheme;
  head.authority = absolute.authority;
  head.hasAuthority = true;
  head.path = absolute.rest === '' && !connect ? '/' : absolute.rest;
  return undefined;
}

/** Judges a response whose fields were read, and completes its head. */
export function settleResponse(head: ResponseHead, options: HeadOptions): HeadFault | undefined {
  const { status, headers, framing } = head;
  const fault = settleEncoding(headers, framing, options);
  if (fault) return fault;
  if (status < 200 || status === 204) {
    if (framing.chunked) return ENCODING_NOT_ALLOWED;
    if (framing.contentLength >= 0) {
      if (headers.get('content-length') !== '0') return LENGTH_NOT_ALLOWED;
      dropLength(headers);
      framing.contentLength = -1;
    }
  }
  // It is about this connection; one that a route adds goes to the client, and so does that of a response that is not the last.
  if (status >= 200 || status === 101) headers.remove('keep-alive');
  const { connection, proxyConnection } = facts;
  if (connection !== undefined) {
    framing.close = listHas(connection, 'close');
    framing.keepAlive = listHas(connection, 'keep-alive');
    framing.connection = connection;
    framing.connectionAt = facts.connectionAt;
  }
  if (proxyConnection !== undefined && listHas(proxyConnection, 'close')) framing.close = true;
  return undefined;
}
