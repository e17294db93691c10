import { HeaderMap } from '../../http/headers.ts';
import type { LocalReply } from '../filter.ts';
import type { Reply } from './api.ts';
import { FilterHeaders } from './headers.ts';

/** Throws a TypeError for what cannot be an answer. */
export function checkReply(reply: Reply): Reply {
  if (typeof reply !== 'object' || reply === null) throw new TypeError('reply needs { status, body, headers }');
  const { status, body } = reply;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new TypeError(`${String(status)} cannot be the status of a reply`);
  }
  if (body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new TypeError('the body of a reply has to be text or bytes');
  }
  headersOf(reply);
  return reply;
}

/** The answer as the proxy gives it. */
export function localReplyOf(reply: Reply, details: string): LocalReply {
  const headers = headersOf(reply);
  const contentType = headers.get('content-type');
  return {
    status: reply.status,
    body: bytesOf(reply.body ?? '').toString('latin1'),
    details,
    headers: headers.list(),
    ...(contentType === undefined ? {} : { contentType }),
  };
}

function headersOf({ headers = {} }: Reply): HeaderMap {
  const map = new HeaderMap();
  const checked = new FilterHeaders(map);
  for (const [name, value] of Object.entries(headers)) checked.add(name, value);
  return map;
}

/** Text as UTF-8. */
export function bytesOf(body: string | Uint8Array): Buffer {
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
