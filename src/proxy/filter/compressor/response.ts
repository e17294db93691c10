import type { ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { dropLength } from '../compression/framing.ts';
import { hasToken, namesExactly } from '../compression/tokens.ts';
import { choose } from './choice.ts';
import type { CompressorConfig, ResponseDirection } from './config.ts';
import type { Together } from './together.ts';
import { hasType, isLongEnough } from './worth.ts';

interface Asked {
  readonly config: CompressorConfig;
  /** `accept-encoding` of the request as it came to the filter. */
  readonly accept: string | undefined;
  readonly all: Together;
}

/** Whether a response is compressed; if so its head says it from now on. */
export function judgeResponse(head: ResponseHead, done: boolean, asked: Asked): boolean {
  const { response, library } = asked.config;
  if (!response.enabled()) return false;
  return response.tellsStatus ? judgeAndTell(head, done, asked) : judge(head, done, asked, library.encoding);
}

function judge(head: ResponseHead, done: boolean, asked: Asked, encoding: string): boolean {
  const { headers } = head;
  const { response } = asked.config;
  if (!isLongEnough(headers, response)) return false;
  const kept = head.status === 101 || forbidsChange(headers);
  const compressible = !kept && whyNot(head, response) === undefined && !headers.has('content-encoding');
  const compresses = !done && isChosen(headers, asked) && compressible;
  if (compresses) beginEncoding(head, response, encoding);
  // What another client may get otherwise varies, whatever this one gets.
  if (compressible) vary(headers);
  return compresses;
}

const STATUS_HEADER = 'x-envoy-compression-status';

/** The same in the order in which Envoy looks where it tells what it found. */
function judgeAndTell(head: ResponseHead, done: boolean, asked: Asked): boolean {
  const { headers } = head;
  const { response, library } = asked.config;
  if (head.status === 101 || forbidsChange(headers) || headers.has('content-encoding')) return false;
  const longEnough = isLongEnough(headers, response);
  const reason = longEnough ? whyNot(head, response) : 'ContentLengthTooSmall';
  if (reason === undefined) vary(headers);
  if (done) return false;
  // It looks again to find the reason.
  if (!longEnough) response.stats.tooSmall++;
  if (reason !== undefined) {
    headers.add(STATUS_HEADER, `${library.encoding};${reason}`);
    return false;
  }
  if (!isChosen(headers, asked)) return false;
  const length = headers.get('content-length') ?? '';
  beginEncoding(head, response, library.encoding);
  headers.add(STATUS_HEADER, `${library.encoding};Compressed;OriginalLength=${length}`);
  return true;
}

function beginEncoding({ headers, framing }: ResponseHead, { weakensEtag }: ResponseDirection, encoding: string): void {
  settleEtag(headers, weakensEtag);
  dropLength(headers, framing);
  headers.set('content-encoding', encoding);
}

function forbidsChange(headers: HeaderMap): boolean {
  return hasToken(headers.joined('cache-control'), 'no-transform');
}

/** Why a response stays as it is whatever the client wants. */
function whyNot({ status, headers }: ResponseHead, response: ResponseDirection): string | undefined {
  if (!hasType(headers, response)) return 'ContentTypeNotAllowed';
  if (response.skipsEtag && !response.weakensEtag && headers.has('etag')) {
    response.choiceStats.etag++;
    return 'EtagNotAllowed';
  }
  return response.skippedStatuses.has(status) ? 'StatusCodeNotAllowed' : undefined;
}

/** Whether the client wants what this filter makes, of all that the chain can. */
function isChosen(headers: HeaderMap, { config, accept, all }: Asked): boolean {
  const stats = config.response.choiceStats;
  if (accept === undefined) {
    stats.noAcceptHeader++;
    return false;
  }
  all.choice ??= choose(accept, headers.get('content-type'), all.candidates);
  const { encoding, because } = all.choice;
  const chosen = encoding.toLowerCase() === config.library.encoding;
  if (because === 'compressor') stats[chosen ? 'used' : 'overshadowed']++;
  else stats[because === 'nothing' ? 'notValid' : because]++;
  return chosen;
}

/** A strong tag stands for the bytes that came. */
function settleEtag(headers: HeaderMap, weaken: boolean): void {
  const tag = headers.get('etag');
  if (tag === undefined || /^w\//i.test(tag)) return;
  if (weaken) headers.set('etag', `W/${tag}`);
  else headers.remove('etag');
}

const ACCEPT_ENCODING = 'Accept-Encoding';

function vary(headers: HeaderMap): void {
  const known = headers.get('vary');
  if (known === undefined) headers.add('vary', ACCEPT_ENCODING);
  else if (!namesExactly(known, ACCEPT_ENCODING)) headers.set('vary', `${known}, ${ACCEPT_ENCODING}`);
}
