import { textIn } from '../transport/text.ts';
import { CONTROL, isToken, TARGET } from './bytes.ts';
import { CODEC_ERROR, type HeadFault, INVALID_CHARACTERS, TOO_LARGE } from './fault.ts';

const METHODS: ReadonlySet<string> = new Set(
  (
    'ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE MSEARCH NOTIFY OPTIONS PATCH POST ' +
    'PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE'
  ).split(' '),
);
/** Bytes with which one of the methods begins: Envoy refuses any other as soon as it comes. */
const FIRST_BYTES = new Uint8Array(256);
for (const method of METHODS) FIRST_BYTES[method.charCodeAt(0)] = 1;

export function isMethod(method: string, allowCustom: boolean): boolean {
  return METHODS.has(method) || (allowCustom && isToken(method));
}

export interface RequestLine {
  method: string;
  target: string;
  /** 1 for HTTP/1.1, 0 for any other version: all that matters of it. */
  minor: number;
  /** HTTP/0.9: nothing but the line. */
  bare: boolean;
}

/**
 * Reads a request line as Envoy does, white space of any length between and after its parts: the way of lines that the fast path of
 * the parser does not take. Position after the line, undefined when its end has not come, or the fault.
 */
export function parseRequestLine(
  bytes: Buffer,
  from: number,
  limit: number,
  maxBytes: number,
  allowCustom: boolean,
  line: RequestLine,
): number | undefined | HeadFault {
  if (from < limit && !allowCustom && FIRST_BYTES[bytes[from] as number] === 0) return CODEC_ERROR;
  const length = bytes.subarray(from, Math.min(limit, from + maxBytes)).indexOf(10);
  if (length < 0) return limit - from >= maxBytes ? TOO_LARGE : undefined;
  const stop = from + length;
  if (length === 0 || bytes[stop - 1] !== 13) return CODEC_ERROR;
  const text = textIn(bytes, from, stop - 1);
  const fault = takeParts(text, allowCustom, line);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (CONTROL[code] === 1) return INVALID_CHARACTERS;
    if (code === 13) return CODEC_ERROR;
  }
  return fault ?? stop + 1;
}

function takeParts(text: string, allowCustom: boolean, line: RequestLine): HeadFault | undefined {
  const methodEnd = islandEnd(text, 0);
  const targetStart = gapEnd(text, methodEnd);
  const targetEnd = islandEnd(text, targetStart);
  let end = text.length;
  while (end > targetEnd && text.charCodeAt(end - 1) <= 0x20) end--;
  const version = text.slice(gapEnd(text, targetEnd), end);
  line.method = text.slice(0, methodEnd);
  line.target = text.slice(targetStart, targetEnd);
  line.minor = text.slice(0, end).endsWith('HTTP/1.1') ? 1 : 0;
  line.bare = version === '';
  if (!isMethod(line.method, allowCustom)) return CODEC_ERROR;
  if (!isTarget(line.target, line.method === 'CONNECT')) return CODEC_ERROR;
  return isVersion(version) ? undefined : CODEC_ERROR;
}

function islandEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) > 0x20) at++;
  return at;
}

function gapEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return at;
}

function isVersion(version: string): boolean {
  return version === '' || /^HTTP\/\d\.\d$/.test(version);
}

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
const LOOSE_HOST = /^[A-Za-z0-9!$%&'()*+,\-.:;=@[\]_~]*$/;

/** The shape of a target as Envoy's parser checks it before anything is made of it. */
function isTarget(target: string, connect: boolean): boolean {
  for (let at = 0; at < target.length; at++) if (TARGET[target.charCodeAt(at)] !== 1) return false;
  if (target.startsWith('/') || target.startsWith('*')) return true;
  const scheme = connect ? '' : SCHEME.exec(target)?.[0];
  if (scheme === undefined || target === '') return false;
  const rest = target.slice(scheme.length);
  const slash = rest.search(/[/?]/);
  const host = slash < 0 ? rest : rest.slice(0, slash);
  return LOOSE_HOST.test(host) && !host.includes('@@');
}
