import type { ResponseHandler } from '../cluster/response-handler.ts';
import type { RequestHead } from '../http/head.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { OutgoingBlock } from './stream.ts';

/** What stays with an HTTP/1.1 connection. */
const PER_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** The head of a request as HTTP/2 writes it; an upgrade becomes an extended CONNECT (RFC 8441), as Envoy has it. */
export function requestBlock(head: RequestHead, switching: ResponseHandler['switching']): OutgoingBlock {
  const { method, scheme, authority, path, headers } = head;
  const upgrade = switching === 'websocket' || switching === 'upgrade' ? headers.get('upgrade') : undefined;
  const pseudo: (readonly [string, string])[] = [
    [':authority', authority],
    [':path', path],
    [':method', upgrade === undefined ? method : 'CONNECT'],
    [':scheme', scheme || 'http'],
  ];
  if (upgrade !== undefined) pseudo.push([':protocol', upgrade]);
  const plainConnect = method === 'CONNECT' && upgrade === undefined;
  return {
    pseudo: plainConnect ? pseudo.filter(([name]) => name !== ':path' && name !== ':scheme') : pseudo,
    headers: withoutConnection(headers),
  };
}

function withoutConnection(headers: HeaderMap): HeaderMap {
  for (let at = 0; at < headers.size; at++) {
    const name = headers.nameAt(at);
    if (!PER_CONNECTION.has(name) && !(name === 'te' && headers.valueAt(at) !== 'trailers')) continue;
    // The request itself may be sent again, another way.
    const kept = headers.copy();
    kept.removeWhere((one) => PER_CONNECTION.has(one));
    if (kept.get('te') !== undefined && kept.get('te') !== 'trailers') kept.remove('te');
    return kept;
  }
  return headers;
}
