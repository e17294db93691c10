import { isHost } from '../http/authority.ts';
import { isTarget, isToken } from '../http/bytes.ts';
import type { RequestHead, ResponseHead } from '../http/head.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { HeaderName } from '../http/names.ts';
import { beginMessage, joinsEarlier } from '../http/names.ts';
import type { UnderscoreAction } from '../http/options.ts';
import type { FieldBlock } from './block.ts';
import type { Http2Options } from './options.ts';
import type { Http2Stats } from './stats.ts';

/** `field`: one that may not be there, or not so. `messaging`: one is missing. `underscore`: a name has one, and the options refuse that. */
export type BlockFault = 'field' | 'messaging' | 'underscore';

/** Pseudo headers of the block that is read; one is read at a time. */
const pseudo = {
  method: undefined as string | undefined,
  scheme: undefined as string | undefined,
  authority: undefined as string | undefined,
  path: undefined as string | undefined,
  protocol: undefined as string | undefined,
};

/** Fields that belong to a connection, which HTTP/2 has no place for (RFC 9113, 8.2.2). */
const PER_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Takes a request's fields into `head`; what is wrong with them by RFC 9113, 8.2 and 8.3. */
export function readRequestBlock(
  block: FieldBlock,
  head: RequestHead,
  options: Http2Options,
  stats: Http2Stats,
): BlockFault | undefined {
  const first = takePseudo(block);
  if (first < 0) return 'field';
  const fault = takeFields(block, first, head.headers, options.underscores, stats, JOINS_IN_REQUEST);
  if (fault) return fault;
  head.size = block.size;
  head.fieldBytes = block.size;
  return settle(head, options);
}

/** Takes trailers into `headers`. */
export function readTrailerBlock(block: FieldBlock, headers: HeaderMap): BlockFault | undefined {
  return takeFields(block, 0, headers, 'ALLOW', undefined, 0);
}

/** Takes a response's fields into `head`; false where they are not what RFC 9113, 8.2 and 8.3.2 allow. */
export function readResponseBlock(block: FieldBlock, head: ResponseHead): boolean {
  const status = block.names[0]?.text === ':status' && block.count > 0 ? (block.values[0] ?? '') : '';
  if (!/^[1-9]\d\d$/.test(status)) return false;
  if (takeFields(block, 1, head.headers, 'ALLOW', undefined, JOINS_IN_RESPONSE)) return false;
  const length = head.headers.get('content-length');
  if (isRepeated(head.headers, 'content-length')) return false;
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return false;
  head.status = Number(status);
  head.framing.contentLength = length === undefined ? -1 : Number(length);
  head.size = block.size;
  head.fieldBytes = block.size;
  return true;
}

/** Takes the pseudo headers of a request; where the other fields begin. -1: one is unknown, twice there or not allowed. */
function takePseudo(block: FieldBlock): number {
  pseudo.method = undefined;
  pseudo.scheme = undefined;
  pseudo.authority = undefined;
  pseudo.path = undefined;
  pseudo.protocol = undefined;
  let at = 0;
  for (; at < block.count; at++) {
    const name = block.names[at]?.text ?? '';
    if (!name.startsWith(':')) break;
    const key = PSEUDO.get(name);
    if (key === undefined || pseudo[key] !== undefined || !block.valid[at]) return -1;
    pseudo[key] = block.values[at];
  }
  return at;
}

const PSEUDO: ReadonlyMap<string, keyof typeof pseudo> = new Map([
  [':method', 'method'],
  [':scheme', 'scheme'],
  [':authority', 'authority'],
  [':path', 'path'],
  [':protocol', 'protocol'],
]);

function takeFields(
  block: FieldBlock,
  from: number,
  headers: HeaderMap,
  underscores: UnderscoreAction,
  stats: Http2Stats | undefined,
  joins: number,
): BlockFault | undefined {
  beginMessage();
  let cookies: string | undefined;
  for (let at = from; at < block.count; at++) {
    const { header } = block.names[at] as FieldBlock['names'][number];
    const value = block.values[at] as string;
    if (!header || !block.valid[at] || PER_CONNECTION.has(header.name)) return 'field';
    if (header.name === 'te' && value !== 'trailers') return 'field';
    if (header.underscore && stats && underscores !== 'ALLOW') {
      if (underscores === 'REJECT_REQUEST') {
        stats.rejected++;
        return 'underscore';
      }
      stats.dropped++;
      continue;
    }
    if (header.name === 'cookie') cookies = cookies === undefined ? value : `${cookies}; ${value}`;
    else take(headers, header, value, joins);
  }
  // Pieces of it become one, as in Envoy at the end.
  if (cookies !== undefined) headers.add('cookie', cookies);
  return undefined;
}

const JOINS_IN_REQUEST = 1;
const JOINS_IN_RESPONSE = 2;

function take(headers: HeaderMap, header: HeaderName, value: string, joins: number): void {
  const again = joinsEarlier(header);
  if (again && (header.joins & joins) !== 0) headers.append(header.name, value);
  else headers.add(header.name, value);
}

function settle(head: RequestHead, options: Http2Options): BlockFault | undefined {
  const { method = '', scheme, authority, path, protocol } = pseudo;
  const { headers, framing } = head;
  const host = headers.get('host');
  const length = headers.get('content-length');
  if (pseudo.method === undefined) return 'messaging';
  if (!isToken(method) || (authority !== undefined && authority !== '' && !isHost(authority))) return 'field';
  if (isRepeated(headers, 'host') || isRepeated(headers, 'content-length')) return 'field';
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return 'field';
  framing.contentLength = length === undefined ? -1 : Number(length);
  if (path !== undefined && (path === '' || !isTarget(path))) return 'field';
  if (protocol !== undefined && (method !== 'CONNECT' || !options.allowConnect)) return 'field';
  if (authority === undefined && host === undefined) return 'messaging';
  if (path !== undefined && !isPath(path, method)) return 'messaging';
  const connect = method === 'CONNECT' && protocol === undefined;
  if (connect && (authority === undefined || path !== undefined || scheme !== undefined)) return 'messaging';
  if (!connect && (path === undefined || scheme === undefined)) return 'messaging';
  head.method = method;
  head.scheme = scheme ?? '';
  head.path = path ?? '';
  head.authority = authority ?? host ?? '';
  head.hasAuthority = authority !== undefined || host !== undefined;
  headers.remove('host');
  head.expectContinue = headers.get('expect')?.toLowerCase() === '100-continue';
  if (protocol !== undefined) becomeUpgrade(head, protocol);
  return undefined;
}

function isRepeated(headers: HeaderMap, name: string): boolean {
  const first = headers.find(name);
  return first >= 0 && headers.find(name, first + 1) >= 0;
}

function isPath(path: string, method: string): boolean {
  return path === '*' ? method === 'OPTIONS' : path.startsWith('/');
}

/** Extended CONNECT (RFC 8441) is from here on the upgrade that it would be over HTTP/1.1. */
function becomeUpgrade(head: RequestHead, protocol: string): void {
  head.method = 'GET';
  head.framing.upgrade = protocol;
  head.headers.add('upgrade', protocol);
  head.headers.add('connection', 'upgrade');
}
