import { BAD_CONNECTION, type HeadFault } from './fault.ts';
import type { RequestHead } from './head.ts';

const MAX_NOMINATED = 10;
const MAX_TE = 256;

/** Whether a comma-separated list has the token, which is in lower case. */
export function listHas(list: string, token: string): boolean {
  if (list.length < token.length) return false;
  const lower = list.toLowerCase();
  if (lower === token) return true;
  return lower.includes(token) && lower.split(',').some((item) => item.trim() === token);
}

/**
 * Acts on `connection` of a request: notes what it says of the connection and removes the fields it nominates. A request that switches
 * protocols keeps those, and with an upgrade it keeps `connection`, too.
 */
export function applyConnection(
  connection: string,
  at: number,
  head: RequestHead,
  switches: boolean,
): HeadFault | undefined {
  const { headers, framing } = head;
  if (connection === 'keep-alive') {
    framing.keepAlive = true;
    return undefined;
  }
  const tokens = connection
    .toLowerCase()
    .split(',')
    .filter((token) => token !== '');
  if (framing.upgrade !== undefined) headers.insert(at, 'connection', connection);
  else if (!switches && tokens.length >= MAX_NOMINATED) return BAD_CONNECTION;
  for (const item of tokens) {
    const token = item.trim();
    // HTTP/1.0 closes unless it is asked to keep the connection.
    if (token === 'close') framing.close = head.minor === 1;
    else if (token === 'keep-alive') framing.keepAlive = true;
    else if (!switches && !PER_HOP.has(token)) {
      const fault = dropNominated(token, head);
      if (fault) return fault;
    }
  }
  return undefined;
}

/** Tokens that nominate no field, or one that goes anyway. */
const PER_HOP: ReadonlySet<string> = new Set(['upgrade', 'http2-settings', 'connection', 'transfer-encoding', '']);
/** Fields whose removal would hide where a request comes from. */
const PROTECTED: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']);

function dropNominated(token: string, head: RequestHead): HeadFault | undefined {
  const { headers } = head;
  if (PROTECTED.has(token) || token.startsWith(':')) return BAD_CONNECTION;
  if (token === 'te') {
    const value = headers.get('te');
    if (value !== undefined && value.length >= MAX_TE) return BAD_CONNECTION;
    if (value !== undefined && listHas(value, 'trailers')) headers.set('te', 'trailers');
    else headers.remove('te');
    return undefined;
  }
  if (token === 'host') {
    head.authority = '';
    head.hasAuthority = false;
  } else if (token === 'expect') head.expectContinue = false;
  headers.remove(token);
  return undefined;
}
